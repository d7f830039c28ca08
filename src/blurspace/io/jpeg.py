"""How is a JPEG read, and written at the quality that it came with?"""

import io
import math
from collections.abc import Iterator

import numpy as np
from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile, get_sampling

from blurspace.io.raster import CMYK, Header, split_alpha, without_prefix
from blurspace.types import Photo

START = b"\xff\xd8\xff"
EXIF = b"Exif\0\0"
XMP = b"http://ns.adobe.com/xap/1.0/\0"
ICC = b"ICC_PROFILE\0"
MORE_PICTURES = b"MPF\0"  # a table of pictures behind the first one, with offsets that no longer hold
JFIF = b"JFIF\0"
ADOBE = b"Adobe"  # how the old samples were coded; ours are coded as JFIF says
REPLACED = (EXIF, XMP, ICC, MORE_PICTURES, JFIF, ADOBE)
# Where a JFIF file keeps its pixels per inch or cm: unit, x and y, behind start, marker, length, name and version.
DENSITY = slice(13, 18)
# For a photo that was no JPEG when it was read: the highest that Pillow's manual recommends.
QUALITY = 95
# Of the 8 x 8 frequencies, those per direction that survive a blur of some px, so that their quantisation matters; with
# 4, our demo photos keep a fine ripple, with 6 the smallest lettering goes (looked at, at 100 %).
SURVIVING = 5


def quantisation_sigma(photo: Photo) -> float:
    """The noise, in pixel values of [0, 1], that a JPEG's quantisation leaves in its brightness; 0 for other formats.

    A step q makes a uniform error of standard deviation q / sqrt 12, per pixel too as the transform is orthonormal.
    """
    if not photo.jpeg_tables:
        return 0.0
    lowest = np.reshape(photo.jpeg_tables[0], (8, 8))[:SURVIVING, :SURVIVING]
    return float(lowest.mean() / math.sqrt(12) / 255)


def matches(data: bytes) -> bool:
    """Whether the bytes begin as a JPEG does."""
    return data.startswith(START)


def inspect(data: bytes) -> Header:
    """Size and colours."""
    with JpegImageFile(io.BytesIO(data)) as image:
        return Header(*image.size, refusal=CMYK if image.mode == "CMYK" else None)


def decode(data: bytes) -> Photo:
    """The photo in a JPEG, with the tables that it was coded with."""
    with JpegImageFile(io.BytesIO(data)) as image:
        image.load()
        pixels, alpha = split_alpha(np.asarray(image))
        # By component rather than by number, because files number their tables as they like.
        used = dict.fromkeys(component[3] for component in image.layer)
        return Photo(
            pixels=pixels,
            alpha=alpha,
            format="JPEG",
            changes=("any further pictures in it are left out",) if "mp" in image.info else (),
            icc=image.info.get("icc_profile"),
            exif=without_prefix(image.info.get("exif")),
            xmp=image.info.get("xmp"),
            jpeg_tables=tuple(tuple(image.quantization[number]) for number in used),
            # Pillow writes three kinds of subsampling; of the others (-1) none is as good as no subsampling (0).
            jpeg_subsampling=max(0, get_sampling(image)),
            lossless=False,
            source=data,
        )


def encode(photo: Photo, samples: np.ndarray) -> bytes:
    """Samples (h w c), c 1 or 3, as a JPEG with the photo's tables and metadata; raises OSError on an alpha channel."""
    written = io.BytesIO()
    tables = [list(table) for table in photo.jpeg_tables] if photo.jpeg_tables else None
    Image.fromarray(samples[..., 0] if samples.shape[-1] == 1 else samples).save(
        written,
        "JPEG",
        quality=-1 if tables else QUALITY,  # -1: as the tables say
        qtables=tables,
        subsampling=0 if photo.jpeg_subsampling is None else photo.jpeg_subsampling,
        icc_profile=photo.icc,
        exif=EXIF + photo.exif if photo.exif else b"",
        xmp=photo.xmp,
        extra=b"".join(_copied(photo)),
    )
    return _with_density(written.getvalue(), photo.source)


def _copied(photo: Photo) -> Iterator[bytes]:
    """The segments that are written as they were: IPTC, extended XMP, comments and whatever else programs add."""
    if photo.source is None or not matches(photo.source):
        return
    with JpegImageFile(io.BytesIO(photo.source)) as image:
        for kind, body in image.applist:
            if not body.startswith(REPLACED):
                marker = 0xFE if kind == "COM" else 0xE0 + int(kind.removeprefix("APP"))
                yield bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def _with_density(data: bytes, source: bytes | None) -> bytes:
    if source is None or not all(one[6:].startswith(JFIF) for one in (data, source)):
        return data
    return data[: DENSITY.start] + source[DENSITY] + data[DENSITY.stop :]
