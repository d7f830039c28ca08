"""How well is made blur removed? Protocol `synthetic`: sharp photos, one drawn shake and one noise level for each.

What a picture gets depends on its file name alone, so that adding pictures to the folder changes no other row. The
blurry picture is the "valid" part of the blur of a bigger crop: nothing beyond its frame was made up.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from blurspace.bench.methods import build, known_methods, measured, restore, scored
from blurspace.bench.result import BenchResult, Progress, Row, blurry_summary, grouped, no_progress
from blurspace.bench.tables import word
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import shake
from blurspace.chance import chance_of
from blurspace.errors import UsageError
from blurspace.io.images import find_photos, read_photo
from blurspace.pixels import central, inner
from blurspace.types import Image, Kernel, Pair

SEED = 2026
# Kernel extents in px, each drawn evenly from (low, high]: short, middle and long shakes.
RANGES = ((9, 31), (31, 61), (61, 85))
SIGMAS = (0.01, 0.02)
SIDE, LEAST_SIDE = 512, 96
# Long kernels are centred less exactly than Levin's, hence twice the shift of protocol `levin`.
MAX_SHIFT, CROP = 10, 15
PROTOCOL = (
    f"synthetic 1: seed {SEED} with the file name; shake extents {RANGES}, sigma {SIGMAS}; central crop of at most "
    f"{SIDE} px, blurred with border valid in display values, noise added, clamped, rounded to 8 bits; restored "
    f"rounded to 8 bits; crop {CROP} px; shift searched in +-{MAX_SHIFT} px by 0.25 px, bilinear, least SSD over all "
    "colours; PSNR and Gaussian SSIM over all colours; a picture not restored counts as its input; seconds of the "
    "deblurrer alone"
)
METHODS = known_methods()


@dataclass(frozen=True)
class Recipe:
    """What one picture gets: the range its kernel comes from, the kernel, the noise, and the chance for drawing it."""

    range: str
    kernel: Kernel
    sigma: float
    generator: torch.Generator


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Measure one method on the sharp photos of a folder, all or the first `limit`."""
    paths = find_photos([data])[:limit]
    return measured(paths, lambda path: measure(path, method), what="synthetic", progress=progress)


def draw(name: str) -> Recipe:
    """The recipe for the picture of that file name."""
    generator = chance_of(f"{SEED} {name}")
    low, high = RANGES[int(torch.randint(len(RANGES), (), generator=generator))]
    sigma = SIGMAS[int(torch.randint(len(SIGMAS), (), generator=generator))]
    length = high - (high - low) * torch.rand((), generator=generator).item()
    kernel = shake(math.ceil((length - 1) / 2) * 2 + 1, generator=generator, extent=length)
    return Recipe(f"{low} to {high}", kernel, sigma, generator)


def make_pair(picture: Image, recipe: Recipe) -> Pair:
    """Sharp and blurry crops of one picture (1 c h w). Raises UsageError where it is too small for the kernel."""
    margin = recipe.kernel.shape[-1] // 2
    rows, columns = (min(SIDE, side - 2 * margin) for side in picture.shape[-2:])
    if min(rows, columns) < LEAST_SIDE:
        raise UsageError(
            f"a picture of {picture.shape[-1]} x {picture.shape[-2]} px leaves less than {LEAST_SIDE} px beside a "
            f"kernel of {2 * margin + 1} px: give bigger pictures"
        )
    bigger = central(picture, rows + 2 * margin, columns + 2 * margin)
    blurry = photograph(
        bigger,
        recipe.kernel,
        response="linear",
        sigma=recipe.sigma,
        round8=True,
        border="valid",
        generator=recipe.generator,
    )
    return Pair(inner(bigger, margin).contiguous(), blurry)


def measure(path: Path, method: str) -> Row:
    """One row: the method's score on one picture, and the gain over its blurry input."""
    recipe = draw(path.name)
    pair = make_pair(read_photo(path).pixels, recipe)
    outcome = restore(build(method, recipe.kernel), pair.blurry)
    facts = {"range": recipe.range, "sigma": recipe.sigma, "true_kernel_px": recipe.kernel.shape[-1]}
    return {"picture": path.name, **facts, **scored(outcome, pair, max_shift=MAX_SHIFT, crop=CROP, blurry_ssim=True)}


def summary(rows: Sequence[Row]) -> Row:
    """Adds one line per kernel range and noise level."""
    keys = [{"range": f"{low} to {high}", "sigma": sigma} for low, high in RANGES for sigma in SIGMAS]
    return {**blurry_summary(rows), "groups": grouped(rows, keys)}


def table(results: Sequence[BenchResult]) -> list[Row]:
    """One line per data set, kernel range and noise level; PSNR / SSIM of each method in a column."""
    lines: dict[tuple[str, str, float], Row] = {}
    for summary in (result.summary for result in results):
        whole = {"range": "all", "sigma": "all", "n": summary["n"], "psnr": summary["mean_psnr"]}
        for group in (*summary["groups"], {**whole, "ssim": summary["mean_ssim"]}):
            start = {"photos": summary["data"], "kernel, px": group["range"], "noise": group["sigma"], "n": group["n"]}
            line = lines.setdefault(
                (summary["data"], group["range"], group["sigma"]), {key: str(value) for key, value in start.items()}
            )
            line[word(summary["method"])] = f"{group['psnr']:.2f} / {group['ssim']:.3f}"
    columns = dict.fromkeys(column for line in lines.values() for column in line)
    return [{column: line.get(column) for column in columns} for line in lines.values()]
