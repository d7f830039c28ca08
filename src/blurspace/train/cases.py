"""What does a deconvolver learn from? Blurry photos with the kernels that a search really found, made once and kept.

A network that has only seen true kernels takes the errors of an estimated one for detail. So each case holds a blurry
photo, the kernel that our classical search estimated from it, and the sharp photo, shifted by what the estimated kernel
is off centre: blind deblurring cannot know that shift, so it must not be punished for it. Searching takes seconds a
photo, hence files. Cases with the true kernel are made on the fly instead (`train.deconvolver`).
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor

from blurspace.blur.agreement import offset
from blurspace.blur.exposure import photograph
from blurspace.blur.fourier import extend, extended_size
from blurspace.blur.kernels import crop_or_pad, trim
from blurspace.data.crops import SharpPhotos, digest
from blurspace.data.triplets import draw_kernels
from blurspace.errors import UsageError
from blurspace.io.files import shown
from blurspace.levels import to_levels
from blurspace.pixels import luminance
from blurspace.restore.candidates import SearchSettings, estimate_kernel
from blurspace.restore.learned import make_start
from blurspace.restore.noise import estimate_sigma
from blurspace.train.steps import chance
from blurspace.types import Image, Kernel

# Kernels up to this extent (px) go with photos of this side, so that there is enough inside the frame to search in
# (see `candidates.SIDES_IN_NOISY_PICTURE`). Half the cases are of the shortest range, which is the commonest blur; a
# shard has cases of one range.
RANGES = ((3, 31, 288), (31, 61, 384), (3, 31, 288), (61, 85, 432))
SHARD = 32
# Noise: log-uniform, and often just what the benchmark protocols use.
SIGMAS, USUAL_SIGMAS, USUAL_SHARE = (0.001, 0.03), (0.01, 0.02), 0.35
OTHER_SHARE, GREY_SHARE = 0.15, 0.15
# A search that failed (agreement of the kernels below this) teaches nothing: the receipt refuses such results.
LEAST_AGREEMENT = 0.75
MOST_TRIES = 20  # for each case
# What a shard was made from and how; the version goes up when cases come to be made in another way.
ORIGIN, VERSION = "origin", 2
MARGIN = 8  # px: the estimated kernel may be off centre by less than this


@dataclass(frozen=True)
class Cases:
    """What a deconvolver is given, and the `sharp` picture (b 3 h w) that it should find.

    `blurry`, `start` (b 3 h w); `kernel` (b 1 k k); `sigma` (b); `doubt` (b): 0 for a true kernel, 1 for a found one.
    """

    blurry: Image
    sharp: Image
    start: Image
    kernel: Kernel
    sigma: Tensor
    doubt: Tensor

    def to(self, device: str) -> "Cases":
        """The same on another device."""
        return Cases(*(getattr(self, one.name).to(device) for one in fields(self)))


def make_shards(
    photos: SharpPhotos, folder: Path, *, count: int, seed: int, report: Callable[[str], None]
) -> list[Path]:
    """The paths of `count` shards in `folder`; those that are missing are made first (two minutes each).

    Raises UsageError on shards of other photos, another seed or an older way of making them.
    """
    folder.mkdir(parents=True, exist_ok=True)
    origin = digest(photos.photos, also=f"{VERSION} {seed}")
    paths = [folder / f"{RANGES[n % len(RANGES)][1]}px-{n:04d}.safetensors" for n in range(count)]
    for n, path in enumerate(paths):
        if not path.exists():
            shard = _stacked(_draw_shard(photos, RANGES[n % len(RANGES)], chance(seed, n)))
            unfinished = path.with_suffix(".part")
            save_file(shard, unfinished, metadata={ORIGIN: origin})
            unfinished.rename(path)
            report(f"{n + 1} of {count} shards of cases are made")
        with safe_open(path, framework="pt") as shard_file:
            if (shard_file.metadata() or {}).get(ORIGIN) != origin:
                raise UsageError(f"{shown(path)} is of other photos, another seed or version: give another folder")
    return paths


def read_shard(path: Path) -> dict[str, Tensor]:
    """A shard's tensors: blurry and sharp as uint8, start as float16."""
    return load_file(path)


def draw_cases(shard: dict[str, Tensor], generator: torch.Generator, *, count: int, side: int) -> Cases:
    """A batch of `count` crops of `side` px, each turned and flipped by chance, from one shard."""
    drawn = [_crop(shard, generator, min(side, shard["blurry"].shape[-1])) for _ in range(count)]
    blurry, sharp, start, kernel, sigma = (torch.stack(column) for column in zip(*drawn, strict=True))
    return Cases(blurry / 255, sharp / 255, start.float(), _common_trim(kernel), sigma, torch.ones(count))


