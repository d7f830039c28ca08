"""Which kernels are there, how are they drawn, and how are they centred, trimmed, measured and shown?

A kernel is (b 1 k k): k odd, >= 0, sum 1, a convolution kernel, centre pixel = no shift. Lengths are in px; angles in
degrees, counter-clockwise from the x axis with y up, as on paper (rows of a picture run the other way).

Camera shake follows the recipe of Kaufman and Fattal 2020, "Training Set": a random spline, with "camera motion speed
and acceleration, as well as a various sensor point spread functions". They adapted Chakrabarti 2016 (six random
control points, no speed) and published no numbers, so the numbers below are ours where no source stands beside them.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.paths import deposit, spline_basis
from blurspace.errors import UsageError
from blurspace.types import AnyKernel, Image, Kernel

CONTROL_POINTS = (3, 4, 5, 6)  # Chakrabarti 2016 always draws 6; fewer give the arcs and lines of a short exposure
# Standard deviation of the log of the time spent per stretch of path: one sigma is a factor 1.6 faster or slower.
SPEED_SPREAD = 0.5
SAMPLES_PER_PIXEL = 32  # of kernel side; a six-point path is about 3.5 sides long, so neighbours are 0.1 px apart
# The sensor's spot: a Gaussian of this sigma, or a square pixel aperture of this width, in px.
SPOT_SIGMA, SPOT_WIDTH = (0.2, 0.7), (1.0, 2.0)
SPOT_REACH = 2  # px; beyond it lies less than 0.1 % of the widest spot
CENTRAL_SHARE = 0.95  # of the light, which `extent` looks at, so that specks of an estimated kernel do not count
NEGLIGIBLE = 1e-6  # the share of the light at the edge that `centre` may drop before it makes the kernel bigger
ROUND = 1e-6  # variances along the two axes that differ by less than this share are equal: ten float32 roundings


def shake(size: int, *, generator: torch.Generator | None = None, extent: float | None = None) -> Kernel:
    """Draw one camera shake: a smooth path travelled at changing speed, seen through a small sensor spot.

    `size`: side of the kernel in px, odd. `extent`: side in px, 1 to `size`, of the centred square that just holds the
    drawn kernel, spot included (what `trim` would leave); drawn uniformly where not given. The time-weighted mean of
    the path lies on the centre pixel. `generator`: on the CPU, where kernels are drawn; None = torch's own.
    Returns (1 1 size size) float32. Raises UsageError on an even size or an extent outside its range.
    Source: Kaufman and Fattal 2020, "Training Set", after Chakrabarti 2016.
    """
    _check_size(size)
    if extent is None:
        extent = 1 + (size - 1) * torch.rand((), generator=generator).item()
    if not 1 <= extent <= size:
        raise UsageError(f"extent is {extent} px in a kernel of {size} px: give 1 to {size}")
    spot_reach = min(SPOT_REACH, (int(extent) - 1) // 2)
    path, time = _path(SAMPLES_PER_PIXEL * size, generator)
    path = path - time @ path
    path = path * (((extent - 1) / 2 - spot_reach) / path.abs().max())
    drawn = deposit(path + (size - 1) / 2, time, size)
    spot = _spot(spot_reach, generator)
    return functional.conv2d(drawn, spot, padding=spot_reach).to(torch.float32)


def line(length: float, angle: float, *, size: int | None = None) -> Kernel:
    """Straight motion of `length` px (1 = none) at `angle` degrees: an anti-aliased line through the centre pixel.

    Its ends are cut to the exact fraction of a pixel: a horizontal line of odd length L is L equal pixels. Returns
    (1 1 k k), k = `size` or the smallest that holds it. Raises UsageError on a length below 1 or a size too small.
    """
    if not length >= 1:
        raise UsageError(f"a line of length {length} px was asked for: give 1 (no motion) or more")
    along_x, along_y = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    steep = abs(along_y) > abs(along_x)
    major, minor = (along_y, along_x) if steep else (along_x, along_y)
    half = length * abs(major) / 2
    reach = math.ceil(half - 0.5)
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64)
    weight = (half + 0.5 - steps.abs()).clamp(0, 1)
    across = steps * (minor / major)
    columns, up = (across, steps) if steep else (steps, across)
    drawn = deposit(torch.stack((reach - up, reach + columns), -1), weight, 2 * reach + 1)
    return _sized(drawn, size, "a line")


def gaussian(sigma: float, *, size: int | None = None) -> Kernel:
    """A Gaussian of standard deviation `sigma` px, sampled at the pixel centres and cut at 4 sigma (as scipy does).

    Returns (1 1 k k), k = `size` or the smallest that holds it. Raises UsageError unless sigma > 0.
    """
    if not sigma > 0:
        raise UsageError(f"a Gaussian of sigma {sigma} px was asked for: give a sigma above 0")
    reach = int(4 * sigma + 0.5)
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64)
    profile = torch.exp(-0.5 * (steps / sigma) ** 2)
    return _sized(torch.outer(profile, profile)[None, None], size, "a Gaussian")


def oval(longer: float, shorter: float, angle: float) -> Kernel:
    """A Gaussian of two standard deviations in px, the first at `angle` degrees, sampled and cut as `gaussian` is.

    Returns (1 1 k k). Raises UsageError unless longer >= shorter > 0.
    """
    if not longer >= shorter > 0:
        raise UsageError(f"an oval of {longer} by {shorter} px was asked for: give the longer one first, both above 0")
    reach, (cosine, sine) = int(4 * longer + 0.5), (math.cos(math.radians(angle)), math.sin(math.radians(angle)))
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64)
    x, y = steps, -steps[:, None]
    along, across = (x * cosine + y * sine) / longer, (y * cosine - x * sine) / shorter
    return normalise(torch.exp(-0.5 * (along.square() + across.square()))[None, None]).to(torch.float32)


def disk(radius: float, *, size: int | None = None) -> Kernel:
    """Out of focus: a disk of `radius` px, each pixel weighted by the area of it that the disk covers.

    Returns (1 1 k k), k = `size` or the smallest that holds it; up to a radius of 0.5 it is the delta. Raises
    UsageError unless radius > 0.
    """
    if not radius > 0:
        raise UsageError(f"a disk of radius {radius} px was asked for: give a radius above 0")
    reach = math.ceil(radius - 0.5)
    strips = 64  # per pixel; exact along a strip, so the area is right to about 1e-3 of a pixel
    across = (torch.arange((2 * reach + 1) * strips, dtype=torch.float64) + 0.5) / strips - reach - 0.5
    half = (radius**2 - across**2).clamp(min=0).sqrt()
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64)[:, None]
    covered = (torch.minimum(steps + 0.5, half) - torch.maximum(steps - 0.5, -half)).clamp(min=0)
    area = covered.unflatten(1, (-1, strips)).mean(-1)
    return _sized((area + area.T)[None, None], size, "a disk")


def delta(size: int = 1) -> Kernel:
    """No blur at all: 1 at the centre pixel of (1 1 size size). Raises UsageError on an even size."""
    _check_size(size)
    kernel = torch.zeros(1, 1, size, size)
    kernel[..., size // 2, size // 2] = 1
    return kernel


def normalise(kernel: Tensor) -> Kernel:
    """Cut negative values to 0 and divide each kernel (b 1 k k) by its sum.

    Raises UsageError where nothing positive and finite is left to divide by.
    """
    positive = kernel.clamp(min=0)
    total = positive.sum((-2, -1), keepdim=True)
    if not bool((total.isfinite() & (total > 0)).all()):
        given = "the kernel has no positive values, or some that are not finite"
        raise UsageError(f"{given}: give one with some light in it")
    return positive / total


def centre(kernel: Kernel, *, subpixel: bool = False) -> AnyKernel:
    """Shift each kernel (b 1 k k) so that its centroid is at the centre pixel.

    By default by whole pixels, with `subpixel` the rest too, by bilinear interpolation (which widens it a little).
    Where more than a millionth of the light would leave the square, the square grows; use `crop_or_pad` for a fixed
    size. Raises UsageError on a kernel without light.
    """
    side = kernel.shape[-1]
    away = (side - 1) / 2 - centroids(normalise(kernel))
    whole = (away.floor() if subpixel else away.round()).long()
    margin = int(whole.abs().max()) + int(subpixel)
    roomy = functional.pad(kernel, (margin,) * 4)
    moved = torch.stack([one.roll(tuple(by), dims=(-2, -1)) for one, by in zip(roomy, whole.tolist(), strict=True)])
    if subpixel:
        down, right = (away - whole)[..., None, None, None].unbind(1)
        moved = moved * (1 - down) + moved.roll(1, -2) * down
        moved = moved * (1 - right) + moved.roll(1, -1) * right
    cropped = moved[..., margin : margin + side, margin : margin + side]
    lost = 1 - cropped.sum((-2, -1)) / moved.sum((-2, -1))
    return normalise(moved if bool((lost > NEGLIGIBLE).any()) else cropped)


def crop_or_pad(kernel: Kernel, size: int) -> AnyKernel:
    """The kernel in a square of `size` px (odd) with the same centre: zeros added, or the edge cut and sum 1 restored.

    Raises UsageError on an even size, or where nothing would be left.
    """
    _check_size(size)
    margin = (size - kernel.shape[-1]) // 2
    resized = functional.pad(kernel, (margin,) * 4)
    return resized if margin >= 0 else normalise(resized)


def trim(kernel: Kernel, threshold: float = 0.0) -> AnyKernel:
    """The smallest odd square around the centre pixel that holds every pixel above `threshold` x the kernel's maximum.

    One size for a batch; sum 1 is restored. Raises UsageError unless 0 <= threshold < 1.
    """
    if not 0 <= threshold < 1:
        raise UsageError(f"threshold is {threshold}: give a share of the maximum, from 0 to below 1")
    middle = kernel.shape[-1] // 2
    kept = (kernel > threshold * kernel.amax((-2, -1), keepdim=True)).nonzero()[:, 2:]
    reach = int((kept - middle).abs().max()) if len(kept) else 0
    return crop_or_pad(kernel, 2 * reach + 1)


def extent(kernel: Kernel) -> tuple[float, float]:
    """How long is one kernel (1 1 k k), and in which direction: (length in px, angle in [0, 180) degrees).

    The direction is that of the greatest variance, 0 for a round kernel. The length is the width of the central 95 % of
    the light projected on it, divided by 0.95: a uniform line of length L gives L, a delta 1, a Gaussian about 4.1
    sigma. Raises UsageError on a batch or a kernel without light.
    """
    if kernel.ndim != 4 or kernel.shape[0] != 1:
        raise UsageError(f"a kernel of shape {tuple(kernel.shape)} was given: give one kernel, (1, 1, k, k)")
    light = normalise(kernel.detach().to(torch.float64))
    steps = torch.arange(kernel.shape[-1], dtype=light.dtype, device=light.device)
    column, row = (steps - at for at in centroids(light)[0].flip(0))
    light = light[0, 0]
    wide, tall = float(light.sum(0) @ column**2), float(light.sum(1) @ row**2)
    tilt = -float(row @ light @ column)  # rows run downwards
    # Rounding alone must not give a round kernel a direction.
    round_enough = math.hypot(2 * tilt, wide - tall) <= ROUND * (wide + tall)
    radians = 0.0 if round_enough else 0.5 * math.atan2(2 * tilt, wide - tall)
    along = column * math.cos(radians) - row[:, None] * math.sin(radians)
    low, high = _quantiles(along.flatten(), light.flatten(), (1 - CENTRAL_SHARE) / 2)
    return (high - low) / CENTRAL_SHARE, math.degrees(radians) % 180 % 180  # -1e-20 % 180 is 180


def show(kernel: Kernel, *, size: int = 255, sqrt: bool = False) -> Image:
    """Kernels (b 1 k k) as grey pictures (b 1 size size) to look at: hard-edged pixels, the brightest one white.

    `sqrt` lifts faint parts by a square root. Raises UsageError on a kernel without light.
    """
    picture = normalise(kernel)
    picture = picture / picture.amax((-2, -1), keepdim=True)
    return functional.interpolate(picture.sqrt() if sqrt else picture, size=(size, size), mode="nearest-exact")


def _path(samples: int, generator: torch.Generator | None) -> tuple[Tensor, Tensor]:
    """A random spline as points (n 2) and the share of the exposure spent at each (n,), in arbitrary units.

    The spline's parameter is time, so long stretches are fast and turns slow; a second random spline stretches it.
    """
    count = CONTROL_POINTS[int(torch.randint(len(CONTROL_POINTS), (), generator=generator))]
    points = torch.rand(count, 2, generator=generator, dtype=torch.float64)
    pace = torch.randn(count, generator=generator, dtype=torch.float64) * SPEED_SPREAD
    basis = spline_basis(count, samples)
    return basis @ points, (basis @ pace).softmax(0)


def _spot(reach: int, generator: torch.Generator | None) -> Tensor:
    """A random sensor spot (1 1 s s), s = 2 reach + 1: half of them Gaussian, half a square aperture."""
    kind, place = torch.rand(2, generator=generator, dtype=torch.float64).tolist()
    steps = torch.arange(-reach, reach + 1, dtype=torch.float64)
    if kind < 0.5:
        sigma = SPOT_SIGMA[0] + place * (SPOT_SIGMA[1] - SPOT_SIGMA[0])
        profile = torch.exp(-0.5 * (steps / sigma) ** 2)
    else:
        width = SPOT_WIDTH[0] + place * (SPOT_WIDTH[1] - SPOT_WIDTH[0])
        profile = ((width + 1) / 2 - steps.abs()).clamp(0, 1)
    spot = torch.outer(profile, profile)
    return (spot / spot.sum())[None, None]


def centroids(kernel: Tensor) -> Tensor:
    """(row, column) of the centroid of each normalised kernel: (b 2), in px from the top left pixel's centre."""
    steps = torch.arange(kernel.shape[-1], dtype=kernel.dtype, device=kernel.device)
    return torch.stack((kernel.sum(-1)[:, 0] @ steps, kernel.sum(-2)[:, 0] @ steps), -1)


