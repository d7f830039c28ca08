"""How does a picture or kernel file become tensors, and how do new pixels become the same kind of file?

Everything about a picture that is not its pixels comes out as it went in, or `changes_on_write` says what does not.
"""

import io
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
import tifffile
import torch

from blurspace.errors import OutputError, PictureError, UsageError
from blurspace.io import avif, heic, jpeg, png, raw, tiff, webp
from blurspace.io.arrays import numbers
from blurspace.io.files import FORMAT_SUFFIXES, RAW_SUFFIXES, find_photos, is_file, read_bytes, shown, write_bytes
from blurspace.io.parts import without_claims
from blurspace.io.raster import Header
from blurspace.io.thumbnail import with_new_thumbnail
from blurspace.levels import to_levels
from blurspace.types import Coding, Image, Kernel, Photo, Samples

__all__ = [
    "changes_on_write",
    "encode_photo",
    "find_photos",
    "read_kernel",
    "read_photo",
    "write_bytes",
    "write_kernel",
]

MIN_SIDE = 16  # px; the contract of the doors promises "any size from 16 px up"
MAX_PIXELS = 200_000_000  # our choice: 600 MB as RGB of 8 bits, which a usual machine holds a few times over
BYTES_PER_PIXEL = 8  # of a file: RGB and alpha with 16 bits, not compressed
BYTES_BESIDE = 2**28  # of a file: metadata, previews, a program's own layers
Result = TypeVar("Result")
RAISE = "raise it with --max-pixels"
SMALLER, FEWER = f"give a smaller file, or {RAISE}", f"make it smaller, or {RAISE}"
NO_KERNEL = "give the small grey picture of a kernel"
ONE_DIRECTORY = ("TIFF", "AVIF")  # whose EXIF has no place for a thumbnail, as we or Pillow write it
HEAD = 64  # bytes at the beginning of a file, which tell its format


@dataclass(frozen=True)
class Format:
    """A row of the table of formats: how a file of it is known, looked at, decoded, and written (see `raster`)."""

    matches: Callable[[bytes], bool]
    inspect: Callable[[bytes], Header]
    decode: Callable[[bytes], Photo]
    coding: Callable[[], Coding]


FORMATS = {
    "PNG": Format(png.matches, png.inspect, png.decode, png.Coding),
    "TIFF": Format(tiff.matches, tiff.inspect, tiff.decode, tiff.Coding),
    "JPEG": Format(jpeg.matches, jpeg.inspect, jpeg.decode, jpeg.Coding),
    "WEBP": Format(webp.matches, webp.inspect, webp.decode, webp.Coding),
    "AVIF": Format(avif.matches, avif.inspect, avif.decode, avif.Coding),
    "HEIC": Format(heic.matches, heic.inspect, heic.decode, jpeg.Coding),
    "RAW": Format(lambda _: False, raw.inspect, raw.decode, tiff.Coding),  # known by its name alone
}


def read_photo(
    path_or_bytes: str | Path | bytes,
    *,
    max_pixels: int = MAX_PIXELS,
    min_side: int = MIN_SIDE,
    name: str = "the picture given as bytes",
) -> Photo:
    """Read a PNG, TIFF, JPEG, WebP, AVIF, HEIC or camera RAW; the content decides, and for RAW the suffix.

    Its samples are (1 c h w), c = 1 (grey) or 3 (RGB), not turned upright: `h` and `w` are those of the file, and the
    EXIF orientation stays as it is. `max_pixels`: h x w at most, checked before anything is decoded, and the only limit
    of size; `min_side`: px, the smallest h and w; `name`: of what is given as bytes. Raises PictureError, with one
    sentence, on everything else: missing, empty, cut off, damaged, another format, NaN, several frames, too small, big.
    """
    if isinstance(path_or_bytes, bytes):
        suffix, data = Path(name).suffix.lower(), path_or_bytes
    else:
        name, suffix = shown(path_or_bytes), Path(path_or_bytes).suffix.lower()
        data = read_bytes(path_or_bytes, max_bytes=most_bytes(max_pixels), remedy=SMALLER)
    found = _format(name, data, suffix)
    _check(name, _careful(name, found, FORMATS[found].inspect, data), max_pixels, min_side)
    return _careful(name, found, FORMATS[found].decode, data)


def look(path: str | Path, *, max_pixels: int = MAX_PIXELS) -> tuple[Header, int]:
    """What a file says of itself before it is decoded, and its bytes. Raises PictureError as `read_photo` does."""
    name = shown(path)
    data = read_bytes(path, max_bytes=most_bytes(max_pixels), remedy=SMALLER)
    found = _format(name, data, Path(path).suffix.lower())
    header = _careful(name, found, FORMATS[found].inspect, data)
    _check(name, header, max_pixels, MIN_SIDE)
    return header, len(data)


def most_bytes(max_pixels: int) -> int:
    """How long a file may be that holds so many pixels."""
    return BYTES_PER_PIXEL * max_pixels + BYTES_BESIDE


