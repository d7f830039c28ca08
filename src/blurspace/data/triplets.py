"""What does a pair of networks learn from? Triplets of sharp crop, kernel and blurry crop, made on the fly.

Kaufman and Fattal 2020, "Training Set": B = I * k + noise, noise ~ N(0, sigma^2), sigma = 0.02, k from random splines.
"""

from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import torch
from jaxtyping import Float
from torch import Generator, Tensor

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.kernels import disk, gaussian, line, shake
from blurspace.data.crops import SharpPhotos, draw_index
from blurspace.errors import UsageError
from blurspace.levels import to_8_bits
from blurspace.pixels import inner
from blurspace.types import Image, Kernel

Camera = Literal["plain", "rich"]
Span = tuple[float, float]  # low, high
# Of `other_share`: straight motion, defocus, and the mild blur of optics, a third each: our choice.
OTHERS = ("line", "disk", "gaussian")
# A sampled Gaussian is cut at 4 sigma (`kernels.gaussian`), so its square is 8 sigma + 1 px wide.
SIGMAS_ACROSS = 8
# The rich camera; ranges are our choice unless a source stands there.
RESPONSES = ("srgb", "gamma 2.2")
GAIN = (0.7, 1.6)  # above 1 highlights saturate and leave streaks
# Linear light of display value 0.5, where sRGB's slope is 1.08: so `sigma` means about the same for both cameras.
MID_GREY = 0.214
SHOT_SHARE = (0.8, 1.0)  # of the variance at mid grey: a modern sensor is mostly limited by photons


@dataclass(frozen=True)
class Tensors:
    """The base of a batch: a frozen record whose fields are tensors, and maybe others."""

    def to(self, device: str) -> Self:
        """The same on another device."""
        moved: dict[str, Any] = {name: one.to(device) for name, one in vars(self).items() if isinstance(one, Tensor)}
        return replace(self, **moved)


@dataclass(frozen=True)
class Triplets(Tensors):
    """`sharp` (b 3 h w), `kernel` (b 1 k k), `blurry` (b 3 h w), and the noise's `sigma` (b) in display values."""

    sharp: Image
    kernel: Kernel
    blurry: Image
    sigma: Float[Tensor, " b"]

    def split(self, count: int) -> "list[Triplets]":
        """The same in pieces of `count` triplets at most."""
        columns = zip(*(one.split(count) for one in vars(self).values()), strict=True)
        return [Triplets(*row) for row in columns]


