"""What blur is in these pictures? The jobs that look and change nothing: `kernel` and `diagnose`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from blurspace.blur.kernels import show
from blurspace.errors import PictureError
from blurspace.io.images import write_bytes, write_kernel
from blurspace.io.jpeg import quantisation_sigma
from blurspace.jobs.deblur import as_known_error, describe_kernel, number, picture_bytes, sentence
from blurspace.jobs.files import Source, check_target, load
from blurspace.restore.by_field import photo_field
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.diagnose import diagnose
from blurspace.restore.field import field_explains_better, show_field, varies

Record = dict[str, object]


def inspect_kernel(
    source: Source,
    *,
    deblurrer: Deblurrer,
    field: bool = False,
    response: str | None = None,
    save: Path | None = None,
    plot: Path | None = None,
    overwrite: bool = False,
) -> Record:
    """The kernel that `deblurrer` finds in one photo, as a record; `save` (float TIFF) and `plot` (PNG) write it.

    With `field` the record also says how much the kernel changes across the photo, and `plot` shows the kernels of all
    places; `save` still gets the one kernel. `response`: the camera's, as `deblurrer` knows it. Raises OutputError
    before the work where a file could not be written, PictureError where there is no kernel.
    """
    for path in (save, plot):
        if path:
            check_target(path, [source], overwrite=overwrite)
    try:
        photo = load(source)
        restoration = deblurrer(photo.pixels, least_sigma=quantisation_sigma(photo))
        kernel = restoration.kernel
        if kernel is None:
            raise PictureError(f"{source.name} gave no kernel: {restoration.receipt.reason}")
        kernels = photo_field(photo.pixels, kernel, response or "linear") if field else None
    except Exception as error:
        raise as_known_error(error) from error
    if save:
        write_kernel(save, kernel, overwrite=overwrite)
    if plot:
        picture = show(kernel.cpu(), sqrt=True) if kernels is None else show_field(kernels)
        write_bytes(plot, picture_bytes(picture), overwrite=overwrite)
    receipt = restoration.receipt
    record: Record = {
        "input": source.name,
        "saved": str(save) if save else None,
        "plotted": str(plot) if plot else None,
        **describe_kernel(kernel, confidence=number(restoration.confidence, 3)),
        "verdict": receipt.verdict,
        "reason": receipt.reason,
        "sigma": number(receipt.sigma),
    }
    if kernels is not None:
        changes = {"variation_px": number(varies(kernels), 2), "varies": field_explains_better(kernel, kernels)}
        record.update(changes)
    return record


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
    found = diagnose(Observed(load(source).samples))
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
