"""How exactly does known blur pass from a pair to another picture? Protocol `tran2021-transfer`: the paper's table 1.

Tran et al. 2021, section 4.1.1 and equation 8: a space is trained on photos under Levin's eight kernels, then the blur
of pairs made with each kernel is given to other photos, and compared with the kernel's own work on them. The paper
trains on REDS and tests on GoPro frames; we train on photos and test from Kodak's pictures onto CID22's.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from blurspace.bench import levin
from blurspace.bench.result import Progress, Row, no_progress, reduced
from blurspace.bench.spaces import crops, rounded_psnr, trained_space
from blurspace.bench.tables import rows_table
from blurspace.blur.exposure import photograph
from blurspace.data.crops import SharpPhotos
from blurspace.data.sources import from_kernels
from blurspace.nets.kernel_space import BasisSpace
from blurspace.types import Image, Kernel

SEED, STEPS, COUNT, SIDE = 2021, 100, 16, 29
CROP, TRAIN_CROP = 256, 128
# Each source gives its blur to so many targets; the paper takes every one of 500 x 500.
TARGETS = 3
PAPER = (49.48, 51.93, 52.06, 53.74, 49.91, 49.49, 51.43, 50.38)
PROTOCOL = (
    f"tran2021-transfer 1: table 1; {COUNT} filters of {SIDE} px trained {STEPS} steps on train/photos under the eight "
    f"kernels of Levin 2009, seed {SEED}, crops of {TRAIN_CROP} px; sources test/kodak24, targets test/cid22, central "
    f"{CROP} px, each source onto {TARGETS} targets; blur on display values, rounded to 8 bits; PSNR over all colours, "
    "both rounded to 8 bits, mean"
)


def run(data: Path, *, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Train and measure on `data`, which is as `PROTOCOL` says; `limit`: so many of the kernels."""
    pairs = levin.load(data / "bench/levin2009")
    kernels = [pair.kernel for pair in pairs[:8]]
    photos = SharpPhotos(data / "train/photos")
    sources, targets = (crops(data / "test" / name, CROP) for name in ("kodak24", "cid22"))
    space = trained_space(
        from_kernels(photos, kernels, side=TRAIN_CROP), count=COUNT, side=SIDE, steps=STEPS, seed=SEED
    )
    chosen = list(enumerate(kernels))[:limit]
    return [
        measure(index, kernel, space, sources, targets)
        for index, kernel in progress(chosen, total=len(chosen), what="kernels")
    ]


def measure(index: int, kernel: Kernel, space: BasisSpace, sources: Sequence[Image], targets: Sequence[Image]) -> Row:
    """The row of one kernel: equation 8 over the sources and `TARGETS` targets of each."""
    found, untouched = [], []
    for place, source in enumerate(sources):
        code = space.extract(source, _blurred(source, kernel))
        for step in range(TARGETS):
            target = targets[(place + step * len(targets) // TARGETS) % len(targets)]
            wanted = _blurred(target, kernel)
            found.append(rounded_psnr(space.reblur(target, code), wanted))
            untouched.append(rounded_psnr(target, wanted))
    return {
        "kernel": index + 1,
        "transfers": len(found),
        "paper_psnr": PAPER[index],
        "psnr": round(fmean(found), 4),
        "worst_psnr": round(min(found), 4),
        "sharp_psnr": round(fmean(untouched), 4),
    }


def summary(rows: Sequence[Row]) -> Row:
    """Adds the paper's mean."""
    return {"paper_psnr": reduced(fmean, rows, "paper_psnr")}


table = rows_table("kernel", "sharp_psnr", "paper_psnr", "psnr", "worst_psnr", worst_psnr="worst transfer, dB")


def _blurred(sharp: Image, kernel: Kernel) -> Image:
    return photograph(sharp, kernel, response="linear", round8=True)
