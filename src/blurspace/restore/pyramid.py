"""How do picture and kernel pass from one scale of a search to the next, and what is the first kernel?"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.kernels import normalise
from blurspace.types import AnyImage, AnyKernel, Image, Kernel

# A level is exactly 1 / sqrt 2 of the next: errors of scale add up over the levels.
LEVEL_SCALE = math.sqrt(0.5)
COARSEST_SIDE = 5  # px of kernel at the coarsest level
# Rows and columns to the next pixel of a first kernel: across, up and along both diagonals.
DIRECTIONS = ((0, 1), (1, 0), (1, 1), (1, -1))
STARTS = 2 * len(DIRECTIONS) + 1


def scales(side: int) -> list[float]:
    """The scales of a search for a kernel of `side` px, from the coarsest to 1."""
    levels = max(round(math.log(COARSEST_SIDE / side) / math.log(LEVEL_SCALE)), 0)
    return [LEVEL_SCALE**level for level in range(levels, -1, -1)]


def side_at(side: int, scale: float) -> int:
    """The odd side that holds a kernel of `side` px at a coarser scale."""
    return math.ceil(side * scale) // 2 * 2 + 1


def first_kernels(side: int, like: Tensor) -> AnyKernel:
    """What searches may start from (STARTS 1 k k), unlike each other and no longer the fixed point "no blur".

    Pairs of neighbours across, up and along both diagonals (Cho and Lee 2009), then lines as long as the square holds
    in these directions, then all of it.
    """
    middle, kernels = side // 2, like.new_zeros(STARTS, 1, side, side)
    for index, (down, right) in enumerate(DIRECTIONS):
        for row, first, last in ((index, -1, 0), (index + len(DIRECTIONS), -middle, middle)):
            places = torch.arange(first, last + 1, device=like.device)
            kernels[row, 0, middle + down * places, middle + right * places] = 1
    kernels[-1] = 1
    return kernels / kernels.sum((-2, -1), keepdim=True)


def grow(kernel: Kernel, side: int) -> AnyKernel:
    """Enlarge kernels (b 1 k k) by exactly one level about their centres into a square of `side` px: bicubic."""
    return _resampled(kernel, side, LEVEL_SCALE)


def resize_kernel(kernel: Kernel, scale: float) -> AnyKernel:
    """The kernel of a picture that was made `scale` <= 1 times as big."""
    return _resampled(shrink(kernel, scale), side_at(kernel.shape[-1], scale), 1.0) if scale < 1 else kernel


def shrink(picture: Image, scale: float) -> AnyImage:
    """Resize (1 n h w) by exactly `scale` <= 1 about the centre, after a Gaussian for what the grid cannot hold."""
    if scale == 1:
        return picture
    height, width = picture.shape[-2:]
    sigma = 0.5 * math.sqrt(1 / scale**2 - 1)
    reach = math.ceil(3 * sigma)
    window = torch.exp(-0.5 * (torch.arange(-reach, reach + 1, device=picture.device) / sigma) ** 2)
    window = window / window.sum()
    smooth = functional.pad(picture, (reach,) * 4, mode="replicate").transpose(0, 1)
    smooth = functional.conv2d(functional.conv2d(smooth, window.view(1, 1, 1, -1)), window.view(1, 1, -1, 1))
    grid = _centred_grid(int(height * scale), int(width * scale), 1 / scale, (height, width), picture)
    smooth = smooth.transpose(0, 1)
    return functional.grid_sample(smooth, grid, mode="bilinear", align_corners=True, padding_mode="border")


def _resampled(kernel: Kernel, side: int, step: float) -> AnyKernel:
    grid = _centred_grid(side, side, step, kernel.shape[-2:], kernel).expand(len(kernel), -1, -1, -1)
    grown = functional.grid_sample(kernel, grid, mode="bicubic", align_corners=True, padding_mode="zeros")
    return normalise(grown.clamp_min(0))


def faded(size: Sequence[int], margin: int, like: Tensor) -> Tensor:
    """A window (h w) that rises from 0 to 1 over `margin` px at each side of the frame (half cosines)."""
    rows, columns = (_fade(length, margin, like) for length in size[-2:])
    return rows[:, None] * columns


def _centred_grid(height: int, width: int, step: float, source: Sequence[int], like: Tensor) -> Tensor:
    """Sampling points `step` source px apart about the centre, in grid_sample's units (align_corners=True)."""
    rows = (torch.arange(height, device=like.device) - (height - 1) / 2) * step / max((source[0] - 1) / 2, 0.5)
    columns = (torch.arange(width, device=like.device) - (width - 1) / 2) * step / max((source[1] - 1) / 2, 0.5)
    return torch.stack(torch.meshgrid(columns, rows, indexing="xy"), dim=-1)[None].to(like.dtype)


def _fade(length: int, margin: int, like: Tensor) -> Tensor:
    margin = min(margin, length // 4)
    rise = 0.5 - 0.5 * torch.cos(torch.pi * (torch.arange(margin, device=like.device) + 0.5) / max(margin, 1))
    return torch.cat((rise, like.new_ones(length - 2 * margin), rise.flip(0)))
