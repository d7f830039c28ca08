"""How is a WebP read, and written by the one of its two coders that it came from?

Read by OpenCV, whose decoder (the same libwebp) holds no more than the samples: Pillow's holds them five times.
"""

import io
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from blurspace.io.raster import Header, bare_exif, from_opencv, split_alpha, to_pillow
from blurspace.types import Photo

QUALITY = 95  # a lossy WebP does not say its own; 95 loses 0.7 dB against 100 at 0.7 of its size
ANIMATED = 0x02  # the flag in a VP8X chunk (RFC 9649, 2.7)
SYNC = b"\x9d\x01\x2a"  # before the size in a lossy picture (RFC 6386, 9.1)


@dataclass(frozen=True)
class Coding:
    """Which of its two coders a WebP came from."""

    format: ClassVar[str] = "WEBP"
    lossless: bool = True

    def encode(self, photo: Photo) -> bytes:
        """By the same coder; alpha is always lossless, and `exact` keeps the colours under it."""
        written = io.BytesIO()
        kept = {"icc_profile": photo.icc, "exif": photo.exif or b"", "xmp": photo.xmp or b""}
        to_pillow(photo).save(written, "WEBP", lossless=self.lossless, quality=QUALITY, exact=True, **kept)
        return written.getvalue()


def matches(data: bytes) -> bool:
    """Whether the bytes begin as a WebP does."""
    return data[:4] == b"RIFF" and data[8:12] == b"WEBP"


def inspect(data: bytes) -> Header:
    """Size and number of frames, from the bytes alone."""
    chunks = list(_chunks(data))
    width, height = _size(*chunks[0])
    animated = chunks[0][0] == b"VP8X" and chunks[0][1][0] & ANIMATED
    frames = sum(kind == b"ANMF" for kind, _ in chunks) if animated else 1
    return Header(width, height, frames=frames)


def decode(data: bytes) -> Photo:
    """The photo in a WebP, lossless or lossy."""
    parts = dict(reversed(list(_chunks(data))))  # of two alike, the first
    icc, exif, xmp = (bytes(parts.get(kind, b"")) or None for kind in (b"ICCP", b"EXIF", b"XMP "))
    samples, alpha = split_alpha(from_opencv(data, np.uint8))
    coding = Coding(lossless=b"VP8L" in parts)
    return Photo(samples, alpha, coding, icc=icc, exif=bare_exif(exif), xmp=xmp, source=data)


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
