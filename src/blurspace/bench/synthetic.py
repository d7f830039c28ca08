"""How well is made blur removed? Protocol `synthetic`: sharp photos, one drawn shake and one noise level for each.

What a picture gets depends on its file name alone, so that adding pictures to the folder changes no other row. The
blurry picture is the "valid" part of the blur of a bigger crop: nothing beyond its frame was made up.
"""

import hashlib
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import torch

from blurspace.bench.methods import build, check_method, known_methods, restore, score
from blurspace.bench.result import BenchResult, Progress, Row, no_progress, reduced, summarise
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import shake
from blurspace.errors import UsageError
from blurspace.io.images import find_photos, read_photo
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


@dataclass(frozen=True)
class Recipe:
    """What one picture gets: the range its kernel comes from, the kernel, the noise, and the chance for drawing it."""

    range: str
    kernel: Kernel
    sigma: float
    generator: torch.Generator


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> BenchResult:
    """Measure one method on the sharp photos of a folder, all or the first `limit`."""
    method = check_method(method, known_methods())
    paths = find_photos([data])[:limit]
    rows: list[Row] = []
    for path in progress(paths, total=len(paths), what="synthetic"):
        if not rows:  # warm-up: the first call plans FFTs and starts threads
            measure(path, method)
        rows.append(measure(path, method))
    return result(rows, method=method, data=data.name)


def draw(name: str) -> Recipe:
    """The recipe for the picture of that file name."""
    generator = chance_of(f"{SEED} {name}")
    low, high = RANGES[int(torch.randint(len(RANGES), (), generator=generator))]
    sigma = SIGMAS[int(torch.randint(len(SIGMAS), (), generator=generator))]
    length = high - (high - low) * torch.rand((), generator=generator).item()
    kernel = shake(math.ceil((length - 1) / 2) * 2 + 1, generator=generator, extent=length)
    return Recipe(f"{low} to {high}", kernel, sigma, generator)


def chance_of(name: str) -> torch.Generator:
    """A generator that depends on the name alone."""
    return torch.Generator().manual_seed(int.from_bytes(hashlib.sha256(name.encode()).digest()[:7], "big"))


def make_pair(picture: Image, recipe: Recipe) -> Pair:
    """Sharp and blurry crops of one picture (1 c h w). Raises UsageError where it is too small for the kernel."""
    margin = recipe.kernel.shape[-1] // 2
    rows, columns = (min(SIDE, side - 2 * margin) for side in picture.shape[-2:])
    if min(rows, columns) < LEAST_SIDE:
        raise UsageError(
            f"a picture of {picture.shape[-1]} x {picture.shape[-2]} px leaves less than {LEAST_SIDE} px beside a "
            f"kernel of {2 * margin + 1} px: give bigger pictures"
        )
    top, left = ((side - inner) // 2 for side, inner in zip(picture.shape[-2:], (rows, columns), strict=True))
    sharp = picture[..., top : top + rows, left : left + columns]
    bigger = picture[..., top - margin : top + rows + margin, left - margin : left + columns + margin]
    blurry = photograph(
        bigger,
        recipe.kernel,
        response="linear",
        sigma=recipe.sigma,
        round8=True,
        border="valid",
        generator=recipe.generator,
    )
    return Pair(sharp.contiguous(), blurry)


def measure(path: Path, method: str) -> Row:
    """One row: the method's score on one picture, and the gain over its blurry input."""
    recipe = draw(path.name)
    pair = make_pair(read_photo(path).pixels, recipe)
    outcome = restore(build(method, recipe.kernel), pair.blurry)
    before = score(pair.blurry, pair.sharp, max_shift=MAX_SHIFT, crop=CROP)
    after = score(outcome.restored, pair.sharp, max_shift=MAX_SHIFT, crop=CROP)
    return {
        "picture": path.name,
        "range": recipe.range,
        "sigma": recipe.sigma,
        "true_kernel_px": recipe.kernel.shape[-1],
        "psnr": after.psnr,
        "ssim": after.ssim,
        "blurry_psnr": before.psnr,
        "blurry_ssim": before.ssim,
        "gain_db": round(after.psnr - before.psnr, 4),
        "seconds": outcome.seconds,
        "verdict": outcome.verdict,
        "kernel_px": outcome.kernel_px,
    }


def result(rows: Sequence[Row], *, method: str, data: str) -> BenchResult:
    """The rows with their summary, and one line per kernel range and noise level."""
    summary = {
        **summarise(rows, name="synthetic", protocol=PROTOCOL, method=method, data=data),
        "mean_blurry_psnr": reduced(fmean, rows, "blurry_psnr"),
        "max_seconds": reduced(max, rows, "seconds"),
        "restored": sum(row["verdict"] == "restored" for row in rows),
        "groups": _groups(rows),
    }
    return BenchResult(list(rows), summary)


def _groups(rows: Sequence[Row]) -> list[Row]:
    names = [f"{low} to {high}" for low, high in RANGES]
    groups = []
    for name, sigma in ((name, sigma) for name in names for sigma in SIGMAS):
        members = [row for row in rows if row["range"] == name and row["sigma"] == sigma]
        if members:
            means = {column: reduced(fmean, members, column) for column in ("psnr", "ssim", "blurry_psnr", "gain_db")}
            groups.append({"range": name, "sigma": sigma, "n": len(members), **means})
    return groups
