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
from statistics import fmean

import numpy as np
import torch
from torch import Tensor

from blurspace.bench.methods import build, check_method, known_methods, restore, score
from blurspace.bench.result import BenchResult, Progress, Row, no_progress, reduced, summarise
from blurspace.blur.kernels import normalise
from blurspace.errors import NoInputError, PictureError
from blurspace.restore.deconvolve import deconvolve, strength_for
from blurspace.restore.noise import estimate_sigma
from blurspace.types import Image, Kernel

FILE = "levin32.npz"
# The published protocol: px of shift searched in steps of a quarter, px cut off each side.
MAX_SHIFT, CROP = 5, 15
PROTOCOL = (
    f"levin 1: grey; kernel size not told; restored rounded to 8 bits; crop {CROP} px; shift searched in "
    f"+-{MAX_SHIFT} px by 0.25 px, bilinear, least SSD; PSNR and Gaussian SSIM against x of the same pair; error ratio "
    "= SSD over that of our total-variation deconvolution with the true kernel; a picture not restored counts as its "
    "input; seconds of the deblurrer alone, after one warm-up picture"
)


@dataclass(frozen=True)
class LevinPair:
    """One of the pairs: picture number, kernel number, sharp and blurry (1 1 h w), and the true convolution kernel."""

    picture: int
    shake: int
    sharp: Image
    blurry: Image
    kernel: Kernel


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> BenchResult:
    """Measure one method on all pairs of `data`, levin32.npz or a folder that holds it."""
    method = check_method(method, known_methods())
    pairs = load(data)[:limit]
    restore(build(method, pairs[0].kernel), pairs[0].blurry)  # warm-up: the first call plans FFTs and starts threads
    rows = [measure(pair, method) for pair in progress(pairs, total=len(pairs), what="levin")]
    return result(rows, method=method, data=FILE)


def load(data: Path) -> list[LevinPair]:
    """All pairs, by picture and kernel. Raises NoInputError where there is no file, PictureError on a bad one."""
    path = _find(data)
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
    before = score(pair.blurry, pair.sharp, max_shift=MAX_SHIFT, crop=CROP)
    after = score(outcome.restored, pair.sharp, max_shift=MAX_SHIFT, crop=CROP)
    reference = score(with_true_kernel(pair.blurry, pair.kernel), pair.sharp, max_shift=MAX_SHIFT, crop=CROP)
    return {
        "picture": pair.picture,
        "kernel": pair.shake,
        "psnr": after.psnr,
        "ssim": after.ssim,
        "blurry_psnr": before.psnr,
        "gain_db": round(after.psnr - before.psnr, 4),
        "error_ratio": round(after.ssd / reference.ssd, 4),
        "seconds": outcome.seconds,
        "verdict": outcome.verdict,
        "kernel_px": outcome.kernel_px,
    }


def with_true_kernel(blurry: Image, kernel: Kernel) -> Image:
    """What error ratios divide by: total variation, the strength found from the estimated noise, no verdict."""
    return deconvolve(blurry, kernel, strength=strength_for(estimate_sigma(blurry)), prior="total variation")


def result(rows: Sequence[Row], *, method: str, data: str) -> BenchResult:
    """The rows with their summary."""
    ratios = [row["error_ratio"] for row in rows]
    summary = {
        **summarise(rows, name="levin", protocol=PROTOCOL, method=method, data=data),
        "mean_blurry_psnr": reduced(fmean, rows, "blurry_psnr"),
        "error_ratio_under_2": round(sum(ratio < 2 for ratio in ratios) / len(ratios), 4),
        "error_ratio_under_3": round(sum(ratio < 3 for ratio in ratios) / len(ratios), 4),
        "max_seconds": reduced(max, rows, "seconds"),
        "restored": sum(row["verdict"] == "restored" for row in rows),
    }
    return BenchResult(list(rows), summary)


def _find(data: Path) -> Path:
    found = sorted(data.rglob(FILE)) if data.is_dir() else [data]
    if not found or not found[0].is_file():
        raise NoInputError(f"{data} holds no {FILE}: give --data the file, or a folder that holds it")
    return found[0]


def _pair(arrays: np.lib.npyio.NpzFile, picture: int, shake: int) -> LevinPair:
    sharp, blurry = (_plane(arrays[f"{letter}_{picture}_{shake}"]) for letter in "xy")
    return LevinPair(picture, shake, sharp, blurry, normalise(_plane(arrays[f"f_{shake}"]).flip(-2, -1)))


def _plane(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))[None, None]
