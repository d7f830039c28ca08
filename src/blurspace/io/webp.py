"""How is a WebP read, and written by the one of its two coders that it came from?"""

import io
import struct
from collections.abc import Iterator

import numpy as np
from PIL import Image
from PIL.WebPImagePlugin import WebPImageFile

from blurspace.io.raster import Header, split_alpha, without_prefix
from blurspace.types import Photo

# A lossy WebP does not say its quality. 95 loses 0.7 dB against 100 at 0.7 of its size (scikit-image's astronaut).
QUALITY = 95
ANIMATED = 0x02  # the flag in a VP8X chunk (RFC 9649, 2.7)
SYNC = b"\x9d\x01\x2a"  # before the size in a lossy picture (RFC 6386, 9.1)


def matches(data: bytes) -> bool:
    """Whether the bytes begin as a WebP does."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def inspect(data: bytes) -> Header:
    """Size and number of frames, from the bytes alone: Pillow's decoder takes memory for the whole picture at once."""
    chunks = list(_chunks(data))
    width, height = _size(*chunks[0])
    animated = chunks[0][0] == b"VP8X" and chunks[0][1][0] & ANIMATED
    frames = sum(kind == b"ANMF" for kind, _ in chunks) if animated else 1
    return Header(width, height, frames=frames)


def decode(data: bytes) -> Photo:
    """The photo in a WebP, lossless or lossy."""
    with WebPImageFile(io.BytesIO(data)) as image:
        image.load()
        pixels, alpha = split_alpha(np.asarray(image))
        return Photo(
            pixels=pixels,
            alpha=alpha,
            format="WEBP",
            icc=image.info.get("icc_profile"),
            exif=without_prefix(image.info.get("exif")),
            xmp=image.info.get("xmp"),
            lossless=any(kind == b"VP8L" for kind, _ in _chunks(data)),
            source=data,
        )


def encode(photo: Photo, samples: np.ndarray) -> bytes:
    """Samples (h w c) as a WebP; alpha is always lossless, and `exact` keeps the colours under it."""
    written = io.BytesIO()
    Image.fromarray(samples[..., 0] if samples.shape[-1] == 1 else samples).save(
        written,
        "WEBP",
        lossless=photo.lossless,
        quality=QUALITY,
        exact=True,
        icc_profile=photo.icc,
        exif=photo.exif or b"",
        xmp=photo.xmp or b"",
    )
    return written.getvalue()


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The kind and body of every chunk; raises ValueError or struct.error where they are cut off."""
    view = memoryview(data)
    end = 8 + struct.unpack_from("<I", data, 4)[0]
    start = 12
    while start < end:
        kind, length = struct.unpack_from("<4sI", data, start)
        body = view[start + 8 : start + 8 + length]
        if len(body) < length:
            raise ValueError(f"a {kind!r} chunk is cut off")
        yield kind, body
        start += 8 + length + length % 2


def _size(kind: bytes, body: memoryview) -> tuple[int, int]:
    """Width and height from the first chunk: extended (RFC 9649, 2.7), lossless (3.4) or lossy (RFC 6386, 9.1)."""
    if kind == b"VP8X":
        return 1 + int.from_bytes(body[4:7], "little"), 1 + int.from_bytes(body[7:10], "little")
    if kind == b"VP8L":
        sides = int.from_bytes(body[1:5], "little")
        return 1 + (sides & 0x3FFF), 1 + (sides >> 14 & 0x3FFF)
    if kind != b"VP8 " or body[3:6] != SYNC:
        raise ValueError(f"a WebP does not begin with {kind!r}")
    width, height = struct.unpack_from("<HH", body, 6)
    return width & 0x3FFF, height & 0x3FFF
