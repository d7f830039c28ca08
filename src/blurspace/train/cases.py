"""What does a deconvolver learn from? Blurry photos with the kernels that a search really found, made once and kept.

A network that has only seen true kernels takes the errors of an estimated one for detail. So each case holds a blurry
photo, the kernel that our classical search estimated from it, and the sharp photo, shifted by what the estimated kernel
is off centre: blind deblurring cannot know that shift, so it must not be punished for it. Some photos hold light that
is brighter than white (`data.highlights`). Searching takes seconds a photo, hence files. Cases with the true kernel are
made on the fly instead (`train.deconvolver`).
"""

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from filelock import FileLock, Timeout
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Generator, Tensor

from blurspace.blur.agreement import offset
from blurspace.blur.convolve import blur
from blurspace.blur.fourier import extend, extended_size
from blurspace.blur.kernels import crop_or_pad, trim
from blurspace.chance import chance
from blurspace.data.crops import SharpPhotos, digest, draw_index, turned
from blurspace.data.highlights import PLAIN, Exposure, draw_exposure
from blurspace.data.triplets import Tensors, draw_kernels
from blurspace.errors import UsageError
from blurspace.io.files import shown
from blurspace.pixels import inner, luminance
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.finders import KernelFinder
from blurspace.restore.learned import START, asked_of, gain_for
from blurspace.restore.observed import Observed
from blurspace.restore.settings import SearchSettings
from blurspace.restore.total_variation import by_total_variation
from blurspace.run import Run
from blurspace.types import AnyKernel, Image, Kernel

# Noise: log-uniform, and often just what the benchmark protocols use; under as much no kernel is found in the dark.
SIGMAS, USUAL_SIGMAS, USUAL_SHARE = (0.001, 0.03), (0.01, 0.02), 0.35
EXPOSED_SIGMAS = (0.001, 0.01)
OTHER_SHARE, GREY_SHARE, EXPOSED_SHARE = 0.15, 0.15, 1 / 3
# What a shard was made from and how; the version goes up when cases come to be made in another way.
ORIGIN, VERSION = "origin", 4
POLL = 1.0  # seconds between looks at what others have made
MARGIN = 8  # px: the estimated kernel may be off centre by less than this


@dataclass(frozen=True)
class Range:
    """Kernels of `low` to `high` px go with photos of `side` px; of these, batches are `count` crops of `crop` px."""

    low: int
    high: int
    side: int
    crop: int
    count: int


def search(seen: Observed) -> Kernel:
    """The kernel that our classical search finds in a blurry photo."""
    found = KernelFinder()(seen, Run()).blur
    assert found is not None
    return found.kernel


@dataclass(frozen=True)
class Making:
    """How cases are made: all ours.

    Photos leave enough inside the frame to search in (see `candidates.SIDES_IN_NOISY_PICTURE`), crops of all `ranges`
    have about the same area, and half of the shards are of the shortest range, which is the commonest blur. Kernels are
    kept in a square of `widest` px. A search that failed (kernels agree less than `least_agreement`) teaches nothing:
    the receipt refuses such results.
    """

    ranges: tuple[Range, ...] = (
        Range(3, 31, side=288, crop=128, count=3),
        Range(31, 61, side=384, crop=176, count=2),
        Range(3, 31, side=288, crop=128, count=3),
        Range(61, 85, side=432, crop=240, count=1),
    )
    shard: int = 32  # cases
    widest: int = SearchSettings.widest
    exposed_share: float = EXPOSED_SHARE  # of photos with light brighter than white
    least_agreement: float = 0.75
    most_tries: int = 20  # for each case
    draw: Callable[..., Kernel] = draw_kernels
    search: Callable[[Observed], Kernel] = search

    def range_of(self, shard: Path) -> Range:
        """That of the cases in a file."""
        return next(one for one in self.ranges if shard.name.startswith(f"{one.high}px-"))


USUAL = Making()


@dataclass(frozen=True)
class Cases(Tensors):
    """What a deconvolver is given, and the `sharp` light (b 3 h w) that it should find, which may be above white.

    `blurry`, `start` (b 3 h w); `kernel` (b 1 k k) of a range up to `widest` px; `sigma` (b); `doubt` (b): 1 if found;
    `gain` (b): how many times brighter the network is shown the light.
    """

    blurry: Image
    sharp: Image
    start: Image
    kernel: Kernel
    sigma: Tensor
    doubt: Tensor
    gain: Tensor
    widest: int