def draw_triplets(
    photos: SharpPhotos,
    generator: Generator,
    *,
    count: int,
    side: int,
    kernel_side: int,
    extents: Span,
    sigmas: Span = (0.0, 0.0),
    camera: Camera = "plain",
    other_share: float = 0.0,
    device: str = "cpu",
) -> Triplets:
    """Draw `count` triplets of `side` px with kernels in a square of `kernel_side` px (odd).

    `extents`: the kernel's own side in px, and `sigmas`: the noise, both drawn uniformly from (low, high).
    `other_share` of the kernels are lines, disks and Gaussians, the others shakes. A bigger crop is blurred and only
    its valid part kept, so nothing is made up beyond the frame. `camera` "plain" is the paper's B = I * k + noise on
    display values, not clamped; "rich" blurs in linear light, exposes by a random gain (sharp and blurry alike), fills
    up, adds read and photon noise, and rounds to 8 bits. `generator` is on the CPU; the blur and the noise are made on
    `device`, so a seed means the same on the same kind of device. Raises UsageError on impossible numbers and
    NoInputError where all photos are too small. Source: Kaufman and Fattal 2020, "Training Set".
    """
    _check(count, kernel_side, extents, sigmas)
    options = {"count": count, "kernel_side": kernel_side}
    kernel = draw_kernels(generator, **options, extents=extents, other_share=other_share).to(device)
    sigma = _uniform(sigmas, count, generator)
    pieces = [photos.crop_bytes(generator, side=side + kernel_side - 1) for _ in range(count)]
    roomy = torch.stack(pieces).to(device) / 255
    if camera == "plain":
        sharp, blurry = inner(roomy, kernel_side // 2).contiguous(), blur(roomy, kernel, border="valid")
        blurry = blurry + _column(sigma, device) * _noise(blurry, generator)
    else:
        sharp, blurry = _photograph(roomy, kernel, sigma, generator)
    return Triplets(sharp, kernel, blurry, sigma.to(device))


def draw_kernels(
    generator: Generator, *, count: int, kernel_side: int, extents: Span, other_share: float = 0.0
) -> Kernel:
    """Draw kernels (count 1 kernel_side kernel_side), each centred: see `draw_triplets`."""
    drawn = []
    for extent in _uniform(extents, count, generator).tolist():
        which, share, angle = torch.rand(3, generator=generator).tolist()
        if share >= other_share:
            drawn.append(shake(kernel_side, generator=generator, extent=extent))
            continue
        kind = OTHERS[int(which * len(OTHERS))]
        if kind == "line":
            drawn.append(line(extent, 180 * angle, size=kernel_side))
        elif kind == "disk":
            drawn.append(disk(extent / 2, size=kernel_side))
        else:  # at an extent of 1 the sigma would be 0, which no Gaussian has
            drawn.append(gaussian(max((extent - 1) / SIGMAS_ACROSS, 1e-3), size=kernel_side))
    return torch.cat(drawn)


def _photograph(roomy: Tensor, kernel: Tensor, sigma: Tensor, generator: Generator) -> tuple[Tensor, Tensor]:
    """`exposure.photograph`, with its own gain and noise for every picture of the batch, and the sharp one alike."""
    device, count = roomy.device.type, len(sigma)
    response = RESPONSES[draw_index(len(RESPONSES), generator)]
    gain = _column(_uniform(GAIN, count, generator), device)
    shot_share = _uniform(SHOT_SHARE, count, generator)
    linear = to_linear(roomy, response)
    exposed = (blur(linear, kernel, border="valid") * gain).clamp(0, 1)
    read, shot = sigma.square() * (1 - shot_share), sigma.square() * shot_share / MID_GREY
    deviation = (_column(read, device) + _column(shot, device) * exposed).sqrt()
    photo = to_display(exposed + deviation * _noise(exposed, generator), response)
    sharp = to_display(inner(linear, kernel.shape[-1] // 2) * gain, response)
    return sharp, to_8_bits(photo)


def _noise(like: Tensor, generator: Generator) -> Tensor:
    """Standard normal values, drawn on the picture's device: on a GPU the CPU's would take longer than all the rest."""
    if like.device.type == "cpu":
        return torch.randn(like.shape, generator=generator)
    there = torch.Generator(like.device).manual_seed(int(torch.randint(2**31, (), generator=generator)))
    return torch.randn(like.shape, generator=there, device=like.device)


def _uniform(bounds: Span, count: int, generator: Generator) -> Tensor:
    low, high = bounds
    return low + (high - low) * torch.rand(count, generator=generator)


def _column(values: Tensor, device: str) -> Tensor:
    return values.to(device).view(-1, 1, 1, 1)


def _check(count: int, kernel_side: int, extents: Span, sigmas: Span) -> None:
    if count < 1 or kernel_side < 1 or kernel_side % 2 == 0:
        raise UsageError(f"{count} triplets with kernels of {kernel_side} px were asked for: give 1 or more, and odd")
    if not 1 <= extents[0] <= extents[1] <= kernel_side:
        raise UsageError(f"extents are {extents} in kernels of {kernel_side} px: give low <= high, both 1 to the side")
    if not 0 <= sigmas[0] <= sigmas[1]:
        raise UsageError(f"sigmas are {sigmas}: give low <= high, both 0 or more")
