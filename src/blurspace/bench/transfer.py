"""How good is the kernel space we ship? Protocol `transfer`: held-out scenes, other sizes, time and memory.

Self-transfer: what F(x, G(x, y)) of Tran et al. 2021 makes of a pair against its own blurry picture. Other sizes: a
known blur is read from a pair of one shape and given to a picture of another, against a pair of that picture's shape.
"""

import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from statistics import fmean, median

import torch

from blurspace.bench.result import Progress, Row, no_progress
from blurspace.bench.spaces import all_pairs, crops, rounded_psnr
from blurspace.bench.speed import command
from blurspace.bench.tables import rows_table
from blurspace.blur.cameras import CAMERAS
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import shake
from blurspace.blur.scenes import average_frames
from blurspace.builders import build_space
from blurspace.chance import chance
from blurspace.codes import transfer
from blurspace.data.crops import SharpPhotos
from blurspace.data.pairs import spaced_pairs
from blurspace.data.sources import from_scenes
from blurspace.io.images import encode_photo, find_photos, read_photo, write_bytes
from blurspace.nets.kernel_space import BasisSpace
from blurspace.types import Image, Pair, Photo

SEED, SCENES, CROP, FRAMES, MOMENTS = 2022, 24, 320, 10, 11
EXTENTS = (5, 31)  # px, of the shakes that go from one size to another
# Shapes (h, w) of the pair, where the picture that gets its blur has the first.
SHAPES = ((256, 256), (192, 384), (400, 160), (144, 144))
SELF = "self-transfer"
LARGE, RUNS = (720, 1280), 3
PROTOCOL = (
    f"transfer 1: self-transfer on {SCENES} scenes of {CROP} px before each made camera, of test/kodak24 and "
    f"test/cid22, seed {SEED}, on test/gopro whole, on {FRAMES} evenly spaced frames of train/reds_half and as many "
    f"averages of {MOMENTS} frames of train/gopro_240fps_half in sRGB's light, the middle one sharp; sizes: shakes of "
    f"{EXTENTS} px on display values, 8 bits, from kodak24 crops of shapes {SHAPES} to cid22 crops of the first; PSNR "
    f"over all colours, both rounded to 8 bits, mean; seconds: median of {RUNS} transfers between {LARGE} pictures in "
    "memory, and one whole command"
)


