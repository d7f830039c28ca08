"""How is a PNG read and written, with 8 or 16 bits a channel and all that its other chunks say?

Written here rather than by a library because Pillow cannot hold 16-bit RGB, OpenCV cannot write grey with alpha, and
neither keeps the chunks they do not know. Numbers and names are those of the PNG specification (W3C, third edition).
"""

import io
import struct
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import ClassVar

import numpy as np
import torch
from PIL.PngImagePlugin import PngImageFile

from blurspace.io import raster
from blurspace.io.raster import FULL_COLOUR, Header, bands, extent, from_pillow, metadata, rows_of, split_alpha
from blurspace.types import Photo

SIGNATURE = b"\x89PNG\r\n\x1a\n"
COLOUR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by number of channels
PALETTE = 3  # the colour type
PAETH = 4  # the filter type: best on photographs (specification, 12.7), and one filter is enough for them
ZLIB_HEAD, RAW, ADLER = b"\x78\x9c", -15, 65521  # of a zlib stream: its beginning, `wbits` of what follows, the modulus
STRIP = 2**18  # bytes that are deflated at once: enough that what repeats is found
XMP_KEYWORD = b"XML:com.adobe.xmp"
# Copied as they are: what the numbers mean as colours, the size on paper, and texts. Left out are the chunks that
# describe the old samples (sBIT, bKGD, hIST, tRNS), and ICC, EXIF and XMP, which are written from the photo.
COPIED = (b"cHRM", b"gAMA", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"pHYs", b"tIME", b"tEXt", b"zTXt", b"iTXt")


@dataclass(frozen=True)
class Coding:
    """Of how a PNG was coded nothing is kept."""

    format: ClassVar[str] = "PNG"

    def encode(self, photo: Photo) -> bytes:
        """With the photo's metadata."""
        height, width, channels, size = extent(photo)
        written = io.BytesIO()
        head = struct.pack(">IIBBBBB", width, height, 8 * size, COLOUR_TYPES[channels], 0, 0, 0)
        written.write(SIGNATURE + _chunk(b"IHDR", head))
        if photo.icc:
            written.write(_chunk(b"iCCP", b"ICC profile\0\0" + zlib.compress(photo.icc)))
        written.writelines(_chunk(*one) for one in copied(photo))
        if photo.exif:
            written.write(_chunk(b"eXIf", photo.exif))
        if photo.xmp:
            # Not compressed, no language, no translated keyword.
            written.write(_chunk(b"iTXt", XMP_KEYWORD + b"\0\0\0\0\0" + photo.xmp))
        written.writelines(_chunk(b"IDAT", body) for body in _compressed(photo))
        written.write(_chunk(b"IEND", b""))
        return written.getvalue()


def matches(data: bytes) -> bool:
    """Whether the bytes begin as a PNG does."""
    return data.startswith(SIGNATURE)


def inspect(data: bytes) -> Header:
    """Size and number of frames. Every chunk is checked, so that nothing cut off or damaged reaches a decoder."""
    width, height, bits, _ = _head(data)
    frames = [struct.unpack_from(">I", body)[0] for kind, body in _chunks(data) if kind == b"acTL"]
    return Header(width, height, max(frames, default=1), raster.beyond_opencv(width, height) if bits == 16 else None)


def decode(data: bytes) -> Photo:
    """The photo in a PNG of any kind."""
    _, _, bits, colour = _head(data)
    with PngImageFile(io.BytesIO(data)) as image:
        image.load()  # also for 16 bits: the chunks behind the pixels are known only now
        info = image.info
        samples = None if bits == 16 else _eight_bits(image)
    del image  # and its memory, before another decoder takes its own
    if samples is None:
        samples = _sixteen_bits(data, colour)
    key = next((bytes(body) for kind, body in _chunks(data) if kind == b"tRNS" and colour != PALETTE), None)
    if key is not None:
        samples = _with_key(samples, key, bits)
    return Photo(*split_alpha(samples), Coding(), changes=_changes(bits, colour, key), source=data, **metadata(info))


def before_pixels(data: bytes) -> dict[bytes, bytes]:
    """The bodies, by kind, of the chunks that stand before the pixels: what these mean as colours among them."""
    return {kind: bytes(body) for kind, body in takewhile(lambda chunk: chunk[0] != b"IDAT", _chunks(data))}


def _head(data: bytes) -> tuple[int, int, int, int]:
    """Width, height, bits a sample, colour type."""
    kind, width, height, bits, colour = struct.unpack_from(">4sIIBB", data, len(SIGNATURE) + 4)
    if kind != b"IHDR":
        raise ValueError("a PNG begins with an IHDR chunk")
    return width, height, bits, colour


def _chunks(data: bytes) -> Iterator[tuple[bytes, memoryview]]:
    """The kind and body of every chunk; raises ValueError or struct.error where they are cut off or damaged."""
    view = memoryview(data)
    kind, start = b"", len(SIGNATURE)
    while kind != b"IEND":
        length, kind = struct.unpack_from(">I4s", data, start)
        body = view[start + 8 : start + 8 + length]
        if struct.unpack_from(">I", data, start + 8 + length)[0] != zlib.crc32(body, zlib.crc32(kind)):
            raise ValueError(f"the checksum of a {kind!r} chunk is wrong")
        yield kind, body
        start += 12 + length


