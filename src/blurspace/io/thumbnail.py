"""How does the thumbnail in an EXIF block show the new picture, while every other byte of the block stays?

Makers' notes hold offsets into the block, so nothing in it may move: the new thumbnail goes where the old one was, as
good a JPEG as fits there; where none fits, or the old one is no JPEG, it is removed. Source: Exif 2.32, 4.6.
"""

import io
import struct
from dataclasses import replace

from PIL import Image

from blurspace.io.exif import DAMAGED, entries, order, second, value
from blurspace.io.raster import to_pillow
from blurspace.levels import from_levels, to_levels
from blurspace.types import Photo

JPEG_AT, JPEG_BYTES, STRIPS_AT, STRIP_BYTES = 0x0201, 0x0202, 0x0111, 0x0117  # tags of the second directory
PHOTOSHOP, PHOTOSHOPS = b"Photoshop 3.0\0", (1033, 1036)  # a block, and its thumbnails (Adobe, image resources)
QUALITIES = (90, 80, 70, 55, 40, 25)  # from the best, until one fits
FINER = 4  # how many samples of the photo are averaged a side for one of the thumbnail's, at least
REMOVED = "its thumbnail, which showed the old picture, is removed"
LARGEST = 1024  # px a side; what is bigger is no thumbnail, and damaged


def with_new_thumbnail(photo: Photo, *, anew: bool = True) -> tuple[bytes | None, str | None]:
    """The photo's EXIF block with a thumbnail of its samples, and what was done with the old one; None for neither.

    Not `anew`: it is removed. A block that cannot be understood is left as it is, and so is one without a thumbnail.
    """
    if photo.exif is None:
        return None, None
    try:
        return _renewed(photo.exif, photo, anew)
    except (*DAMAGED, OSError, SyntaxError):
        return photo.exif, None  # damaged, so that no reader finds one either


def without_photoshops(body: bytes) -> bytes:
    """A JPEG's block of Photoshop (IPTC among it) without the thumbnails in it; as it is where it is damaged."""
    kept, at = [PHOTOSHOP], len(PHOTOSHOP)
    while at + 12 <= len(body):
        signature, number, name = struct.unpack_from(">4sHB", body, at)
        start = at + 6 + (name + 2) // 2 * 2  # the name with its length is padded to an even number of bytes
        end = start + 4 + (int.from_bytes(body[start : start + 4], "big") + 1) // 2 * 2
        if signature != b"8BIM" or end > len(body) + 1:
            return body
        if number not in PHOTOSHOPS:
            kept.append(body[at:end])
        at = end
    return b"".join(kept) + body[at:]


def _renewed(exif: bytes, photo: Photo, anew: bool) -> tuple[bytes, str | None]:
    link, start_of = second(exif)
    if not start_of:
        return exif, None
    block = bytearray(exif)
    found = entries(exif, start_of)
    if JPEG_AT in found and JPEG_BYTES in found:
        start, room = (value(exif, found[tag]) for tag in (JPEG_AT, JPEG_BYTES))
        old = exif[start : start + room]
        new = _fitting(photo, old) if anew else None
        block[start : start + room] = (new or b"").ljust(len(old), b"\0")
        if new:
            struct.pack_into(order(exif) + "HII", block, found[JPEG_BYTES] + 2, 4, 1, len(new))
            return bytes(block), "its thumbnail is made anew"
    elif STRIPS_AT in found and STRIP_BYTES in found:
        start, room = (value(exif, found[tag]) for tag in (STRIPS_AT, STRIP_BYTES))
        block[start : start + room] = bytes(len(exif[start : start + room]))
    struct.pack_into(order(exif) + "I", block, link, 0)
    return bytes(block), REMOVED


def _fitting(photo: Photo, old: bytes) -> bytes | None:
    """A JPEG of the photo in the size of the old one, and not longer."""
    try:
        with Image.open(io.BytesIO(old), formats=["JPEG"]) as image:
            size = image.size
    except (OSError, SyntaxError):
        return None
    if max(size) > LARGEST:
        return None
    small = shrunk(photo, size)
    for quality in QUALITIES:
        written = io.BytesIO()
        small.save(written, "JPEG", quality=quality)
        if written.tell() <= len(old):
            return written.getvalue()
    return None


def shrunk(photo: Photo, size: tuple[int, int]) -> Image.Image:
    """The photo within a frame of so many px, with black bars where their shapes differ, as cameras have it."""
    step = max(1, min(photo.samples.shape[-2] // size[1], photo.samples.shape[-1] // size[0]) // FINER)
    few = photo.samples[..., ::step, ::step]  # a big photo need not be copied for a small picture
    image = to_pillow(replace(photo, samples=to_levels(from_levels(few)), alpha=None)).convert("RGB")
    share = min(size[0] / image.width, size[1] / image.height)
    inner = max(1, round(image.width * share)), max(1, round(image.height * share))
    frame = Image.new("RGB", size)
    frame.paste(image.resize(inner, Image.Resampling.BOX), ((size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2))
    return frame
