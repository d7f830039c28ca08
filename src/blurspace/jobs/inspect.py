"""What blur is in these pictures? The jobs that look and change nothing: `kernel` and `diagnose`."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from blurspace.errors import PictureError, UsageError
from blurspace.io.files import shown
from blurspace.io.images import write_bytes
from blurspace.io.video import is_video
from blurspace.jobs.each import Failure, Stream, as_known_error, describe_kernel, number, picture_bytes
from blurspace.jobs.files import PARTS, STANDARD, Source, Writing, beside, check_target, check_twin, load, twins
from blurspace.jobs.inspect_video import drawing_of, inspect_video, stills_of
from blurspace.jobs.worked import Engine, Portable, worked
from blurspace.pixels import luminance
from blurspace.restore.blurs import FieldBlur
from blurspace.restore.diagnose import diagnose
from blurspace.restore.field import field_explains_better, varies
from blurspace.restore.finders import FieldFinder, KernelFinder
from blurspace.restore.observed import Observed
from blurspace.restore.origin import facts_of
from blurspace.restore.verdict import nothing_to_do
from blurspace.run import Run
from blurspace.types import Image

Record = dict[str, object]
Task = tuple[Source, Path | None]  # a file, and what is written for an earlier one too
Diagnosed = tuple[Record, Failure | None]  # what is told of it, and why it failed
# Of a diagnosis, in this order; those that are not known are None.
FIELDS = (
    *("input", "blurry", "kind", "length_px", "angle_deg", "variation", "confidence", "sigma", "light"),
    *("light_confidence", "reason", "code", "part", "plotted"),
)
MAP_SHARE = 0.4  # of its colours, over the photo


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
        seen = Observed(photo.samples, alpha=photo.alpha, response=response, **facts_of(photo))
        if told := nothing_to_do(seen):
            raise PictureError(f"{source.name} gave no kernel: {told.reason}")
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


def diagnose_files(
    sources: Sequence[Source],
    *,
    plot: bool = False,
    keep: int = 0,
    overwrite: bool = False,
    run: Run | None = None,
    jobs: int = 1,
    engine: Engine | None = None,
) -> Stream[Diagnosed]:
    """For each source a record of its blur, and why it failed if it did (kind `failed`).

    `plot` writes `name.parts.png` beside each: which parts are sharp, which blurred. Videos, and `keep`: see
    `inspect_video`. `jobs`, `engine`: who does the work, see `worked`. Raises UsageError before any work where
    a source has no beside, or stills are wanted of no video.
    """
    if keep and not any(is_video(source.name) for source in sources):
        raise UsageError(f"--keep-sharpest is for videos, and {shown(sources[0].name)} is none: give a video")
    if plot and any(source.name == STANDARD for source in sources):
        raise UsageError("--plot writes beside the photo, and standard input has no beside: give a file")
    work = Work(tuple(sources), plot=plot, keep=keep, writing=Writing(overwrite), run=run or Run())
    tasks = list(zip(sources, twins(map(work.written, sources)), strict=True))
    return worked(tasks, work, failed, sources=sources, jobs=jobs, engine=engine)


@dataclass(frozen=True)
class Work(Portable[Task, Diagnosed]):
    """What is done to one file after another, in this process or in others; `sources`: all of them."""

    sources: tuple[Source, ...]
    plot: bool
    keep: int
    writing: Writing
    run: Run

    def __call__(self, task: Task) -> Diagnosed:
        """Look at one file. Raises what is wrong with it."""
        source, twin = task
        check_twin(twin)
        if not is_video(source.name):
            return self.photo(source), None
        how: dict[str, Any] = {"plot": self.plot, "keep": self.keep, "writing": self.writing, "run": self.run}
        return dict.fromkeys(FIELDS) | inspect_video(source, self.sources, **how), None

    def photo(self, source: Source) -> Record:
        """The record of one photo."""
        target = map_of(Path(source.name)) if self.plot else None
        if target:
            self.writing.check(target, self.sources)
        photo = load(source)
        seen = Observed(photo.samples, alpha=photo.alpha, **facts_of(photo))
        found = diagnose(seen, self.run)
        if target:
            self.writing.write(target, picture_bytes(mapped(seen)))
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
            "code": found.code,
            "part": found.part,
            "plotted": str(target) if target else None,
        }

    def written(self, source: Source) -> list[Path]:
        """What is written for a file, beside it."""
        path = Path(source.name)
        if not is_video(path):
            return [map_of(path)] if self.plot else []
        return [*([drawing_of(path)] if self.plot else []), *([stills_of(path)] if self.keep else [])]

    def apart(self) -> "Work":
        """The work as it can be sent."""
        return replace(self, run=self.run.apart())

    def share(self, jobs: int) -> "Work":
        """The work as one of so many processes does it."""
        return replace(self, run=self.run.share(jobs))

    def again(self, task: Task) -> Diagnosed:
        """As a call, after a worker died with it."""
        return replace(self, writing=replace(self.writing, again=True))(task)


def failed(task: Task, why: Failure) -> Diagnosed:
    """What is told of a file that failed."""
    return failed_record(task[0].name, why.reason), why


def map_of(path: Path) -> Path:
    """Where the map of a photo is drawn."""
    return beside(path, PARTS, ".png")


def failed_record(name: str, reason: str) -> Record:
    """The record of a photo that could not be looked at."""
    return dict.fromkeys(FIELDS) | {"input": name, "kind": "failed", "code": "failed", "reason": reason}


def mapped(seen: Observed) -> Image:
    """A photo in grey under the colours of its map (1 3 h w), where it was looked at."""
    area = seen.looked_at
    grey = luminance(seen.display(area))
    return grey.lerp(seen.parts.show(area.size), MAP_SHARE)
