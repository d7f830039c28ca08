"""How does a deblurrer of one known blur work for another camera? The photo is translated first: Blur2Blur.

Pham et al. 2024, section 3.1: G*_C = G*_C' o G, translate into the known blur, then deblur that.
"""

from collections.abc import Callable
from dataclasses import replace

from blurspace.nets.kernel_space import BasisSpace
from blurspace.restore.diagnose import already_sharp
from blurspace.restore.network import explained, in_colour
from blurspace.restore.noise import estimate_sigma
from blurspace.types import Deblurrer, Image, Restoration


class Translated:
    """A `Deblurrer`: `translator` (1 3 h w) -> the same scene in known blur, then `deblurrer`, whichever it is.

    The receipt is about the photo itself: `space` reads which blur lies between it and the result.
    """

    def __init__(self, translator: Callable[[Image], Image], deblurrer: Deblurrer, space: BasisSpace) -> None:
        """Keep them; the translator is called without gradients."""
        self.translator, self.deblurrer, self.space = translator, deblurrer, space

    def __call__(self, blurry: Image, *, least_sigma: float = 0.0) -> Restoration:
        """Restore `blurry` (1 c h w), display-referred in [0, 1]; same size, clamped to [0, 1]."""
        sigma = max(estimate_sigma(blurry), least_sigma)
        if sharp := already_sharp(blurry, sigma=sigma, method="translated"):
            return sharp
        known = self.deblurrer(self.translate(blurry), least_sigma=least_sigma)
        method, history = f"translated, {known.method}", ("translated into the known blur", *known.history)
        if known.receipt.verdict == "refused":  # what the deblurrer does not believe in is not written
            reason = f"after the translation {known.receipt.reason}"
            receipt = replace(known.receipt, reason=reason)
            return Restoration(blurry, known.kernel, blurry, receipt, method, history)
        return explained(blurry, known.restored, self.space, sigma=sigma, method=method, history=history)

    def translate(self, blurry: Image) -> Image:
        """A picture (1 c h w) in known blur, clamped to [0, 1]."""
        return in_colour(self.translator, blurry)
