"""How do pixels become the whole numbers of a file, and numbers pixels? The one home of rounding to 8 or 16 bits."""

from typing import Literal

import torch
from jaxtyping import Float, Shaped, UInt
from torch import Tensor

# Display values from here on count as clipped: JPEG scatters a clipped 255 over the last few levels.
CLIPPED = 250 / 255


def to_levels(pixels: Float[Tensor, "..."], depth: Literal[8, 16] = 8) -> UInt[Tensor, "..."]:
    """Clamped to [0, 1] and rounded to the nearest of 2^depth levels, as uint8 or uint16."""
    levels = pixels.detach().clamp(0, 1).mul_(2**depth - 1).round_()
    return levels.to(torch.uint8 if depth == 8 else torch.uint16)


def from_levels(levels: Shaped[Tensor, "..."]) -> Float[Tensor, "..."]:
    """The reverse: float32 in [0, 1], contiguous whatever the order of the levels in memory; of floats a copy."""
    if levels.is_floating_point():
        return levels.to(torch.float32, memory_format=torch.contiguous_format, copy=True)
    return levels.to(torch.float32, memory_format=torch.contiguous_format).div_(torch.iinfo(levels.dtype).max)


def to_8_bits(pixels: Float[Tensor, "..."]) -> Float[Tensor, "..."]:
    """Rounded as an 8-bit file would hold it, clamped to [0, 1], still floating-point."""
    return (pixels.clamp(0, 1) * 255).round() / 255
