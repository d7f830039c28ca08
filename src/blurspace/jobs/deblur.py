"""How are many photos deblurred, one after another, with one honest record for each?

A bad file never stops the others, and "left alone" is the input byte for byte.
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from blurspace.areas import middle
from blurspace.blur.kernels import show
from blurspace.errors import OutputError, UsageError
from blurspace.io.files import shown
from blurspace.io.images import MAX_PIXELS, write_bytes
from blurspace.jobs.develop import Stamp, develop, within
from blurspace.jobs.each import FileRecord, each, peak_mib, picture_bytes, runtime
from blurspace.jobs.files import STANDARD, Source, as_asked, beside, check_target, load, plan_targets
from blurspace.jobs.sidecar import file_sha256, sidecar_of, write_sidecar
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
    `memory`: bytes that this process may hold. `max_pixels`: of a photo. `format`: of the results, such as JPEG; None:
    as their names say, which are those of the inputs where none were given. `provenance`: what made them stands in
    their XMP, with the hash of `weights`, the user's own. `sidecar`: what was typed, to be written beside each result.
    """

    overwrite: bool = False
    plot: bool = False
    strict: bool = False
    inputs: tuple[Path, ...] = ()
    memory: int | None = None
    max_pixels: int = MAX_PIXELS
    format: str | None = None
    provenance: bool = True
    weights: tuple[Path, ...] = ()
    sidecar: Mapping[str, Any] | None = None


def wishes_of(settings: Mapping[str, Any]) -> Wishes:
    """Those of the wishes that change what is in a result, from the settings of `deblur`."""
    named = (*settings["weights"], *([settings["camera"]] if settings["camera"] else []))
    return Wishes(
        max_pixels=settings["max_pixels"],
        format=settings["format"],
        provenance=settings["provenance"],
        weights=tuple(Path(path) for path in named),
    )


def deblur_files(
    sources: Sequence[Source],
    *,
    deblurrer: Deblurrer,
    output: str | None = None,
    wishes: Wishes | None = None,
    run: Run | None = None,
    report: Report = lambda _: None,
) -> Iterator[Outcome]:
    """Deblur each source and yield its outcome as soon as it is written.

    `output`: a file, a folder, `-` for standard output (the outcome's `data`), or None for `name.deblurred.ext` beside
    each input. `report` gets a sentence on whatever a file cannot keep. A refused file is an error where `wishes`
    say so, and on standard output, which stays empty. Raises UsageError before any work.
    """
    asked, how, taken = wishes or Wishes(), run or deblurrer.run(), set[Path]()
    targets = plan_targets(sources, output, format=asked.format)
    if (asked.plot or asked.sidecar is not None) and None in targets:
        raise UsageError("--plot and --sidecar write beside the output, which standard output has not: give -o FILE")
    marks = (".kernel", ".side-by-side") if asked.plot else ()

    stamp = Stamp(tuple(file_sha256(path) for path in asked.weights)) if asked.provenance else None

    def work(one: tuple[Source, Path | None]) -> Outcome:
        start, (source, target) = time.perf_counter(), one
        if target:
            if target in taken:
                raise OutputError(f"{shown(target)} was already written for another input: use two folders")
            more = [] if asked.sidecar is None else [sidecar_of(target)]
            for path in (target, *(beside(target, mark, ".png") for mark in marks), *more):
                check_target(path, sources, overwrite=asked.overwrite, inputs=asked.inputs)
            taken.add(target)
        photo = load(source, max_pixels=asked.max_pixels)
        written = as_asked(photo, target, source, format=asked.format)
        bounded = how if asked.memory is None else within(how, photo, asked.memory)
        if asked.sidecar is not None:  # tiles of other sizes would differ a little
            bounded = replace(bounded, memory=bounded.room())
        developed = develop(photo, deblurrer, bounded, written=written, stamp=stamp)
        if developed.loss:
            report(f"{source.name}: {developed.loss}")
        if target and developed.data is not None:
            write_bytes(target, developed.data, overwrite=asked.overwrite)
            if asked.plot:
                write_plots(target, photo, developed.restoration, overwrite=asked.overwrite)
            if asked.sidecar is not None:
                room, told = bounded.room(), developed.record
                write_sidecar(Path(source.name), target, asked.sidecar, told, room=room, overwrite=asked.overwrite)
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
