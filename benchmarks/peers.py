"""What do seconds and memory of a deconvolution hang on, and what do other programs make of the same photo?

    python benchmarks/peers.py --data kodak24 [--turns 2] [--out FILE]

Writes peers.csv. The first photo of `--data` and its mirror images, side by side up to the size and shaken as if they
went on for ever (as in scale.py), noise 0.005. Every way is told the kernel, and works in a process of its own: the
shortest of `--turns` times, the most memory beyond what the process held with photo and libraries (Linux), and the PSNR
of the middle. One row each for sizes, kernels, threads, runtimes and peers: Richardson-Lucy (30 rounds) and
unsupervised Wiener of scikit-image, channel by channel, and an unsharp mask by OpenCV, a quarter of the kernel wide.
"""

import argparse
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import torch
from run import HERE, write
from scale import SEED, blurred_block, tiled
from torch import Tensor

from blurspace.blur.kernels import shake
from blurspace.builders import build_deblurrer
from blurspace.io.files import find_photos
from blurspace.io.images import read_photo
from blurspace.metrics import psnr
from blurspace.run import held_memory
from blurspace.runtimes.engines import installed
from blurspace.types import Kernel

SIZES, KERNELS, SIZE, KERNEL = (0.25, 1.0, 4.0), (15, 31, 61), 1.0, 31
ROUNDS, AMOUNT = 30, 1.0  # of Richardson-Lucy, scikit-image's default; of the unsharp mask
PEERS = ("Richardson-Lucy", "unsupervised Wiener", "unsharp mask", "nothing")
OURS = ("classical", "learned")


def main() -> None:
    """Measure, print and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--out", type=Path, default=HERE / "peers.csv")
    asked = parser.parse_args()
    photo, rows = find_photos([asked.data])[0], []
    for case in plan():
        with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as alone:
            rows.append(vars(case) | alone.submit(measured, photo, case, asked.turns).result())
        print(rows[-1], flush=True)
    note = "kernel told; each in a process of its own, one after another"
    command = f"python benchmarks/peers.py --data {asked.data.name}"
    write(rows, asked.out, command=command, data=asked.data.name, seed=SEED, note=note)


@dataclass(frozen=True)
class Case:
    """What is measured."""

    way: str
    runtime: str = "torch"
    megapixels: float = SIZE
    kernel_px: int = KERNEL
    threads: int = 1


def plan() -> list[Case]:
    """All cases, each once."""
    ways = [*map(Case, OURS), *(Case(peer, "") for peer in PEERS)]
    others = [Case("learned", runtime, threads=threads) for runtime in installed() for threads in (1, 2)]
    sizes = [Case(way, megapixels=size) for way in OURS for size in SIZES]
    kernels = [Case(way, kernel_px=side) for way in OURS for side in KERNELS]
    return list(dict.fromkeys([*ways, *others, *sizes, *kernels]))


def measured(path: Path, case: Case, turns: int) -> dict[str, object]:
    """One case, in this process."""
    torch.set_num_threads(case.threads)
    side, megapixels = case.kernel_px, case.megapixels
    kernel = shake(side, extent=side, generator=torch.Generator().manual_seed(SEED))
    height, width = (round((megapixels * share) ** 0.5 * 1000) for share in (3 / 4, 4 / 3))
    sharp = read_photo(path).pixels.expand(-1, 3, -1, -1)
    block = torch.cat((sharp, sharp.flip(-1)), -1)
    sharp = tiled(torch.cat((block, block.flip(-2)), -2), height, width)
    blurry = tiled(blurred_block(path, kernel), height, width)
    work = worker(case.way, case.runtime, kernel)
    work(blurry[..., :256, :256])  # libraries and engines are there
    Path("/proc/self/clear_refs").write_text("5")  # from here on the peak is counted anew
    held, best, restored = held_memory(), float("inf"), blurry
    for _ in range(turns):
        start = time.perf_counter()
        restored = work(blurry)
        best = min(best, time.perf_counter() - start)
    inner = (..., slice(side, -side), slice(side, -side))
    return {
        "seconds": round(best, 3),
        "seconds_per_mp": round(best / megapixels, 3),
        "more_mib": round((peak() - held) / 2**20),
        "psnr": round(float(psnr(restored[inner], sharp[inner])), 2),
    }


def peak() -> int:
    """Bytes that this process held at most since the count began."""
    status = dict(line.split(":") for line in Path("/proc/self/status").read_text().splitlines())
    return 1024 * int(status["VmHWM"].split()[0])


def worker(way: str, runtime: str, kernel: Kernel) -> Callable[[Tensor], Tensor]:
    """What restores a picture (1 3 h w) in that way."""
    if way in OURS:
        deblurrer = build_deblurrer(way, kernel=kernel, response="linear", runtime=runtime)
        return lambda blurry: deblurrer(blurry).restored
    told = kernel[0, 0].double().numpy()
    return lambda blurry: torch.from_numpy(
        np.stack([peer(way, plane.double().numpy(), told) for plane in blurry[0]]).clip(0, 1)
    ).float()[None]


def peer(way: str, plane: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """What another program makes of one channel (h w)."""
    import cv2
    from skimage.restoration import richardson_lucy, unsupervised_wiener

    if way == "Richardson-Lucy":
        return richardson_lucy(plane, kernel, num_iter=ROUNDS)
    if way == "unsupervised Wiener":
        return unsupervised_wiener(plane, kernel, rng=SEED)[0]
    if way == "unsharp mask":
        soft = cv2.GaussianBlur(plane, (0, 0), kernel.shape[0] / 4)
        return plane + AMOUNT * (plane - soft)
    return plane


if __name__ == "__main__":
    main()
