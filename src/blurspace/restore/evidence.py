"""Does this restoration explain the photo, and is it worth having? Sums over tiles, and the receipt that they make.

A re-blur score alone rewards doing nothing, so it stands beside the kernel's length, the amount of change and the
ringing. Verdicts: "restored"; "refused" (the result would be worse than the input); and "left alone" (the photo was
sharp before anything was tried, see `sharpness`; or a network that restores at once changed next to nothing). What is
added up are sums and counts only, so that a photo of any size is judged in bounded memory, and one that fits in one
tile as if there were no tiles.
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.areas import Area, whole
from blurspace.blur.convolve import blur
from blurspace.blur.fourier import inner_differences
from blurspace.types import AnyImage, Image, Kernel, Receipt

# Where a window of the kernel's size varies by less than this in the blurry picture, the sharp one is flat as well.
FLAT_RANGE = 6 / 255
# Sharper edges make the gradients sparser; ringing makes them denser. A result less sparse than its input has failed.
WORST_SPARSITY_RATIO = 1.0
LEAST_SPARSITY = 1e-12  # a photo of one colour has none to divide by
# The residual may be this many times the noise (JPEG and a kernel that varies add to it), above 8-bit rounding.
RESIDUAL_PER_SIGMA, RESIDUAL_FLOOR = 4.0, 6 / 255
# Of the gradients of the restored picture, the mean in flat areas may be this share of the mean elsewhere.
WORST_RINGING = 0.35


@dataclass(frozen=True)
class Evidence:
    """Sums over pixels, and how many there were: evidence of two tiles adds up to that of both.

    `residual`: squared differences between the photo and the result blurred again, where all of the blur was seen.
    `change`: squared differences between photo and result. `gradients_*`: lengths of gradients of the photo and of the
    result, and their squares. `flat`, `busy`: lengths of the result's grey gradients where the scene must be flat, and
    elsewhere.
    """

    residual: float = 0.0
    residual_count: float = 0.0
    change: float = 0.0
    change_count: float = 0.0
    gradients_blurry: float = 0.0
    squares_blurry: float = 0.0
    gradients_restored: float = 0.0
    squares_restored: float = 0.0
    gradients_count: float = 0.0
    flat: float = 0.0
    flat_count: float = 0.0
    busy: float = 0.0
    busy_count: float = 0.0

    def __add__(self, other: "Evidence") -> "Evidence":
        """The evidence of two pieces that do not overlap."""
        return Evidence(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(self)))

    def receipt(self, *, length: float, sigma: float) -> Receipt:
        """The receipt of a restoration under a blur of `length` px, where the photo's noise is `sigma`."""
        residual = math.sqrt(self.residual / self.residual_count) if self.residual_count else math.nan
        before, after = (
            _mean(gradients, self.gradients_count)
            / max(math.sqrt(_mean(squares, self.gradients_count)), LEAST_SPARSITY)
            for gradients, squares in (
                (self.gradients_blurry, self.squares_blurry),
                (self.gradients_restored, self.squares_restored),
            )
        )
        ringing = 0.0
        if self.flat_count and self.busy_count:
            ringing = min(1.0, _mean(self.flat, self.flat_count) / max(_mean(self.busy, self.busy_count), 1e-12))
        reason = _failure(residual, sigma, after / max(before, LEAST_SPARSITY), ringing)
        return Receipt(
            verdict="refused" if reason else "restored",
            reason=reason or f"a blur of {length:.0f} px was removed, and blurring the result again gives the photo",
            sigma=sigma,
            reblur_psnr=_decibels(self.residual, self.residual_count),
            change_psnr=_decibels(self.change, self.change_count),
            kernel_length=length,
            ringing=ringing,
        )


def gather(
    blurry: Image,
    restored: Image,
    reblurred: Image,
    *,
    reach: int,
    area: Area | None = None,
    outer: Area | None = None,
    unseen: Tensor | None = None,
) -> Evidence:
    """The evidence in `area` of a picture, from pictures (1 c h w) of `outer`, which has `reach` px more on each side.

    All display-referred in [0, 1]; `reblurred` is the restored picture under the blur, in the same light as the photo.
    Without areas the pictures are whole. `unseen` (1 1 h w, bool): pixels of `outer` that do not count,
    nor does the residual within their reach.
    """
    area = area or whole((blurry.shape[-2], blurry.shape[-1]))
    outer = outer or area
    inner = _within(area, reach)
    rest, change = blurry - reblurred, restored - blurry
    near = None if unseen is None else _highest(unseen.to(blurry), reach) > 0
    rest = _counted(rest, near, inner, outer) if inner else blurry.new_zeros(1)
    change = _counted(change, unseen, area, outer)
    steps = _within(area, 0, before_last=1)
    if steps is None:  # a strip of one px at the end
        return Evidence(*(_sums(rest) if inner else (0.0, 0.0)), *_sums(change))
    hidden = None if unseen is None else functional.max_pool2d(unseen.to(blurry), 2, stride=1) > 0
    before, after, grey = (
        _counted(gradient_length(picture), hidden, steps, outer)
        for picture in (blurry, restored, restored.mean(1, keepdim=True))
    )
    flat = _counted(flat_areas(blurry, reach), hidden, steps, outer)
    return Evidence(
        *(_sums(rest) if inner else (0.0, 0.0)),
        *_sums(change),
        *(float(one.pow(power).sum(dtype=torch.float64)) for one in (before, after) for power in (1, 2)),  # type: ignore[call-arg]
        float(before.numel()),
        float(grey[flat].sum(dtype=torch.float64)),
        float(flat.sum()),
        float(grey[~flat].sum(dtype=torch.float64)),
        float((~flat).sum()),
    )


