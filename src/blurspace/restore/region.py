"""Where is a photo to be restored, and how does what is restored there join the rest without a seam?

A region is a mask (1 1 h w, uint8): 0 where the photo stays as it is to the bit, 255 where it is restored, and between
them where the two are mixed. It is looked at piece by piece, so that a large photo needs no more than this byte a px.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.areas import Area
from blurspace.errors import UsageError
from blurspace.levels import from_levels, to_levels
from blurspace.types import Image

Mask = Tensor | Literal["auto"] | None  # "auto": of the part that is found to be blurred; None: all of the photo
# px in which a mask rises from black to white at the fastest: about half of a usual shake (ours).
FEATHER = 8


@dataclass(frozen=True)
class Region:
    """Where a photo was to be restored.

    `share` in (0, 1]: of its pixels, grey ones in part. `part`: the box about it, left, top, right and bottom in %.
    """

    share: float
    part: tuple[int, int, int, int]


def as_mask(picture: Tensor, alpha: Tensor | None = None) -> Tensor:
    """A grey picture (1 c h w), float in [0, 1], uint8 or uint16, as a mask: black where `alpha` (1 1 h w) is 0.

    Raises UsageError where it is in colour, or black all over.
    """
    if not bool((picture == picture[:, :1]).all()):
        raise UsageError("the region is a picture in colour, where a grey one was wanted: paint it black and white")
    grey = picture[:, :1]
    shown = grey if grey.is_floating_point() else from_levels(grey)
    mask = to_levels(shown if alpha is None else shown * (alpha != 0))
    if not bool(mask.any()):
        raise UsageError("the region is black all over: paint white what is to be restored")
    return mask


def check_mask(mask: Tensor, size: tuple[int, int]) -> None:
    """Raise UsageError where a mask is none of a photo of `size` (h, w)."""
    if mask.dtype != torch.uint8 or mask.shape[:2] != (1, 1):
        raise UsageError(f"a region of {mask.dtype}, {tuple(mask.shape)}, was given: give uint8 (1, 1, height, width)")
    if mask.shape[-2:] != size:
        given = f"a region of {mask.shape[-1]} x {mask.shape[-2]} pixels was given for a photo of {size[1]} x {size[0]}"
        raise UsageError(f"{given}: give one of the photo's size, as its file stores it")


def described(mask: Tensor) -> Region:
    """What is said of a mask."""
    spans = [mask.any(axis)[0, 0].nonzero() for axis in (-2, -1)]
    (left, right), (top, bottom) = (
        (round(100 * int(span[0]) / length), round(100 * (int(span[-1]) + 1) / length))
        for span, length in zip(spans, (mask.shape[-1], mask.shape[-2]), strict=True)
    )
    return Region(float(mask.sum()) / mask.numel() / 255, (left, top, right, bottom))


def weights(mask: Tensor, area: Area) -> Image:
    """How much of each pixel (1 1 h w) of a piece is to be restored, in [0, 1]: hard edges become soft ones inwards.

    The highest that is nowhere above the mask and rises by at most 1 / FEATHER per px; so soft masks stay as they are.
    """
    outer = area.grown(FEATHER)
    found = from_levels(outer.cut(mask))
    for _ in range(FEATHER):
        lowest_near = -functional.max_pool2d(-found, 3, stride=1, padding=1)
        found = found.minimum(lowest_near + 1 / FEATHER)
    return area.cut_from(found, outer)