def make_shards(
    photos: SharpPhotos, folder: Path, *, count: int, seed: int, report: Callable[[str], None], making: Making = USUAL
) -> list[Path]:
    """The paths of `count` shards in `folder`; those that are missing are made first (3 to 13 minutes each).

    Processes, also of several machines, that do the same at once share the work: each shard is made by one of them, on
    one thread, so that it is the same whoever makes it; what a killed one left undone is done by another. Raises
    UsageError on shards of other photos, another seed or an older way of making them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    origin = digest(photos.photos, also=f"{VERSION} {seed}")
    kinds = [making.ranges[n % len(making.ranges)] for n in range(count)]
    paths = [folder / f"{kind.high}px-{n:04d}.safetensors" for n, kind in enumerate(kinds)]
    for path in paths:
        _check(path, origin)  # before minutes are spent on others
    while missing := [n for n, path in enumerate(paths) if not path.exists()]:
        draws = {n: partial(_draw_shard, photos, kinds[n], chance(seed, n), making) for n in missing}
        made = [n for n, draw in draws.items() if _made_here(paths[n], draw, origin)]
        for n in made:
            report(f"{n + 1} of {count} shards of cases are made")
        if not made:
            time.sleep(POLL)  # others make them
    for path in paths:
        _check(path, origin)
    return paths


def _check(path: Path, origin: str) -> None:
    if not path.exists():
        return
    with safe_open(path, framework="pt") as shard_file:
        if (shard_file.metadata() or {}).get(ORIGIN) != origin:
            raise UsageError(f"{shown(path)} is of other photos, another seed or version: give another folder")


def _made_here(path: Path, draw: Callable[[], dict[str, Tensor]], origin: str) -> bool:
    """Make a shard, unless another process does or just did. Its lock goes with the process, also with a killed one."""
    lock = FileLock(path.with_suffix(".lock"))
    try:
        with lock.acquire(blocking=False):
            missing = not path.exists()
            if missing:
                unfinished = path.with_suffix(".part")
                with one_thread():
                    save_file(draw(), unfinished, metadata={ORIGIN: origin})
                unfinished.rename(path)
            with suppress(OSError):  # who takes the lock later finds the shard
                Path(lock.lock_file).unlink()
            return missing
    except Timeout:
        return False


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums are added up in an order that depends on the number of threads."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def read_shard(path: Path) -> dict[str, Tensor]:
    """A shard's tensors; pictures are light, as float16."""
    return load_file(path)


def draw_cases(shard: dict[str, Tensor], generator: Generator, *, count: int, side: int, widest: int) -> Cases:
    """A batch of `count` crops of `side` px, each turned and flipped by chance, from one shard."""
    drawn = [_crop(shard, generator, min(side, shard["blurry"].shape[-1])) for _ in range(count)]
    blurry, sharp, start, kernel, sigma, gain = (torch.stack(column) for column in zip(*drawn, strict=True))
    blurry, sharp, start = (picture.float() for picture in (blurry, sharp, start))
    return Cases(blurry, sharp, start, _common_trim(kernel), sigma, torch.ones(count), gain, widest)


