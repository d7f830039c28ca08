"""Does a translator help with real pictures of moving things? Protocol `pham2024-gopro`: GoPro, for a REDS deblurrer.

As `pham2024_adapt`, with data sets in the place of made cameras, at half size: unknown are the blurry frames of one
GoPro shot and the sharp frames of another, known is one clip of REDS, whose deblurrer is trained here. Few scenes, all
averaged from high-speed frames: the result is about these, and no more.
"""

from collections.abc import Sequence
from pathlib import Path

from blurspace.bench import translations
from blurspace.bench.result import BenchResult, Progress, Row, no_progress
from blurspace.bench.spaces import all_pairs, halved
from blurspace.bench.translations import BANK, BATCH, CROP, STEPS, Setting, World
from blurspace.data.crops import SharpPhotos, read_pixels
from blurspace.data.sources import from_pairs
from blurspace.io.files import find_photos

FRAME = 192  # px, of the pairs that are drawn of the source domain
EVERY = 4  # of the frames of the sharp shot: they are 1/240 s apart
METHODS = ("blurry", "known", "ours", "lines", "practical", "realistic", "made pairs", "source domain")
PROTOCOL = (
    "pham2024-gopro 1: unknown: blurry frames of train/gopro_half/shot1; sharp, every fourth frame of "
    f"train/gopro_240fps_half; known: train/reds_half, its deblurrer trained for {STEPS} steps; all others as many "
    f"steps of {BATCH} crops of {CROP} px, one seed; tested on test/gopro averaged 2 x 2; PSNR over all colours, both "
    "rounded to 8 bits, mean"
)
summary = translations.means_of


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Train the method and measure it; `data`: as the protocol says, `limit`: so many steps."""
    world = gopro_world(data, steps=limit or STEPS)
    return translations.measured(world, method, Setting() if method == "ours" else None, limit=limit, progress=progress)


def table(results: Sequence[BenchResult]) -> list[Row]:
    """One line per method."""
    return translations.table_of(results, METHODS)


def gopro_world(data: Path, *, steps: int) -> World:
    """Read the pictures, and train the deblurrer of the known blur."""
    shot, reds, tests = (all_pairs(data / part) for part in ("train/gopro_half", "train/reds_half", "test/gopro"))
    frames = find_photos([data / "train/gopro_240fps_half"])[::EVERY]
    sharp = [read_pixels(frame) for frame in frames]
    known = translations.supervised(reds.pairs, steps=steps)
    return World(
        blurry=[pair[1] for pair in shot.pairs],
        sharp=sharp,
        sharp_photos=SharpPhotos.of(sharp),
        source=from_pairs(shot.pairs, side=FRAME),
        known_pairs=[reds.whole(index) for index in range(min(BANK, len(reds)))],
        known=known,
        tests=[halved(pair) for pair in tests.wholes()],
    )
