"""Which prior deconvolves best when the kernel is known? `python benchmarks/priors.py DATA` writes priors.csv.

Levin's 32 pictures with their true kernels, protocol `levin`, each prior at several strengths.
"""

import csv
import sys
from pathlib import Path
from statistics import fmean

from blurspace.bench.levin import load
from blurspace.metrics import aligned, psnr
from blurspace.restore.deconvolve import deconvolve

HERE = Path(__file__).parent
STRENGTHS = {
    "total variation": (1.5e-4, 2.5e-4, 4e-4, 7e-4, 1.2e-3),
    "hyper-laplacian": (5e-6, 1e-5, 2e-5, 4e-5, 1e-4),
}


def main() -> None:
    """One row per prior and strength: the mean PSNR over the pictures."""
    pairs = load(Path(sys.argv[1]))
    with (HERE / "priors.csv").open("w", encoding="utf-8", newline="") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(("prior", "strength", "mean_psnr"))
        for prior, strengths in STRENGTHS.items():
            for strength in strengths:
                writer.writerow((prior, strength, round(fmean(score(pair, prior, strength) for pair in pairs), 2)))


def score(pair, prior: str, strength: float) -> float:
    """PSNR in dB of one picture by the protocol."""
    restored = deconvolve(pair.blurry, pair.kernel, strength=strength, prior=prior).clamp(0, 1)
    found = aligned(restored, pair.sharp)
    return float(psnr(found.restored, found.sharp))


if __name__ == "__main__":
    main()
