"""Which kernel, no wider than a bound, blurred this picture? Coarse-to-fine MAP estimation with sparse gradients.

At each level of a pyramid two closed-form steps alternate: the picture whose gradients are mostly zero and which, once
blurred by the kernel, gives the blurry one (Xu, Zheng and Jia 2013, "Unnatural L0"); then the kernel that maps its
gradients to the blurry ones (`kernel_step`). Only the kernel is kept: the picture is cartoon-like by design.
`candidates.py` runs this for several bounds and chooses.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.convolve import to_otf
from blurspace.blur.kernels import normalise
from blurspace.deblur.fourier import (
    differences,
    differences_adjoint,
    extend,
    extended_size,
    gradient_power,
    inner_differences,
)
from blurspace.deblur.kernel_step import solve_kernel, tidy_kernel
from blurspace.types import Image, Kernel

# A level is exactly 1 / sqrt 2 of the next: a 3 % error of scale per level costs 1 dB on Levin (our measurement).
LEVEL_SCALE = math.sqrt(0.5)
COARSEST_SIDE = 5  # px of kernel at the coarsest level
STEPS_PER_LEVEL = 5
# The weight of the number of non-zero gradients falls geometrically over all steps, on pictures in [0, 1].
SPARSITY_FIRST, SPARSITY_LAST = 4e-3, 3e-4
# Half-quadratic splitting: the coupling starts at twice the sparsity and doubles up to this (Xu et al. 2013).
COUPLING_LAST, COUPLING_GROWTH = 1e3, 2.0
# The finest level keeps faint tails of the kernel: values above this share of its peak. (Dropping those below 5 %, as
# published codes do, costs 0.5 dB on Levin when starting from the truth.)
THRESHOLD = 0.02
# Gradients fade out towards the frame over this many px: beyond it the blur drew on a world that we do not see.
# Without it a kernel that starts at the truth drifts away by 0.5 dB on Levin.
FADE = 20
# A shrunk pixel is left out when more than this share of it is to be ignored.
IGNORED_SHARE = 0.01


@dataclass(frozen=True)
class Search:
    """How one coarse-to-fine search is run.

    `side`: odd, an upper bound of the kernel's extent in px. `ridge`: weight of |kernel|^2 (see `solve_kernel`).
    `coarse_threshold`: at all but the finest level, kernel values below this share of the peak are dropped.
    """

    side: int
    ridge: float = 2e-3
    coarse_threshold: float = 0.05


def estimate_within(blurry: Image, search: Search, *, ignore: Tensor | None = None) -> Kernel:
    """Estimate a kernel that fits into `search.side` px from a grey picture (1 1 h w) in [0, 1].

    `ignore` (1 1 h w, bool): pixels that tell nothing, such as clipped ones. Returns (1 1 side side), centred.
    Source: Xu, Zheng and Jia 2013; the pyramid of Cho and Lee 2009.
    """
    side = search.side
    levels = max(round(math.log(COARSEST_SIDE / side) / math.log(LEVEL_SCALE)), 0)
    sparsities = _sparsities(levels)
    kernel = _first_kernel(_side_at(side, LEVEL_SCALE**levels), blurry)
    for level in range(levels, -1, -1):
        scale = LEVEL_SCALE**level
        if level < levels:
            kernel = _grow(kernel, _side_at(side, scale))
        trusted = None if ignore is None else shrink(ignore.to(blurry.dtype), scale) < IGNORED_SHARE
        threshold = THRESHOLD if level == 0 else search.coarse_threshold
        level_sparsities = sparsities[(levels - level) * STEPS_PER_LEVEL :][:STEPS_PER_LEVEL]
        kernel = refine(
            shrink(blurry, scale),
            kernel,
            level_sparsities,
            ridge=search.ridge,
            threshold=threshold,
            fade=max(round(FADE * scale), 2),
            trusted=trusted,
        )
    return kernel


def refine(
    blurry: Image,
    kernel: Kernel,
    sparsities: Sequence[float] = (SPARSITY_LAST,) * 3,
    *,
    ridge: float = Search.ridge,
    threshold: float = THRESHOLD,
    fade: int = FADE,
    trusted: Tensor | None = None,
) -> Kernel:
    """One level: alternate picture and kernel, one round per sparsity, starting from `kernel`; same size.

    `trusted` (1 1 h w, bool): the pixels to learn from.
    """
    height, width = blurry.shape[-2:]
    size = extended_size((height, width), kernel.shape[-1] - 1)
    extended = extend(blurry, size)
    window = _fade(height - 1, fade, blurry)[:, None] * _fade(width - 1, fade, blurry)
    if trusted is not None:
        window = window * trusted[..., 1:, 1:]
    blurry_gradients = window * inner_differences(blurry)
    for sparsity in sparsities:
        sharp = sparse_gradient_picture(extended, to_otf(kernel, size), sparsity)[..., :height, :width]
        kernel = solve_kernel(window * inner_differences(sharp), blurry_gradients, kernel, ridge=ridge)
        kernel = tidy_kernel(kernel, threshold=threshold)
    return kernel


def shrink(picture: Image, scale: float) -> Image:
    """Resize by exactly `scale` <= 1 about the centre, after a Gaussian that removes what the grid cannot hold."""
    if scale == 1:
        return picture
    height, width = picture.shape[-2:]
    sigma = 0.5 * math.sqrt(1 / scale**2 - 1)
    reach = math.ceil(3 * sigma)
    window = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=picture.device) / sigma) ** 2)
    window = window / window.sum()
    smooth = functional.pad(picture, (reach,) * 4, mode="replicate")
    smooth = functional.conv2d(functional.conv2d(smooth, window.view(1, 1, 1, -1)), window.view(1, 1, -1, 1))
    grid = _centred_grid(int(height * scale), int(width * scale), 1 / scale, (height, width), picture)
    return functional.grid_sample(smooth, grid, mode="bilinear", align_corners=True, padding_mode="border")


def sparse_gradient_picture(extended: Image, transfer: Tensor, sparsity: float) -> Image:
    """The picture with few non-zero gradients that explains `extended`, by half-quadratic splitting.

    `extended` (1 1 h w) wraps round smoothly; `transfer` is the kernel's on that grid. Source: Xu et al. 2013, eq. 6-9.
    """
    size = extended.shape[-2:]
    observed = transfer.conj() * torch.fft.rfft2(extended)
    power, gradient = transfer.abs().square(), gradient_power(tuple(size), extended.device)
    picture, coupling = extended, 2 * sparsity
    while coupling < COUPLING_LAST:
        gradients = differences(picture)
        kept = gradients * (gradients.square().sum(0) >= sparsity / coupling)
        spectrum = observed + coupling * torch.fft.rfft2(differences_adjoint(kept))
        picture = torch.fft.irfft2(spectrum / (power + coupling * gradient), s=size)
        coupling *= COUPLING_GROWTH
    return picture


def _side_at(side: int, scale: float) -> int:
    """The odd side that holds a kernel of `side` px at a coarser scale."""
    return math.ceil(side * scale) // 2 * 2 + 1


def _sparsities(levels: int) -> list[float]:
    steps = (levels + 1) * STEPS_PER_LEVEL
    ratio = (SPARSITY_LAST / SPARSITY_FIRST) ** (1 / (steps - 1))
    return [SPARSITY_FIRST * ratio**step for step in range(steps)]


def _first_kernel(side: int, like: Tensor) -> Kernel:
    """Two neighbouring pixels: the least blur that is not yet the fixed point "no blur" (Cho and Lee 2009)."""
    kernel = like.new_zeros(1, 1, side, side)
    kernel[..., side // 2, side // 2 - 1 : side // 2 + 1] = 0.5
    return kernel


def _grow(kernel: Kernel, side: int) -> Kernel:
    """Enlarge a kernel by exactly sqrt 2 about its centre into a square of `side` px."""
    grid = _centred_grid(side, side, LEVEL_SCALE, kernel.shape[-2:], kernel)
    grown = functional.grid_sample(kernel, grid, mode="bilinear", align_corners=True, padding_mode="zeros")
    return normalise(grown.clamp_min(0))


def _centred_grid(height: int, width: int, step: float, source: Sequence[int], like: Tensor) -> Tensor:
    """Sampling points `step` source px apart about the centre, in grid_sample's units (align_corners=True)."""
    rows = (torch.arange(height, device=like.device) - (height - 1) / 2) * step / max((source[0] - 1) / 2, 0.5)
    columns = (torch.arange(width, device=like.device) - (width - 1) / 2) * step / max((source[1] - 1) / 2, 0.5)
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)[None].to(like.dtype)


def _fade(length: int, margin: int, like: Tensor) -> Tensor:
    """A window that rises from 0 to 1 over `margin` px at both ends (half cosines)."""
    margin = min(margin, length // 4)
    rise = 0.5 - 0.5 * torch.cos(torch.pi * (torch.arange(margin, device=like.device) + 0.5) / max(margin, 1))
    return torch.cat((rise, like.new_ones(length - 2 * margin), rise.flip(0)))
