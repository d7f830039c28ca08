"""Is the kernel of a phone's photo found, and how long does that take? 12 megapixels, shakes of 25 to 200 px.

    python benchmarks/big.py PHOTOS [--lengths PX ...] [--first SEED] [--megapixels N] [--fast]

Writes big.csv: one row per photo. Each is a mosaic of sharp photos, enlarged to twice their size, blurred by a drawn
shake in linear light, with noise and JPEG 92. Then one call deblurs it in a process of its own: how well the found
kernel agrees with the true one, the gain at the best shift of the kernels, wall-clock seconds, peak resident memory.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import numpy as np
import PIL.Image
import torch
from run import HERE, write

from blurspace.bench.alone import alone
from blurspace.blur.agreement import offset
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import shake
from blurspace.io.files import find_photos
from blurspace.io.images import read_kernel, read_photo
from blurspace.levels import to_levels
from blurspace.metrics import psnr
from blurspace.types import Image, Kernel

SIGMA, QUALITY, ENLARGED = 0.004, 92, 2
DEBLUR = """
import json, sys
import blurspace
from blurspace.io.images import write_kernel
photo, method, out, kernel = sys.argv[1:]
result = blurspace.deblur(photo, method=method)
if result.blur is not None:
    write_kernel(kernel, result.blur.kernel, overwrite=True)
if result.verdict == "restored":
    result.save(out, overwrite=True)
with open(out + ".json", "w") as told:
    json.dump({"verdict": result.verdict, "code": result.receipt.code}, told)
"""


def main() -> None:
    """Measure, print and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("--lengths", type=int, nargs="+", default=[25, 45, 90, 140, 200])
    parser.add_argument("--first", type=int, default=1)
    parser.add_argument("--megapixels", type=float, default=12.0)
    parser.add_argument("--fast", action="store_true")
    asked = parser.parse_args()
    rows, method = [], "fast" if asked.fast else "auto"
    for seed, length in enumerate(asked.lengths, asked.first):
        rows.append(measured(asked.photos, seed, length, asked.megapixels, method))
        print(rows[-1], flush=True)
    words = [asked.photos.name, *(["--fast"] if asked.fast else [])]
    note = "whole call, kernel and light found; mosaics of sharp photos, drawn shakes, linear light, JPEG 92"
    name = "big-fast.csv" if asked.fast else "big.csv"
    command = f"python benchmarks/big.py {' '.join(words)}"
    write(rows, HERE / name, command=command, data=asked.photos.name, seed=asked.first, note=note)


def measured(photos: Path, seed: int, length: int, megapixels: float, method: str) -> dict[str, object]:
    """One row."""
    height, width = (round((megapixels * share) ** 0.5 * 1000) for share in (3 / 4, 4 / 3))
    chance = torch.Generator().manual_seed(seed)
    sharp = mosaic(photos, height, width, chance)
    kernel = shake(length // 2 * 2 + 1, extent=length, generator=chance)
    blurry = photograph(sharp, kernel, response="srgb", sigma=SIGMA, border="reflect", generator=chance)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        as_picture(blurry).save(folder / "big.jpg", quality=QUALITY)
        files = [str(folder / name) for name in ("big.jpg", "restored.jpg", "kernel.tiff")]
        call = [sys.executable, "-c", DEBLUR, files[0], method, *files[1:]]
        cost, said = alone(call), json.loads((folder / "restored.jpg.json").read_text())
        found = read_kernel(folder / "kernel.tiff") if (folder / "kernel.tiff").exists() else None
        restored = read_photo(folder / "restored.jpg").pixels if said["verdict"] == "restored" else None
        before = read_photo(folder / "big.jpg").pixels
    return {
        "seed": seed,
        "length_px": length,
        "verdict": said["verdict"],
        "code": said["code"],
        "agreement": None if found is None else round(offset(found, kernel)[2], 3),
        "gain_db": None if restored is None else round(gain(before, restored, sharp, found, kernel), 2),
        "seconds": round(cost.seconds, 1),
        "peak_mib": round(cost.peak_mib or 0),
    }


def mosaic(photos: Path, height: int, width: int, chance: torch.Generator) -> Image:
    """Sharp photos side by side (1 3 h w), each in a cell of 500 x 700 px."""
    paths = find_photos([photos])
    canvas = torch.zeros(1, 3, height, width)
    for top in range(0, height, 500):
        for left in range(0, width, 700):
            place = canvas[..., top : top + 500, left : left + 700]
            one = PIL.Image.open(paths[int(torch.randint(len(paths), (), generator=chance))]).convert("RGB")
            times = max(ENLARGED, 700 / one.width, 500 / one.height)
            one = one.resize((round(one.width * times), round(one.height * times)), PIL.Image.Resampling.BICUBIC)
            cell = torch.from_numpy(np.asarray(one).copy()).movedim(-1, 0)[None] / 255
            place.copy_(cell[..., : place.shape[-2], : place.shape[-1]])
    return canvas


def as_picture(picture: Image) -> PIL.Image.Image:
    """Of 8 bits."""
    return PIL.Image.fromarray(to_levels(picture)[0].movedim(0, -1).contiguous().numpy())


def gain(before: Image, after: Image, sharp: Image, found: Kernel | None, true: Kernel) -> float:
    """dB of the middle half, at the shift that lies between both kernels."""
    assert found is not None
    down, across, _ = offset(found, true)
    middle = (..., *(slice(side // 4, side * 3 // 4) for side in sharp.shape[-2:]))
    shifts = [(sign * round(down), sign * round(across)) for sign in (-1, 0, 1)]
    best = max(psnr(after.roll(shift, (-2, -1))[middle], sharp[middle]) for shift in shifts)
    return float(best) - float(psnr(before[middle], sharp[middle]))


if __name__ == "__main__":
    main()
