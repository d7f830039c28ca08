"""Is this photo blurry, how, and how sure is that? Edges say whether, the estimated kernel says how."""

import math
from dataclasses import dataclass
from typing import Literal

import torch

from blurspace.blur.kernels import extent
from blurspace.restore.candidates import estimate_kernel
from blurspace.restore.noise import estimate_sigma
from blurspace.restore.receipt import left_alone
from blurspace.sharpness import SHARP, edge_sharpness, luminance
from blurspace.types import Image, Kernel, Restoration

Kind = Literal["sharp", "mild", "shake", "motion", "defocus"]

MILD = 0.26
# A kernel whose second axis is this share of its first is a line; above the other, and round, it is defocus.
LINE_WIDTH, ROUND_WIDTH = 0.25, 0.75


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a photo.

    `kind`: "sharp", "mild" (a softness of a few px), "shake" (a curved path), "motion" (a straight one) or "defocus"
    (round). `length_px`, `angle_deg`: the kernel's extent and its direction, counter-clockwise from the x axis.
    `variation` in [0, 1]: how much the edge sharpness differs between the four quarters of the photo. `confidence` in
    [0, 1]: how far the sharpness is from the threshold between sharp and blurry. `sigma`: noise, pixel values in
    [0, 1]. `kernel`: None where the photo is sharp.
    """

    blurry: bool
    kind: Kind
    length_px: float
    angle_deg: float
    variation: float
    confidence: float
    sigma: float
    reason: str
    kernel: Kernel | None


def diagnose(photo: Image) -> Diagnosis:
    """Say whether a photo (1 c h w) in [0, 1] is blurry, and how; grey or RGB."""
    grey = luminance(photo)
    sharpness = edge_sharpness(grey)
    sigma = estimate_sigma(photo)
    confidence = min(1.0, abs(sharpness - SHARP) / (SHARP / 2))
    variation = _variation(grey)
    if sharpness >= SHARP:
        reason = sharp_reason(sharpness)
        return Diagnosis(False, "sharp", 1.0, 0.0, variation, confidence, sigma, reason, None)
    kernel = estimate_kernel(grey).kernel
    length, angle = extent(kernel)
    kind: Kind = "mild" if sharpness > MILD else _kind_of(kernel, length, angle)
    reason = f"even sharp contrasts are about {1 / (2 * sharpness):.0f} px wide or more across one direction"
    return Diagnosis(True, kind, length, angle, variation, confidence, sigma, reason, kernel)


def already_sharp(blurry: Image, *, sigma: float, method: str) -> Restoration | None:
    """The photo (1 c h w) left alone, if it is sharp as it is; else None."""
    sharpness = edge_sharpness(luminance(blurry))
    if sharpness >= SHARP:
        return Restoration(blurry, None, blurry, left_alone(sharp_reason(sharpness), sigma=sigma), method)
    return None


def sharp_reason(sharpness: float) -> str:
    """Why a photo of this edge sharpness is left alone, in words."""
    if math.isinf(sharpness):
        return "the photo has no edges to judge by"
    return "the photo is sharp: its edges are as narrow as pixels allow"


def _variation(grey: Image) -> float:
    """Spread of the edge sharpness over the four quarters, as a share of the largest."""
    height, width = grey.shape[-2] // 2, grey.shape[-1] // 2
    quarters = [grey[..., i * height : (i + 1) * height, j * width : (j + 1) * width] for i in (0, 1) for j in (0, 1)]
    found = [value for value in map(edge_sharpness, quarters) if math.isfinite(value)]
    return 1 - min(found) / max(found) if len(found) > 1 else 0.0


def _kind_of(kernel: Kernel, length: float, angle: float) -> Kind:
    """Straight, round or curved, from the kernel's extents along and across its main direction."""
    across = _width_across(kernel, angle)
    if across < max(LINE_WIDTH * length, 3):
        return "motion"
    middle = kernel.shape[-1] // 2
    hollow = float(kernel[0, 0, middle, middle]) < 0.25 * float(kernel.max())
    return "defocus" if across > ROUND_WIDTH * length and not hollow else "shake"


def _width_across(kernel: Kernel, angle: float) -> float:
    """The kernel's width at right angles to `angle`, in px: that of a uniform bar of the same variance."""
    side = kernel.shape[-1]
    place = torch.arange(side, dtype=kernel.dtype) - side // 2
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    distance = place[None, :] * sine + place[:, None] * cosine
    mean = float((kernel[0, 0].cpu() * distance).sum())
    variance = float((kernel[0, 0].cpu() * (distance - mean).square()).sum())
    return math.sqrt(12 * variance + 1)