def run(data: Path, *, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Measure the shipped space; `data`: as `PROTOCOL` says. `limit`: so many pairs of each kind."""
    space = build_space()
    stages = [
        lambda: _self_rows(data, space, limit),
        lambda: _size_rows(data, space, limit),
        lambda: [_speed_row(space)],
    ]
    return [row for stage in progress(stages, total=len(stages), what="transfer") for row in stage()]


def summary(rows: Sequence[Row]) -> Row:
    """Adds the mean of each kind of pairs; a mean over kinds would say nothing, so there is none."""
    return {"mean_psnr": None, **{row["task"]: row["psnr"] for row in rows if row["task"].startswith(SELF)}}


table = rows_table(
    *("task", "n", "sharp_psnr", "psnr", "worst_psnr", "lost_db", "seconds", "peak_mib"),
    lost_db="lost by the other shape, dB",
)


def _row(task: str, psnrs: Sequence[float], **more: float | None) -> Row:
    row = {"task": task, "n": len(psnrs), "psnr": round(fmean(psnrs), 4) if psnrs else None}
    columns = ("worst_psnr", "sharp_psnr", "lost_db", "seconds", "peak_mib")
    worst = {"worst_psnr": round(min(psnrs), 4)} if psnrs else {}
    return {**row, **dict.fromkeys(columns), **worst, **more}


def _self_rows(data: Path, space: BasisSpace, limit: int | None) -> list[Row]:
    rows = []
    for name, pairs in _domains(data):
        found, sharp = [], []
        for pair in list(pairs)[:limit]:
            found.append(rounded_psnr(transfer(space, pair, pair.sharp), pair.blurry))
            sharp.append(rounded_psnr(pair.sharp, pair.blurry))
        rows.append(_row(f"{SELF}, {name}", found, sharp_psnr=round(fmean(sharp), 4)))
    return rows


def _domains(data: Path) -> Iterator[tuple[str, Iterable[Pair]]]:
    for camera in ("hand", "wheel"):
        halves = [SharpPhotos(data / "test" / name) for name in ("kodak24", "cid22")]
        draws = [from_scenes(photos, CAMERAS[camera], side=CROP) for photos in halves]
        yield f"made camera {camera}", (draws[index % 2](chance(SEED, index), 1) for index in range(SCENES))
    yield "GoPro", all_pairs(data / "test/gopro").wholes()
    yield "REDS half", spaced_pairs(data / "train/reds_half", FRAMES)
    frames = find_photos([data / "train/gopro_240fps_half"])
    starts = [index * (len(frames) - MOMENTS) // (FRAMES - 1) for index in range(FRAMES)]
    yield f"{MOMENTS} frames of 240 fps averaged", (_averaged(frames[start : start + MOMENTS]) for start in starts)


def _averaged(paths: Sequence[Path]) -> Pair:
    return average_frames(torch.cat([read_photo(path).pixels for path in paths]), response="srgb")


def _size_rows(data: Path, space: BasisSpace, limit: int | None) -> list[Row]:
    """A row per shape: what the first, the picture's own, gains over it."""
    largest = max(max(shape) for shape in SHAPES)
    sources, targets = (crops(data / "test" / name, largest, limit=limit) for name in ("kodak24", "cid22"))
    found = [_sized(space, sources, targets, shape) for shape in SHAPES]
    return [
        _row(
            f"a pair of {shape[1]} x {shape[0]} onto {SHAPES[0][1]} x {SHAPES[0][0]}",
            psnrs,
            lost_db=round(fmean(found[0]) - fmean(psnrs), 4),
        )
        for shape, psnrs in zip(SHAPES, found, strict=True)
    ]


def _sized(
    space: BasisSpace, sources: Sequence[Image], targets: Sequence[Image], shape: tuple[int, int]
) -> list[float]:
    found = []
    for index, (source, target) in enumerate(zip(sources, targets, strict=True)):
        low, high = EXTENTS
        extent = low + (high - low) * index / max(1, len(sources) - 1)
        kernel = shake(high + 2, extent=extent, generator=chance(SEED, index))
        one, other = source[..., : shape[0], : shape[1]], target[..., : SHAPES[0][0], : SHAPES[0][1]]
        blurry, wanted = (photograph(sharp, kernel, response="linear", round8=True) for sharp in (one, other))
        found.append(rounded_psnr(transfer(space, Pair(one, blurry), other), wanted))
    return found


def _speed_row(space: BasisSpace) -> Row:
    """Between made pictures, in memory, and by the command, which tells the memory."""
    sharp, blurry, other = (torch.rand(1, 3, *LARGE, generator=chance(SEED, index)) for index in range(3))
    seconds = []
    for _ in range(RUNS + 1):
        start = time.perf_counter()
        transfer(space, Pair(sharp, 0.5 * sharp + 0.5 * blurry), other)
        seconds.append(time.perf_counter() - start)
    with tempfile.TemporaryDirectory() as place:
        paths = [Path(place, f"{name}.png") for name in ("sharp", "blurry", "other")]
        for path, picture in zip(paths, (sharp, blurry, other), strict=True):
            write_bytes(path, encode_photo(Photo.of(picture), picture), overwrite=False)
        names = [str(path) for path in paths]
        whole = command("transfer", "--from", *names[:2], "--to", names[2], "-o", str(Path(place, "out")))
    return _row(
        f"transfer {LARGE[1]} x {LARGE[0]} RGB (whole command: {whole.seconds:.1f} s)",
        [],
        seconds=round(median(seconds[1:]), 4),
        peak_mib=whole.peak_mib and round(whole.peak_mib),
    )
