"""How does a photo become sharp whose blur changes from place to place, because the camera turned?"""

from dataclasses import replace

from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.varying import KernelField, blur_varying
from blurspace.restore.by_kernel import CLIPPED, KernelDeblurrer
from blurspace.restore.deconvolve import strength_for
from blurspace.restore.diagnose import luminance
from blurspace.restore.field import deconvolve_field, estimate_field, field_explains_better
from blurspace.restore.receipt import judge
from blurspace.types import Image, Kernel, Restoration

# Nodes of the field along the longer and the shorter side: cells are about square on a 4:3 photo.
LONGER, SHORTER = 4, 3
METHOD = "rotation"


class FieldDeblurrer:
    """A `Deblurrer` for camera rotation: first one kernel for the whole photo, then a field of kernels.

    Where the field hardly varies the single kernel is better, and is used. `single`: what estimates the kernel, and
    deconvolves then.
    """

    def __init__(self, single: KernelDeblurrer) -> None:
        """Takes its response from `single`."""
        self.single = single

    def __call__(self, blurry: Image, *, least_sigma: float = 0.0) -> Restoration:
        """Restore `blurry` (1 c h w), display-referred in [0, 1]; same size, clamped to [0, 1]."""
        result = self.single(blurry, least_sigma=least_sigma)
        if result.receipt.verdict == "left alone" or result.kernel is None:
            return result
        by_field = self.with_kernel(blurry, result.kernel, result.receipt.sigma)
        return result if by_field is None else replace(by_field, confidence=result.confidence)

    def with_kernel(self, blurry: Image, kernel: Kernel, sigma: float) -> Restoration | None:
        """Restore by a field that starts from `kernel`, the whole photo's; None where the blur is uniform."""
        field = photo_field(blurry, kernel, self.single.response)
        if not field_explains_better(kernel, field):
            return None
        light = to_linear(blurry, self.single.response)
        restored = deconvolve_field(light, field, strength=strength_for(sigma), saturated=blurry >= CLIPPED).clamp(0, 1)
        reblurred = to_display(blur_varying(restored, field), self.single.response)
        restored = to_display(restored, self.single.response)
        receipt = judge(blurry, restored, reblurred, middle(field), sigma=sigma)
        note = f"the camera turned: {field.rows} x {field.columns} kernels, interpolated between"
        kept = restored if receipt.verdict == "restored" else blurry
        return Restoration(kept, middle(field), reblurred, receipt, METHOD, (self.single.note, note))


def photo_field(blurry: Image, kernel: Kernel, response: str) -> KernelField:
    """How the kernel changes across a photo (1 c h w), from the same light and pixels as the kernel itself."""
    height, width = blurry.shape[-2:]
    rows, columns = (LONGER, SHORTER) if height > width else (SHORTER, LONGER)
    grey, clipped = luminance(to_linear(blurry, response)), (blurry >= CLIPPED).any(1, keepdim=True)
    return estimate_field(grey, kernel, rows=rows, columns=columns, ignore=clipped)


def middle(field: KernelField) -> Kernel:
    """The kernel (1 1 k k) nearest to the middle of the picture, which stands for the field in a receipt."""
    index = field.rows // 2 * field.columns + field.columns // 2
    return field.kernels[index : index + 1]
