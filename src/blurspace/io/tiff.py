"""How is a TIFF read and written, with 8 or 16 bits a channel and its tags?

Read by tifffile; by Pillow and OpenCV where it needs an extra (compressions such as LZW and JPEG) or does not make
pixels (palettes, single bits). Written here, because Pillow cannot hold 16-bit RGB and tifffile cannot write the EXIF
directory. What is kept: the ICC profile, XMP, and every tag that does not describe the old samples, with the EXIF and
GPS directories (of a BigTIFF: the orientation). Numbers and names are those of TIFF 6.0 (Adobe, 1992).
"""

import io
import logging
import struct
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from PIL import ExifTags
from PIL import Image as PillowImage
from PIL.TiffImagePlugin import ImageFileDirectory_v2, TiffImageFile
from tifffile import TiffFile, TiffPage

from blurspace.io import raster
from blurspace.io.cmyk import to_rgb
from blurspace.io.floats import finite, into_range
from blurspace.io.raster import CMYK, FULL_COLOUR, RAW, Header, bands, extent, from_pillow, rows_of, split_alpha
from blurspace.types import Photo

# Every one of our errors is one sentence; without this, tifffile's complaints about a broken file go to stderr too.
logging.getLogger("tifffile").addHandler(logging.NullHandler())

BLACK_IS_HIGH, GREY, RGB, PALETTE, SEPARATED, YCBCR = 0, 1, 2, 3, 5, 6  # photometric interpretations
COLOURS = {BLACK_IS_HIGH: 1, GREY: 1, RGB: 3, PALETTE: 1, YCBCR: 3, SEPARATED: 4}  # channels that are not extra
SENSOR = (32803, 34892)  # colour filter array, linear raw
READ_BY_TIFFFILE = (1, 8, 32773, 32946)  # none, deflate, packbits, old deflate: the compressions that need no extra
UNKNOWN, MULTIPLIED, ALPHA = 0, 1, 2  # kinds of extra channel
DEFLATE, DIFFERENCES = 8, 2  # the compression and predictor that we write: lossless, and read everywhere
PLANES = 2  # the planar configuration: one channel after the other
FLOAT, IEEE_FLOAT = 4, 3  # bytes a sample that is a floating-point number, and their sample format (section 19)
FLOAT_BITS = (16, 32, 64)  # of those that are read
STRIP = 2**18  # bytes in a strip before compression: enough to compress well, little enough to read at once
ORIENTATION, XMP, PROFILE, DNG_VERSION = 274, 700, 34675, 50706
# Tags that describe the old samples and where they lie; sub-files (330) and Photoshop's layers (37724) among them.
STRUCTURE = frozenset(
    {254, 255, 256, 257, 258, 259, 262, 263, 264, 265, 266, 273, 277, 278, 279, 280, 281, 284, 288, 289, 290, 291, 292}
    | {293, 317, 320, 321, 322, 323, 324, 325, 330, 332, 333, 334, 336, 338, 339, 340, 341, 342, 347, XMP, PROFILE}
    | {512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 37724}
)
DIRECTORIES = (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo)
INTEROP = ExifTags.IFD.Interop  # a directory in the EXIF directory
# What Pillow calls its pixels, where that is not yet grey or RGB, with or without alpha.
MODES = {"1": "L", "La": "LA", "P": "RGB", "PA": "RGBA", "RGBX": "RGB", "RGBa": "RGBA", "YCbCr": "RGB"}


