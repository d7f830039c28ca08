"""Which methods can a benchmark measure, and what does one of them make of one picture in how many seconds?"""

import time
from dataclasses import dataclass

from blurspace import catalog
from blurspace.errors import UsageError
from blurspace.metrics import aligned, psnr, ssim
from blurspace.restore.deblurrer import Deblurrer
from blurspace.types import Image, Kernel

BLURRY = "blurry"  # do nothing: the row that every other is compared with
TRUE_KERNEL = "true kernel"  # the classical method, told the kernel
CLASSICAL = "classical"
# Methods that can be told the kernel, by what they are called then.
TOLD = {TRUE_KERNEL: CLASSICAL, "fourier-pair with true kernel": "fourier-pair"}
# Two pictures equal to the last bit; infinity is not JSON.
MOST_DB = 100.0


@dataclass(frozen=True)
class Outcome:
    """`restored`: what counts, the input itself unless the verdict is "restored". `output`: what really came out."""

    restored: Image
    output: Image
    seconds: float
    verdict: str | None = None
    reason: str | None = None
    kernel_px: int | None = None
    method: str | None = None


@dataclass(frozen=True)
class Score:
    """dB, SSIM and summed squared error at the best shift."""

    psnr: float
    ssim: float
    ssd: float


def known_methods() -> tuple[str, ...]:
    """What `method` may be: all that the catalogue can deblur with, nothing at all, and the true kernel."""
    return (BLURRY, *blind_methods(), *TOLD)


def blind_methods() -> tuple[str, ...]:
    """The methods that deblur with nothing but the photo."""
    return (catalog.AUTO, *catalog.deblurrers())


def check_method(method: str, allowed: tuple[str, ...]) -> str:
    """The method's name, "true-kernel" being "true kernel". Raises UsageError where it is not allowed."""
    name = {name.replace("-", " "): name for name in allowed}.get(method.replace("-", " "))
    if name is None:
        raise UsageError(f"method {method} is not measured by this protocol: give one of {', '.join(allowed)}")
    return name


def build(method: str, true_kernel: Kernel | None = None) -> Deblurrer | None:
    """The deblurrer of that name; None for "blurry"."""
    if method == BLURRY:
        return None
    if method in TOLD:
        return catalog.build_deblurrer(TOLD[method], kernel=true_kernel)
    return catalog.build_deblurrer(method)


def restore(deblurrer: Deblurrer | None, blurry: Image) -> Outcome:
    """Deblur one picture (1 c h w) and take the time of that alone; without a deblurrer, the picture as it is."""
    if deblurrer is None:
        return Outcome(blurry, blurry, 0.0)
    start = time.perf_counter()
    result = deblurrer(blurry)
    seconds = round(time.perf_counter() - start, 4)
    kept = result.restored if result.receipt.verdict == "restored" else blurry
    side = None if result.kernel is None else result.kernel.shape[-1]
    return Outcome(kept, result.restored, seconds, result.receipt.verdict, result.receipt.reason, side, result.method)


def score(restored: Image, sharp: Image, *, max_shift: int, crop: int) -> Score:
    """How close at the best shift (see `metrics.aligned`)."""
    found = aligned(restored, sharp, max_shift=max_shift, crop=crop)
    decibels = min(float(psnr(found.restored, found.sharp)), MOST_DB)
    return Score(round(decibels, 4), round(float(ssim(found.restored, found.sharp)), 4), float(found.ssd))
