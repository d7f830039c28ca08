"""How close is a restored picture to the sharp one? One function per metric.

All take pictures (b c h w) with values in [0, 1] and return one number per picture (b,), never a mean over pictures:
average afterwards, over pictures, not over squared errors.
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.levels import to_8_bits
from blurspace.pixels import gaussian_means, inner
from blurspace.types import AnyImage, Image

# Wang, Bovik, Sheikh and Simoncelli 2004, section III.C: window and the two constants that keep the ratio finite.
SSIM_SIDE, SSIM_SIGMA = 11, 1.5
SSIM_C1, SSIM_C2 = 0.01**2, 0.03**2
COARSE = 64  # px: what is averaged over so many is what a blur of 8 px leaves nearly alone (ours)


@dataclass(frozen=True)
class Aligned:
    """Two pictures at the best shift, cropped alike (b c h-2crop w-2crop), and their squared error.

    `ssd` (b,): sum of squared differences over channels and pixels. `shift` (b 2): (rows, columns) in px; the aligned
    picture at (row, column) is the restored one at (row, column) + shift.
    """

    restored: Image
    sharp: Image
    ssd: Tensor
    shift: Tensor


def psnr(
    restored: Image, sharp: Image, *, crop: int = 0, round8: bool = False, trust: AnyImage | None = None
) -> Tensor:
    """Peak signal-to-noise ratio in dB per picture (b,), range 1, over all channels; equal pictures give infinity.

    `crop` px are left out on each side. `round8` rounds both to 8 bits first, as papers that score saved files do.
    `trust` (b 1 h w) in [0, 1]: how much a pixel counts, None = all alike.
    Raises UsageError on different shapes, or where the crop leaves nothing.
    """
    _check_pair(restored, sharp, least=2 * crop + 1)
    if round8:
        restored, sharp = to_8_bits(restored), to_8_bits(sharp)
    error = inner(restored - sharp, crop).square()
    if trust is None:
        return -10 * error.mean((1, 2, 3)).log10()
    counts = inner(trust, crop)
    return -10 * ((error.mean(1, keepdim=True) * counts).sum((1, 2, 3)) / counts.sum((1, 2, 3))).log10()


def ssim(restored: Image, sharp: Image) -> Tensor:
    """Structural similarity per picture (b,), at most 1: Gaussian window 11 px, sigma 1.5, range 1.

    The mean over the channels and over the area where the whole window fits (5 px less on each side), as skimage's
    `structural_similarity(gaussian_weights=True, use_sample_covariance=False)`. Computed in float64: in float32 the
    small variances of flat areas drown. Raises UsageError on different shapes or fewer than 11 px.
    Source: Wang, Bovik, Sheikh and Simoncelli 2004, eq. 13 to 17.
    """
    _check_pair(restored, sharp, least=SSIM_SIDE)
    batch = sharp.shape[0]
    first, second = restored.to(torch.float64), sharp.to(torch.float64)
    moments = torch.stack((first, second, first * first, second * second, first * second))
    means = gaussian_means(moments.flatten(0, 2).unsqueeze(1), SSIM_SIDE, SSIM_SIGMA).unflatten(0, (5, batch, -1))
    mean1, mean2, square1, square2, product = means
    luminance = (2 * mean1 * mean2 + SSIM_C1) / (mean1.square() + mean2.square() + SSIM_C1)
    variances = square1 - mean1.square() + square2 - mean2.square()
    structure = (2 * (product - mean1 * mean2) + SSIM_C2) / (variances + SSIM_C2)
    return (luminance * structure).mean((1, 2, 3, 4)).to(sharp.dtype)


def aligned(restored: Image, sharp: Image, *, max_shift: int = 5, step: float = 0.25, crop: int = 15) -> Aligned:
    """Protocol `levin`: a kernel is known up to a shift only, so score at the shift with the least squared error.

    `restored` is rounded to 8 bits, `crop` px are cut off each side, and every shift of up to `max_shift` px in steps
    of `step` px, in both directions, is compared with bilinear interpolation, all colours together. Score the result
    with `psnr(found.restored, found.sharp)`. The protocol's pictures are grey: convert first.
    Raises UsageError where `crop` is less than `max_shift` + 1, 1 / `step` is not whole, or the pictures do not match.
    Source: the up-to-shift score of Levin, Weiss, Durand and Freeman 2009.
    """
    if crop <= max_shift or not math.isclose(step * round(1 / step), 1):
        given = f"crop {crop}, max_shift {max_shift} and step {step} were given"
        raise UsageError(f"{given}: give a crop above max_shift, and a step that divides 1 px evenly")
    _check_pair(restored, sharp, least=2 * crop + 1)
    per_pixel = round(1 / step)
    mix = bilinear_table(max_shift, per_pixel).to(sharp.device)
    target, roomy = inner(sharp, crop), inner(to_8_bits(restored), crop - max_shift)
    best = [int(ssd_of_shifts(one, other, mix).argmin()) for one, other in zip(roomy, target, strict=True)]
    places = [divmod(index, len(mix)) for index in best]
    moved = torch.stack([_shifted(one, *mix[list(place)]) for one, place in zip(roomy, places, strict=True)])
    shift = torch.tensor(places, device=sharp.device) / per_pixel - max_shift
    return Aligned(moved, target, (moved - target).square().sum((1, 2, 3)), shift)


def bilinear_table(max_shift: int, per_pixel: int) -> Tensor:
    """Row s: how much of each whole shift (-max_shift .. max_shift) goes into the s-th shift of the search."""
    place = torch.arange(2 * max_shift * per_pixel + 1, dtype=torch.float64) / per_pixel
    return (1 - (place[:, None] - torch.arange(2 * max_shift + 1)).abs()).clamp(min=0)


def ssd_of_shifts(roomy: Tensor, target: Tensor, mix: Tensor) -> Tensor:
    """Squared error of every shift (s s), from the inner products of whole shifts alone.

    `roomy` (c h+2m w+2m), `target` (c h w), `mix` (s 2m+1). A bilinear shift is a mix of up to four whole shifts R_a,
    so |mix - T|^2 = sum w_a w_b <R_a, R_b> - 2 sum w_a <R_a, T> + <T, T>, and only neighbours a, b at most 1 px apart
    ever meet. That is exact, and needs ten passes over the picture instead of 41 x 41.
    """
    roomy, target = roomy.to(torch.float64), target.to(torch.float64)
    count = mix.shape[1]
    spectrum = torch.fft.rfft2(roomy) * torch.fft.rfft2(target, s=roomy.shape[-2:]).conj()
    with_target = torch.fft.irfft2(spectrum, s=roomy.shape[-2:]).sum(0)[:count, :count]
    ssd = target.square().sum() - 2 * mix @ with_target @ mix.T
    for down in (-1, 0, 1):
        # Products with a neighbour outside the table wrap round here, and meet a weight of 0.
        rows = mix * mix.roll(-down, 1)
        for right in (-1, 0, 1):
            product = (roomy * roomy.roll((-down, -right), (-2, -1))).sum(0)
            ssd += rows @ _box_sums(product, count) @ (mix * mix.roll(-right, 1)).T
    return ssd


def _box_sums(plane: Tensor, count: int) -> Tensor:
    """Sums of `plane` (h w) over the count x count windows of size (h-count+1, w-count+1) that fit in it."""
    corner = functional.pad(plane.cumsum(0).cumsum(1), (1, 0, 1, 0))
    columns = corner[:, -count:] - corner[:, :count]
    return columns[-count:] - columns[:count]


def _shifted(roomy: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """`roomy` (c h+2m w+2m) at one shift: the mix of whole shifts, by row weights and column weights (2m+1,)."""
    kernel = torch.outer(rows, columns).to(roomy.dtype)
    return functional.conv2d(roomy[:, None], kernel[None, None])[:, 0]


def coarse_change(restored: Image, blurry: Image) -> Tensor:
    """How much a result (b c h w) changed what blur leaves alone: means over 64 px, as a share of their mean; (b,).

    0 = content kept. Raises UsageError on two shapes, or less than 64 px.
    """
    _check_pair(restored, blurry, least=COARSE)
    means = [functional.avg_pool2d(picture, COARSE) for picture in (restored, blurry)]
    return (means[0] - means[1]).abs().mean((1, 2, 3)) / means[1].mean((1, 2, 3)).clamp_min(1e-6)


def _check_pair(restored: Tensor, sharp: Tensor, *, least: int) -> None:
    if restored.shape != sharp.shape or sharp.ndim != 4:
        given = f"pictures of shapes {tuple(restored.shape)} and {tuple(sharp.shape)} were given"
        raise UsageError(f"{given}: give two of the same shape (batch, channels, height, width)")
    if min(sharp.shape[-2:]) < least:
        given = f"the pictures are {sharp.shape[-2]} x {sharp.shape[-1]} px and this metric needs {least}"
        raise UsageError(f"{given}: give bigger pictures or a smaller crop")
