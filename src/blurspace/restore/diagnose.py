"""Is this photo blurry, how, and how sure is that? Edges say whether, the estimated kernel says how."""

import math
from dataclasses import dataclass
from typing import Literal

import torch

from blurspace.areas import Area
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.finders import KernelFinder
from blurspace.restore.light import Light
from blurspace.restore.mild import softness
from blurspace.restore.observed import Observed
from blurspace.restore.verdict import nothing_to_do
from blurspace.run import Run
from blurspace.sharpness import SHARP
from blurspace.types import Blur, Kernel

Kind = Literal["sharp", "part", "unknown", "mild", "shake", "motion", "defocus"]

MILD = 0.26  # of `sharpness.SHARP`'s kind: above it a blur is a softness
# A kernel whose second axis is this share of its first is a line; above the other, and round, it is defocus.
LINE_WIDTH, ROUND_WIDTH = 0.25, 0.75


@dataclass(frozen=True)
class Diagnosis:
    """What is wrong with a photo.

    `kind`: "sharp", "part" (of it is blurred: `part`, its left, top, right and bottom in %), "unknown" (too small, or
    no edges), "mild" (a softness of a few px), "shake" (a curved path), "motion" (a straight one), "defocus" (round).
    `length_px`, `angle_deg`: the kernel's extent and its direction, counter-clockwise from the x axis; None where
    there is none.
    `variation` in [0, 1]: how much the edge sharpness differs between the four quarters of the photo. `confidence` in
    [0, 1]: how far the sharpness is from the threshold between sharp and blurry. `sigma`: noise, pixel values in
    [0, 1]. `blur`, and the `light` it happened in: None where the photo is not blurred all over. `code`: a stable word
    for the reason.
    """

    blurry: bool
    kind: Kind
    length_px: float | None
    angle_deg: float | None
    variation: float
    confidence: float
    sigma: float
    reason: str
    blur: Blur | None
    code: str = "blurred"
    part: tuple[int, int, int, int] | None = None
    light: Light | None = None


def diagnose(seen: Observed, run: Run | None = None) -> Diagnosis:
    """Say whether a photo is blurry, and how.

    The blur is the one that `deblur` would undo; of a mild one it is the Gaussian that its edges tell, not a search.
    """
    sharpness, sigma = seen.sharpness, seen.sigma
    confidence = min(1.0, abs(sharpness - SHARP) / (SHARP / 2)) if math.isfinite(sharpness) else 0.0
    variation = _variation(seen)
    if told := nothing_to_do(seen):
        kind: Kind = {"sharp": "sharp", "part_blurred": "part"}.get(told.code, "unknown")  # type: ignore[assignment]
        facts = variation, confidence, sigma, told.reason, None, told.code, seen.parts.box
        return Diagnosis(kind == "part", kind, None, None, *facts)
    reason = f"even sharp contrasts are about {1 / (2 * sharpness):.0f} px wide or more across one direction"
    soft = softness(seen.sharpnesses) if sharpness > MILD else None
    blur = _searched(seen, run or Run()) if soft is None else UniformBlur(soft.kernel)
    length, angle = blur.length_angle()
    kind = "mild" if sharpness > MILD else _kind_of(blur.kernel.cpu(), length, angle)
    reason = reason if soft is None else f"{soft.words}; {reason}"
    return Diagnosis(True, kind, length, angle, variation, confidence, sigma, reason, blur, light=seen.lit)


def _searched(seen: Observed, run: Run) -> Blur:
    found = seen.find(KernelFinder(), run)
    assert found.blur is not None
    return found.blur


def _variation(seen: Observed) -> float:
    """Spread of the edge sharpness over the four quarters, as a share of the largest."""
    height, width = seen.size
    halves = [((0, length // 2), (length // 2, length // 2 * 2)) for length in (height, width)]
    quarters = [Area(rows, columns, seen.size) for rows in halves[0] for columns in halves[1]]
    alphas = [None if seen.alpha is None else quarter.cut(seen.alpha) for quarter in quarters]
    parts = [(quarter.cut(seen.pixels), alpha) for quarter, alpha in zip(quarters, alphas, strict=True)]
    pieces = [Observed(pixels, alpha=alpha) for pixels, alpha in parts]
    for piece in pieces:
        piece.gain = seen.gain  # of all of it, for a dark quarter shows no sensor's white
    found = [piece.sharpness for piece in pieces if math.isfinite(piece.sharpness)]
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
    mean = float((kernel[0, 0] * distance).sum())
    variance = float((kernel[0, 0] * (distance - mean).square()).sum())
    return math.sqrt(12 * variance + 1)