def unexplained(blurry: Image, sharp: AnyImage, kernel: Kernel, clipped: Tensor | None = None) -> float:
    """What `sharp` (b c h w), blurred by `kernel`, leaves of `blurry`: root mean square, where all of it was seen.

    `clipped` (bool, broadcast with `blurry`): pixels that count as explained, whatever they show.
    """
    reach = kernel.shape[-1] // 2
    inside = (..., slice(reach, blurry.shape[-2] - reach), slice(reach, blurry.shape[-1] - reach))
    rest = (blur(sharp, kernel, border="valid") - blurry[inside]).square()
    if clipped is not None:
        rest = torch.where(clipped[inside], 0, rest)
    return float(rest.mean().sqrt())


def left_alone(reason: str, *, sigma: float) -> Receipt:
    """The receipt of a photo in which there was nothing to do: its pixels stay as they are."""
    return Receipt("left alone", reason, sigma, math.inf, math.inf, kernel_length=1.0, ringing=0.0)


def normalised_sparsity(picture: Image) -> float:
    """|grad|_1 / |grad|_2 over the pixels (Krishnan, Tay and Fergus 2011, eq. 2): lower is sharper, free of scale."""
    size = gradient_length(picture)
    return float(size.mean() / size.square().mean().sqrt().clamp_min(1e-12))


def flat_areas(blurry: Image, reach: int) -> Tensor:
    """Where (1 1 h-1 w-1, bool) the scene of a picture (1 c h w) is flat: it hardly varies within a kernel's reach.

    What varies there after deconvolution was not in the scene.
    """
    grey = blurry.mean(1, keepdim=True)
    return (_highest(grey, reach) + _highest(-grey, reach) < FLAT_RANGE)[..., :-1, :-1]


def gradient_length(picture: Image) -> AnyImage:
    """The length of each gradient (b c h-1 w-1)."""
    return inner_differences(picture).square().sum(0).sqrt()


def _counted(values: Tensor, left_out: Tensor | None, area: Area, outer: Area) -> Tensor:
    """The values (1 c h w) in `area` of those in `outer`, without those that are left out (1 1 h w, bool): (1 c n)."""
    counted = area.cut_from(values, outer)
    return counted if left_out is None else counted[..., ~area.cut_from(left_out, outer)[0, 0]]


def _within(area: Area, reach: int, *, before_last: int = 0) -> Area | None:
    """What of an area lies `reach` px inside the picture's frame, and so many before its last px; None for nothing."""
    rows, columns = (
        (max(first, reach), min(last, length - reach - before_last))
        for (first, last), length in zip((area.rows, area.columns), area.whole, strict=True)
    )
    return Area(rows, columns, area.whole) if rows[0] < rows[1] and columns[0] < columns[1] else None


def _highest(picture: Image, reach: int) -> Image:
    """The largest value within `reach` px in both directions, rows first: a square maximum is separable."""
    for axis in (-2, -1):
        picture = _highest_along(picture, reach, axis)
    return picture


def _highest_along(picture: Image, reach: int, axis: int) -> Image:
    """Along one axis, by windows that double: few passes however wide the window."""
    pad = (0, 0, reach, reach) if axis == -2 else (reach, reach)
    highest, width, window = functional.pad(picture, pad, value=-math.inf), 1, 2 * reach + 1
    while width < window:
        step = min(width, window - width)
        length = highest.shape[axis] - step
        highest = torch.maximum(highest.narrow(axis, 0, length), highest.narrow(axis, step, length))
        width += step
    return highest


def _failure(residual: float, sigma: float, sparsity_ratio: float, ringing: float) -> str:
    """Why the result is not to be trusted, in one sentence; empty if it is."""
    if not residual <= max(RESIDUAL_FLOOR, RESIDUAL_PER_SIGMA * sigma):  # nor where it is no number
        return "no single kernel explains this photo: blurring the result again does not give it back"
    if sparsity_ratio > WORST_SPARSITY_RATIO:
        return "the result has ghosts rather than sharper edges, so the photo is better as it is"
    if ringing > WORST_RINGING:
        return "the result rings in the photo's flat areas, so the photo is better as it is"
    return ""


def _sums(differences: Tensor) -> tuple[float, float]:
    """The sum of squares, and of how many."""
    return float(differences.square().sum(dtype=torch.float64)), float(differences.numel())


def _mean(total: float, count: float) -> float:
    return total / count if count else 0.0


def _decibels(total: float, count: float) -> float:
    mean = _mean(total, count)
    return -10 * math.log10(mean) if mean > 0 else math.inf - 0 * mean  # NaN stays NaN
