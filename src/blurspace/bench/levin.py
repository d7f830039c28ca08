"""How well are the 32 really shaken pictures of Levin et al. 2009 deblurred? Protocol `levin`.

The data: `x_i_j` sharp and `y_i_j` blurry (picture i, kernel j), `f_j` the kernel turned by 180 degrees. The blurry
pictures are moved by whole pixels besides, which the search over shifts takes care of. Source of the data and of the
up-to-shift score: Levin, Weiss, Durand and Freeman 2009.
"""

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from blurspace.bench.methods import build, known_methods, measured, restore, scored
from blurspace.bench.result import BenchResult, Progress, Row, blurry_summary, no_progress
from blurspace.bench.tables import methods_table
from blurspace.blur.kernels import normalise
from blurspace.errors import NoInputError, PictureError
from blurspace.types import Kernel, Pair

FILE = "levin32.npz"
# The published protocol: px of shift searched in steps of a quarter, px cut off each side.
MAX_SHIFT, CROP = 5, 15
PROTOCOL = (
    f"levin 1: grey; kernel size not told; restored rounded to 8 bits; crop {CROP} px; shift searched in "
    f"+-{MAX_SHIFT} px by 0.25 px, bilinear, least SSD; PSNR and Gaussian SSIM against x of the same pair; error ratio "
    "= SSD over that of our total-variation deconvolution with the true kernel; a picture not restored counts as its "
    "input; seconds of the deblurrer alone, after one warm-up picture"
)
METHODS = known_methods()


@dataclass(frozen=True)
class LevinPair(Pair):
    """One of the pairs (1 1 h w), with picture number, kernel number, and the true convolution kernel."""

    picture: int
    shake: int
    kernel: Kernel


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Measure one method on all pairs of `data`, levin32.npz or a folder that holds it."""
    pairs = load(data)[:limit]
    return measured(pairs, lambda pair: measure(pair, method), what="levin", progress=progress)


def load(data: Path) -> list[LevinPair]:
    """All pairs, by picture and kernel. Raises NoInputError where there is no file, PictureError on a bad one."""
    found = sorted(data.rglob(FILE)) if data.is_dir() else [data]
    if not found or not found[0].is_file():
        raise NoInputError(f"{data} holds no {FILE}: give --data the file, or a folder that holds it")
    path = found[0]
    try:
        with np.load(path, allow_pickle=False) as arrays:
            names = sorted(
                tuple(map(int, name.split("_")[1:])) for name in arrays.files if re.match(r"x_\d+_\d+$", name)
            )
            pairs = [_pair(arrays, picture, shake) for picture, shake in names]
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise PictureError(f"{path} is not the file of Levin's pictures ({error}): copy it again") from error
    if not pairs:
        raise PictureError(f"{path} holds no x_i_j, y_i_j and f_j: give the file of Levin's pictures")
    return pairs


def measure(pair: LevinPair, method: str) -> Row:
    """One row: the method's score on one pair, and the gain over its blurry input."""
    outcome = restore(build(method, pair.kernel), pair.blurry)
    row = scored(outcome, pair, max_shift=MAX_SHIFT, crop=CROP, true_kernel=pair.kernel)
    return {"picture": pair.picture, "kernel": pair.shake, **row}


def summary(rows: Sequence[Row]) -> Row:
    """Adds the shares of pictures with a small error ratio."""
    under = {most: sum(row["error_ratio"] < most for row in rows) / len(rows) for most in (2, 3)}
    return blurry_summary(rows, {f"error_ratio_under_{most}": round(share, 4) for most, share in under.items()})


def table(results: Sequence[BenchResult]) -> list[Row]:
    """One line per method."""

    def ratios(told: Row) -> Row:
        return {"error ratio < 2 / < 3": f"{told['error_ratio_under_2']:.0%} / {told['error_ratio_under_3']:.0%}"}

    return methods_table(results, ratios)


def _pair(arrays: np.lib.npyio.NpzFile, picture: int, shake: int) -> LevinPair:
    sharp, blurry = (_plane(arrays[f"{letter}_{picture}_{shake}"]) for letter in "xy")
    return LevinPair(sharp, blurry, picture, shake, normalise(_plane(arrays[f"f_{shake}"]).flip(-2, -1)))


def _plane(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None, None]
