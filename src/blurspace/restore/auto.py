"""Which method, if the user has no opinion? The first in order of measured quality whose receipt is good."""

from dataclasses import replace

from blurspace.restore.by_field import FieldDeblurrer
from blurspace.restore.by_kernel import KernelDeblurrer
from blurspace.types import Image, Restoration


class Auto:
    """A `Deblurrer` that estimates the kernel once and tries each method with it: learned, classical, camera rotation.

    The first restoration whose receipt says "restored" is taken. A photo that is sharp already is left alone; where all
    are refused, so is the photo, with the reason of the first.
    """

    def __init__(self, learned: KernelDeblurrer, classical: KernelDeblurrer) -> None:
        """Both with the same kernel, size, response and strength."""
        self.learned, self.classical = learned, classical

    def __call__(self, blurry: Image, *, least_sigma: float = 0.0) -> Restoration:
        """Restore `blurry` (1 c h w), display-referred in [0, 1]; same size, clamped to [0, 1]."""
        first = self.learned(blurry, least_sigma=least_sigma)
        if first.receipt.verdict != "refused" or first.kernel is None:
            return first
        second = self.classical.with_kernel(blurry, first.kernel, first.receipt.sigma)
        if second.receipt.verdict == "restored":
            return replace(second, confidence=first.confidence)
        if self.classical.kernel is not None or self.classical.strength < 1:  # a field would find a kernel of its own
            return first
        third = FieldDeblurrer(self.classical).with_kernel(blurry, first.kernel, first.receipt.sigma)
        if third is None or third.receipt.verdict != "restored":
            return first
        return replace(third, confidence=first.confidence)
