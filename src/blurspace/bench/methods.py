"""Which methods can a benchmark measure, and what does one of them make of one picture in how many seconds?"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from blurspace import builders, catalog
from blurspace.bench.result import Progress, Row
from blurspace.io.rounding import storage_sigma
from blurspace.levels import to_8_bits
from blurspace.metrics import aligned, psnr, ssim
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.deconvolve import deconvolve, strength_for
from blurspace.restore.driver import Restoration
from blurspace.restore.noise import estimate_sigma
from blurspace.types import AnyImage, Image, Kernel, Pair, Photo

BLURRY = "blurry"  # do nothing: the row that every other is compared with
TRUE_KERNEL = "true kernel"  # the classical method, told the kernel
CLASSICAL = "classical"
# Methods that can be told the kernel, by what they are called then.
TOLD = {TRUE_KERNEL: CLASSICAL, "learned with true kernel": "learned"}
# Protocols blur, and published data were blurred, in the values as they are stored.
STORED = "linear"
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
    """All that the catalogue can deblur with, nothing at all, and the true kernel."""
    return (BLURRY, *catalog.deblurrers(), *TOLD)


def build(method: str, true_kernel: Kernel | None = None, *, response: str | None = STORED) -> Deblurrer | None:
    """The deblurrer of that name, told in which light it was blurred, if it can be; None for "blurry"."""
    if method == BLURRY:
        return None
    if method in TOLD:
        return builders.build_deblurrer(TOLD[method], kernel=true_kernel, response=response)
    knows = "response" in catalog.find_card(method).options
    return builders.build_deblurrer(method, response=response if knows else None)


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


def gave(deblurrer: Deblurrer, photo: Photo) -> Restoration:
    """What a deblurrer makes of a file's photo, with all that the file tells of it."""
    return deblurrer(photo.samples, alpha=photo.alpha, least_sigma=storage_sigma(photo))


def score(restored: Image, sharp: Image, *, max_shift: int, crop: int) -> Score:
    """How close at the best shift (see `metrics.aligned`)."""
    found = aligned(restored, sharp, max_shift=max_shift, crop=crop)
    decibels = min(float(psnr(found.restored, found.sharp)), MOST_DB)
    return Score(round(decibels, 4), round(float(ssim(found.restored, found.sharp)), 4), float(found.ssd))


def shifted_psnr(picture: AnyImage, sharp: AnyImage, *, max_shift: int, crop: int) -> float:
    """PSNR in dB at the best shift, rounded to 8 bits: a blur that was found may lie elsewhere."""
    return score(to_8_bits(picture.clamp(0, 1)), sharp, max_shift=max_shift, crop=crop).psnr


def scored(
    outcome: Outcome,
    pair: Pair,
    *,
    max_shift: int,
    crop: int,
    seen: Callable[[Image], Image] = lambda picture: picture,
    true_kernel: Kernel | None = None,
    blurry_ssim: bool = False,
) -> Row:
    """The columns of a row that are about the picture: its score, the gain over its blurry input, what was done to it.

    `seen`: what is scored of a picture. `true_kernel`: adds the ratio of squared errors to those of `with_true_kernel`.
    """
    sharp = seen(pair.sharp)
    before = score(seen(pair.blurry), sharp, max_shift=max_shift, crop=crop)
    after = score(seen(outcome.restored), sharp, max_shift=max_shift, crop=crop)
    row: Row = {"psnr": after.psnr, "ssim": after.ssim, "blurry_psnr": before.psnr}
    row |= {"blurry_ssim": before.ssim} if blurry_ssim else {}
    row |= {"gain_db": round(after.psnr - before.psnr, 4)}
    if true_kernel is not None:
        reference = score(seen(with_true_kernel(pair.blurry, true_kernel)), sharp, max_shift=max_shift, crop=crop)
        row |= {"error_ratio": round(after.ssd / reference.ssd, 4)}
    return {**row, "seconds": outcome.seconds, "verdict": outcome.verdict, "kernel_px": outcome.kernel_px}


def with_true_kernel(blurry: Image, kernel: Kernel) -> Image:
    """What error ratios divide by: total variation, the strength found from the estimated noise, no verdict."""
    return deconvolve(blurry, kernel, strength=strength_for(estimate_sigma(blurry)), prior="total variation")


def measured(items: Sequence[Any], measure: Callable[[Any], Row], *, what: str, progress: Progress) -> list[Row]:
    """A row for each item, after one for nothing: the first call plans FFTs and starts threads."""
    measure(items[0])
    return [measure(item) for item in progress(items, total=len(items), what=what)]
