"""How is a camera RAW read? Developed by LibRaw, in a process of its own, into light: 16 bits, no tone curve.

So its light is known, and a profile says so: the values of the TIFF that is written are light, in sRGB's colours.
"""

import struct

from PIL.ExifTags import Base

from blurspace.io import tiff
from blurspace.io.guarded import ask
from blurspace.io.raster import Header, split_alpha
from blurspace.types import Photo

DEVELOPED = "it was developed from camera RAW, with the camera's white balance, into linear light"
# What a developed picture says of its camera; all else describes the sensor, and would make the TIFF a DNG.
KEPT = (Base.ImageDescription, Base.Make, Base.Model, Base.DateTime, Base.Artist, Base.Copyright)
# sRGB's primaries and white in the profile connection space, as sRGB's own profile has them (ICC.1:2022, annex E).
PRIMARIES = {
    b"rXYZ": (0.4360747, 0.2225045, 0.0139322),
    b"gXYZ": (0.3850649, 0.7168786, 0.0971045),
    b"bXYZ": (0.1430804, 0.0606169, 0.7141733),
    b"wtpt": (0.9642, 1.0, 0.8249),
}


def inspect(data: bytes) -> Header:
    """Size."""
    facts, _ = ask("RAW", "inspect", data)
    return Header(facts["width"], facts["height"])


def decode(data: bytes) -> Photo:
    """The photo in a camera RAW, upright, 16 bits of linear light, without `source`: it is written as a TIFF."""
    header = inspect(data)
    _, found = ask("RAW", "decode", data, header.width * header.height)
    assert found is not None
    samples, _ = split_alpha(found)
    exif, lost = tiff.chosen_tags(data, KEPT)
    changes = (DEVELOPED, *(("its EXIF cannot be read and is left out",) if lost else ()))
    return Photo(samples, None, tiff.Coding(), changes=changes, icc=linear_profile(), exif=exif)


def linear_profile() -> bytes:
    """An ICC profile (version 2, a display) of sRGB's colours without its curve."""
    text = b"Linear sRGB"
    tags = {b"desc": b"desc" + struct.pack(">II", 0, len(text) + 1) + text + bytes(1 + 78)}
    tags |= {b"cprt": b"text" + bytes(4) + b"CC0\0"}
    tags |= {name: b"XYZ " + bytes(4) + struct.pack(">3i", *_fixed(xyz)) for name, xyz in PRIMARIES.items()}
    tags |= {name: b"curv" + bytes(8) for name in (b"rTRC", b"gTRC", b"bTRC")}  # no points: a straight line
    at, table, bodies = 128 + 4 + 12 * len(tags), struct.pack(">I", len(tags)), b""
    for name, body in tags.items():
        table += name + struct.pack(">II", at + len(bodies), len(body))
        bodies += body.ljust((len(body) + 3) // 4 * 4, b"\0")
    date = struct.pack(">6H", 2026, 1, 1, 0, 0, 0)
    head = bytes(8) + b"\2\x40\0\0" + b"mntrRGB XYZ " + date + b"acsp" + bytes(28)
    head += struct.pack(">3i", *_fixed(PRIMARIES[b"wtpt"])) + bytes(48)
    whole = head + table + bodies
    return struct.pack(">I", len(whole)) + whole[4:]


def _fixed(numbers: tuple[float, ...]) -> list[int]:
    """The numbers of a profile: in 65536ths."""
    return [round(65536 * number) for number in numbers]
