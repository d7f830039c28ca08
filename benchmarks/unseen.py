"""Is a blur that nothing was tuned on ever made worse? Gaussian, disk, line and a measured kernel, after the receipt.

`python benchmarks/unseen.py PHOTOS LEVIN32.npz` writes unseen.csv: the first eight photos, a central crop of 256 px.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import torch
from run import note_down

from blurspace.bench.levin import CROP
from blurspace.bench.methods import build, restore, score
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import centre, disk, gaussian, line, normalise
from blurspace.io.images import find_photos, read_photo

FILE = "unseen.csv"
PHOTOS, SIDE, SIGMA, MAX_SHIFT = 8, 256, 0.01, 5
METHODS = ("classical", "fourier-pair", "auto")


def main() -> None:
    """Measure, print the worst gain of each method, and note it."""
    photos, levin = sys.argv[1:]
    measured = np.load(levin)["f_4"]
    side = max(measured.shape) | 1
    square = torch.zeros(1, 1, side, side)
    square[..., : measured.shape[0], : measured.shape[1]] = torch.from_numpy(measured.copy())
    kernels = {
        "gaussian, sigma 2": gaussian(2.0),
        "disk, radius 4": disk(4.0),
        "line, 15 px": line(15, 35.0),
        "measured, Levin 4": centre(normalise(square.clamp_min(0))),
    }
    rows = [measure(path, name, kernel) for path in find_photos([photos])[:PHOTOS] for name, kernel in kernels.items()]
    for method in METHODS:
        print(method, "worst gain", min(row[method] for row in rows), "dB")
    with (Path(__file__).parent / FILE).open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    command = f"python benchmarks/unseen.py {Path(photos).name} {Path(levin).name}"
    note = f"gain over the input in dB after the receipt; sigma {SIGMA}; eight photos"
    note_down({"file": FILE, "command": command, "data": Path(photos).name, "seed": "0", "note": note})


def measure(path: Path, name: str, kernel: torch.Tensor) -> dict[str, object]:
    """One row: dB gained by each method on one photo under one kernel."""
    picture, reach = read_photo(path).pixels, kernel.shape[-1] // 2
    top, left = ((length - SIDE) // 2 for length in picture.shape[-2:])
    bigger = picture[..., top - reach : top + SIDE + reach, left - reach : left + SIDE + reach]
    sharp = picture[..., top : top + SIDE, left : left + SIDE]
    generator = torch.Generator().manual_seed(0)
    blurry = photograph(
        bigger, kernel, response="linear", sigma=SIGMA, round8=True, border="valid", generator=generator
    )
    before = score(blurry, sharp, max_shift=MAX_SHIFT, crop=CROP).psnr
    row: dict[str, object] = {"picture": path.name, "kernel": name, "blurry_psnr": before}
    for method in METHODS:
        outcome = restore(build(method), blurry)
        row[method] = round(score(outcome.restored, sharp, max_shift=MAX_SHIFT, crop=CROP).psnr - before, 4)
        row[f"{method} verdict"] = outcome.verdict
    print(row, flush=True)
    return row


if __name__ == "__main__":
    main()
