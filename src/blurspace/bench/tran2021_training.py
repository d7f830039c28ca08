"""Is transferred blur good enough to learn from? Protocols `tran2021-swapped`, `tran2021-augmented`: tables 2 and 4.

Tran et al. 2021. Table 2 (section 4.1.2): a deblurrer trained on pairs whose blurs were swapped among them, against one
trained on the pairs as they are. Table 4 (section 4.4): one trained on drawn motion blur alone, against one that saw
transferred blur as well, on three blurs. The paper trains SRN-Deblur for days; our deblurrer is small and trained for
minutes on one CPU thread, so only the order of the rows may be compared with the paper, never the numbers.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from blurspace.bench.result import BenchResult, Progress, Row, no_progress, summarise
from blurspace.bench.spaces import METHOD, check_space, fit, folder, rounded_psnr, trained_space
from blurspace.bench.tran2021_retrieval import halved
from blurspace.blur.kernels import line
from blurspace.builders import build_space
from blurspace.codes import BlurBank, transfer
from blurspace.data.crops import SharpPhotos, draw_index
from blurspace.data.layouts import find_pairs
from blurspace.data.pairs import PairPhotos
from blurspace.data.sources import Source, from_bank, from_kernels, from_pairs, mixed
from blurspace.levels import to_levels
from blurspace.losses import charbonnier
from blurspace.nets.kernel_space import BasisSpace
from blurspace.nets.restorer import Restorer
from blurspace.train.steps import chance, seeded
from blurspace.types import Pair

SEED, STEPS, BATCH, CROP, RATE, CLIP = 2021, 4000, 4, 96, 2e-3, 0.5
WIDTHS = (24, 32, 48, 64)
SPACE = {"count": 48, "side": 33, "steps": 100}
# imgaug's MotionBlur draws lines of 3 to 7 px at any angle unless it is told otherwise.
LENGTHS, ANGLES = (3, 4, 5, 6, 7), tuple(range(0, 180, 15))
# How often pairs are averaged 2 x 2 before their codes are read: to a quarter of the size at which they were filmed, so
# that their blur is about as long as the lines, and a small network can undo it.
REDS_HALVINGS, GOPRO_HALVINGS = 1, 2
TESTS, TEST_CROP = 24, 256
TRAIN_SHARE = 2 / 3  # of the frames of a clip; the codes of the others are for the test
TRAINING = (
    f"deblurrer: residual U-Net of widths {WIDTHS}, {STEPS} steps of {BATCH} crops of {CROP} px, Adam {RATE} falling "
    f"to 0, seed {SEED}; PSNR over all colours, both rounded to 8 bits, mean"
)
SWAPPED = (
    f"tran2021-swapped 1: table 2; trained on train/gopro_half, as it is or each sharp frame with another pair's blur "
    f"by a space of {SPACE} trained on the same pairs; tested on test/gopro averaged 2 x 2; {TRAINING}"
)
AUGMENTED = (
    f"tran2021-augmented 1: table 4; photos of train/photos under lines of {LENGTHS} px at {len(ANGLES)} angles, or "
    f"under these and the codes of the first {TRAIN_SHARE:.2f} of train/reds_half at half its size by the shipped "
    f"space; tested on {TESTS} crops of {TEST_CROP} px of test/kodak24 under lines, codes of the other frames of REDS, "
    f"and of test/gopro at a quarter of its size; {TRAINING}"
)
PAPER_SWAPPED = {"original": 30.20, "blur-swapped": 28.49}
PAPER_AUGMENTED = {
    "lines": {"lines_psnr": 28.64, "reds_psnr": 24.22, "gopro_psnr": 22.96},
    "lines and REDS codes": {"lines_psnr": 28.30, "reds_psnr": 28.37, "gopro_psnr": 23.92},
}


def run_swapped(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> BenchResult:
    """Table 2; `data`: as the protocol says, `limit`: so many steps instead of `STEPS`."""
    check_space(method)
    pairs = PairPhotos(find_pairs(folder(data, "train", "gopro_half"))).pairs
    tests = PairPhotos(find_pairs(folder(data, "test", "gopro")))
    held_out = [halved(tests.whole(index)) for index in range(len(tests))]
    sets: dict[str, Callable[[], Sequence[Tensor]]] = {
        "original": lambda: pairs,
        "blur-swapped": lambda: _swapped(pairs),
    }
    rows: list[Row] = [_row("none", PAPER_SWAPPED, psnr=_mean_psnr(None, held_out))]
    for name in progress(list(sets), total=len(sets), what="trainings"):
        restorer = train_restorer(from_pairs(sets[name](), side=CROP), steps=limit or STEPS)
        rows.append(_row(name, PAPER_SWAPPED, psnr=_mean_psnr(restorer, held_out)))
    return swapped_result(rows, method=METHOD, data=data.name)


def run_augmented(
    data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None
) -> BenchResult:
    """Table 4; `data`: as the protocol says, `limit`: so many steps instead of `STEPS`."""
    check_space(method)
    space, photos = build_space(), SharpPhotos(folder(data, "train", "photos"))
    reds = _codes(space, folder(data, "train", "reds_half"), REDS_HALVINGS)
    gopro = _codes(space, folder(data, "test", "gopro"), GOPRO_HALVINGS)
    first = round(len(reds.codes) * TRAIN_SHARE)
    seen, unseen = _part(reds, slice(None, first)), _part(reds, slice(first, None))
    lines = from_kernels(photos, [line(length, angle) for length in LENGTHS for angle in ANGLES], side=CROP)
    sources = {"lines": lines, "lines and REDS codes": mixed([lines, from_bank(photos, seen, space, side=CROP)])}
    tests = _tests(SharpPhotos(folder(data, "test", "kodak24")), space, unseen, gopro)
    rows = [_augmented_row("none", None, tests)]
    for name in progress(list(sources), total=len(sources), what="trainings"):
        rows.append(_augmented_row(name, train_restorer(sources[name], steps=limit or STEPS), tests))
    return augmented_result(rows, method=METHOD, data=data.name)


def swapped_result(rows: Sequence[Row], *, method: str, data: str) -> BenchResult:
    """The rows, and what swapping costs in dB."""
    summary = summarise(rows, name="tran2021-swapped", protocol=SWAPPED, method=method, data=data)
    lost = round(rows[1]["psnr"] - rows[2]["psnr"], 4)
    return BenchResult(list(rows), {**summary, "mean_psnr": None, "lost_by_swapping": lost})


def augmented_result(rows: Sequence[Row], *, method: str, data: str) -> BenchResult:
    """The rows, and what the codes gain in dB on each blur."""
    summary = summarise(rows, name="tran2021-augmented", protocol=AUGMENTED, method=method, data=data)
    columns = [column for column in rows[0] if column in PAPER_AUGMENTED["lines"]]
    gains = {f"gained_{column}": round(rows[2][column] - rows[1][column], 4) for column in columns}
    return BenchResult(list(rows), {**summary, **gains})


def train_restorer(draw: Source, *, steps: int) -> Restorer:
    """A small deblurrer, trained on the source's pairs."""
    with seeded(SEED):
        restorer = Restorer(widths=WIDTHS)

    def loss(pair: Pair) -> Tensor:
        return charbonnier(restorer(pair.blurry), pair.sharp)

    fit(restorer, loss, lambda generator: draw(generator, BATCH), steps=steps, seed=SEED, rate=RATE, clip=CLIP)
    return restorer


