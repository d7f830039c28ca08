"""How is an AVIF read and written? By Pillow, whose wheels hold its coders; with 8 bits a channel."""

import io
from dataclasses import dataclass
from typing import ClassVar

from PIL.AvifImagePlugin import AvifImageFile

from blurspace.io.raster import Header, from_pillow, metadata, split_alpha, to_pillow
from blurspace.types import Photo

QUALITY = 90  # an AVIF does not say its own; 90 without subsampling loses about as much as our WebP of 95
BRANDS = {b"avif", b"avis"}  # what it calls itself behind `ftyp` (AV1 Image File Format 1.1, section 9)
ANY = {b"mif1", b"msf1"}  # what a picture of any coder may call itself first
CONFIGURATION = b"av1C"  # the box whose third byte tells the depth (AV1 in ISOBMFF 1.2, section 2.3.3)
HIGH = 0x40  # the bit of it that says more than 8 bits
MOST_BRANDS = 128  # bytes of `ftyp` that are looked at
REACH = 2**16  # bytes from the beginning in which that box is looked for


@dataclass(frozen=True)
class Coding:
    """Of how an AVIF was coded nothing is kept."""

    format: ClassVar[str] = "AVIF"

    def encode(self, photo: Photo) -> bytes:
        """With the photo's metadata; colours are not subsampled."""
        written = io.BytesIO()
        kept = {"icc_profile": photo.icc, "exif": photo.exif or b"", "xmp": photo.xmp or b""}
        to_pillow(photo).save(written, "AVIF", quality=QUALITY, subsampling="4:4:4", **kept)
        return written.getvalue()


def matches(data: bytes) -> bool:
    """Whether the bytes begin as an AVIF does."""
    if data[4:8] != b"ftyp":
        return False
    others = {data[at : at + 4] for at in range(16, min(int.from_bytes(data[:4], "big"), MOST_BRANDS), 4)}
    return data[8:12] in BRANDS or (data[8:12] in ANY and bool(BRANDS & others))


def inspect(data: bytes) -> Header:
    """Size and number of frames."""
    with AvifImageFile(io.BytesIO(data)) as image:
        return Header(*image.size, frames=image.n_frames)


def decode(data: bytes) -> Photo:
    """The photo in an AVIF; grey ones come as RGB."""
    with AvifImageFile(io.BytesIO(data)) as image:
        image.load()
        samples, alpha = split_alpha(from_pillow(image))
        changes = ("its depth of more than 8 bits becomes 8 bits",) if _is_deep(data) else ()
        return Photo(samples, alpha, Coding(), changes=changes, source=data, **metadata(image.info))


def _is_deep(data: bytes) -> bool:
    at = data.find(CONFIGURATION, 0, REACH)
    return at >= 0 and bool(data[at + 6 : at + 7] and data[at + 6] & HIGH)
