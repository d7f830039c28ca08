"""What does training on kernels as a search finds them add to the learned deconvolution? Step "end to end" of the pair.

`python benchmarks/end_to_end.py DENOISER PHOTOS...` writes end-to-end.csv: the pictures of protocol `synthetic`, their
kernels searched for once, then deconvolved by the network as it starts (`DENOISER`: weights of recipes/denoiser.toml,
which have seen no kernel) and as it is shipped.
"""

import csv
import sys
from pathlib import Path
from statistics import fmean

from run import note_down

from blurspace.bench.methods import score
from blurspace.bench.synthetic import CROP, MAX_SHIFT, SEED, draw, make_pair
from blurspace.catalog import WEIGHTS
from blurspace.deblur.by_kernel import CLIPPED, KernelDeblurrer, Restore
from blurspace.deblur.learned import learned_restore
from blurspace.deblur.methods import Options, fourier_pair
from blurspace.deblur.noise import estimate_sigma
from blurspace.io.images import find_photos, read_photo
from blurspace.io.weights import load_into, read_weights
from blurspace.nets.deconvolver import Deconvolver
from blurspace.train.deconvolver import blind_to_hints

FILE = "end-to-end.csv"


def main() -> None:
    """Measure, print the mean gain of each set, and note it."""
    denoiser, *folders = map(Path, sys.argv[1:])
    start = Deconvolver()
    load_into({"denoiser": start.denoiser}, blind_to_hints(read_weights(denoiser)[0], start))
    before = learned_restore(start, start, known=False)
    after = fourier_pair(WEIGHTS / "fourier-pair.safetensors", Options()).restore
    rows = [measure(path, before, after) for folder in folders for path in find_photos([folder])]
    for folder in folders:
        gains = [float(row["after"]) - float(row["before"]) for row in rows if row["data"] == folder.name]
        print(folder.name, f"{fmean(gains):+.2f} dB in the mean, worst {min(gains):+.2f}")
    with (Path(__file__).parent / FILE).open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    names = " ".join(folder.name for folder in folders)
    command = f"python benchmarks/end_to_end.py runs/denoiser/weights.safetensors {names}"
    note = "PSNR in dB of restorations with kernels as found, no receipt; network before and after its second training"
    note_down({"file": FILE, "command": command, "data": names, "seed": str(SEED), "note": note})


def measure(path: Path, before: Restore, after: Restore) -> dict[str, object]:
    """One row: the PSNR of both on one picture, with the kernel that `classical` finds."""
    recipe = draw(path.name)
    pair = make_pair(read_photo(path).pixels, recipe)
    row: dict[str, object] = {"data": path.parent.name, "picture": path.name, "range": recipe.range}
    kernel = KernelDeblurrer()(pair.blurry).kernel
    if kernel is None:
        raise SystemExit(f"{path} counts as sharp: no kernel was searched for")
    for name, restore in (("before", before), ("after", after)):
        sharp = restore(pair.blurry, kernel, pair.blurry >= CLIPPED, estimate_sigma(pair.blurry)).clamp(0, 1)
        row[name] = score(sharp, pair.sharp, max_shift=MAX_SHIFT, crop=CROP).psnr
    print(row, flush=True)
    return row


if __name__ == "__main__":
    main()
