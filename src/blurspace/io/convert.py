"""How does a photo become a file of another format, and what does it lose on the way?"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from struct import pack

from blurspace.io import jpeg, png
from blurspace.io.raster import bands
from blurspace.levels import from_levels, to_levels
from blurspace.types import Coding, Photo, Samples


@dataclass(frozen=True)
class Holds:
    """What a file of one format can hold: bits a sample, alpha, and bytes of EXIF or XMP."""

    depth: int = 8
    alpha: bool = True
    block: int | None = None


# JPEG: a segment has at most 65,535 bytes with its length and its name; XMP's is the longer one (29 bytes).
HOLDS = {
    "JPEG": Holds(alpha=False, block=65_502),
    "PNG": Holds(depth=16),
    "TIFF": Holds(depth=32),
    "WEBP": Holds(),
    "AVIF": Holds(),
}
FLOAT = 32  # the depth of floating-point samples
# Chunks of a PNG that say sRGB, which is what other files mean where they say nothing (specification, 11.3.2).
COLOURS = (b"sRGB", b"gAMA", b"cHRM", b"cICP")
SRGB = {b"gAMA": pack(">I", 45455), b"cHRM": pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)}


@dataclass(frozen=True)
class Fitting:
    """The coding of another format than the photo's, which writes as much of the photo as that format can hold."""

    coding: Coding

    @property
    def format(self) -> str:
        """The other format."""
        return self.coding.format

    def encode(self, photo: Photo) -> bytes:
        """The bytes of a file, without what `converted` told as lost."""
        return self.coding.encode(_fitted(photo, HOLDS[self.format]))


def converted(photo: Photo, coding: Coding) -> Photo:
    """The photo, to be written by the coding of another format; its `changes` say what that cannot hold.

    Its samples stay as they are until they are encoded, and so does its `source`, which tells of its light.
    """
    return replace(photo, coding=Fitting(coding), changes=(*photo.changes, *_losses(photo, coding.format)))


def _losses(photo: Photo, format: str) -> Iterator[str]:
    """What is not in the new file, a sentence each."""
    holds = HOLDS[format]
    if photo.alpha is not None and not holds.alpha:
        yield f"its transparency is laid upon white, for a {format} has none"
    if photo.depth > holds.depth:
        yield f"its {photo.depth} bits a channel become {holds.depth}, for a {format} has no more"
    if getattr(photo.coding, "scale", 1.0) > 1 and holds.depth < FLOAT:
        yield "its values are divided by the highest, so that they fit"
    for name, block in (("EXIF", photo.exif), ("XMP", photo.xmp)):
        if _too_long(block, holds):
            yield f"its {name} is left out, for its {len(block or b'')} bytes are too long for a {format}"
    yield from _own_blocks(photo)


def _own_blocks(photo: Photo) -> Iterator[str]:
    """What only the old format has a place for."""
    if any(True for _ in jpeg.copied(photo)):
        yield "its comments, IPTC and other blocks of a JPEG are left out"
    chunks = {kind: bytes(body) for kind, body in png.copied(photo)}
    if set(chunks) - set(COLOURS):
        yield "its texts, size on paper and other chunks of a PNG are left out"
    told = b"sRGB" in chunks or photo.icc is not None  # then the others are not read
    if b"cICP" in chunks or (not told and any(chunks.get(kind, body) != body for kind, body in SRGB.items())):
        yield "what its chunks say of gamma and colours is left out: others will show it as sRGB"


def _fitted(photo: Photo, holds: Holds) -> Photo:
    if photo.depth > holds.depth:
        alpha = None if photo.alpha is None else _with_depth(photo.alpha, holds.depth)
        photo = replace(photo, samples=_with_depth(photo.samples, holds.depth), alpha=alpha)
    if photo.alpha is not None and not holds.alpha:
        photo = replace(photo, samples=_upon_white(photo.samples, photo.alpha), alpha=None)
    exif, xmp = (None if _too_long(block, holds) else block for block in (photo.exif, photo.xmp))
    return replace(photo, exif=exif, xmp=xmp)


def _too_long(block: bytes | None, holds: Holds) -> bool:
    return block is not None and holds.block is not None and len(block) > holds.block


def _with_depth(samples: Samples, depth: int) -> Samples:
    return to_levels(from_levels(samples), 8 if depth == 8 else 16)


def _upon_white(samples: Samples, alpha: Samples) -> Samples:
    """Colours in front of white, by display values, as viewers do it."""
    laid = samples.clone()
    height, width = samples.shape[-2:]
    for rows in bands(height, 4 * samples.shape[1] * width):
        share = from_levels(alpha[..., rows, :])
        mixed = from_levels(samples[..., rows, :]) * share + (1 - share)
        laid[..., rows, :] = to_levels(mixed, 8 if samples.element_size() == 1 else 16)
    return laid
