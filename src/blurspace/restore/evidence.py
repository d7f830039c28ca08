"""Does this restoration explain the photo, and what did it do? Sums over tiles, from which `verdict` reads the receipt.

A re-blur score alone rewards doing nothing, so it stands beside the amount of change, the ringing and where the rest
lies. What is added up are sums and counts only, so that a photo of any size is judged in bounded memory, and one that
fits in one tile as if there were no tiles.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.areas import Area, whole
from blurspace.blur.convolve import blur
from blurspace.blur.fourier import inner_differences
from blurspace.pixels import highest
from blurspace.types import AnyImage, Image, Kernel

# Where a window of the kernel's size varies by less than this in the blurry picture, the sharp one is flat as well.
FLAT_RANGE = 6 / 255
LEAST = 1e-12  # a photo of one colour has no gradients to divide by
# Noise counts as at least so much: rounding to 8 bits is 0.0011, and no kernel is exact.
LEAST_NOISE = 2e-3
# px: the rest is compared with the noise about each pixel, within so many; and by how much, in this many equal steps
# of its logarithm from half the noise to 32 times.
NEARBY, STEPS, SPAN = 8, 24, (math.log(0.5), math.log(32.0))


@dataclass(frozen=True)
class Evidence:
    """Sums over pixels, and how many there were: evidence of two tiles adds up to that of both.

    `residual`: squared differences between the photo and the result blurred again, where all of the blur was seen.
    `change`: squared differences between photo and result. `gradients_*`: lengths of gradients of the photo and of the
    result, and their squares. `flat`, `busy`: lengths of the result's grey gradients where the scene must be flat, and
    elsewhere; `flat_blurry`: of the photo's. `edge_residual`: squared differences times the lengths of the result's
    gradients, and `edges`: those lengths. `nearby`: of how many pixels the rest about them is so many times the noise.
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
    flat_blurry: float = 0.0
    edge_residual: float = 0.0
    edges: float = 0.0
    nearby: tuple[float, ...] = (0.0,) * STEPS

    def __add__(self, other: "Evidence") -> "Evidence":
        """The evidence of two pieces that do not overlap."""
        sums = {one.name: getattr(self, one.name) + getattr(other, one.name) for one in fields(self)}
        return Evidence(**sums | {"nearby": tuple(map(sum, zip(self.nearby, other.nearby, strict=True)))})

    @property
    def rest(self) -> float:
        """The root mean square of what blurring the result again leaves of the photo; NaN where it was seen nowhere."""
        return math.sqrt(self.residual / self.residual_count) if self.residual_count else math.nan

    @property
    def changed(self) -> float:
        """The root mean square of what was changed."""
        return math.sqrt(_mean(self.change, self.change_count))

    @property
    def ringing(self) -> float:
        """Of the gradients of the result, the mean in flat areas as a share of the mean elsewhere, at most 1."""
        if not self.flat_count or not self.busy_count:
            return 0.0
        return min(1.0, _mean(self.flat, self.flat_count) / max(_mean(self.busy, self.busy_count), LEAST))

    @property
    def sparsities(self) -> tuple[float, float]:
        """The normalised sparsity of the photo, and of the result: sharper edges make it smaller, ghosts larger."""
        before, after = (
            _mean(lengths, self.gradients_count) / max(math.sqrt(_mean(squares, self.gradients_count)), LEAST)
            for lengths, squares in (
                (self.gradients_blurry, self.squares_blurry),
                (self.gradients_restored, self.squares_restored),
            )
        )
        return before, after

    @property
    def steeper(self) -> float:
        """How many times as long the result's gradients are."""
        return self.gradients_restored / max(self.gradients_blurry, LEAST)

    @property
    def rougher(self) -> float:
        """How many times as long they are where the scene must be flat; 1 where it is so nowhere."""
        return self.flat / max(self.flat_blurry, LEAST) if self.flat_count else 1.0

    @property
    def rest_at_edges(self) -> float:
        """How many times as much is left at the result's edges as all over: of noise it is 1."""
        if not self.residual_count or not self.edges:
            return 1.0
        return self.edge_residual / max(self.edges * _mean(self.residual, self.residual_count), LEAST)

    def worst(self, share: float) -> float:
        """How many times the noise is left about a pixel, at most, but for the worst `share` of the pixels."""
        total, seen = sum(self.nearby), 0.0
        for step, count in enumerate(self.nearby):
            seen += count
            if seen >= (1 - share) * total:
                return math.exp(SPAN[0] + (SPAN[1] - SPAN[0]) * (step + 0.5) / STEPS)
        return math.exp(SPAN[1])

    @property
    def reblur_psnr(self) -> float:
        """dB between the photo and the result blurred again."""
        return _decibels(self.residual, self.residual_count)

    @property
    def change_psnr(self) -> float:
        """dB between photo and result."""
        return _decibels(self.change, self.change_count)