def draw_case(photo: Image, kernel: Kernel, generator: Generator, making: Making = USUAL) -> tuple[Tensor, ...] | None:
    """(blurry, sharp, start, kernel, sigma, gain) of a photo `MARGIN` px wider than a kernel needs, or None."""
    exposed = bool(torch.rand((), generator=generator) < making.exposed_share)
    exposure = draw_exposure((photo.shape[-2], photo.shape[-1]), generator) if exposed else PLAIN
    light = exposure.linear(photo)
    sigma = draw_sigma(EXPOSED_SIGMAS, generator) if exposed else _usual_sigma(generator)
    seen = observe(exposure, inner(exposure.lit(light), MARGIN), kernel, sigma, generator)
    found = making.search(seen)
    down, right, agreement = offset(found, kernel)
    if agreement < making.least_agreement or max(abs(down), abs(right)) >= MARGIN:
        return None
    moved = exposure.lit(_shifted(light, -down, -right).clamp(0, 1), down=-down, right=-right)
    sharp = inner(moved, kernel.shape[-1] // 2 + MARGIN).expand(-1, 3, -1, -1)
    blurry, start, *told = asked(seen, found)
    return blurry, sharp, start, crop_or_pad(found, making.widest), *told


def observe(exposure: Exposure, light: Image, kernel: Kernel, sigma: float, generator: Generator) -> Observed:
    """What is known of the photo of a light (1 c h w) under a kernel, without what that reaches from the frame."""
    display = exposure.developed(blur(light, kernel, border="valid"), sigma=sigma, generator=generator)
    return Observed(display, response=exposure.response)


def asked(seen: Observed, kernel: Kernel) -> tuple[Tensor, ...]:
    """The blurry light and the start (1 3 h w) that networks are given of a photo, for a kernel; sigma, gain (1)."""
    light = seen.light(seen.area)
    start = by_total_variation(light, seen.area, seen, UniformBlur(kernel), rounds=START, run=None)
    pictures = (one.expand(-1, 3, -1, -1) for one in (asked_of(light, start, kernel), start.beside))
    return *pictures, torch.tensor([seen.sigma]), torch.tensor([gain_for(light, seen.display(seen.area))])


def draw_sigma(between: tuple[float, float], generator: Generator) -> float:
    """A strength of noise, log-uniform."""
    low, high = between
    return low * (high / low) ** float(torch.rand((), generator=generator))


def _draw_shard(photos: SharpPhotos, kind: Range, generator: Generator, making: Making) -> dict[str, Tensor]:
    cases: list[tuple[Tensor, ...]] = []
    drawn = {"count": 1, "kernel_side": kind.high, "extents": (kind.low, kind.high), "other_share": OTHER_SHARE}
    tries = making.most_tries * making.shard
    for _ in range(tries):
        kernel = trim(making.draw(generator, **drawn))
        photo = photos.crop(generator, side=kind.side + 2 * MARGIN + kernel.shape[-1] - 1)
        if torch.rand((), generator=generator) < GREY_SHARE:
            photo = luminance(photo)
        case = draw_case(photo, kernel, generator, making)
        if case is not None:
            cases.append(case)
        if len(cases) == making.shard:
            blurry, sharp, start, kernel, sigma, gain = (torch.cat(column) for column in zip(*cases, strict=True))
            pictures = {"blurry": blurry.half(), "sharp": sharp.half(), "start": start.half()}
            return {**pictures, "kernel": kernel, "sigma": sigma, "gain": gain}
    raise UsageError(f"of {tries} kernels only {len(cases)} were found again: give photos with more detail")


def _usual_sigma(generator: Generator) -> float:
    if torch.rand((), generator=generator) < USUAL_SHARE:
        return USUAL_SIGMAS[draw_index(len(USUAL_SIGMAS), generator)]
    return draw_sigma(SIGMAS, generator)


def _shifted(photo: Image, down: float, right: float) -> Image:
    """Move a picture by fractions of a px, exactly (a phase in the Fourier domain)."""
    size = extended_size((photo.shape[-2], photo.shape[-1]), 2 * MARGIN)
    rows, columns = torch.fft.fftfreq(size[0])[:, None], torch.fft.rfftfreq(size[1])[None]
    phase = torch.exp(-2j * math.pi * (rows * down + columns * right))
    moved = torch.fft.irfft2(torch.fft.rfft2(extend(photo, size)) * phase, s=size)
    return moved[..., : photo.shape[-2], : photo.shape[-1]]


def _crop(shard: dict[str, Tensor], generator: Generator, side: int) -> tuple[Tensor, ...]:
    count, _, height, width = shard["blurry"].shape
    choices = (count, height - side + 1, width - side + 1, 8)
    which, top, left, turns = (draw_index(one, generator) for one in choices)
    crops = [shard[name][which, :, top : top + side, left : left + side] for name in ("blurry", "sharp", "start")]
    pieces = [turned(picture, turns) for picture in (*crops, shard["kernel"][which])]
    return (*pieces, shard["sigma"][which], shard["gain"][which])


def _common_trim(kernel: Kernel) -> AnyKernel:
    """Cut the zeros round a batch of kernels, as far as all of them are zero; centres stay."""
    middle = kernel.shape[-1] // 2
    lit = (kernel > 0).any(0)[0].nonzero()
    return crop_or_pad(kernel, 2 * int((lit - middle).abs().max()) + 1)
