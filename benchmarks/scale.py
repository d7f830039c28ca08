"""How do time and memory of the whole command grow with the photo, and does memory grow from photo to photo?

    python benchmarks/scale.py --data kodak24 [--sizes 0.786432 12 100] [--code DIR ...] [--out FILE]
    python benchmarks/scale.py --data kodak24 --many 200 [--side 256] [--code DIR ...] [--out FILE]

Writes scale.csv (with `--many`, scale-many.csv): one row per size and code. A photo, mirrored, is laid side by side, so
that a blur of the one block is the exact blur of the whole; then `blurspace deblur` undoes a shake of 51 px that it is
told, in a process of its own: wall-clock seconds, and peak resident memory. Up to 1 megapixel the file is a PNG, else a
JPEG. `--code DIR`: another checkout, measured right before this one; may be repeated.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import PIL.Image
import torch
from run import HERE, commit, write
from torch import Tensor

from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import shake
from blurspace.io.files import find_photos
from blurspace.io.images import read_photo, write_kernel
from blurspace.levels import to_levels
from blurspace.types import Image, Kernel

SEED, KERNEL, SIGMA, QUALITY = 2026, 51, 0.005, 95
WARM = 20  # photos after which memory shall not grow any more
# Run the command as the child of a process that never was big itself: a child's peak counts what its parent held.
ALONE = """
import json, resource, subprocess, sys, time
start = time.perf_counter()
done = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
seconds, peak = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print(json.dumps({"code": done.returncode, "said": done.stderr[-300:], "seconds": seconds, "peak_mib": peak / 1024}))
"""


def main() -> None:
    """Measure, print and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--sizes", type=float, nargs="+", default=[0.786432, 12.0, 100.0], metavar="MEGAPIXELS")
    parser.add_argument("--many", type=int, metavar="PHOTOS")
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--code", type=Path, action="append", default=[], metavar="DIR")
    parser.add_argument("--out", type=Path)
    asked = parser.parse_args()
    out = asked.out or HERE / ("scale-many.csv" if asked.many else "scale.csv")
    codes, rows = [*asked.code, HERE.parent], []
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        kernel = made_kernel(folder)
        for size in [None] if asked.many else asked.sizes:
            if size is None:
                make_many(folder / "many", asked.data, kernel, count=asked.many, side=asked.side)
            else:
                photo = make_photo(folder, asked.data, kernel, size)
            for code in codes:
                row = many_row(folder, asked, code) if size is None else size_row(photo, folder, size, code)
                rows.append(row)
                print(row, flush=True)
    words = ["--many", str(asked.many)] if asked.many else ["--sizes", *(f"{size:g}" for size in asked.sizes)]
    command = " ".join(["python benchmarks/scale.py --data", asked.data.name, *words])
    note = f"whole command, kernel told{'; before and after in one run' if asked.code else ''}"
    write(rows, out, command=command, data=asked.data.name, seed=SEED, note=note)


def made_kernel(folder: Path) -> Kernel:
    """The shake, also as kernel.tiff."""
    kernel = shake(KERNEL, extent=KERNEL, generator=torch.Generator().manual_seed(SEED))
    write_kernel(folder / "kernel.tiff", kernel, overwrite=False)
    return kernel


def blurred_block(photo: Path, kernel: Kernel) -> Image:
    """The photo and its mirror images, (1 3 2h 2w), blurred as if it went on like that for ever."""
    picture = read_photo(photo).pixels.expand(-1, 3, -1, -1)
    block = torch.cat((picture, picture.flip(-1)), -1)
    block = torch.cat((block, block.flip(-2)), -2)
    noise = torch.Generator().manual_seed(SEED)
    return photograph(block, kernel, response="linear", sigma=SIGMA, border="circular", generator=noise)


def tiled(block: Tensor, height: int, width: int) -> Tensor:
    """The block (... h w) again and again, cut to size."""
    times = (-(-height // block.shape[-2]), -(-width // block.shape[-1]))
    return block.repeat(*(1 for _ in block.shape[:-2]), *times)[..., :height, :width]


def make_photo(folder: Path, data: Path, kernel: Kernel, megapixels: float) -> Path:
    """A blurry photo of so many megapixels as a file."""
    height, width = (round((megapixels * share) ** 0.5 * 1000) for share in (3 / 4, 4 / 3))
    levels = tiled(to_levels(blurred_block(find_photos([data])[0], kernel)[0]), height, width)
    path = folder / f"{megapixels:g}.{'png' if megapixels < 1 else 'jpg'}"
    PIL.Image.fromarray(levels.movedim(0, -1).contiguous().numpy()).save(path, quality=QUALITY, subsampling=0)
    return path


def make_many(folder: Path, data: Path, kernel: Kernel, *, count: int, side: int) -> None:
    """So many blurry squares, from places all over the photos."""
    folder.mkdir()
    blocks = [to_levels(blurred_block(path, kernel)[0]) for path in find_photos([data])]
    for index in range(count):
        block = blocks[index % len(blocks)].roll((37 * index, 53 * index), (-2, -1))[..., :side, :side]
        PIL.Image.fromarray(block.movedim(0, -1).contiguous().numpy()).save(folder / f"{index:04}.png")


def size_row(photo: Path, folder: Path, megapixels: float, code: Path) -> dict[str, object]:
    """The command on one photo."""
    target = folder / f"restored{photo.suffix}"
    words = ["-m", "blurspace", "deblur", str(photo), "--kernel", str(folder / "kernel.tiff"), "-o", str(target)]
    alone = [sys.executable, "-c", ALONE, sys.executable, *words, "--json", "--overwrite"]
    told = json.loads(subprocess.run(alone, env=environment(code), capture_output=True, text=True, check=True).stdout)
    failed = f", failed: {' '.join(told['said'].split())}" if told["code"] else ""
    what = f"{photo.suffix[1:].upper().replace('JPG', 'JPEG')}, {KERNEL} px shake, kernel given{failed}"
    return {
        "what": what,
        "megapixels": megapixels,
        "seconds": round(told["seconds"], 2),
        "seconds_per_mp": round(told["seconds"] / megapixels, 3),
        "peak_mib": round(told["peak_mib"]),
        "commit": commit(code),
    }


def many_row(folder: Path, asked: argparse.Namespace, code: Path) -> dict[str, object]:
    """The command on all of many photos, in one process, whose resident memory is read after each."""
    words = ["-m", "blurspace", "deblur", str(folder / "many"), "--kernel", str(folder / "kernel.tiff")]
    command = [sys.executable, *words, "-o", str(folder / commit(code)), "--json", "--overwrite", "--quiet"]
    held: list[float] = []
    with subprocess.Popen(command, env=environment(code), stdout=subprocess.PIPE, text=True) as process:
        for _ in process.stdout or ():
            held.append(resident_mib(process.pid) or held[-1])
    return {
        "what": f"{len(held)} photos of {asked.side} x {asked.side} px in one process, kernel given",
        "exit_code": process.returncode,
        f"mib_after_{WARM}": round(held[min(WARM, len(held)) - 1], 1),
        "mib_after_all": round(held[-1], 1),
        "most_mib": round(max(held), 1),
        "grown_mib": round(held[-1] - held[min(WARM, len(held)) - 1], 1),
        "commit": commit(code),
    }


def resident_mib(process: int) -> float | None:
    """What a process holds now (Linux); None where it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 or None


def environment(code: Path) -> dict[str, str]:
    """Python finds that checkout's blurspace."""
    return os.environ | {"PYTHONPATH": str(code.resolve() / "src")}


if __name__ == "__main__":
    main()
