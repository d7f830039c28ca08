"""Is a blur that is no drawn shake ever made worse? Gaussian, disk, line and a measured kernel, after the receipt.

`python benchmarks/unseen.py PHOTOS LEVIN32.npz` writes unseen.csv: the first eight photos, a central square. Two
settings of the search were chosen with that set in view. So `--second` writes unseen-second.csv: other blurs, for other
photos, committed before any method had seen them.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from run import HERE, write

from blurspace.bench.levin import CROP
from blurspace.bench.methods import build, restore, score
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import centre, disk, gaussian, line, normalise
from blurspace.io.images import find_photos, read_photo
from blurspace.pixels import central, inner

PHOTOS, MAX_SHIFT = 8, 5
METHODS = ("classical", "learned", "auto")


@dataclass(frozen=True)
class Setting:
    """Squares of `side` px with noise of `sigma`, under a Gaussian, a disk, a line, and one of Levin's kernels."""

    file: str
    side: int
    sigma: float
    deviation: float
    radius: float
    line: tuple[int, float]
    levin: int

    def kernels(self, levin: Path) -> dict[str, torch.Tensor]:
        """By name, each (1 1 k k)."""
        measured = torch.from_numpy(np.load(levin)[f"f_{self.levin}"].copy()).float()
        return {
            f"gaussian, sigma {self.deviation:g}": gaussian(self.deviation),
            f"disk, radius {self.radius:g}": disk(self.radius),
            f"line, {self.line[0]} px": line(*self.line),
            f"measured, Levin {self.levin}": centre(normalise(measured[None, None])),
        }


FIRST = Setting("unseen.csv", side=256, sigma=0.01, deviation=2, radius=4, line=(15, 35.0), levin=4)
SECOND = Setting("unseen-second.csv", side=320, sigma=0.02, deviation=3, radius=6, line=(31, 160.0), levin=7)


def main() -> None:
    """Measure, print the worst gain of each method, and note it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("photos", type=Path)
    parser.add_argument("levin", type=Path)
    parser.add_argument("--second", dest="setting", action="store_const", const=SECOND, default=FIRST)
    asked = parser.parse_args()
    setting, kernels = asked.setting, asked.setting.kernels(asked.levin)
    rows = [
        measure(path, name, kernel, setting)
        for path in find_photos([asked.photos])[:PHOTOS]
        for name, kernel in kernels.items()
    ]
    for method in METHODS:
        print(method, "worst gain", min(row[method] for row in rows), "dB")
    second = " --second" if setting is SECOND else ""
    command = f"python benchmarks/unseen.py {asked.photos.name} {asked.levin.name}{second}"
    note = f"gain over the input in dB after the receipt; sigma {setting.sigma}; eight photos"
    write(rows, HERE / setting.file, command=command, data=asked.photos.name, seed=0, note=note)


def measure(path: Path, name: str, kernel: torch.Tensor, setting: Setting) -> dict[str, object]:
    """One row: dB gained by each method on one photo under one kernel."""
    picture, side, reach = read_photo(path).pixels, setting.side, kernel.shape[-1] // 2
    bigger = central(picture, side + 2 * reach, side + 2 * reach)
    sharp = inner(bigger, reach)
    generator = torch.Generator().manual_seed(0)
    blurry = photograph(
        bigger, kernel, response="linear", sigma=setting.sigma, round8=True, border="valid", generator=generator
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
