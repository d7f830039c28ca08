"""How is a JPEG read, and written at the quality that it came with?"""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from blurspace.io.cmyk import to_rgb
from blurspace.io.parts import further_parts
from blurspace.io.raster import Header, from_pillow, metadata, split_alpha, to_pillow
from blurspace.io.thumbnail import PHOTOSHOP, without_photoshops
from blurspace.types import Photo

START = b"\xff\xd8\xff"
EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
ICC = b"ICC_PROFILE\0"
MORE_PICTURES = b"MPF\0"  # a table of pictures behind the first one, with offsets that no longer hold
JFIF = b"JFIF\0"
ADOBE = b"Adobe"  # how the old samples were coded; ours are coded as JFIF says
JFXX = b"JFXX\0"  # a thumbnail of the old picture
GAIN_MAP = b"urn:iso:std:iso:ts:21496:-1\0"  # how to show a picture that is no longer behind the first one
# Content credentials (C2PA, in JUMBF boxes of ISO 19566-5): they sign pixels that are gone.
CREDENTIALS, JUMBF = "APP11", b"JP"
UNSIGNED = "its content credentials, which are of the old pixels, are left out"
REPLACED = (EXIF, XMP, ICC, MORE_PICTURES, JFIF, ADOBE, JFXX, GAIN_MAP)
# Where a JFIF file keeps its pixels per inch or cm: unit, x and y, behind start, marker, length, name and version.
DENSITY = slice(13, 18)
QUALITY = 95  # of a photo that was no JPEG when it was read: the highest that Pillow's manual recommends
# Of the 8 x 8 frequencies, those per direction that survive a blur of some px, so that their quantisation matters; with
# 4, our demo photos keep a fine ripple, with 6 the smallest lettering goes.
SURVIVING = 5


@dataclass(frozen=True)
class Coding:
    """How a JPEG is coded, so that it is written back at its own quality."""

    format: ClassVar[str] = "JPEG"
    tables: tuple[tuple[int, ...], ...] = ()  # a row of 64 for each component; none: QUALITY
    subsampling: int = 0  # Pillow's number; 0: none

    def encode(self, photo: Photo) -> bytes:
        """With these tables and the photo's metadata; raises OSError on an alpha channel."""
        written = io.BytesIO()
        tables = [list(table) for table in self.tables] or None
        quality = -1 if tables else QUALITY  # -1: as the tables say
        coded = {"quality": quality, "qtables": tables, "subsampling": self.subsampling}
        kept = {"icc_profile": photo.icc, "exif": EXIF + photo.exif if photo.exif else b"", "xmp": photo.xmp}
        to_pillow(photo).save(written, "JPEG", extra=b"".join(copied(photo)), **coded, **kept)
        _keep_density(written, photo.source)
        return written.getvalue()


def quantisation_sigma(photo: Photo) -> float:
    """The noise, in pixel values of [0, 1], that a JPEG's quantisation leaves in its brightness; 0 for other formats.

    A step q makes a uniform error of standard deviation q / sqrt 12, per pixel too as the transform is orthonormal.
    """
    if not isinstance(photo.coding, Coding) or not photo.coding.tables:
        return 0.0
    lowest = np.reshape(photo.coding.tables[0], (8, 8))[:SURVIVING, :SURVIVING]
    return float(lowest.mean() / math.sqrt(12) / 255)


def matches(data: bytes) -> bool:
    """Whether the bytes begin as a JPEG does."""
    return data.startswith(START)


def inspect(data: bytes) -> Header:
    """Size."""
    with JpegImageFile(io.BytesIO(data)) as image:
        return Header(*image.size)


def decode(data: bytes) -> Photo:
    """The photo in a JPEG, with the tables that it was coded with."""
    with JpegImageFile(io.BytesIO(data)) as image:
        image.load()
        kept, changes = metadata(image.info), further_parts(data)
        if any(_signs(*segment) for segment in image.applist):
            changes = (*changes, UNSIGNED)
        rgb: Image.Image = image
        if image.mode == "CMYK":
            rgb, told = to_rgb(image, kept["icc"])
            kept["icc"], changes = None, (*changes, told)
        samples, alpha = split_alpha(from_pillow(rgb))
        # By component rather than by number, because files number their tables as they like.
        used = dict.fromkeys(component[3] for component in image.layer[:3])  # not that of black
        # Pillow writes three kinds of subsampling; of the others (-1) none is as good as no subsampling (0).
        coding = Coding(tuple(tuple(image.quantization[number]) for number in used), max(0, get_sampling(image)))
        return Photo(samples, alpha, coding, changes=changes, source=data, **kept)


def copied(photo: Photo) -> Iterator[bytes]:
    """The segments that are written as they were: IPTC, extended XMP, comments and whatever else programs add."""
    if photo.source is None or not matches(photo.source):
        return
    with JpegImageFile(io.BytesIO(photo.source)) as image:
        for kind, body in image.applist:
            if not body.startswith(REPLACED) and not _signs(kind, body):
                kept = without_photoshops(body) if body.startswith(PHOTOSHOP) else body
                marker = 0xFE if kind == "COM" else 0xE0 + int(kind.removeprefix("APP"))
                yield bytes((0xFF, marker)) + (len(kept) + 2).to_bytes(2, "big") + kept


def _signs(kind: str, body: bytes) -> bool:
    return kind == CREDENTIALS and body.startswith(JUMBF)


def _keep_density(written: io.BytesIO, source: bytes | None) -> None:
    written.seek(0)
    if source is not None and all(start[6:].startswith(JFIF) for start in (written.read(DENSITY.stop), source[:20])):
        written.seek(DENSITY.start)
        written.write(source[DENSITY])