def _chunk(kind: bytes, body: bytes | memoryview) -> bytes:
    return b"".join((struct.pack(">I4s", len(body), kind), body, struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))))


def copied(photo: Photo) -> list[tuple[bytes, memoryview]]:
    """The chunks that are written as they were."""
    if photo.source is None or not matches(photo.source):
        return []
    kinds = set(COPIED) - ({b"sRGB"} if photo.icc else set())  # a profile rules out sRGB (specification, 11.3.2.5)
    found = [part for part in _chunks(photo.source) if part[0] in kinds]
    return [(kind, body) for kind, body in found if not bytes(body[:18]).startswith(XMP_KEYWORD + b"\0")]


def _eight_bits(image: PngImageFile) -> np.ndarray:
    if image.mode == "P":
        return from_pillow(image.convert("RGBA" if "transparency" in image.info else "RGB"))
    return from_pillow(image.convert("L") if image.mode == "1" else image)


def _sixteen_bits(data: bytes, colour: int) -> np.ndarray:
    """By OpenCV, because Pillow would cut colours to 8 bits."""
    found = raster.from_opencv(data, np.uint16)
    channels = {kind: count for count, kind in COLOUR_TYPES.items()}[colour]
    # OpenCV adds an alpha channel for a transparent colour too; ours is made by `_with_key`.
    return found[..., [0, 3]] if channels == 2 else found[..., :channels]


def _with_key(samples: np.ndarray, key: bytes, bits: int) -> np.ndarray:
    """Add the alpha channel that a single transparent colour stands for; small samples were stretched to 8 bits."""
    stretch = 255 // (2**bits - 1) if bits < 8 else 1
    height, width, channels = samples.shape
    wanted = np.frombuffer(key, ">u2")[:channels] * stretch
    keyed = np.empty((height, width, channels + 1), samples.dtype)
    for rows in bands(height, width * channels * samples.itemsize):
        keyed[rows, :, :-1] = samples[rows]
        keyed[rows, :, -1] = (samples[rows] != wanted).any(-1) * samples.dtype.type(np.iinfo(samples.dtype).max)
    return keyed


def _changes(bits: int, colour: int, key: bytes | None) -> tuple[str, ...]:
    told = (
        (colour == PALETTE, FULL_COLOUR),
        (colour != PALETTE and bits < 8, f"its depth of {bits} bit a pixel becomes 8 bit"),
        (key is not None, "its transparent colour is written as an alpha channel"),
    )
    return tuple(sentence for true, sentence in told if true)


def _compressed(photo: Photo) -> Iterator[bytes]:
    """The bodies of the IDAT chunks: one zlib stream (RFC 1950) of filtered rows, in strips deflated side by side."""
    height, width, channels, size = extent(photo)
    yield ZLIB_HEAD
    check = zlib.adler32(b"")
    with ThreadPoolExecutor(torch.get_num_threads()) as pool:
        strips = bands(height, width * channels * size, size=STRIP)
        for body, its_check, length in pool.map(partial(_deflated, photo), strips):
            check = _check_of_both(check, its_check, length)
            yield body
    yield zlib.compressobj(wbits=RAW).flush() + struct.pack(">I", check)


def _deflated(photo: Photo, rows: slice) -> tuple[bytes, int, int]:
    """Rows, filtered and deflated, to be followed by others; the checksum (Adler-32) and length of what went in."""
    _, _, channels, size = extent(photo)
    first = max(0, rows.start - 1)
    strip = rows_of(photo, slice(first, rows.stop)).astype(f">u{size}").view(np.uint8).reshape(rows.stop - first, -1)
    above = strip[:1] if rows.start else np.zeros_like(strip[:1])
    filtered = _filtered(strip[rows.start - first :], above, channels * size).data
    squeeze = zlib.compressobj(wbits=RAW)
    return squeeze.compress(filtered) + squeeze.flush(zlib.Z_FULL_FLUSH), zlib.adler32(filtered), filtered.nbytes


def _check_of_both(first: int, second: int, length: int) -> int:
    """The checksum (Adler-32, RFC 1950) of two pieces, the second so long, from that of each."""
    low, high = first & 0xFFFF, first >> 16
    low, high = low + (second & 0xFFFF) - 1, high + (second >> 16) + length * (low - 1)
    return (high % ADLER) << 16 | low % ADLER


def _filtered(rows: np.ndarray, above: np.ndarray, step: int) -> np.ndarray:
    """Bytes (n m) less what their three neighbours let expect (specification, 9.4), with the filter type in front."""
    padded = np.pad(np.concatenate((above, rows)), ((0, 0), (step, 0))).astype(np.int16)
    left, up, corner = padded[1:, :-step], padded[:-1, step:], padded[:-1, :-step]
    off_left, off_up, off_corner = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
    leftmost = (off_left <= off_up) & (off_left <= off_corner)
    expected = np.where(leftmost, left, np.where(off_up <= off_corner, up, corner))
    return np.pad(rows - expected.astype(np.uint8), ((0, 0), (1, 0)), constant_values=PAETH)
