"""Does a search for a code beat one kernel, and is it worth its minutes? Protocol `tran2021-search`: Fig. 3.

Made dynamic scenes and GoPro pairs, each by `auto`, by method `search`, and by the same solver for one kernel, which is
SelfDeblur's blur (Ren et al. 2020). `raw_db` is of what was found, `gain_db` of what the receipt let through.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

from blurspace.bench.levin import CROP, MAX_SHIFT
from blurspace.bench.methods import shifted_psnr
from blurspace.bench.result import Progress, Row, no_progress, reduced
from blurspace.bench.sheets import write_sheet
from blurspace.bench.tables import rows_table
from blurspace.blur.cameras import CAMERAS
from blurspace.builders import build_deblurrer, build_space
from blurspace.chance import chance, seeded
from blurspace.data.crops import SharpPhotos
from blurspace.data.pairs import spaced_pairs
from blurspace.data.sources import from_scenes
from blurspace.levels import to_8_bits
from blurspace.pixels import central
from blurspace.restore.driver import Found, Method, deblur
from blurspace.restore.finders import KernelFinder
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.search.blurs import SimplexKernel
from blurspace.search.method import SearchSettings, search_method
from blurspace.search.operators import Convolution
from blurspace.search.pictures import Pixels
from blurspace.search.solver import Problem
from blurspace.types import AnyImage, Image, Pair

SEED, COUNT, SIDE, PHOTOS = 171, 6, 256, 200
SHEET = Path("tran2021-search.png")  # where the work is done: blurry, auto, search, one kernel, sharp
PROTOCOL = (
    f"tran2021-search 2: {COUNT} made dynamic scenes (train/photos, the first {PHOTOS}, camera hand, seed {SEED}) and "
    f"{COUNT} pairs of test/gopro, central {SIDE} px; auto as delivered, search as found and as delivered, one kernel "
    f"as found; PSNR over all colours, rounded to 8 bits, at the best shift of up to {MAX_SHIFT} px, {CROP} px cut off"
)


def run(data: Path, *, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """A row per pair; `limit`: so many scenes and pairs of GoPro. Writes SHEET."""
    pairs = list(cases(data, limit or COUNT))
    rows, sheet = [], []
    for name, pair in progress(pairs, total=len(pairs), what="crops"):
        row, pictures = measure(name, pair)
        rows.append(row)
        sheet.append(pictures)
    write_sheet(SHEET, sheet)
    return rows


def cases(data: Path, count: int) -> Iterator[tuple[str, Pair]]:
    """Made scenes, then real pairs, by name."""
    draw = from_scenes(SharpPhotos(data / "train/photos", limit=PHOTOS), CAMERAS["hand"], side=SIDE)
    for index in range(count):
        pair = draw(chance(SEED, index), 1)
        yield f"scene {index}", Pair(pair.sharp, to_8_bits(pair.blurry))
    for index, pair in enumerate(spaced_pairs(data / "test/gopro", count)):
        yield f"gopro {index}", Pair(central(pair.sharp, SIDE, SIDE), central(pair.blurry, SIDE, SIDE))


def measure(name: str, pair: Pair) -> tuple[Row, Sequence[AnyImage]]:
    """What each way gains, and their pictures."""
    seen, before = Observed(pair.blurry), shifted_psnr(pair.blurry, pair.sharp, max_shift=MAX_SHIFT, crop=CROP)
    auto = build_deblurrer("auto")(pair.blurry)
    start = time.perf_counter()
    found, method = searched(seen)
    seconds = round(time.perf_counter() - start, 1)
    done = deblur(seen, [method], Run())
    one, raw = one_kernel(seen), found.picture
    assert raw is not None

    def gain(picture: AnyImage) -> float:
        return round(shifted_psnr(picture, pair.sharp, max_shift=MAX_SHIFT, crop=CROP) - before, 3)

    row = {"name": name, "blurry_psnr": round(before, 3), "auto_db": gain(auto.restored), "raw_db": gain(raw)}
    row |= {"one_kernel_db": gain(one), "verdict": done.receipt.verdict, "gain_db": gain(done.restored)}
    return row | {"seconds": seconds}, (pair.blurry, auto.restored, raw, one, pair.sharp)


def searched(seen: Observed) -> tuple[Found, Method]:
    """What method `search` finds, whatever its receipt says, and the method that has found it already."""
    method = search_method(build_space())
    judged = seen.find(method.find, Run())
    assert judged is not None
    return judged, method


def one_kernel(seen: Observed) -> Image:
    """SelfDeblur's blur in our solver: one kernel for all of the picture, from the same start."""
    start, settings, blurry = seen.find(KernelFinder(), Run()), SearchSettings(), seen.display(seen.area)
    assert start.blur is not None
    kernel = start.blur.kernel
    with seeded(SEED):
        free = SimplexKernel(kernel.shape[-1], start=kernel, generator=chance(SEED, 0))
    problem = Problem(blurry, Convolution(seen.response), settings.objective)
    steps = replace(settings.both, steps=settings.both.steps + settings.sharpen.steps, blur_rate=1e-4)
    return steps(problem, Pixels(blurry), lambda _: free, Run()).picture


def summary(rows: Sequence[Row]) -> Row:
    """Adds the means, and how often the code beats one kernel."""
    means = {f"mean_{name}": reduced(fmean, rows, name) for name in ("auto_db", "raw_db", "one_kernel_db", "gain_db")}
    return means | {"beats_one_kernel": sum(row["raw_db"] > row["one_kernel_db"] for row in rows)}


table = rows_table("name", "blurry_psnr", "auto_db", "raw_db", "one_kernel_db", "verdict", "gain_db")
