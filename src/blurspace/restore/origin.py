"""What does a photo's file say of the light that its values stand for, and of the camera that took it?

A profile says more than a PNG's own chunks, and these more than EXIF, as readers of files have it (PNG specification,
third edition, 4.3). Sources: ICC.1:2022, 10.6 and 10.18 (curves); Exif 2.32, 4.6.5 and 4.6.6; PNG, 11.3.2.
"""

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from PIL import ExifTags
from PIL.Image import Exif
from torch import Tensor

from blurspace.blur.exposure import RESPONSES, to_linear
from blurspace.io import png
from blurspace.io.rounding import storage_sigma
from blurspace.types import Photo

# A curve is the one of our responses that it is nearest to, if nowhere farther from it: sRGB and its usual stand-in,
# the power 2.2, are 0.008 apart, and the power 1.8 is 0.07 from both (in light, of white).
NEAR = 0.02
ASKED = 65  # values at which curves are compared
# Exif's ColorSpace: 1 is sRGB. 2, which is not in the standard, is how cameras write Adobe RGB.
COLOUR_SPACES = {1: "srgb", 2: "gamma 2.2"}
TONE_CURVES = (b"gTRC", b"kTRC")  # of green, of grey
Curve = Callable[[Tensor], Tensor]  # stored values in [0, 1] to light


@dataclass(frozen=True)
class Origin:
    """What a file says of where its values come from.

    `response`: a name in `blur.exposure.RESPONSES`, the curve by which they stand for light; None where it says none,
    or one that we do not know. `taken`: whether it names a camera and an exposure.
    """

    response: str | None = None
    taken: bool = False


UNKNOWN = Origin()


def origin_of(photo: Photo) -> Origin:
    """What the file of a photo says; nothing where it is damaged there."""
    try:
        model, told = _exif(photo)
        return Origin(_response(photo, told), bool(model and told.get(ExifTags.Base.ExposureTime)))
    except Exception:  # damaged metadata raises what it likes, and spoils no photo
        return UNKNOWN


def facts_of(photo: Photo) -> dict[str, Any]:
    """What an `Observed` or a `Deblurrer` wants to be told of a photo's file: the noise it hides, and its origin."""
    return {"least_sigma": storage_sigma(photo), "origin": origin_of(photo)}


def _exif(photo: Photo) -> tuple[str, dict[int, Any]]:
    """The camera's name, and the EXIF directory."""
    exif = Exif()
    exif.load(photo.exif or b"")
    return str(exif.get(ExifTags.Base.Model, "")).strip("\0 "), exif.get_ifd(ExifTags.IFD.Exif) if photo.exif else {}


def _response(photo: Photo, exif: dict[int, Any]) -> str | None:
    """The first curve that is told."""
    if photo.icc:
        return _named(profile_curve(photo.icc))
    chunks = png.before_pixels(photo.source) if photo.source and png.matches(photo.source) else {}
    if b"sRGB" in chunks:
        return "srgb"
    if b"gAMA" in chunks:
        return _named(_power(100_000 / struct.unpack(">I", chunks[b"gAMA"])[0]))
    if gamma := exif.get(ExifTags.Base.Gamma):
        return _named(_power(float(gamma)))
    return COLOUR_SPACES.get(exif.get(ExifTags.Base.ColorSpace, 0))


def profile_curve(icc: bytes) -> Curve | None:
    """From stored values to light, as an ICC profile has it for green or grey; None where it has no such curve."""
    count = struct.unpack_from(">I", icc, 128)[0]
    tags = {icc[at : at + 4]: struct.unpack_from(">I", icc, at + 4)[0] for at in range(132, 132 + 12 * count, 12)}
    start = next((tags[name] for name in TONE_CURVES if name in tags), None)
    if start is None:
        return None
    kind = icc[start : start + 4]
    if kind == b"para":
        return _parametric(icc, start)
    return _sampled(icc, start) if kind == b"curv" else None


def _sampled(icc: bytes, start: int) -> Curve:
    """Of no values: a straight line; of one: a power, in 256ths; of more: between them, evenly."""
    count = struct.unpack_from(">I", icc, start + 8)[0]
    values = torch.tensor(struct.unpack_from(f">{count}H", icc, start + 12), dtype=torch.float32)
    if count < 2:
        return _power(float(values[0]) / 256 if count else 1.0)

    def curve(stored: Tensor) -> Tensor:
        place = stored * (count - 1)
        first = place.floor().long().clamp(max=count - 2)
        return values[first].lerp(values[first + 1], place - first) / 65535

    return curve


def _parametric(icc: bytes, start: int) -> Curve:
    """(a x + b)^g + e from d on, else c x + f; the first so many of g, a, b, c, d, e, f are told, by its type."""
    kind = struct.unpack_from(">H", icc, start + 8)[0]
    count = (1, 3, 4, 5, 7)[kind]
    told = [one / 65536 for one in struct.unpack_from(f">{count}i", icc, start + 12)]
    g, a, b, c, d, e, f = told + [1.0, 1.0, 0.0, 0.0, 0.0, 0.0, 0.0][count:]
    if kind in (1, 2):  # there the straight part is flat, at c of type 2, and begins where the power is 0
        c, d, e, f = 0.0, -b / a, c, c
    return lambda stored: torch.where(stored >= d, (a * stored + b).clamp_min(0) ** g + e, c * stored + f)


def _power(exponent: float) -> Curve:
    return lambda stored: stored**exponent


def _named(curve: Curve | None) -> str | None:
    """The response that a curve is."""
    if curve is None:
        return None
    stored = torch.linspace(0, 1, ASKED)
    light = curve(stored)
    away = {name: float((light - to_linear(stored, name)).abs().max()) for name in RESPONSES}
    nearest = min(away, key=lambda name: away[name])
    return nearest if away[nearest] <= NEAR else None