def draw_case(photo: Image, kernel: Kernel, generator: torch.Generator) -> tuple[Tensor, ...] | None:
    """(blurry, sharp, start, kernel, sigma) of a photo `MARGIN` px wider than the kernel needs; None if it failed."""
    inner = photo[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    blurry = photograph(
        inner, kernel, response="linear", sigma=_draw_sigma(generator), round8=True, border="valid", generator=generator
    )
    found = estimate_kernel(luminance(blurry)).kernel
    down, right, agreement = offset(found, kernel)
    if agreement < LEAST_AGREEMENT or max(abs(down), abs(right)) >= MARGIN:
        return None
    reach = kernel.shape[-1] // 2 + MARGIN
    sharp = _shifted(photo, -down, -right)[..., reach:-reach, reach:-reach].clamp(0, 1)
    sigma = estimate_sigma(blurry)
    colours = [picture.expand(-1, 3, -1, -1) for picture in (blurry, sharp, make_start(blurry, found, sigma))]
    return (*colours, crop_or_pad(found, SearchSettings.widest), torch.tensor([sigma]))


def _draw_shard(
    photos: SharpPhotos, kind: tuple[int, int, int], generator: torch.Generator
) -> list[tuple[Tensor, ...]]:
    low, high, side = kind
    cases: list[tuple[Tensor, ...]] = []
    for _ in range(MOST_TRIES * SHARD):
        kernel = draw_kernels(generator, count=1, kernel_side=high, extents=(low, high), other_share=OTHER_SHARE)
        kernel = trim(kernel)
        photo = photos.crop(generator, side=side + 2 * MARGIN + kernel.shape[-1] - 1)
        if torch.rand((), generator=generator) < GREY_SHARE:
            photo = luminance(photo)
        case = draw_case(photo, kernel, generator)
        if case is not None:
            cases.append(case)
        if len(cases) == SHARD:
            return cases
    raise UsageError(
        f"of {MOST_TRIES * SHARD} kernels only {len(cases)} were found again: give photos with more detail"
    )


def _draw_sigma(generator: torch.Generator) -> float:
    usual, share = torch.rand(2, generator=generator).tolist()
    if usual < USUAL_SHARE:
        return USUAL_SIGMAS[int(share * len(USUAL_SIGMAS))]
    low, high = SIGMAS
    return low * (high / low) ** share


def _shifted(photo: Image, down: float, right: float) -> Image:
    """Move a picture by fractions of a px, exactly (a phase in the Fourier domain)."""
    size = extended_size((photo.shape[-2], photo.shape[-1]), 2 * MARGIN)
    rows, columns = torch.fft.fftfreq(size[0])[:, None], torch.fft.rfftfreq(size[1])[None]
    phase = torch.exp(-2j * math.pi * (rows * down + columns * right))
    moved = torch.fft.irfft2(torch.fft.rfft2(extend(photo, size)) * phase, s=size)
    return moved[..., : photo.shape[-2], : photo.shape[-1]]


def _stacked(cases: list[tuple[Tensor, ...]]) -> dict[str, Tensor]:
    blurry, sharp, start, kernel, sigma = (torch.cat(column) for column in zip(*cases, strict=True))
    as_bytes = [to_levels(picture) for picture in (blurry, sharp)]
    return {"blurry": as_bytes[0], "sharp": as_bytes[1], "start": start.half(), "kernel": kernel, "sigma": sigma}


def _crop(shard: dict[str, Tensor], generator: torch.Generator, side: int) -> tuple[Tensor, ...]:
    count, _, height, width = shard["blurry"].shape
    which, top, left, turns = (
        int(torch.randint(choices, (), generator=generator))
        for choices in (count, height - side + 1, width - side + 1, 8)
    )
    crops = [shard[name][which, :, top : top + side, left : left + side] for name in ("blurry", "sharp", "start")]
    turned = [_turned(picture, turns) for picture in (*crops, shard["kernel"][which])]
    return (*turned, shard["sigma"][which])


def _turned(picture: Tensor, turns: int) -> Tensor:
    """One of the eight symmetries of a square."""
    picture = torch.rot90(picture, turns % 4, (-2, -1))
    return picture.flip(-1) if turns >= 4 else picture


def _common_trim(kernel: Kernel) -> Kernel:
    """Cut the zeros round a batch of kernels, as far as all of them are zero; centres stay."""
    middle = kernel.shape[-1] // 2
    lit = (kernel > 0).any(0)[0].nonzero()
    return crop_or_pad(kernel, 2 * int((lit - middle).abs().max()) + 1)
