"""How natural does a picture look, without a sharp one to compare it with? NIQE: 0 is pristine, more is worse.

Local normalisation makes the pixels of sharp photos nearly Gaussian, in a way that blur, ringing and noise disturb.
The statistics of each patch are 36 numbers: per scale the shape and scale of the normalised pixels, and the shape,
mean, left scale and right scale of their products with four neighbours. The score is the distance between the patches
of a picture and those of sharp photos (a `Naturalness`), two Gaussians in 36 dimensions.

Source: Mittal, Soundararajan and Bovik 2013, "Making a completely blind image quality analyzer". Where the paper leaves
a choice (order of the numbers, wrap-around of neighbours, half size by bicubic interpolation), this is as the release
of its authors at LIVE does it, so that parameters fitted there fit here. Computed in float64.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.pixels import gaussian_means, luminance
from blurspace.types import Image

PEAK = 255  # the unit of the constant 1 that eq. 1 adds to the local deviation: grey levels of 8 bits
# Section 2.1: a 7 x 7 window "sampled out to 3 standard deviations"; the release makes these 3.5 px.
WINDOW_SIDE, WINDOW_SIGMA = 7, 7 / 6
PATCH = 96  # section 3: a size of patch that performs well, px
SHARP_ENOUGH = 0.75  # section 2.2: T, as a part of the sharpest patch
SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))  # rows and columns; eq. 4 calls for both axes and both diagonals
SHAPES = (0.2, 10.0, 0.001)  # first, last, step: the search of the release; a Gaussian is 2, a Laplacian 1
FLAT = 1e-9  # ours, in grey levels: round-off is 1e-13, and one level of blue in the window's corner 2e-5


@dataclass(frozen=True)
class Naturalness:
    """What patches of sharp photos are like: the mean (36,) of their features, and the covariance (36, 36)."""

    mean: Tensor
    covariance: Tensor


def niqe(picture: Image, model: Naturalness) -> float:
    """The distance of a picture (1 c h w) from the photos of `model`, >= 0; sharp photos score about 2 to 5.

    Raises UsageError on a picture of less than 96 px in height or width, or without a single patch that has texture.
    """
    return distance(features(picture), model)


def distance(rows: Tensor, model: Naturalness) -> float:
    """How far the Gaussian of patches with features `rows` (n 36) is from the model's; rows with a NaN do not count.

    Raises UsageError where no row is left. Source: Mittal et al. 2013, eq. 10.
    """
    rows = _whole(rows)
    if not len(rows):
        raise UsageError("the picture is flat in every patch of 96 x 96 px: give one that shows something")
    # The covariance of one patch alone is nothing, not undefined: the model's own is left to measure with.
    covariance = torch.cov(rows.T) if len(rows) > 1 else rows.new_zeros(rows.shape[1], rows.shape[1])
    difference = model.mean.to(rows) - rows.mean(0)
    inverse = torch.linalg.pinv((model.covariance.to(rows) + covariance) / 2, hermitian=True)
    return float((difference @ inverse @ difference).clamp(min=0).sqrt())


def fit(pictures: Iterable[Image]) -> Naturalness:
    """The model of sharp photos, each (1 c h w), from those patches that are in focus.

    A patch counts if its mean local deviation is above 0.75 of the greatest in its photo. Raises UsageError on too
    small a photo, or fewer than 37 patches, which cannot span 36 dimensions.
    Source: Mittal et al. 2013, section 2.2 and eq. 9.
    """
    rows = torch.cat([torch.empty(0, 36, dtype=torch.float64), *(_in_focus(picture).cpu() for picture in pictures)])
    if len(rows) <= rows.shape[1]:
        raise UsageError(f"the photos have {len(rows)} sharp patches and a model needs 37: give more photos")
    return Naturalness(rows.mean(0), torch.cov(rows.T))


def features(picture: Image) -> Tensor:
    """The statistics of each patch (n 36), row by row over a picture (1 c h w); a flat patch has NaN among them.

    Patches do not overlap; what is left over at the right and below is not looked at. The first 18 numbers are those
    of full size, the others those of half size. Raises UsageError on less than 96 px in height or width.
    Source: Mittal et al. 2013, sections 2.1 and 2.3.
    """
    plane = _cropped(picture)
    half = functional.interpolate(plane, scale_factor=0.5, mode="bicubic", antialias=True)
    scales = ((normalised(plane)[0], PATCH), (normalised(half)[0], PATCH // 2))
    return torch.cat([_statistics(_patches(coefficients, side)) for coefficients, side in scales], 1)


def normalised(plane: Tensor) -> tuple[Tensor, Tensor]:
    """The normalised pixels of a luminance (1 1 h w) of 0 to 255, and the local deviation they were divided by.

    Source: Mittal et al. 2013, eq. 1 to 3; the edge is repeated.
    """
    padded = functional.pad(torch.cat((plane, plane.square())), [WINDOW_SIDE // 2] * 4, mode="replicate")
    means = gaussian_means(padded, WINDOW_SIDE, WINDOW_SIGMA)
    deviation = (means[1:] - means[:1].square()).clamp(min=0).sqrt()
    difference = plane - means[:1]
    difference = torch.where(difference.abs() < FLAT, 0, difference)
    return difference / (deviation + 1), deviation


def asymmetric_fit(samples: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Shape, left scale and right scale (n,) of generalised Gaussians, one per row of `samples` (n m).

    The density is proportional to exp(-(|x| / scale)^shape). Scales are NaN where a row has nothing on a side. Source:
    the moments of Lasmar, Stitou and Berthoumieu 2009, as Mittal et al. 2013 ask.
    """
    square = samples.square()
    left = ((square * (samples < 0)).sum(1) / (samples < 0).sum(1)).sqrt()
    right = ((square * (samples > 0)).sum(1) / (samples > 0).sum(1)).sqrt()
    ratio = left / right
    moments = samples.abs().mean(1).square() / square.mean(1)
    shape = _shape(moments * (ratio**3 + 1) * (ratio + 1) / (ratio.square() + 1).square())
    scale = torch.exp((torch.lgamma(1 / shape) - torch.lgamma(3 / shape)) / 2)
    return shape, left * scale, right * scale


