"""How is a HEIC read, as iPhones write it? By pi-heif, in a process of its own; it is written as another format."""

import math
import re
import struct

from blurspace.io import png
from blurspace.io.exif import upright
from blurspace.io.guarded import ask
from blurspace.io.raster import Header, bare_exif, split_alpha
from blurspace.types import Photo

# What it calls itself behind `ftyp` (ISO 23008-12, annex B); mif1 and msf1 say only that it is a picture.
BRANDS = frozenset(b"heic heix heim heis hevc hevx mif1 msf1".split())
GAIN_MAP = "its gain map, which made lights brighter on some screens, is left out"
SIZE = re.compile(b"ispe")  # the property that tells a size, behind four bytes of version and flags (6.5.3)
OTHER_FORMAT = "it was a HEIC, which is not written"


def matches(data: bytes) -> bool:
    """Whether the bytes begin as a HEIC does."""
    return data[4:8] == b"ftyp" and data[8:12] in BRANDS


def inspect(data: bytes) -> Header:
    """The size of the largest picture in it, from its facts alone. Raises ValueError where none is told."""
    start, end = _facts(data)
    sizes = [struct.unpack_from(">II", data, at.end() + 4) for at in SIZE.finditer(data, start, end - 12)]
    return Header(*max(sizes, key=math.prod))


def _facts(data: bytes) -> tuple[int, int]:
    """Where the box `meta` begins and ends (ISO 14496-12, 4.2 and 8.11); coded pixels may hold any bytes."""
    at = 0
    while at + 8 <= len(data):
        size, kind = struct.unpack_from(">I4s", data, at)
        long = size == 1 and at + 16 <= len(data)
        size = struct.unpack_from(">Q", data, at + 8)[0] if long else size or len(data) - at  # 0: up to the end
        if kind == b"meta":
            return at, min(at + size, len(data))
        at += max(size, 8)
    raise ValueError("it holds no box of facts")


def decode(data: bytes) -> Photo:
    """The photo in a HEIC, upright; 10 and 12 bits become 16. Without `source`; the coding of PNG holds all."""
    header = inspect(data)
    facts, found = ask("HEIC", "decode", data, header.width * header.height)
    assert found is not None
    samples, alpha = split_alpha(found)
    icc, exif, xmp = (bytes.fromhex(facts.get(name, "")) or None for name in ("icc", "exif", "xmp"))
    told = (
        (True, OTHER_FORMAT),
        (facts["gain_map"], GAIN_MAP),
        (facts["depth_map"], "its map of depths is left out"),
        (facts["pictures"] > 1, "any further pictures in it are left out"),
    )
    changes = tuple(sentence for true, sentence in told if true)
    # The decoder turns the picture, and its EXIF would have it turned again (ISO 23008-12, annex A.2).
    return Photo(samples, alpha, png.Coding(), changes=changes, icc=icc, exif=upright(bare_exif(exif)), xmp=xmp)
