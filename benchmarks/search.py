"""When is a search worth its minutes? Fig. 3 and Fig. 6 of Tran et al. 2021, in small.

    python benchmarks/search.py PHOTOS GOPRO [--count N] [--side PX] [--share S]

`search.csv`: N made dynamic scenes (photos of PHOTOS before the made camera "hand") and N pairs of GOPRO, squares of
PX px, each restored by `auto`, by a search for a code, and by the same search for one kernel (SelfDeblur); dB.
`search-curves.csv`: how the misfit of three operators falls on the first scene. `--share`: of a search's steps.
"""

import argparse
import csv
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import torch
from torch.nn import functional

from blurspace.blur.cameras import CAMERAS
from blurspace.builders import build_deblurrer, build_space
from blurspace.chance import chance, seeded
from blurspace.data.crops import SharpPhotos
from blurspace.data.pairs import spaced_pairs
from blurspace.data.sources import from_scenes
from blurspace.levels import to_8_bits
from blurspace.metrics import psnr
from blurspace.nets.kernel_space import BasisSpace
from blurspace.pixels import central
from blurspace.restore.finders import KernelFinder
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.search.blurs import Held, PriorCode, SimplexKernel
from blurspace.search.method import Searcher, SearchSettings
from blurspace.search.operators import Convolution, Downsampling, InSpace, Operator
from blurspace.search.pictures import DeepImagePrior, Pixels
from blurspace.search.solver import Joint, NewBlur, Problem
from blurspace.types import Image, Pair

HERE = Path(__file__).parent
SEED, FACTOR = 171, 2  # of the scenes; and of the bicubic operator
ROWS = ("name", "method", "gain", "psnr", "blurry_psnr", "seconds")


def main() -> None:
    """Write the rows and the curves; print the mean gains."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("photos", type=Path)
    parser.add_argument("gopro", type=Path)
    parser.add_argument("--count", type=int, default=6)
    parser.add_argument("--side", type=int, default=256)
    parser.add_argument("--share", type=float, default=1.0)
    asked = parser.parse_args()
    settings = SearchSettings().shortened(asked.share)
    pairs = dict(cases(asked.photos, asked.gopro, asked.count, asked.side))
    ways = methods(build_space(), settings)
    rows = [row for name, pair in pairs.items() for row in compared(name, pair, ways)]
    write(HERE / "search.csv", ROWS, rows)
    for way in ways:
        print(way, round(fmean(float(row[2]) for row in rows if row[1] == way), 2), "dB gained in the mean")
    first = next(iter(pairs.values()))
    write(HERE / "search-curves.csv", ("operator", "step", "loss"), list(curves(first.blurry, settings.small)))


def cases(photos: Path, gopro: Path, count: int, side: int) -> Iterator[tuple[str, Pair]]:
    """Made scenes, then real pairs, by name."""
    draw = from_scenes(SharpPhotos(photos), CAMERAS["hand"], side=side)
    for index in range(count):
        pair = draw(chance(SEED, index), 1)
        yield f"scene {index}", Pair(pair.sharp, to_8_bits(pair.blurry))
    for index, pair in enumerate(spaced_pairs(gopro, count)):
        yield f"gopro {index}", Pair(central(pair.sharp, side, side), central(pair.blurry, side, side))


def methods(space: BasisSpace, settings: SearchSettings) -> dict[str, Callable[[Image], Image]]:
    """What is compared, by name; a search whatever its receipt would say, `auto` as it stands by it."""
    auto = build_deblurrer("auto")
    search = Searcher(space, settings=settings)

    def found(blurry: Image) -> Image:
        picture = search(Observed(blurry), Run()).picture
        assert picture is not None
        return picture

    return {
        "auto": lambda blurry: auto(blurry).restored,
        "search": found,
        "one kernel": lambda blurry: one_kernel(blurry, settings),
    }


def one_kernel(blurry: Image, settings: SearchSettings) -> Image:
    """SelfDeblur's blur in our solver: one kernel for all of the picture, from the same start."""
    seen = Observed(blurry)
    start = seen.find(KernelFinder(), Run())
    assert start.blur is not None
    kernel, operator = start.blur.kernel, Convolution(seen.response)
    problem, picture = Problem(blurry, operator, settings.objective), Pixels(blurry)
    settings.sharpen(problem, picture, lambda _: Held(kernel), Run())

    def free(_: int) -> SimplexKernel:
        with seeded(SEED):
            return SimplexKernel(kernel.shape[-1], start=kernel, generator=chance(SEED, 0))

    return replace(settings.both, blur_rate=1e-4)(problem, picture, free, Run()).picture


def compared(name: str, pair: Pair, ways: dict[str, Callable[[Image], Image]]) -> Iterator[tuple[object, ...]]:
    """A row for each method."""
    before = float(psnr(pair.blurry, pair.sharp, round8=True))
    for way, restore in ways.items():
        begun = time.perf_counter()
        after = float(psnr(restore(pair.blurry).clamp(0, 1), pair.sharp, round8=True))
        taken = time.perf_counter() - begun
        row = (name, way, round(after - before, 3), round(after, 3), round(before, 3), round(taken, 1))
        print(*row, flush=True)
        yield row


def curves(blurry: Image, schedule: Joint) -> Iterator[tuple[object, ...]]:
    """The losses of a deep image prior under three operators, all at half the resolution (Fig. 6)."""
    small = functional.avg_pool2d(blurry, 2)
    size, space = (small.shape[-2], small.shape[-1]), build_space()
    ways: dict[str, tuple[Operator, int, NewBlur]] = {
        "encoded": (InSpace(space), 1, lambda _: PriorCode(space, size, generator=chance(SEED, 1))),
        "convolution": (Convolution(), 1, lambda _: SimplexKernel(17, generator=chance(SEED, 1))),
        "bicubic": (Downsampling(FACTOR), FACTOR, lambda _: Held(torch.zeros(1))),
    }
    for name, (operator, larger, new_blur) in ways.items():
        with seeded(SEED):
            picture = DeepImagePrior((larger * size[0], larger * size[1]), generator=chance(SEED, 0))
            found = schedule(Problem(small, operator, SearchSettings().objective), picture, new_blur, Run())
        yield from ((name, step, round(loss, 6)) for step, loss in enumerate(found.losses))


def write(path: Path, names: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A CSV file."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        csv.writer(lines, lineterminator="\n").writerows([names, *rows])


if __name__ == "__main__":
    main()