@dataclass(frozen=True)
class Coding:
    """Of how a TIFF was coded only the scale of its numbers is kept; its byte order is that of the EXIF."""

    format: ClassVar[str] = "TIFF"
    scale: float = 1.0  # of floating-point numbers: what the sample 1 stands for

    def encode(self, photo: Photo) -> bytes:
        """Deflated, in strips, with the photo's metadata."""
        height, width, channels, size = extent(photo)
        order = photo.exif[:2] if photo.exif else b"II"  # makers' notes keep the byte order of their file
        kind = f"{'>' if order == b'MM' else '<'}{'f' if size == FLOAT else 'u'}{size}"
        rows = max(1, STRIP // (width * channels * size))
        tops = range(0, height, rows)
        directory = _directory(_tags(photo.exif) if photo.exif else {}, order)
        directory[256], directory[257], directory[258] = width, height, (8 * size,) * channels
        directory[259], directory[317] = DEFLATE, 1 if size == FLOAT else DIFFERENCES
        directory[262] = GREY if channels < 3 else RGB
        directory[273] = directory[279] = (0,) * len(tops)
        directory[277], directory[278] = channels, rows
        if size == FLOAT:
            directory[339] = (IEEE_FLOAT,) * channels
        if channels % 2 == 0:
            directory[338] = ALPHA
        if photo.icc:
            directory[PROFILE] = photo.icc
        if photo.xmp:
            directory[XMP] = photo.xmp
        written = io.BytesIO()
        directory.save(written)  # to leave room for it: the sizes of the strips are not known before they are written
        strips = (rows_of(photo, slice(top, top + rows)).astype(kind) for top in tops)
        sizes = [written.write(zlib.compress(self._bytes(strip))) for strip in strips]
        directory[273] = tuple(np.cumsum([0, *sizes[:-1]]).tolist())  # Pillow adds where the first one begins
        directory[279] = tuple(sizes)
        written.seek(0)
        directory.save(written)
        return written.getvalue()

    def _bytes(self, strip: np.ndarray) -> bytes:
        if strip.dtype.kind == "u":
            return _differences(strip)
        strip[..., : strip.shape[-1] - 1 + strip.shape[-1] % 2] *= self.scale  # not alpha
        return strip.tobytes()


def matches(data: bytes) -> bool:
    """Whether the bytes begin as a TIFF or a BigTIFF does."""
    return data[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")


def inspect(data: bytes) -> Header:
    """Size, number of pages that are more than a preview, and what of this TIFF cannot be read."""
    with TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        whole = [one for one in file.pages if isinstance(one, TiffPage) and not one.is_reduced]
        frames = max(1, len(whole)) * page.imagedepth
        # int: a damaged tag may hold several numbers, or none.
        return Header(int(page.imagewidth), int(page.imagelength), frames=int(frames), refusal=_refusal(page))


def decode(data: bytes) -> Photo:
    """The photo in a TIFF that `inspect` did not refuse."""
    with TiffFile(io.BytesIO(data)) as file:
        page = file.pages.first
        exif, lost = _read_tags(data, page)
        kept = {"icc": _blob(page, PROFILE), "exif": exif or None, "xmp": _blob(page, XMP)}
        changes, scale = (*_changes(page), *lost), 1.0
        if page.photometric == SEPARATED:
            samples, told = _from_print(data, page, kept["icc"])
            changes, kept["icc"] = (*changes, told), None
        else:
            samples = _samples(data, page)
        if samples.dtype.kind == "f":
            scale, more = into_range(samples)
            changes += more
        colours, alpha = split_alpha(samples)
        return Photo(colours, alpha, Coding(scale), changes=changes, source=data, **kept)


def chosen_tags(data: bytes, kept: Collection[int]) -> tuple[bytes | None, bool]:
    """Of a file that begins as a TIFF, those tags and the EXIF and GPS directories as an upright picture's EXIF block.

    None where there are none, and whether they could not be read.
    """
    try:
        tags = {tag: value for tag, value in _tags(data).items() if tag in (*kept, *DIRECTORIES)}
        return (_block(tags, data[:2]) if tags else None), False
    except Exception:  # broken tags raise what they like, and so does what is no TIFF
        return None, True


def _refusal(page: TiffPage) -> str | None:
    kind, channels = (page.dtype.kind if page.dtype is not None else None), page.samplesperpixel
    sixteen_of_another_kind = page.bitspersample == 16 and page.photometric not in (BLACK_IS_HIGH, GREY, RGB)
    by_opencv = page.bitspersample == 16 and page.compression not in READ_BY_TIFFFILE
    numbers = kind in ("b", "u") and page.bitspersample in (1, 2, 4, 8, 16)
    numbers |= kind == "f" and page.bitspersample in FLOAT_BITS and page.photometric in (GREY, RGB)
    one_more = 0 <= channels - COLOURS.get(page.photometric, 0) <= 1
    told = (
        (DNG_VERSION in page.tags or page.photometric in SENSOR, RAW),
        (page.is_reduced, "begins with a preview, as camera RAW files do: save its picture as a plain TIFF or a PNG"),
        (page.photometric == SEPARATED and (page.bitspersample, channels) != (8, 4), CMYK),
        (page.photometric not in COLOURS or sixteen_of_another_kind, "holds colours of a rare kind: save it as RGB"),
        (not numbers, "holds numbers that are not whole, positive and of 8 or 16 bits: save it with 16 bits a channel"),
        (not one_more, f"has {channels} channels, where grey or RGB and at most one more was wanted: remove some"),
        (by_opencv, raster.beyond_opencv(int(page.imagewidth), int(page.imagelength))),
    )
    return next((reason for true, reason in told if true), None)


def _changes(page: TiffPage) -> tuple[str, ...]:
    extra, bits = _extra(page), page.bitspersample
    told = (
        (page.photometric == PALETTE, FULL_COLOUR),
        (page.dtype is not None and page.dtype.kind == "f" and bits != 32, f"its {bits}-bit floats become 32-bit ones"),
        (bits < 8 and page.photometric != PALETTE, f"its depth of {bits} bit a pixel becomes 8 bit"),
        (extra == UNKNOWN, "its channel beside the colours is left out, because its meaning is not known"),
        (extra == MULTIPLIED, "its colours are written without being multiplied by alpha"),
        (len(page.parent.pages) > 1, "its preview pages are left out"),
    )
    return tuple(sentence for true, sentence in told if true)


def _extra(page: TiffPage) -> int | None:
    """The kind of the channel beside the colours; one that is not declared is alpha, as OpenCV and Pillow take it."""
    if page.samplesperpixel == COLOURS[page.photometric]:
        return None
    return int(page.extrasamples[0]) if page.extrasamples else ALPHA


def _blob(page: TiffPage, tag: int) -> bytes | None:
    value = page.tags.valueof(tag)
    return bytes(value) if value else None


def _samples(data: bytes, page: TiffPage) -> np.ndarray:
    """The samples (h w c) as grey or RGB, white highest, with no extra channel but an alpha that is not multiplied."""
    if page.dtype is not None and page.dtype.kind == "f":
        return _floats(data, page)
    plain = page.bitspersample in (8, 16) and page.photometric in (BLACK_IS_HIGH, GREY, RGB)
    if not plain or (page.bitspersample == 8 and page.compression not in READ_BY_TIFFFILE):
        return _by_pillow(data, page)
    if page.compression in READ_BY_TIFFFILE:
        samples = _by_tifffile(page)
    else:
        samples = raster.from_opencv(_upright(data, page), np.uint16)
    samples = samples.reshape(page.imagelength, page.imagewidth, page.samplesperpixel)
    samples = samples.astype(np.uint8 if page.bitspersample == 8 else np.uint16, copy=not samples.flags.writeable)
    top = np.iinfo(samples.dtype).max
    for rows in bands(len(samples), samples[0].nbytes):
        band = samples[rows]
        if page.photometric == BLACK_IS_HIGH:
            band[..., 0] = top - band[..., 0]
        if _extra(page) == MULTIPLIED:
            band[..., :-1] = (band[..., :-1] * (top / np.maximum(band[..., -1:], 1))).round().clip(0, top)
    return samples[..., :-1] if _extra(page) == UNKNOWN else samples


def _floats(data: bytes, page: TiffPage) -> np.ndarray:
    """Floating-point samples (h w c) as float32. Raises PictureError on those that are not finite."""
    if page.compression in READ_BY_TIFFFILE and page.predictor == 1:
        samples = _by_tifffile(page)
    else:
        samples = raster.from_opencv(_upright(data, page), np.float64 if page.bitspersample == 64 else np.float32)
    samples = finite(samples.reshape(page.imagelength, page.imagewidth, page.samplesperpixel))
    return samples[..., :-1] if _extra(page) == UNKNOWN else samples


def _from_print(data: bytes, page: TiffPage, icc: bytes | None) -> tuple[np.ndarray, str]:
    with TiffImageFile(io.BytesIO(_upright(data, page))) as image:
        image.info.pop("xmp", None)
        image.load()
        rgb, told = to_rgb(image, icc)
        return from_pillow(rgb), told


def _by_pillow(data: bytes, page: TiffPage) -> np.ndarray:
    with TiffImageFile(io.BytesIO(_upright(data, page))) as image:
        image.info.pop("xmp", None)  # its orientation would turn the picture too
        # Room for its pixels: Pillow would make it itself, but not beyond its own limit of size.
        image.im = PillowImage.new(image.mode, image.size).im
        image.load()
        return from_pillow(image if image.mode not in MODES else image.convert(MODES[image.mode]))


def _by_tifffile(page: TiffPage) -> np.ndarray:
    samples = page.asarray(buffersize=raster.BAND)  # of compressed bytes at a time; by itself it takes 2^28
    return np.moveaxis(samples, 0, -1) if page.planarconfig == PLANES and page.samplesperpixel > 1 else samples


def _upright(data: bytes, page: TiffPage) -> bytes | bytearray:
    """The file with an orientation tag that says upright: Pillow and OpenCV turn a TIFF while they decode it."""
    tag = page.tags.get(ORIENTATION)
    if tag is None:
        return data
    changed = bytearray(data)
    struct.pack_into(page.parent.byteorder + "H", changed, tag.valueoffset, 1)
    return changed


def _read_tags(data: bytes, page: TiffPage) -> tuple[bytes, tuple[str, ...]]:
    """The tags to keep as an EXIF block (empty for none), and what must be said of them."""
    try:
        tags = {tag: value for tag, value in _tags(data).items() if tag not in STRUCTURE}
        return _block(tags, data[:2]), ()
    except Exception:  # broken tags, or BigTIFF, which Pillow's EXIF reader does not know: the picture is not lost
        orientation = page.tags.valueof(ORIENTATION)
        tags = {ORIENTATION: int(orientation)} if orientation else {}
        return _block(tags, data[:2]), ("of its EXIF tags only the orientation is kept",)


def _tags(block: bytes) -> dict[int, Any]:
    """Every tag of a TIFF or EXIF block, directories within as dictionaries."""
    exif = PillowImage.Exif()
    exif.load(block)
    tags = {tag: dict(exif.get_ifd(tag)) if tag in DIRECTORIES else exif[tag] for tag in exif}
    if INTEROP in (camera := tags.get(DIRECTORIES[0], {})):
        camera[INTEROP] = dict(exif.get_ifd(INTEROP))  # here it was only the offset of one
    return tags


def _block(tags: dict[int, Any], order: bytes) -> bytes:
    if not tags:
        return b""
    written = io.BytesIO()
    _directory(tags, order).save(written)
    return written.getvalue()


def _directory(tags: dict[int, Any], order: bytes) -> ImageFileDirectory_v2:
    directory = ImageFileDirectory_v2(prefix=order)
    for tag, value in tags.items():
        directory[tag] = value
    return directory


def _differences(samples: np.ndarray) -> bytes:
    """Each sample less its left neighbour (TIFF 6.0, section 14), in the byte order of the samples."""
    left = np.pad(samples[:, :-1], ((0, 0), (1, 0), (0, 0)))
    return (samples - left).astype(samples.dtype).tobytes()
