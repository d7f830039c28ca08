"""How does one photo become sharp with one kernel? Estimate it (or take it), deconvolve, and write the receipt."""

import math
from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import RESPONSES, to_display, to_linear
from blurspace.blur.kernels import trim
from blurspace.errors import UsageError
from blurspace.restore.candidates import Estimate, estimate_kernel
from blurspace.restore.deconvolve import deconvolve, strength_for
from blurspace.restore.diagnose import already_sharp, luminance
from blurspace.restore.noise import estimate_sigma
from blurspace.restore.receipt import judge
from blurspace.types import AnyKernel, Image, Kernel, Restoration

# Pixels at or above this display value count as clipped: JPEG scatters a clipped 255 over the last few levels.
CLIPPED = 250 / 255

# restore(light, kernel, clipped, sigma) -> the sharp picture, in the light of `light`, not clamped.
Restore = Callable[[Image, Kernel, Tensor, float], Image]


def total_variation(light: Image, kernel: Kernel, clipped: Tensor, sigma: float) -> Image:
    """The classical `Restore`: see `deconvolve`."""
    return deconvolve(light, kernel, strength=strength_for(sigma), saturated=clipped)


class KernelDeblurrer:
    """A `Deblurrer` for uniform blur: one kernel for the whole photo.

    `kernel` (1 1 k k): use this one instead of estimating. `size`: an upper bound in px for the estimated kernel, found
    automatically where not given. `response`: the camera's, if known ("srgb", "gamma 2.2" or "linear"): the blur is
    then undone in linear light. Where it is not known the values are used as they stand, which explained our three demo
    photos better than sRGB did (re-blur PSNR 46 to 52 dB against 42 to 51 dB). `strength` in (0, 1]: how much of the
    blur is removed, by shortening the kernel (mixing sharp and blurry pixels would leave ghosts). `restore`: what
    deconvolves, and `method` its name.
    """

    def __init__(
        self,
        *,
        kernel: Kernel | None = None,
        size: int | None = None,
        response: str | None = None,
        strength: float = 1.0,
        restore: Restore = total_variation,
        method: str = "classical",
    ) -> None:
        """Raises UsageError on an unknown response, an even size or a strength outside (0, 1]."""
        if response is not None and response not in RESPONSES:
            raise UsageError(f"camera response {response!r} is unknown: choose one of {', '.join(RESPONSES)}")
        if size is not None and (size < 3 or size % 2 == 0):
            raise UsageError(f"a kernel size of {size} px was given: give an odd number from 3 up")
        if not 0 < strength <= 1:
            raise UsageError(f"a strength of {strength} was given: give more than 0 and at most 1")
        self.kernel, self.size, self.response = kernel, size, response or "linear"
        self.strength, self.restore, self.method = strength, restore, method
        self.note = (
            "the camera's response is not known, so pixel values were used as they stand"
            if response is None
            else f"worked in linear light, with the camera response {response}"
        )

    def __call__(self, blurry: Image, *, least_sigma: float = 0.0) -> Restoration:
        """Restore `blurry` (1 c h w), display-referred in [0, 1]; same size, clamped to [0, 1].

        `least_sigma`: the noise is at least this, for instance because of JPEG's quantisation, which hides noise from
        the estimate but returns when the blur is undone.
        """
        sigma = max(estimate_sigma(blurry), least_sigma)
        if self.kernel is None and (sharp := already_sharp(blurry, sigma=sigma, method=self.method)):
            return sharp
        if self.kernel is not None:
            return self.with_kernel(blurry, shorten(self.kernel.to(blurry), self.strength), sigma)
        found = self._estimate(blurry)
        restoration = self.with_kernel(blurry, shorten(found.kernel, self.strength), sigma)
        return replace(restoration, confidence=found.confidence)

    def with_kernel(self, blurry: Image, kernel: Kernel, sigma: float) -> Restoration:
        """Deconvolve `blurry` (1 c h w), whose noise is `sigma`, by `kernel` and write the receipt."""
        light = to_linear(blurry, self.response)
        restored = self.restore(light, kernel, blurry >= CLIPPED, sigma).clamp(0, 1)
        reblurred = to_display(blur(restored, kernel), self.response)
        restored = to_display(restored, self.response)
        receipt = judge(blurry, restored, reblurred, kernel, sigma=sigma)
        if receipt.verdict != "restored":
            restored = blurry
        return Restoration(restored, kernel, reblurred, receipt, self.method, (self.note,))

    def _estimate(self, blurry: Image) -> Estimate:
        clipped = (blurry >= CLIPPED).any(1, keepdim=True)
        return estimate_kernel(luminance(to_linear(blurry, self.response)), size=self.size, ignore=clipped)


def shorten(kernel: Kernel, strength: float) -> AnyKernel:
    """The kernel made smaller by the factor `strength` in (0, 1] about its centre: 1 leaves it, near 0 a delta."""
    if strength == 1:
        return kernel
    reach = kernel.shape[-1] // 2
    places = strength * torch.arange(-reach, reach + 1).to(kernel)  # where the light of each row and column goes
    near = math.ceil(strength * reach)
    pixels = torch.arange(-near, near + 1).to(kernel)
    shares = (1 - (pixels[:, None] - places).abs()).clamp_min(0)  # of it, to the two pixels that are nearest
    return trim(shares @ kernel @ shares.T)