def fitting_suffix(path: str | Path, beginning: bytes | None = None) -> str:
    """The suffix of what a file is written as: its own where that fits its content; nothing else is looked at.

    `beginning`: HEAD bytes of it, where it is no file here.
    """
    own = Path(path).suffix
    if beginning is None:
        try:
            with Path(path).open("rb") as file:
                beginning = file.read(HEAD) if is_file(path) else b""
        except (OSError, ValueError):
            return own
    found = next((format for format in FORMATS.values() if format.matches(beginning)), None)
    if own.lower() in RAW_SUFFIXES and found in (None, FORMATS["TIFF"]):
        found = FORMATS["RAW"]
    if found is None:
        return own
    suffixes = FORMAT_SUFFIXES[found.coding().format]
    return own if own.lower() in suffixes else suffixes[0]


def encode_photo(photo: Photo, pixels: Image | Samples) -> bytes:
    """The bytes of a file like the photo's, with new pixels: same format, depth, alpha, profile, EXIF and XMP.

    `pixels`: like `photo.pixels`, clamped to [0, 1] and rounded; or like `photo.samples`, written as they are. JPEG is
    written with its tables and subsampling, lossy WebP at quality 95, all else without loss. Raises OutputError when
    the pixels have another size or type, are not finite, or the format cannot hold them.
    """
    return encode_and_tell(photo, pixels)[0]


def encode_and_tell(photo: Photo, pixels: Image | Samples) -> tuple[bytes, str | None]:
    """`encode_photo`, and in one sentence what is not as it was read; None where nothing is lost.

    What would not be true of the new pixels is made anew or removed: the thumbnail in the EXIF block, and what the XMP
    says of a film or a gain map that is left out.
    """
    if pixels.shape != photo.samples.shape:
        given = f"pixels of shape {tuple(pixels.shape)} were given for a picture of {tuple(photo.samples.shape)}"
        raise OutputError(f"{given}: give pixels of the same shape")
    if pixels.is_floating_point():
        if not bool(pixels.isfinite().all()):
            given = "the new pixels hold NaN or infinity, where numbers in [0, 1] were wanted"
            raise OutputError(f"{given}: check the method")
        pixels = pixels.clamp(0, 1) if photo.depth == 32 else to_levels(pixels, photo.depth)
    elif pixels.dtype != photo.samples.dtype:
        given = f"samples of {pixels.dtype} were given for a picture of {photo.samples.dtype}"
        raise OutputError(f"{given}: give the same, or pixels")
    try:
        true = corrected(replace(photo, samples=pixels))
        return (photo.coding or png.Coding()).encode(true), changes_on_write(true)
    except MemoryError:
        raise
    except Exception as problem:  # encoders raise what they like, on metadata or sizes that their format cannot hold
        given = f"the picture cannot be written as {photo.format} ({' '.join(str(problem).split())})"
        raise OutputError(f"{given}: save it as another") from problem


def corrected(photo: Photo) -> Photo:
    """The photo, of whose metadata nothing speaks of another picture or of parts that are not written."""
    changes, xmp = list(photo.changes), photo.xmp
    exif, told = with_new_thumbnail(photo, anew=photo.format not in ONE_DIRECTORY)
    if xmp and (xmp := without_claims(xmp)) != photo.xmp:
        changes.append("what its XMP told of parts that are left out is removed")
    return replace(photo, exif=exif, xmp=xmp, changes=(*changes, *([told] if told else [])))


def coding_for(path: str | Path) -> Coding:
    """How a new file of that name is written, by its suffix. Raises OutputError on a suffix of no format."""
    name = _writable(Path(path).suffix)
    if name is None:
        names = ", ".join(sorted(suffix for suffixes in FORMAT_SUFFIXES.values() for suffix in suffixes))
        raise OutputError(f"{shown(path)} names no format that can be written: end it in {names}")
    return FORMATS[name].coding()


def format_of(word: str) -> str:
    """The format that a word such as jpg or TIFF means. Raises UsageError where it means none that can be written."""
    name = _writable(f".{word.removeprefix('.')}")
    if name is None:
        raise UsageError(f"{shown(word)} is no format that can be written: give {', '.join(FORMAT_SUFFIXES).lower()}")
    return name


def _writable(suffix: str) -> str | None:
    """The format that files of a suffix are written in; None where there is none."""
    return next((name for name, suffixes in FORMAT_SUFFIXES.items() if suffix.lower() in suffixes), None)


def changes_on_write(photo: Photo) -> str | None:
    """What is known of a photo that `encode_photo` cannot write as it was read, in one sentence; None for nothing."""
    return "; ".join(photo.changes) or None


def read_kernel(path: str | Path) -> Kernel:
    """Read a kernel (1 1 k k) float32 from a TIFF of any depth, a .npy file, or a grey picture; sum 1 is restored.

    One that is even or not square gets rows and columns of zeros; row h // 2 and column w // 2 become the centre.
    Raises PictureError when the file cannot be read, or its values are not one plane, finite, >= 0 and with some > 0.
    """
    return kernel_in(read_bytes(path, max_bytes=BYTES_PER_PIXEL * MAX_PIXELS), name=shown(path))


