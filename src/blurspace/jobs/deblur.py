"""How are many photos deblurred, one after another, with one honest record for each?

A bad file never stops the others, and "left alone" is the input byte for byte.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from torch.nn import functional

from blurspace.areas import middle
from blurspace.blur.kernels import show
from blurspace.errors import OutputError, UsageError
from blurspace.io.files import shown
from blurspace.io.images import MAX_PIXELS, write_bytes
from blurspace.io.video import is_video
from blurspace.jobs.deblur_video import VideoOutcome, VideoWishes, deblur_video
from blurspace.jobs.develop import develop
from blurspace.jobs.each import FileRecord, each, peak_mib, picture_bytes, runtime
from blurspace.jobs.files import STANDARD, Source, beside, check_format, check_target, load, plan_targets
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Restoration
from blurspace.restore.observed import as_float
from blurspace.run import Run
from blurspace.types import Photo

Report = Callable[[str], None]
SHOWN = 2048  # px: the sides of a picture of before and after


@dataclass(frozen=True)
class Outcome(FileRecord):
    """What became of one file: the contract's JSON record, version 1, and what the doors need besides.

    Numbers that are infinite or unknown are None: `change_psnr` of an untouched picture, `peak_mib` on Windows.
    """

    reason: str = ""
    verdict: str = "failed"  # restored, left alone, refused, failed
    code: str = "failed"  # a stable word for the reason: see docs/usage.md
    confidence: float | None = None
    probability_better: float | None = None
    expected_gain_db: float | None = None
    method: str | None = None
    kernel: dict[str, float | int | None] | None = None
    region: dict[str, object] | None = None  # where it was to be restored
    light: str | None = None  # in which it was blurred
    light_confidence: float | None = None
    reblur_psnr: float | None = None
    change_psnr: float | None = None
    sigma: float | None = None
    peak_mib: float | None = field(default_factory=peak_mib)
    device: str = "cpu"
    runtime: str = field(default_factory=runtime)
    notes: tuple[str, ...] = ()

    def record(self) -> dict[str, object]:
        """The JSON object of this file, with what became of it before the reason."""
        return dict[str, object].fromkeys(("input", "output", "verdict")) | super().record()


@dataclass(frozen=True)
class Wishes:
    """How files are to be read and written.

    `overwrite` existing outputs (never an input, of which `inputs` are those besides the photos: kernel, weights).
    `plot` adds pictures of the kernel and of before and after. With `strict` a refused file counts as an error.
    `memory`: bytes that this process may hold. `max_pixels`: of a photo or a frame. `every`: all frames of a video are
    tried, not only those that are blurry; `alone`: they borrow nothing from sharp ones.
    """

    overwrite: bool = False
    plot: bool = False
    strict: bool = False
    inputs: tuple[Path, ...] = ()
    memory: int | None = None
    max_pixels: int = MAX_PIXELS
    every: bool = False
    alone: bool = False

    def of_videos(self) -> VideoWishes:
        """Those of them that are about videos."""
        return VideoWishes(self.every, self.alone, self.overwrite, self.strict, self.memory, self.max_pixels)


def deblur_files(
    sources: Sequence[Source],
    *,
    deblurrer: Deblurrer,
    output: str | None = None,
    wishes: Wishes | None = None,
    run: Run | None = None,
    report: Report = lambda _: None,
) -> Iterator[Outcome | VideoOutcome]:
    """Deblur each source, photos and videos (see `deblur_video`), and yield its outcome as soon as it is written.

    `output`: a file, a folder, `-` for standard output (the outcome's `data`), or None for `name.deblurred.ext` beside
    each input. `report` gets a sentence on whatever a file cannot keep. A refused file is an error where `wishes`
    say so, and on standard output, which stays empty. Raises UsageError before any work.
    """
    asked, how, taken = wishes or Wishes(), run or deblurrer.run(), set[Path]()
    targets = plan_targets(sources, output)
    if asked.plot and None in targets:
        raise UsageError("--plot writes beside the output, and standard output has no beside: give -o FILE")
    if (videos := [source.name for source in sources if is_video(source.name)]) and (asked.plot or None in targets):
        raise UsageError(f"{videos[0]} is a video: leave --plot out (see diagnose --plot), and give -o FILE")
    if (asked.every or asked.alone) and not videos:
        raise UsageError("--all and --no-borrow are for the frames of a video, and none was given: leave them out")
    marks = (".kernel", ".side-by-side") if asked.plot else ()

    def work(one: tuple[Source, Path | None]) -> Outcome | VideoOutcome:
        start, (source, target) = time.perf_counter(), one
        if target:
            if target in taken:
                raise OutputError(f"{shown(target)} was already written for another input: use two folders")
            for path in (target, *(beside(target, mark, ".png") for mark in marks)):
                check_target(path, sources, overwrite=asked.overwrite, inputs=asked.inputs)
            taken.add(target)
        if target and is_video(source.name):
            return deblur_video(source, target, deblurrer=deblurrer, wishes=asked.of_videos(), run=how, report=report)
        photo = check_format(target, load(source, max_pixels=asked.max_pixels), source)
        developed = develop(photo, deblurrer, how, memory=asked.memory)
        if developed.loss:
            report(f"{source.name}: {developed.loss}")
        if target and developed.data is not None:
            write_bytes(target, developed.data, overwrite=asked.overwrite)
            if asked.plot:
                write_plots(target, photo, developed.restoration, overwrite=asked.overwrite)
        counts = asked.strict or target is None
        return Outcome(
            source.name,
            None if developed.data is None else str(target or STANDARD),
            data=None if target else developed.data,
            exit_code=6 if counts and developed.restoration.receipt.verdict == "refused" else 0,
            seconds=round(time.perf_counter() - start, 3),
            **developed.record,  # type: ignore[arg-type]
        )

    return each(list(zip(sources, targets, strict=True)), work, lambda one, why: Outcome(one[0].name, **vars(why)))


def write_plots(target: Path, photo: Photo, restoration: Restoration, *, overwrite: bool) -> None:
    """Beside the result: the blur, and before and after with the blur in the corner (of huge photos the middle)."""
    window = middle((photo.samples.shape[-2], photo.samples.shape[-1]), SHOWN)
    blurry, after = (as_float(window.cut(picture)) for picture in (photo.samples, restoration.restored))
    both = torch.cat((functional.pad(blurry, (0, 4, 0, 0), value=1.0), after), dim=-1).clone()
    if restoration.blur is not None:
        write_bytes(beside(target, ".kernel", ".png"), picture_bytes(restoration.blur.show()), overwrite=overwrite)
        side = min(min(after.shape[-2:]) // 4, 127)
        both[..., :side, :side] = show(restoration.blur.kernel.cpu(), size=side, sqrt=True)
    write_bytes(beside(target, ".side-by-side", ".png"), picture_bytes(both), overwrite=overwrite)
