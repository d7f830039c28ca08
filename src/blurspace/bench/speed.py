"""How long does a whole deblurring take, and how much memory? Protocol `speed`: the real command in its own process.

One thing is varied at a time: the size of the photo, of the kernel, the threads, the runtime, the jobs. The photo is a
block, mirrored and laid side by side, so that a larger one has as many things for each pixel, and the blur of the one
block is the exact blur of the whole.
"""

import json
import math
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import median

import PIL.Image
import torch
from torch import Tensor
from torch.nn import functional

from blurspace.bench import speed_tables
from blurspace.bench.alone import Cost, alone
from blurspace.bench.result import Progress, Row, no_progress
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import shake
from blurspace.catalog import deblurrers, find_card
from blurspace.errors import BlurspaceError
from blurspace.io.images import read_photo, write_kernel
from blurspace.levels import to_levels
from blurspace.runtimes.engines import TORCH, installed
from blurspace.types import Image, Kernel

SEED = 2026
BLOCK = (768, 1024)  # rows, columns: before it is mirrored
DISKS, SIGMA = 600, 0.005
MEGAPIXELS, KERNEL = 1.0, 51  # where something else is varied
SIZES = (0.25, 1.0, 4.0, 12.0, 24.0, 50.0, 100.0)
KERNELS = (15, 31, 71, 101)
GIVEN, PHONE = (1.0, 12.0, 100.0), 12.0  # megapixels: where the kernel is given, and of a phone's photo
LARGEST, OF_OTHERS = {"auto": 100.0, "classical": 100.0}, 12.0  # megapixels, by method
MANY, SMALL = 12, 0.25  # photos for several jobs, and the megapixels of each
FEW_AND_ALL, TINY = (20, 200), 0.0625  # photos in one process, and the megapixels of each: does its memory grow?
TOLD = ("kernel given", "photos")  # cases that are given the kernel
HELP_RUNS = 5
CORES = os.cpu_count() or 1
PROTOCOL = (
    f"speed 3: seed {SEED}; a block of {BLOCK[1]} x {BLOCK[0]} px in colour (fallen disks, or a photo that is given), "
    f"mirrored and laid side by side to the size, shaken over {KERNEL} px in display values, noise {SIGMA}, 8 bits, "
    "PNG; `blurspace deblur --method METHOD` in a process of its own: wall-clock seconds from start to "
    "exit, seconds of cores, peak resident memory of its largest process; one thing is varied at a time from "
    f"{MEGAPIXELS:g} megapixel, all cores and torch; `blurspace --help`: the median of {HELP_RUNS} wall-clock times"
)
METHODS = deblurrers()
VIEWS = speed_tables.VIEWS
table = speed_tables.sizes


@dataclass(frozen=True)
class Case:
    """One command. `varied`: what it differs in from the one of MEGAPIXELS. `kernel_px` 0: the photo is sharp."""

    varied: str
    megapixels: float = MEGAPIXELS
    kernel_px: int = KERNEL
    runtime: str = TORCH
    threads: int = CORES
    photos: int = 1
    jobs: int = 1

    @property
    def pixels(self) -> float:
        """Megapixels of all photos together."""
        return self.photos * self.megapixels


HELP = Case("help", 0.0, 0)