def kernel_in(data: bytes, *, name: str, max_pixels: int = MAX_PIXELS) -> Kernel:
    """The kernel in the bytes of a file: see `read_kernel`; `name`: of the file."""
    values = _careful(name, "a kernel", partial(numbers, most=max_pixels), data)
    if values is None:
        found = _format(name, data, Path(name).suffix.lower())
        _check(name, _careful(name, found, FORMATS[found].inspect, data), max_pixels, 1, NO_KERNEL)
        values = _grey(name, _careful(name, found, FORMATS[found].decode, data))
    return as_kernel(values, name=name)


def as_kernel(values: np.ndarray, *, name: str = "the array") -> Kernel:
    """An array of one plane as a kernel (1 1 k k): see `read_kernel`; `name`: of what holds it."""
    if values.ndim < 2 or values.size != np.prod(values.shape[-2:]) or not values.size:
        raise PictureError(
            f"{name} holds an array of shape {values.shape}, where one kernel (k k) was wanted: give one"
        )
    if not (np.isrealobj(values) and np.isfinite(values).all() and (values >= 0).all() and values.sum() > 0):
        raise PictureError(f"{name} holds a kernel with NaN, negative values or no light: give one with values >= 0")
    height, width = values.shape[-2:]
    side = max(height, width) // 2 * 2 + 1
    square = np.zeros((side, side))
    top, left = side // 2 - height // 2, side // 2 - width // 2
    square[top : top + height, left : left + width] = values.reshape(height, width) / values.sum()
    return torch.from_numpy(square).to(torch.float32)[None, None]


def write_kernel(path: str | Path, kernel: Kernel, *, overwrite: bool) -> None:
    """Write one kernel (1 1 k k) as a float32 TIFF of one page.

    Raises UsageError unless it is one kernel, k odd, finite, >= 0, of sum 1; OutputError when it cannot be written.
    """
    one = kernel.ndim == 4 and kernel.shape[:2] == (1, 1) and kernel.shape[2] == kernel.shape[3]
    # 1e-3: rounding in float32 of a sum over a million pixels.
    if not (one and kernel.shape[3] % 2 == 1 and bool((kernel >= 0).all()) and abs(float(kernel.sum()) - 1) < 1e-3):
        raise UsageError(f"a kernel of shape {tuple(kernel.shape)} was given: give one (1 1 k k), k odd, >= 0, sum 1")
    write_bytes(path, kernel_bytes(kernel), overwrite=overwrite)


def kernel_bytes(kernel: Kernel) -> bytes:
    """One kernel (1 1 k k) as a float32 TIFF of one page, with its values as they are."""
    written, plane = io.BytesIO(), kernel[0, 0].detach().cpu().to(torch.float32).numpy()
    tifffile.imwrite(written, plane, photometric="minisblack", metadata=None, software=False)
    return written.getvalue()


def _format(name: str, data: bytes, suffix: str) -> str:
    """Which row of the table; raises PictureError for what is none of them."""
    if not data:
        raise PictureError(f"{name} is empty, where a picture was wanted: copy or download it again")
    found = next((row for row, format in FORMATS.items() if format.matches(data)), None)
    if suffix in RAW_SUFFIXES and found in (None, "TIFF"):
        return "RAW"
    if found is None:
        raise PictureError(f"{name} is not a PNG, TIFF, JPEG, WebP, AVIF or HEIC picture, or a RAW: give one of these")
    return found


def _check(name: str, header: Header, max_pixels: int, min_side: int, remedy: str = FEWER) -> None:
    """Raise PictureError for what should not be decoded."""
    size = f"{name} has {header.width} x {header.height} pixels"
    if header.width * header.height > max_pixels:
        raise PictureError(f"{size}, more than the limit of {max_pixels}: {remedy}")
    if min(header.width, header.height) < min_side:
        raise PictureError(f"{size}, where at least {min_side} a side were wanted: give a bigger picture")
    if header.refusal:
        raise PictureError(f"{name} {header.refusal}")
    if header.frames > 1:
        given = f"{name} holds {header.frames} frames, where one was wanted"
        raise PictureError(f"{given}: save the one you want by itself")


def _careful(name: str, kind: str, function: Callable[[bytes], Result], data: bytes) -> Result:
    """Call a decoder; on broken bytes decoders raise whatever they like, and all of it means the same to a user."""
    try:
        return function(data)
    except MemoryError:
        raise
    except PictureError as problem:  # the end of a sentence
        raise PictureError(f"{name} {problem}") from problem
    except Exception as problem:
        given = f"{name} is cut off or damaged and cannot be decoded as {kind}"
        raise PictureError(f"{given}: copy or download it again") from problem


def _grey(name: str, photo: Photo) -> np.ndarray:
    pixels = photo.pixels[0]
    if not bool((pixels == pixels[:1]).all()):
        raise PictureError(f"{name} is in colour, where the grey picture of a kernel was wanted: save it as grey")
    return pixels[0].double().numpy()
