"""How does one photo become sharp with one kernel? Estimate it (or take it), deconvolve, and write the receipt."""

from torch import Tensor

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import RESPONSES, to_display, to_linear
from blurspace.deblur.candidates import estimate_kernel
from blurspace.deblur.deconvolve import deconvolve, strength_for
from blurspace.deblur.diagnose import SHARP, edge_sharpness, luminance, sharp_reason
from blurspace.deblur.noise import estimate_sigma
from blurspace.deblur.receipt import judge, left_alone
from blurspace.errors import UsageError
from blurspace.types import Image, Kernel, Restoration

# Pixels at or above this display value count as clipped: JPEG scatters a clipped 255 over the last few levels.
CLIPPED = 250 / 255
METHOD = "classical"


class KernelDeblurrer:
    """A `Deblurrer` for uniform blur: one kernel for the whole photo.

    `kernel` (1 1 k k): use this one instead of estimating. `size`: an upper bound in px for the estimated kernel, found
    automatically where not given. `response`: the camera's, if known ("srgb", "gamma 2.2" or "linear"): the blur is
    then undone in linear light. Where it is not known the values are used as they stand, which explained our three demo
    photos better than sRGB did (re-blur PSNR 46 to 52 dB against 42 to 51 dB).
    """

    def __init__(self, *, kernel: Kernel | None = None, size: int | None = None, response: str | None = None) -> None:
        """Raises UsageError on an unknown response or an even size."""
        if response is not None and response not in RESPONSES:
            raise UsageError(f"camera response {response!r} is unknown: choose one of {', '.join(RESPONSES)}")
        if size is not None and (size < 3 or size % 2 == 0):
            raise UsageError(f"a kernel size of {size} px was given: give an odd number from 3 up")
        self.kernel, self.size, self.response = kernel, size, response or "linear"
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
        if self.kernel is None:
            sharpness = edge_sharpness(luminance(blurry))
            if sharpness >= SHARP:
                receipt = left_alone(sharp_reason(sharpness), sigma=sigma)
                return Restoration(blurry, None, blurry, receipt, METHOD)
        light = to_linear(blurry, self.response)
        clipped = blurry >= CLIPPED
        kernel = self._kernel(light, clipped)
        restored, reblurred = self._deconvolve(light, kernel, clipped, sigma)
        receipt = judge(blurry, restored, reblurred, kernel, sigma=sigma)
        if receipt.verdict != "restored":
            restored = blurry
        return Restoration(restored, kernel, reblurred, receipt, METHOD, (self.note,))

    def _kernel(self, light: Image, clipped: Tensor) -> Kernel:
        if self.kernel is not None:
            return self.kernel.to(light)
        return estimate_kernel(luminance(light), size=self.size, ignore=clipped.any(1, keepdim=True))

    def _deconvolve(self, light: Image, kernel: Kernel, clipped: Tensor, sigma: float) -> tuple[Image, Image]:
        """The restored photo and the same blurred again, both display-referred."""
        restored = deconvolve(light, kernel, strength=strength_for(sigma), saturated=clipped).clamp(0, 1)
        return to_display(restored, self.response), to_display(blur(restored, kernel), self.response)