def _shape(moments: Tensor) -> Tensor:
    """The shape whose E|x|^2 / E x^2 comes nearest; that ratio grows with the shape."""
    first, last, step = SHAPES
    shapes = torch.arange(round((last - first) / step) + 1, dtype=moments.dtype, device=moments.device) * step + first
    table = torch.exp(2 * torch.lgamma(2 / shapes) - torch.lgamma(1 / shapes) - torch.lgamma(3 / shapes))
    halfway = (table[1:] + table[:-1]) / 2
    return shapes[torch.searchsorted(halfway, moments.contiguous())]


def _statistics(patches: Tensor) -> Tensor:
    """18 numbers (n 18) of normalised patches (n s s)."""
    shape, left, right = asymmetric_fit(patches.flatten(1))
    columns = [shape, (left + right) / 2]
    for shift in SHIFTS:
        shape, left, right = asymmetric_fit((patches * patches.roll(shift, (1, 2))).flatten(1))
        mean = (right - left) * torch.exp(torch.lgamma(2 / shape) - torch.lgamma(1 / shape))
        columns += [shape, mean, left, right]
    return torch.stack(columns, 1)


def _in_focus(picture: Image) -> Tensor:
    sharpness = _patches(normalised(_cropped(picture))[1], PATCH).mean((1, 2))
    return _whole(features(picture)[sharpness > SHARP_ENOUGH * sharpness.max()])


def _whole(rows: Tensor) -> Tensor:
    return rows[rows.isfinite().all(1)]


def _patches(plane: Tensor, side: int) -> Tensor:
    """Squares (n side side) of a plane (1 1 h w) whose height and width are multiples of `side`."""
    return plane[0, 0].unfold(0, side, side).unfold(1, side, side).flatten(0, 1)


def _cropped(picture: Image) -> Tensor:
    """Luminance (1 1 h w), 0 to 255, cropped to whole patches."""
    if picture.ndim != 4 or picture.shape[0] != 1 or picture.shape[1] not in (1, 3):
        raise UsageError(f"shape {tuple(picture.shape)} was given: give one picture (1, 1 or 3, height, width)")
    height, width = picture.shape[-2:]
    if min(height, width) < PATCH:
        raise UsageError(f"the picture is {height} x {width} px and NIQE needs {PATCH} x {PATCH}: give a bigger one")
    whole = picture[..., : height - height % PATCH, : width - width % PATCH].to(torch.float64) * PEAK
    return luminance(whole)  # as MATLAB's rgb2gray, which the release calls (not rgb2ycbcr, whose Y ends at 235)
