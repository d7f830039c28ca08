"""What blur is in these pictures? The jobs that look and change nothing: `kernel` and `diagnose`."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from blurspace.errors import PictureError
from blurspace.io.images import write_bytes
from blurspace.io.jpeg import quantisation_sigma
from blurspace.jobs.each import Failure, as_known_error, each
from blurspace.jobs.files import Source, check_target, load
from blurspace.jobs.records import describe_kernel, number, picture_bytes
from blurspace.restore.blurs import FieldBlur
from blurspace.restore.diagnose import diagnose
from blurspace.restore.field import field_explains_better, varies
from blurspace.restore.finders import FieldFinder, KernelFinder
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.sharpness import SHARP, sharp_reason

Record = dict[str, object]


def inspect_kernel(
    source: Source,
    *,
    finder: KernelFinder,
    field: bool = False,
    response: str | None = None,
    save: Path | None = None,
    plot: Path | None = None,
    overwrite: bool = False,
    run: Run | None = None,
) -> Record:
    """The kernel that `finder` finds in one photo, as a record; `save` (float TIFF) and `plot` (PNG) write it.

    With `field` the record also says how much the kernel changes across the photo, and `plot` shows the kernels of all
    places; `save` still gets the one kernel. `response`: the camera's, see `Observed`. Raises OutputError before the
    work where a file could not be written, PictureError where the photo is sharp.
    """
    for path in (save, plot):
        if path:
            check_target(path, [source], overwrite=overwrite)
    run = run or Run()
    try:
        photo = load(source)
        seen = Observed(photo.samples, response=response, least_sigma=quantisation_sigma(photo))
        if seen.sharpness >= SHARP:
            raise PictureError(f"{source.name} gave no kernel: {sharp_reason(seen.sharpness)}")
        single = seen.find(finder, run)
        assert single.blur is not None
        blur, changes = single.blur, {}
        if field:
            blur = FieldBlur(FieldFinder(finder).kernels(seen, single, run))
            turned = field_explains_better(single.blur.kernel, blur.field)
            changes = {"variation_px": number(varies(blur.field), 2), "varies": turned}
    except Exception as error:
        raise as_known_error(error) from error
    if save:
        single.blur.save(save, overwrite=overwrite)
    if plot:
        write_bytes(plot, picture_bytes(blur.show()), overwrite=overwrite)
    return {
        "input": source.name,
        "saved": str(save) if save else None,
        "plotted": str(plot) if plot else None,
        **describe_kernel(single.blur.kernel, confidence=number(single.confidence, 3)),
        "sigma": number(seen.sigma),
        "light": seen.lit.name,
        "light_confidence": number(seen.lit.confidence, 3),
        **changes,
    }


def diagnose_files(sources: Sequence[Source], *, run: Run | None = None) -> Iterator[tuple[Record, Failure | None]]:
    """For each source a record of its blur, and why it failed if it did (kind `failed`)."""

    def work(source: Source) -> tuple[Record, Failure | None]:
        photo = load(source)
        found = diagnose(Observed(photo.samples, least_sigma=quantisation_sigma(photo)), run)
        return {
            "input": source.name,
            "blurry": found.blurry,
            "kind": found.kind,
            "length_px": number(found.length_px, 2),
            "angle_deg": number(found.angle_deg, 1),
            "variation": number(found.variation, 3),
            "confidence": number(found.confidence, 3),
            "sigma": number(found.sigma),
            "light": None if found.light is None else found.light.name,
            "light_confidence": None if found.light is None else number(found.light.confidence, 3),
            "reason": found.reason,
        }, None

    return each(sources, work, lambda one, why: ({"input": one.name, "kind": "failed", "reason": why.reason}, why))
