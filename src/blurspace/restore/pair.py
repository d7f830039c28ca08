"""How does the paper's pair deblur a photo: analysis reads the kernel, synthesis is guided by it?

Kaufman and Fattal 2020. For kernels beyond the networks' square the photo is made smaller first, deblurred, and made
larger again, as the paper does beyond 85 px (section 4, "Köhler Dataset"; it costs them 1.6 dB).
"""

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import centre, crop_or_pad, extent, normalise, trim
from blurspace.nets.analysis import Analysis
from blurspace.nets.synthesis import Synthesis
from blurspace.restore.diagnose import already_sharp, luminance
from blurspace.restore.noise import estimate_sigma
from blurspace.restore.receipt import judge
from blurspace.types import AnyKernel, Image, Kernel, Restoration

# A kernel that fills this share of the networks' square may be cut off by it: the photo is halved and asked again.
FULL = 0.8
HALVINGS = 2
LEAST_SIDE = 64  # px: what the analysis network needs
# A network's kernel has no exact zeros; values under this share of its peak are none.
THRESHOLD = 0.05


class PairDeblurrer:
    """A `Deblurrer` of an analysis and a synthesis network; `kernel` (1 1 k k): use this one instead of analysing."""

    def __init__(self, analysis: Analysis, synthesis: Synthesis, *, method: str, kernel: Kernel | None = None) -> None:
        """Both networks for kernels in the same square."""
        self.analysis, self.synthesis, self.method, self.kernel = analysis, synthesis, method, kernel
        self.side = analysis.side

    def __call__(self, blurry: Image, *, least_sigma: float = 0.0) -> Restoration:
        """Restore `blurry` (1 c h w), display-referred in [0, 1]; same size, clamped to [0, 1]."""
        sigma = max(estimate_sigma(blurry), least_sigma)
        if self.kernel is None and (sharp := already_sharp(blurry, sigma=sigma, method=self.method)):
            return sharp
        with torch.inference_mode():
            restored, kernel, scale = self._restored(blurry)
        restored, kernel = restored.clone().clamp(0, 1), kernel.clone()
        note = "the networks worked at full size" if scale == 1 else f"the networks worked at {scale:.0%} of the size"
        reblurred = blur(restored, kernel)
        receipt = judge(blurry, restored, reblurred, kernel, sigma=sigma)
        kept = restored if receipt.verdict == "restored" else blurry
        return Restoration(kept, kernel, reblurred, receipt, self.method, (note,))

    def _restored(self, blurry: Image) -> tuple[Image, Kernel, float]:
        """The sharp picture, its kernel at full size, and the scale at which the networks worked."""
        for halving in range(HALVINGS + 1):
            scale = 0.5**halving
            small = _resized(blurry, [max(round(length * scale), LEAST_SIDE) for length in blurry.shape[-2:]])
            known = self.kernel is not None
            kernel = _scaled(self.kernel, scale) if self.kernel is not None else self._analysed(small)
            fits = kernel.shape[-1] <= self.side if known else extent(kernel)[0] < FULL * self.side
            if fits or halving == HALVINGS or min(small.shape[-2:]) // 2 < LEAST_SIDE:
                break
        guided = crop_or_pad(kernel, self.side)
        colour = small.expand(-1, 3, -1, -1)
        sharp = self.synthesis(colour, normalise(guided))
        if blurry.shape[1] == 1:
            sharp = sharp.mean(1, keepdim=True)
        if small.shape != blurry.shape:
            # Only the change is made larger: what the photo has of detail stays.
            sharp = blurry + _resized(sharp - small, blurry.shape[-2:])
        return sharp, _scaled(kernel, 1 / scale), scale

    def _analysed(self, picture: Image) -> Kernel:
        kernel = self.analysis(luminance(picture))
        return trim(centre(normalise(torch.where(kernel >= THRESHOLD * kernel.max(), kernel, 0))))


def _resized(picture: Tensor, size: list[int] | torch.Size) -> Tensor:
    if list(picture.shape[-2:]) == list(size):
        return picture
    return functional.interpolate(picture, size=list(size), mode="bicubic", antialias=True)


def _scaled(kernel: Kernel, scale: float) -> AnyKernel:
    """The kernel of a picture that was made `scale` times as big."""
    if scale == 1:
        return kernel
    side = round(kernel.shape[-1] * scale) // 2 * 2 + 1
    return normalise(_resized(kernel, [side, side]).clamp_min(0))