def gather(
    blurry: Image,
    restored: Image,
    reblurred: Image,
    *,
    reach: int,
    sigma: float = 0.0,
    area: Area | None = None,
    outer: Area | None = None,
    unseen: Tensor | None = None,
) -> Evidence:
    """The evidence in `area` of a picture, from pictures (1 c h w) of `outer`, which has `reach` px more on each side.

    All display-referred in [0, 1]; `reblurred` is the restored picture under the blur, in the same light as the photo;
    `sigma`: the photo's noise. Without areas the pictures are whole. `unseen` (1 1 h w, bool): pixels of `outer` that
    do not count, nor within their reach what is left there, and what is flat or busy.
    """
    area = area or whole((blurry.shape[-2], blurry.shape[-1]))
    outer = outer or area
    inner = _within(area, reach)
    rest, change = blurry - reblurred, restored - blurry
    near = None if unseen is None else highest(unseen.to(blurry), reach) > 0
    told = _counted(rest, near, inner, outer) if inner else rest.new_zeros(0)
    known = Evidence(*_sums(told), *_sums(_counted(change, unseen, area, outer)))
    steps = _within(area, 0, before_last=1)
    if steps is None:  # a strip of one px at the end
        return known
    hidden = None if unseen is None else functional.max_pool2d(unseen.to(blurry), 2, stride=1) > 0
    edges, edges_before = (gradient_length(picture.mean(1, keepdim=True)) for picture in (restored, blurry))
    before, after = (_counted(gradient_length(picture), hidden, steps, outer) for picture in (blurry, restored))
    grey, grey_before, flat = (
        _counted(values, near, steps, outer) for values in (edges, edges_before, flat_areas(blurry, reach))
    )
    return replace(
        known,
        gradients_blurry=_total(before),
        squares_blurry=_total(before.square()),
        gradients_restored=_total(after),
        squares_restored=_total(after.square()),
        gradients_count=float(before.numel()),
        flat=_total(grey[flat]),
        flat_count=float(flat.sum()),
        busy=_total(grey[~flat]),
        busy_count=float((~flat).sum()),
        flat_blurry=_total(grey_before[flat]),
        **_places(rest, edges, near, reach=reach, sigma=sigma, area=area, outer=outer),
    )


def _places(
    rest: AnyImage, edges: AnyImage, near: Tensor | None, *, reach: int, sigma: float, area: Area, outer: Area
) -> dict[str, Any]:
    """Where the rest lies: whether at edges, and how much there is about each pixel that is not `near` unseen ones."""
    inner, seen = _within(area, reach, before_last=1), _within(outer, reach, before_last=1)
    if inner is None or seen is None:
        return {}
    squares = seen.cut_from(rest.square().mean(1, keepdim=True), outer)
    left_out = None if near is None else seen.cut_from(near, outer)
    about = _counted(_means_nearby(squares, left_out), left_out, inner, seen).sqrt() / max(sigma, LEAST_NOISE)
    step = ((about.clamp_min(LEAST).log() - SPAN[0]) / (SPAN[1] - SPAN[0]) * STEPS).clamp(0, STEPS - 1)
    counts = torch.bincount(step.nan_to_num(STEPS - 1).flatten().long(), minlength=STEPS)
    here, there = _counted(edges, near, inner, outer), _counted(squares, left_out, inner, seen)
    return {
        "edge_residual": _total(here * there),
        "edges": _total(here),
        "nearby": tuple(float(count) for count in counts),
    }


def _means_nearby(picture: AnyImage, left_out: Tensor | None = None) -> AnyImage:
    """The mean within NEARBY px of each pixel, as far as the picture reaches, of those not left out (1 1 h w, bool)."""
    if left_out is not None:
        share = _means_nearby((~left_out).to(picture))
        return _means_nearby(torch.where(left_out, 0, picture)) / share.clamp_min(LEAST)
    for side in ((2 * NEARBY + 1, 1), (1, 2 * NEARBY + 1)):
        pad = (side[0] // 2, side[1] // 2)
        picture = functional.avg_pool2d(picture, side, stride=1, padding=pad, count_include_pad=False)
    return picture


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


def normalised_sparsity(picture: Image) -> float:
    """|grad|_1 / |grad|_2 over the pixels (Krishnan, Tay and Fergus 2011, eq. 2): lower is sharper, free of scale."""
    size = gradient_length(picture)
    return float(size.mean() / size.square().mean().sqrt().clamp_min(1e-12))


def flat_areas(blurry: Image, reach: int) -> Tensor:
    """Where (1 1 h-1 w-1, bool) the scene of a picture (1 c h w) is flat: it hardly varies within a kernel's reach.

    What varies there after deconvolution was not in the scene.
    """
    grey = blurry.mean(1, keepdim=True)
    return (highest(grey, reach) + highest(-grey, reach) < FLAT_RANGE)[..., :-1, :-1]


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


def _sums(differences: Tensor) -> tuple[float, float]:
    """The sum of squares, and of how many."""
    return float(differences.square().sum(dtype=torch.float64)), float(differences.numel())


def _total(values: Tensor) -> float:
    return float(values.sum(dtype=torch.float64))


def _mean(total: float, count: float) -> float:
    return total / count if count else 0.0


def _decibels(total: float, count: float) -> float:
    mean = _mean(total, count)
    return -10 * math.log10(mean) if mean > 0 else math.inf - 0 * mean  # NaN stays NaN
