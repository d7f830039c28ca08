"""What do the picture formats share: a header to check before decoding, and integer samples that become pixels?

Samples are numpy arrays (h w c) of uint8 or uint16, c being grey, grey + alpha, RGB or RGBA. Each format file
(`png`, `tiff`, `jpeg`, `webp`) has `matches(data)`, `inspect(data) -> Header` and `decode(data) -> Photo`, and a
`Coding`, whose `encode(photo)` gives the bytes of a file. On broken bytes they raise whatever their decoder raises;
`images` turns that into a PictureError. They hold all samples once, and go through them a band of rows at a time.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from PIL import Image

from blurspace.types import Photo, Samples

BAND = 2**22  # bytes of samples that are gone through at a time, so that a big picture needs little more than its own
MODES = {1: "L", 2: "LA", 3: "RGB", 4: "RGBA"}  # Pillow's, by number of channels
CMYK = "holds CMYK colours of a rare kind: convert it to RGB"
FULL_COLOUR = "its palette is written as RGB, because restored colours do not fit a palette"
RAW = "is a camera RAW file, which is known by its name: give it one that ends in .dng or its maker's suffix"
OPENCV = "has more pixels, or a longer side, than can be decoded from it: save it with 8 bits, or as a plain TIFF"


@dataclass(frozen=True)
class Header:
    """What is known of a file before its pixels are decoded; `refusal` completes the sentence "THIS FILE ..."."""

    width: int
    height: int
    frames: int = 1
    refusal: str | None = None


def split_alpha(samples: np.ndarray) -> tuple[Samples, Samples | None]:
    """Samples (h w) or (h w c) as (grey or RGB (1 c h w), alpha (1 1 h w) or None), which share their memory."""
    planes = torch.from_numpy(samples.reshape(*samples.shape[:2], -1)).permute(2, 0, 1)[None]
    colours = planes.shape[1] - 1 + planes.shape[1] % 2
    return planes[:, :colours], planes[:, colours:] if colours < planes.shape[1] else None


def rows_of(photo: Photo, rows: slice = slice(None)) -> np.ndarray:
    """The reverse of `split_alpha`: (n w c), contiguous, those rows of the photo that are asked for."""
    planes = [one[0, :, rows].permute(1, 2, 0).cpu().numpy() for one in (photo.samples, photo.alpha) if one is not None]
    return np.ascontiguousarray(np.concatenate(planes, -1) if len(planes) > 1 else planes[0])


def extent(photo: Photo) -> tuple[int, int, int, int]:
    """Height, width, channels with alpha, bytes a sample."""
    _, colours, height, width = photo.samples.shape
    return height, width, colours + (photo.alpha is not None), photo.depth // 8


def bands(height: int, row_bytes: int, *, size: int | None = None) -> Iterator[slice]:
    """All rows, so many at a time that they hold about `size` bytes, or BAND."""
    step = max(1, (size or BAND) // row_bytes)
    return (slice(top, min(top + step, height)) for top in range(0, height, step))


def beyond_opencv(width: int, height: int) -> str | None:
    """The refusal of what OpenCV does not decode, whatever our own limit is."""
    return OPENCV if max(width, height) > 2**20 or width * height > 2**30 else None


def from_opencv(data: bytes | bytearray, kind: type[np.generic]) -> np.ndarray:
    """The samples (h w c) of a file by OpenCV, in our order; grey with alpha comes as RGBA. Raises ValueError."""
    samples = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if samples is None or samples.dtype != kind:
        raise ValueError(f"OpenCV could not decode {kind}")
    if samples.ndim == 2:
        return np.asarray(samples[..., None])
    swap = cv2.COLOR_BGR2RGB if samples.shape[-1] == 3 else cv2.COLOR_BGRA2RGBA
    for rows in bands(len(samples), samples[0].nbytes):  # in place: the whole once more would be too much
        samples[rows] = cv2.cvtColor(samples[rows], swap)
    return np.asarray(samples)


def from_pillow(image: Image.Image) -> np.ndarray:
    """The samples (h w c) of an image whose bands have 8 bits; `np.asarray` would hold them twice more on the way."""
    width, height, mode = image.width, image.height, image.mode
    samples = np.empty((height, width, len(image.getbands())), np.uint8)
    for rows in bands(height, 4 * width):
        band = Image.new(mode, (width, rows.stop - rows.start))
        band.paste(image, (0, -rows.start))
        samples[rows] = np.asarray(band).reshape(samples[rows].shape)
    return samples


def to_pillow(photo: Photo) -> Image.Image:
    """The photo's samples as an image; raises ValueError on 16 bits."""
    height, width, channels, size = extent(photo)
    if size > 1:
        raise ValueError("it holds 8 bits a channel and not 16")
    image = Image.new(MODES[channels], (width, height))
    for rows in bands(height, 4 * width):
        band = rows_of(photo, rows)
        image.paste(Image.fromarray(band[..., 0] if channels == 1 else band), (0, rows.start))
    return image


def metadata(info: Mapping[Any, Any]) -> dict[str, Any]:
    """What Pillow read beside the pixels, by its names in `Photo`."""
    return {"icc": info.get("icc_profile"), "exif": bare_exif(info.get("exif")), "xmp": info.get("xmp")}


def bare_exif(exif: bytes | None) -> bytes | None:
    """An EXIF block from its TIFF header on, which is how PNG, WebP and `Photo` keep it (JPEG puts a name before)."""
    return exif.removeprefix(b"Exif\0\0") if exif else None
