"""What do the picture formats share: a header to check before decoding, and integer samples that become pixels?

Samples are numpy arrays (h w c) of uint8 or uint16, c being grey, grey + alpha, RGB or RGBA. Each format file
(`png`, `tiff`, `jpeg`, `webp`) has the same four functions, which know neither paths nor limits nor error sentences:
`matches(data)`, `inspect(data) -> Header`, `decode(data) -> Photo` and `encode(photo, samples) -> bytes`. On broken
bytes they raise whatever their decoder raises; `images` turns that into a PictureError.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch

from blurspace.types import AnyImage, Image

CMYK = "holds CMYK colours, where grey or RGB was wanted: convert it to RGB"
FULL_COLOUR = "its palette is written as RGB, because restored colours do not fit a palette"
RAW = "is a camera RAW file, which is not read yet: develop it to a TIFF of 16 bits, or to a PNG"


@dataclass(frozen=True)
class Header:
    """What is known of a file before its pixels are decoded; `refusal` completes the sentence "THIS FILE ..."."""

    width: int
    height: int
    frames: int = 1
    refusal: str | None = None


def split_alpha(samples: np.ndarray) -> tuple[Image, AnyImage | None]:
    """Samples (h w) or (h w c) as float32 (grey or RGB pixels (1 c h w), alpha (1 1 h w) or None), in [0, 1]."""
    planes = np.moveaxis(samples.reshape(*samples.shape[:2], -1), -1, 0)
    top = np.float32(np.iinfo(samples.dtype).max)
    values = torch.from_numpy(planes.astype(np.float32, order="C") / top)[None]
    colours = values.shape[1] - 1 + values.shape[1] % 2
    return values[:, :colours], values[:, colours:] if colours < values.shape[1] else None


def join_alpha(pixels: Image, alpha: AnyImage | None, depth: Literal[8, 16]) -> np.ndarray:
    """The reverse of `split_alpha`: clamped to [0, 1], rounded to the nearest of 2^depth levels, (h w c)."""
    values = pixels if alpha is None else torch.cat((pixels, alpha.to(pixels)), 1)
    levels = (values.detach()[0].clamp(0, 1) * (2**depth - 1)).round().to(torch.int32)
    return levels.permute(1, 2, 0).contiguous().cpu().numpy().astype(np.uint8 if depth == 8 else np.uint16)


def without_prefix(exif: bytes | None) -> bytes | None:
    """An EXIF block from its TIFF header on, which is how PNG, WebP and `Photo` keep it (JPEG puts a name before)."""
    return exif.removeprefix(b"Exif\0\0") if exif else None