def _quantiles(place: Tensor, weight: Tensor, tail: float) -> tuple[float, float]:
    """Where the first and the last `tail` of the light end, each `weight` being spread evenly over `place` +- 0.5."""
    edges, order = torch.cat((place - 0.5, place + 0.5)).sort()
    density = torch.cat((weight, -weight))[order].cumsum(0)
    share = functional.pad((density[:-1] * edges.diff()).cumsum(0), (1, 0))
    found = []
    for wanted in (tail, 1 - tail):
        after = int(torch.searchsorted(share, wanted).clamp(1, len(share) - 1))
        missing = (wanted - float(share[after - 1])) / float(density[after - 1])
        found.append(float(edges[after - 1]) + missing)
    return found[0], found[1]


def _sized(drawn: Tensor, size: int | None, what: str) -> AnyKernel:
    kernel = normalise(drawn).to(torch.float32)
    if size is None:
        return kernel
    if size < kernel.shape[-1]:
        raise UsageError(f"{what} of {kernel.shape[-1]} px does not fit in {size} px: give a bigger size, or none")
    return crop_or_pad(kernel, size)


def _check_size(size: int) -> None:
    if size < 1 or size % 2 == 0:
        raise UsageError(f"a kernel of {size} px was asked for: give an odd number of pixels")
