"""Does transferred blur help where nobody filmed? Protocol `tran2021-augmented`: the paper's table 4.

Tran et al. 2021, section 4.4: a deblurrer trained on drawn motion blur alone, against one that saw transferred blur as
well, on three blurs. As in `tran2021_swapped`, only the order of the rows may be compared with the paper.
"""

from collections.abc import Sequence
from pathlib import Path

from torch import nn

from blurspace.bench.result import Progress, Row, no_progress
from blurspace.bench.spaces import all_pairs, halved
from blurspace.bench.tables import rows_table
from blurspace.bench.tran2021_swapped import CROP, SEED, STEPS, TRAINING, mean_psnr, small_restorer
from blurspace.blur.kernels import line
from blurspace.builders import build_space
from blurspace.chance import chance
from blurspace.codes import BlurBank
from blurspace.data.crops import SharpPhotos
from blurspace.data.sources import from_bank, from_kernels, mixed
from blurspace.nets.kernel_space import BasisSpace
from blurspace.types import Code, Pair

# imgaug's MotionBlur draws lines of 3 to 7 px at any angle unless it is told otherwise.
LENGTHS, ANGLES = (3, 4, 5, 6, 7), tuple(range(0, 180, 15))
# How often pairs are averaged 2 x 2 before their codes are read: to a quarter of the size at which they were filmed, so
# that their blur is about as long as the lines, and a small network can undo it.
REDS_HALVINGS, GOPRO_HALVINGS = 1, 2
TESTS, TEST_CROP = 24, 256
TRAIN_SHARE = 2 / 3  # of the frames of a clip; the codes of the others are for the test
PROTOCOL = (
    f"tran2021-augmented 1: table 4; photos of train/photos under lines of {LENGTHS} px at {len(ANGLES)} angles, or "
    f"under these and the codes of the first {TRAIN_SHARE:.2f} of train/reds_half at half its size by the shipped "
    f"space; tested on {TESTS} crops of {TEST_CROP} px of test/kodak24 under lines, codes of the other frames of REDS, "
    f"and of test/gopro at a quarter of its size; {TRAINING}"
)
PAPER = {
    "lines": {"lines_psnr": 28.64, "reds_psnr": 24.22, "gopro_psnr": 22.96},
    "lines and REDS codes": {"lines_psnr": 28.30, "reds_psnr": 28.37, "gopro_psnr": 23.92},
}


def run(data: Path, *, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Table 4; `data`: as the protocol says, `limit`: so many steps instead of `STEPS`."""
    space, photos = build_space(), SharpPhotos(data / "train/photos")
    reds = _codes(space, data / "train/reds_half", REDS_HALVINGS)
    gopro = BlurBank(_codes(space, data / "test/gopro", GOPRO_HALVINGS), (), "")
    first = round(len(reds) * TRAIN_SHARE)
    seen, unseen = (BlurBank(codes, (), "") for codes in (reds[:first], reds[first:]))
    lines = from_kernels(photos, [line(length, angle) for length in LENGTHS for angle in ANGLES], side=CROP)
    sources = {"lines": lines, "lines and REDS codes": mixed([lines, from_bank(photos, seen, space, side=CROP)])}
    tests = _tests(SharpPhotos(data / "test/kodak24"), space, unseen, gopro)
    rows = [_row("none", None, tests)]
    for name in progress(list(sources), total=len(sources), what="trainings"):
        rows.append(_row(name, small_restorer(sources[name], steps=limit or STEPS), tests))
    return rows


def summary(rows: Sequence[Row]) -> Row:
    """Adds what the codes gain in dB on each blur."""
    columns = [column for column in rows[0] if column in PAPER["lines"]]
    return {f"gained_{column}": round(rows[2][column] - rows[1][column], 4) for column in columns}


KINDS = ("lines", "reds", "gopro")
table = rows_table(
    "trained_on",
    *(f"{paper}{kind}_psnr" for paper in ("", "paper_") for kind in KINDS),
    **{f"{kind}_psnr": f"{kind}, dB" for kind in KINDS},
    **{f"paper_{kind}_psnr": f"paper: {kind}, dB" for kind in KINDS},
)


def _codes(space: BasisSpace, path: Path, halvings: int) -> tuple[Code, ...]:
    pairs = all_pairs(path).wholes()
    for _ in range(halvings):
        pairs = [halved(pair) for pair in pairs]
    return tuple(space.extract(pair.sharp, pair.blurry) for pair in pairs)


def _tests(photos: SharpPhotos, space: BasisSpace, reds: BlurBank, gopro: BlurBank) -> dict[str, list[Pair]]:
    sources = {
        "lines": from_kernels(photos, [line(length, angle) for length in LENGTHS for angle in ANGLES], side=TEST_CROP),
        "reds": from_bank(photos, reds, space, side=TEST_CROP),
        "gopro": from_bank(photos, gopro, space, side=TEST_CROP),
    }
    return {name: [draw(chance(SEED, index), 1) for index in range(TESTS)] for name, draw in sources.items()}


def _row(name: str, restorer: nn.Module | None, tests: dict[str, list[Pair]]) -> Row:
    paper = PAPER.get(name, {})
    measured = {f"{kind}_psnr": mean_psnr(restorer, pairs) for kind, pairs in tests.items()}
    return {"trained_on": name, **measured, **{f"paper_{key}": paper.get(key) for key in measured}}
