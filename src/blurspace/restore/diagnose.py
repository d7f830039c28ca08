"""Is this photo blurry, how, and how sure is that? Edges say whether, the estimated kernel says how.

Strong contrasts in a sharp photo contain edges a pixel or two wide; blur widens those that cross its direction. So
for each of several directions we look at the strongest contrasts over a few pixels and at the steepest slope inside
each: slope / contrast is about one over the edge's width. The softest direction decides.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.kernels import extent
from blurspace.pixels import luminance
from blurspace.restore.candidates import busiest_window, estimate_kernel
from blurspace.restore.noise import estimate_sigma
from blurspace.restore.receipt import left_alone
from blurspace.types import Image, Kernel, Restoration

Kind = Literal["sharp", "mild", "shake", "motion", "defocus"]

DIRECTIONS = 8
SPAN = 9  # px over which a contrast is measured; wider blurs all look alike here, and are told apart by their kernel
STRONGEST = 0.01  # share of the pixels that count as strong contrasts
LEAST_CONTRAST = 0.04  # about 10 grey levels: below it noise and JPEG blocks make edges of their own
SHARPEST = 0.75  # of the strong contrasts, the quantile that speaks for the picture: some scenery is always soft
LARGEST = 1536  # px: a window this wide holds edges enough, and bounds time and memory on large photos
FEWEST = 20  # contrasts needed before a direction is believed
# Measured: Kodak's 24 photos 0.35 to 0.48, GoPro's sharp frames 0.35 to 0.40; shake of 9 px 0.23 to 0.34, of 15 px
# 0.17 to 0.28, Levin's blurry pictures 0.15 to 0.21, our demo photos 0.18 to 0.23.
SHARP = 0.33
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


def edge_sharpness(grey: Image) -> float:
    """Slope over contrast of the strongest edges in the softest direction: about 1 / (2 x width in px).

    `grey` (1 1 h w). Infinite where no direction has enough contrast to judge by.
    """
    grey = grey[(..., *busiest_window(grey, LARGEST))]
    found = [_sharpness_along(grey, math.pi * step / DIRECTIONS) for step in range(DIRECTIONS)]
    return min(found)


def _sharpness_along(grey: Tensor, angle: float) -> float:
    height, width = grey.shape[-2:]
    cosine, sine = math.cos(angle), math.sin(angle)
    if min(height, width) <= 2 * SPAN + 2:
        return math.inf

    def moved(down: int, right: int) -> Tensor:
        return grey[..., SPAN + down : height - SPAN + down, SPAN + right : width - SPAN + right]

    across, down = round(SPAN / 2 * cosine), round(SPAN / 2 * sine)
    contrast = (moved(down, across) - moved(-down, -across)).abs()
    slope = ((moved(0, 1) - moved(0, -1)) * cosine + (moved(1, 0) - moved(-1, 0)) * sine).abs() / 2
    steepest = _largest_along(slope, cosine, sine)
    kept = round(STRONGEST * contrast.numel())
    least = contrast.flatten().topk(max(kept, 1)).values[-1].clamp_min(LEAST_CONTRAST)
    strong = contrast >= least
    if int(strong.sum()) <= FEWEST:
        return math.inf
    return float(torch.quantile((steepest[strong] / contrast[strong])[:1_000_000], SHARPEST))


def _largest_along(slope: Tensor, cosine: float, sine: float) -> Tensor:
    """The largest value on a segment of SPAN px about each pixel, in one direction."""
    height, width = slope.shape[-2:]
    padded = functional.pad(slope, (SPAN,) * 4)
    largest = torch.zeros_like(slope)
    for step in range(SPAN + 1):
        place = step - SPAN / 2
        down, right = SPAN + round(place * sine), SPAN + round(place * cosine)
        largest = torch.maximum(largest, padded[..., down : down + height, right : right + width])
    return largest


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