def _swapped(pairs: Sequence[Tensor]) -> list[Tensor]:
    """Each sharp picture with the blur of another pair, by a space made from the pairs."""
    space = trained_space(from_pairs(pairs, side=160), **SPACE, seed=SEED)
    swapped, generator = [], chance(SEED, 0)
    for index, pair in enumerate(pairs):
        other = pairs[(index + 1 + draw_index(len(pairs) - 1, generator)) % len(pairs)].float() / 255
        sharp = pair[:1].float() / 255
        blurry = transfer(space, Pair(other[:1], other[1:]), sharp)
        swapped.append(torch.cat((pair[:1], to_levels(blurry))))
    return swapped


def _codes(space: BasisSpace, path: Path, halvings: int) -> BlurBank:
    photos = PairPhotos(find_pairs(path))
    pairs = [photos.whole(index) for index in range(len(photos))]
    for _ in range(halvings):
        pairs = [halved(pair) for pair in pairs]
    codes = tuple(space.extract(pair.sharp, pair.blurry) for pair in pairs)
    return BlurBank(codes, tuple(str(one.blurry) for one in photos.files), "")


def _part(bank: BlurBank, which: slice) -> BlurBank:
    return BlurBank(bank.codes[which], bank.sources[which], bank.space)


def _tests(photos: SharpPhotos, space: BasisSpace, reds: BlurBank, gopro: BlurBank) -> dict[str, list[Pair]]:
    sources = {
        "lines": from_kernels(photos, [line(length, angle) for length in LENGTHS for angle in ANGLES], side=TEST_CROP),
        "reds": from_bank(photos, reds, space, side=TEST_CROP),
        "gopro": from_bank(photos, gopro, space, side=TEST_CROP),
    }
    return {name: [draw(chance(SEED, index), 1) for index in range(TESTS)] for name, draw in sources.items()}


def _augmented_row(name: str, restorer: nn.Module | None, tests: dict[str, list[Pair]]) -> Row:
    paper = PAPER_AUGMENTED.get(name, {})
    measured = {f"{kind}_psnr": _mean_psnr(restorer, pairs) for kind, pairs in tests.items()}
    return {"trained_on": name, **measured, **{f"paper_{key}": paper.get(key) for key in measured}}


def _row(name: str, paper: dict[str, float], *, psnr: float) -> Row:
    return {"trained_on": name, "paper_psnr": paper.get(name), "psnr": psnr}


@torch.no_grad()
def _mean_psnr(restorer: nn.Module | None, pairs: Sequence[Pair]) -> float:
    found = [rounded_psnr(pair.blurry if restorer is None else restorer(pair.blurry), pair.sharp) for pair in pairs]
    return round(sum(found) / len(found), 4)
