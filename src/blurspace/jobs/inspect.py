"""What blur is in these pictures? The jobs that look and change nothing: `kernel` and `diagnose`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from blurspace.blur.kernels import show
from blurspace.deblur.diagnose import diagnose
from blurspace.errors import PictureError
from blurspace.io.images import write_bytes, write_kernel
from blurspace.io.jpeg import quantisation_sigma
from blurspace.jobs.deblur import as_known_error, describe_kernel, number, picture_bytes, sentence
from blurspace.jobs.files import Source, check_target, load
from blurspace.types import Deblurrer

Record = dict[str, object]


def inspect_kernel(
    source: Source,
    *,
    deblurrer: Deblurrer,
    save: Path | None = None,
    plot: Path | None = None,
    overwrite: bool = False,
) -> Record:
    """The kernel that `deblurrer` finds in one photo, as a record; `save` (float TIFF) and `plot` (PNG) write it.

    Raises OutputError before the work where a file could not be written, PictureError where there is no kernel.
    """
    for path in (save, plot):
        if path:
            check_target(path, [source], overwrite=overwrite)
    try:
        photo = load(source)
        restoration = deblurrer(photo.pixels, least_sigma=quantisation_sigma(photo))
    except Exception as error:
        raise as_known_error(error) from error
    kernel = restoration.kernel
    if kernel is None:
        raise PictureError(f"{source.name} gave no kernel: {restoration.receipt.reason}")
    if save:
        write_kernel(save, kernel, overwrite=overwrite)
    if plot:
        write_bytes(plot, picture_bytes(show(kernel.cpu(), sqrt=True)), overwrite=overwrite)
    receipt = restoration.receipt
    return {
        "input": source.name,
        "saved": str(save) if save else None,
        "plotted": str(plot) if plot else None,
        **describe_kernel(kernel),
        "verdict": receipt.verdict,
        "reason": receipt.reason,
        "sigma": number(receipt.sigma),
    }


def diagnose_files(sources: Sequence[Source]) -> Iterator[tuple[Record, Exception | None]]:
    """For each source a record of its blur, and the error where it failed (kind `failed`)."""
    for source in sources:
        error = None
        try:
            record = _diagnose_one(source)
        except Exception as problem:  # one bad file must not stop the batch
            error = as_known_error(problem)
            record = {"input": source.name, "kind": "failed", "reason": sentence(error)}
        yield record, error


def _diagnose_one(source: Source) -> Record:
    found = diagnose(load(source).pixels)
    return {
        "input": source.name,
        "blurry": found.blurry,
        "kind": found.kind,
        "length_px": number(found.length_px, 2),
        "angle_deg": number(found.angle_deg, 1),
        "variation": number(found.variation, 3),
        "confidence": number(found.confidence, 3),
        "sigma": number(found.sigma),
        "reason": found.reason,
    }