def run(data: Path | None, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Time a method on photos made of a made picture, or of the photo `data`: the first `limit` of its cases."""
    asked = cases(method)[:limit]
    return [measure(case, method, data) for case in progress(asked, total=len(asked), what="speed")]


def cases(method: str) -> list[Case]:
    """What is measured of a method, the fewest pixels first."""
    card, largest = find_card(method), LARGEST.get(method, OF_OTHERS)
    found = [Case("size", size) for size in SIZES if size <= largest]
    found += [Case("threads", threads=2**power) for power in range(CORES.bit_length()) if 2**power < CORES]
    found += [Case("one core", PHONE, threads=1)]
    found += [Case("jobs", SMALL, threads=threads, photos=MANY, jobs=jobs) for jobs, threads in job_counts()]
    if "size" in card.options:
        found += [Case("kernel", kernel_px=side) for side in KERNELS]
    if "kernel" in card.options:
        found += [Case("kernel given", size) for size in GIVEN if size <= largest]
        found += [Case("photos", TINY, photos=photos) for photos in FEW_AND_ALL]
    if card.weights:
        found += [Case("runtime", runtime=name) for name in installed() if name != TORCH]
    return sorted([HELP, Case("one core", PHONE, 0, threads=1), *found], key=lambda case: case.pixels)


def job_counts() -> Iterator[tuple[int, int]]:
    """Jobs, and the threads that they share: one job with one thread, then one and two with a thread for each core."""
    return iter(dict.fromkeys(((1, 1), (1, CORES), (2, CORES))))


def measure(case: Case, method: str, data: Path | None) -> Row:
    """One row. Raises BlurspaceError where the command fails."""
    if case == HELP:
        took = [command("--help").seconds for _ in range(HELP_RUNS)]
        return row(case, method, Cost(median(took), None, None, None, 0, "", ""), None)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "photos").mkdir()
        kernel = made_kernel(case.kernel_px) if case.kernel_px else None
        block = to_levels(blurry_block(sharp_block(data), kernel))[0]
        for number in range(case.photos):
            save_photo(block, case.megapixels, folder / "photos" / f"{number:03}.png", shift=37 * number)
        words = ["deblur", str(folder / "photos"), "-o", str(folder / "restored"), "--method", method, "--json"]
        words += ["--jobs", str(case.jobs), "--runtime", case.runtime]
        if case.varied in TOLD and kernel is not None:
            write_kernel(folder / "kernel.tiff", kernel, overwrite=False)
            words += ["--kernel", str(folder / "kernel.tiff")]
        cost = command(*words, threads=case.threads)
    verdicts = dict.fromkeys(json.loads(line)["verdict"] for line in cost.stdout.splitlines())
    return row(case, method, cost, ", ".join(verdicts))


def row(case: Case, method: str, cost: Cost, verdict: str | None) -> Row:
    """What a case cost, also for each megapixel; `others`: cores that other processes kept busy meanwhile."""
    each = 1 / case.pixels if case.pixels else None
    return {
        **vars(case),
        "method": method,
        "seconds": round(cost.seconds, 3),
        "core_seconds": rounded(cost.core_seconds, 2),
        "seconds_per_mp": each and round(cost.seconds * each, 3),
        "peak_mib": rounded(cost.peak_mib, 0),
        "mib_per_mp": each and cost.peak_mib and round(cost.peak_mib / case.megapixels, 1),
        "verdict": verdict,
        "others": rounded(cost.others, 2),
    }


def rounded(value: float | None, digits: int) -> float | None:
    """With so many decimals; None for None."""
    return None if value is None else round(value, digits or None)


def command(*words: str, threads: int = CORES) -> Cost:
    """What `blurspace WORDS` costs with so many threads. Raises BlurspaceError where it fails."""
    call = [sys.executable, "-m", "blurspace", *words]
    cost = alone(call, {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads)})
    if cost.code:
        reason = " ".join(cost.stderr.split())[-200:]
        raise BlurspaceError(f"blurspace {words[0]} ended with exit code {cost.code} ({reason}): repair it first")
    return cost


@cache
def sharp_block(data: Path | None = None) -> Image:
    """The made picture, or a photo, resized; and its mirror images beside it (1 3 2h 2w)."""
    if data is None:
        picture = made_picture()
    else:
        photo = read_photo(data).pixels.expand(-1, 3, -1, -1)
        picture = functional.interpolate(photo, size=BLOCK, mode="bicubic", antialias=True).clamp(0, 1)
    block = torch.cat((picture, picture.flip(-1)), -1)
    return torch.cat((block, block.flip(-2)), -2)


def made_picture() -> Image:
    """Fallen disks with their own colours, sizes over two octaves and more, and fine texture (1 3 h w)."""
    generator = torch.Generator().manual_seed(SEED)
    height, width = BLOCK
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    picture = torch.full((1, 3, height, width), 0.5)
    for top, left, size, *colour in torch.rand(DISKS, 6, generator=generator).tolist():
        radius = 6 / (size + 0.05)  # sizes of disks in real scenes fall off about like this: 6 to 120 px
        inside = (rows - top * height).square() + (columns - left * width).square() < radius**2
        picture = torch.where(inside, torch.tensor(colour).view(1, 3, 1, 1), picture)
    texture = torch.randn(1, 1, height, width, generator=generator)
    return (0.9 * picture + 0.05 + 0.02 * texture).clamp(0, 1)


def made_kernel(side: int) -> Kernel:
    """The shake over so many px."""
    return shake(side, extent=side, generator=torch.Generator().manual_seed(SEED))


def blurry_block(block: Image, kernel: Kernel | None) -> Image:
    """A block (1 c h w) blurred as if it went on like that for ever, and its noise; None: the noise alone."""
    noise = torch.Generator().manual_seed(SEED)
    told = torch.ones(1, 1, 1, 1) if kernel is None else kernel
    return photograph(block, told, response="linear", sigma=SIGMA, border="circular", generator=noise)


def tiled(block: Tensor, height: int, width: int) -> Tensor:
    """The block (c h w) again and again, cut to size."""
    across, down = -(-width // block.shape[-1]), -(-height // block.shape[-2])
    return block.repeat(1, down, across)[..., :height, :width]


def save_photo(block: Tensor, megapixels: float, path: Path, *, shift: int = 0) -> None:
    """Write levels (3 h w), moved by some px, as a PNG file of 4:3 and so many megapixels."""
    height, width = (round(math.sqrt(megapixels * share) * 1000) for share in (3 / 4, 4 / 3))
    levels = tiled(block.roll((shift, shift), (-2, -1)), height, width).movedim(0, -1).contiguous().numpy()
    PIL.Image.fromarray(levels).save(path, compress_level=1)


def summary(rows: Sequence[Row]) -> Row:
    """Adds how cost grows: see `speed_tables.growth`."""
    return speed_tables.growth(rows)
