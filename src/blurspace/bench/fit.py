"""How do the pictures of a published set come together: found by name, put into one frame, fitted to each other?"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Complex, Float
from torch import Tensor
from torch.nn import functional

from blurspace.bench.methods import MOST_DB
from blurspace.blur.convolve import blur
from blurspace.errors import NoInputError, PictureError, UsageError
from blurspace.io.images import read_kernel, read_photo
from blurspace.levels import to_8_bits
from blurspace.metrics import aligned, bilinear_table, ssd_of_shifts
from blurspace.pixels import inner
from blurspace.types import Image, Kernel, Pair

# Steps per px of every shift search: those of protocol `levin`.
PER_PIXEL = 4
# px a side by which a sharp picture may be bigger or smaller than its blurry one; Sun's are cut by 50 at most, and
# the rest is half of a big kernel. More means that the two do not belong together.
MOST_MARGIN = 100

Key = tuple[int | str, ...]


@dataclass(frozen=True)
class Made:
    """One picture that was blurred by a computer, with one kernel: what it is called, and where its three files lie."""

    picture: str
    shake: int
    blurry: Path
    sharp: Path
    kernel: Path | None


@dataclass(frozen=True)
class Movable:
    """A restored picture, ready to be fitted to many sharp ones: all that depends on it alone is computed once.

    `roomy` (c h w) float64, rounded to 8 bits. `mix`: see `metrics`. `energy` (s s): its squared sum inside the window
    at every shift.
    """

    roomy: Float[Tensor, "c h w"]
    spectrum: Complex[Tensor, "c h half"]
    mix: Float[Tensor, "s m"]
    energy: Float[Tensor, "s s"]
    max_shift: int


@dataclass(frozen=True)
class Fit:
    """The best of all fits: PSNR in dB, the factor on the intensities, and the shift (rows, columns) in px.

    The fitted picture at (row, column) is `scale` x the restored one at (row, column) + shift.
    """

    psnr: float
    scale: float
    shift: tuple[float, float]


def find_named(data: Path, pattern: str) -> dict[Key, Path]:
    """All files below a folder whose whole name matches, by the pattern's groups (numbers as int), in order.

    Subfolders do not matter, names do. Raises UsageError where two files have the same name.
    """
    found: dict[Key, Path] = {}
    for path in sorted(data.rglob("*")):
        match = re.fullmatch(pattern, path.name)
        if match and path.is_file():
            key = tuple(int(part) if part.isdigit() else part for part in match.groups())
            if key in found:
                raise UsageError(
                    f"{found[key]} and {path} stand for the same picture: give --data a folder with one of each"
                )
            found[key] = path
    return dict(sorted(found.items()))


def partner(found: Mapping[Key, Path], key: Key, none: str) -> Path:
    """The file of that key. Raises NoInputError, with the sentence `none`, where there is none."""
    if key not in found:
        raise NoInputError(none)
    return found[key]


def framed(sharp: Float[Tensor, "_ _ _ _"], blurry: Image) -> tuple[Image, int]:
    """`sharp` (1 c h w) cut or padded with black to the size of `blurry`, centres together.

    Also says how many px at the frame's sides it may not fill: crop at least these. Raises PictureError where the two
    differ in colours, or by more than MOST_MARGIN px a side.
    """
    down, right = (there - here for there, here in zip(blurry.shape[-2:], sharp.shape[-2:], strict=True))
    if sharp.shape[1] != blurry.shape[1] or max(abs(down), abs(right)) > 2 * MOST_MARGIN:
        raise PictureError(
            f"a sharp picture of shape {tuple(sharp.shape[1:])} was found for a blurry one of "
            f"{tuple(blurry.shape[1:])} (channels, height, width): give the pictures as they were published"
        )
    placed = functional.pad(sharp, (right // 2, right - right // 2, down // 2, down - down // 2))
    return placed, max(0, -(-down // 2), -(-right // 2))


def read_pair(made: Made) -> tuple[Pair, int]:
    """Both pictures in the frame of the blurry one, and the px that `framed` says."""
    blurry = read_photo(made.blurry).pixels
    sharp, margin = framed(read_photo(made.sharp).pixels, blurry)
    return Pair(sharp, blurry), margin


def true_kernels(pictures: Sequence[Made], *, max_shift: int) -> dict[int, Kernel]:
    """The convolution kernel of every shake, turned the way round that explains its first picture better.

    Kernel pictures of convolution and of correlation look alike, and the sets do not say which theirs are.
    """
    first = {made.shake: (made, made.kernel) for made in reversed(pictures) if made.kernel}
    return {shake: _oriented(made, read_kernel(path), max_shift) for shake, (made, path) in sorted(first.items())}


def movable(restored: Image, *, max_shift: int) -> Movable:
    """Prepare one restored picture (1 c h w) for `fit`. Raises UsageError where the shifts leave nothing of it."""
    if min(restored.shape[-2:]) <= 2 * max_shift:
        raise UsageError(
            f"a picture of {restored.shape[-1]} x {restored.shape[-2]} px is too small for shifts of {max_shift} px: "
            "give the pictures in their published size"
        )
    roomy = to_8_bits(restored)[0].to(torch.float64)
    mix = bilinear_table(max_shift, PER_PIXEL)
    nothing = torch.zeros_like(inner(roomy, max_shift))
    return Movable(roomy, torch.fft.rfft2(roomy), mix, ssd_of_shifts(roomy, nothing, mix), max_shift)


def fit(restored: Movable, sharp: Image) -> Fit:
    """Least squares over one factor on all intensities and every shift, against `sharp` (1 c h w).

    Shifts of up to `max_shift` px in both directions by a quarter of a px, bilinear; as many px are cut off each side
    of `sharp`. Given the shift, the best factor is <sharp, moved> / <moved, moved>, so the search is exact. Raises
    PictureError on different shapes. Source: the similarity of Köhler et al. 2012.
    """
    if sharp.shape[1:] != restored.roomy.shape:
        raise PictureError(
            f"a sharp frame of shape {tuple(sharp.shape[1:])} was found for a photo of "
            f"{tuple(restored.roomy.shape)} (channels, height, width): give the pictures as they were published"
        )
    target = inner(sharp[0].to(torch.float64), restored.max_shift)
    count, size = restored.mix.shape[1], restored.roomy.shape[-2:]
    product = torch.fft.irfft2(restored.spectrum * torch.fft.rfft2(target, s=size).conj(), s=size).sum(0)
    common = (restored.mix @ product[:count, :count] @ restored.mix.T).clamp(min=0)
    energy = restored.energy.clamp(min=torch.finfo(torch.float64).tiny)  # an all black picture fits nothing
    ssd = target.square().sum() - common.square() / energy
    row, column = divmod(int(ssd.argmin()), len(restored.mix))
    error = max(float(ssd[row, column]) / target.numel(), 10 ** (-MOST_DB / 10))
    decibels = float(-10 * torch.tensor(error, dtype=torch.float64).log10())
    shift = (row / PER_PIXEL - restored.max_shift, column / PER_PIXEL - restored.max_shift)
    return Fit(decibels, float(common[row, column] / energy[row, column]), shift)


def fitted(restored: Movable, found: Fit) -> Image:
    """The restored picture as `found` says, (1 c h-2m w-2m) for shifts of up to m px; not clamped."""
    row, column = (round((shift + restored.max_shift) * PER_PIXEL) for shift in found.shift)
    moved = _mixed(_mixed(restored.roomy, restored.mix[row], -2), restored.mix[column], -1)
    return (found.scale * moved)[None].to(torch.float32)


def _mixed(picture: Tensor, weights: Tensor, axis: int) -> Tensor:
    """The mix of whole shifts along one axis: a sum of two slices, where conv2d would copy 61 x 61 pictures."""
    size = picture.shape[axis] - len(weights) + 1
    shifts = weights.nonzero().flatten().tolist()
    return torch.stack([weights[shift] * picture.narrow(axis, shift, size) for shift in shifts]).sum(0)


def _oriented(made: Made, kernel: Kernel, max_shift: int) -> Kernel:
    pair, margin = read_pair(made)
    crop = margin + kernel.shape[-1] // 2 + max_shift + 1

    def error(candidate: Kernel) -> float:
        return float(aligned(blur(pair.sharp, candidate), pair.blurry, max_shift=max_shift, crop=crop).ssd)

    return min((kernel, kernel.flip(-2, -1)), key=error)
