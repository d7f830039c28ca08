"""How well are the 100 uniformly blurred pictures of Lai et al. 2016 deblurred? Protocol `lai`.

25 pictures (5 each: manmade, natural, people, saturated, text) x 4 kernels of 31 to 75 px. Layout of the data set:

    ground_truth/manmade_01.png ... text_05.png
    uniform/manmade_01_kernel_01.png ... text_05_kernel_04.png
    kernel_01.png ... kernel_04.png                          in any folder; for method "true kernel" only

Only the names matter, not the folders. Pictures of other names (the non-uniform `_gyro_` ones) are left out.

Scored as SelfDeblur (Ren et al. 2020) scores its published results: luma, border cut, best shift. Its luma is taken to
be that of MATLAB's rgb2ycbcr, 16 to 235 of 255, which gives 1.3 dB more than luma from 0 to 255 would. Kaufman and
Fattal 2020 scored this set by a script adapted from Köhler's: their table stands apart and cannot be compared.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch

from blurspace.bench.fit import Made, find_named, read_pair, true_kernels
from blurspace.bench.methods import TOLD, build, check_method, known_methods, restore, score
from blurspace.bench.published import LAI, LAI_KOHLER_STYLE, beside, this_run
from blurspace.bench.result import BenchResult, Progress, Row, no_progress, reduced, summarise
from blurspace.errors import NoInputError
from blurspace.io.images import read_photo
from blurspace.levels import to_levels
from blurspace.types import Image, Kernel

CATEGORIES = ("manmade", "natural", "people", "saturated", "text")
PICTURES = 100
MAX_SHIFT, CROP = 10, 15  # SelfDeblur's published scoring
# Rec. ITU-R BT.601: black and the weights of red, green and blue, of 255.
BLACK, WEIGHTS = 16, (65.481, 128.553, 24.966)
PROTOCOL = (
    f"lai 1: 100 uniformly blurred pictures, given in colour; kernel size not told; restored rounded to 8 bits, luma "
    f"by BT.601 (16 to 235) rounded to 8 bits; crop {CROP} px; shift searched in +-{MAX_SHIFT} px by 0.25 px, "
    "bilinear, least SSD; PSNR and Gaussian SSIM of the luma, range 255; a picture not restored counts as its input; "
    "seconds of the deblurrer alone, after one warm-up picture"
)
WARNING = (
    "published_in_another_protocol comes from a script adapted from Köhler's: compare it neither with published nor "
    "with this run"
)


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> BenchResult:
    """Measure one method on the pictures below the folder `data`, all or the first `limit`.

    Raises NoInputError where pictures are missing, UsageError on another method, PictureError on a bad file.
    """
    method = check_method(method, known_methods())
    pictures = find(data, kernels=method in TOLD)[:limit]
    kernels = true_kernels(pictures, max_shift=MAX_SHIFT)
    # warm-up: the first call plans FFTs and starts threads
    restore(build(method, kernels.get(pictures[0].shake)), read_photo(pictures[0].blurry).pixels)
    todo = progress(pictures, total=len(pictures), what="lai")
    rows = [measure(made, method, kernels.get(made.shake)) for made in todo]
    return result(rows, method=method, data=data.name)


def find(data: Path, *, kernels: bool) -> list[Made]:
    """All blurry pictures with their files, by category, picture and kernel; `kernels`: whether these are needed.

    Raises NoInputError where a blurry picture, its sharp one or its kernel is missing.
    """
    names = "|".join(CATEGORIES)
    blurry = find_named(data, rf"({names})_(\d+)_kernel_(\d+)\.png")
    if not blurry:
        raise NoInputError(f"{data} holds no manmade_01_kernel_01.png: give --data the folder with Lai's synthetic set")
    sharp = find_named(data, rf"({names})_(\d+)\.png")
    shakes = find_named(data, r"kernel_(\d+)\.(?:png|tiff?)") if kernels else {}
    for key, path in blurry.items():
        if key[:2] not in sharp:
            raise NoInputError(
                f"{path.name} has no {key[0]}_{key[1]:02d}.png below {data}: add the folder ground_truth"
            )
        if kernels and key[2:] not in shakes:
            raise NoInputError(f"{path.name} has no kernel_{key[2]:02d}.png below {data}: add the folder of kernels")
    return [
        Made(f"{key[0]}_{key[1]:02d}", int(key[2]), path, sharp[key[:2]], shakes.get(key[2:]))
        for key, path in blurry.items()
    ]


def measure(made: Made, method: str, kernel: Kernel | None) -> Row:
    """One row: the method's score on one picture, and the gain over its blurry input."""
    pair, margin = read_pair(made)
    sharp, crop = luma(pair.sharp), max(CROP, margin)
    outcome = restore(build(method, kernel), pair.blurry)
    before = score(luma(pair.blurry), sharp, max_shift=MAX_SHIFT, crop=crop)
    after = score(luma(outcome.restored), sharp, max_shift=MAX_SHIFT, crop=crop)
    return {
        "picture": made.picture,
        "kernel": made.shake,
        "category": made.picture.split("_")[0],
        "psnr": after.psnr,
        "ssim": after.ssim,
        "blurry_psnr": before.psnr,
        "blurry_ssim": before.ssim,
        "gain_db": round(after.psnr - before.psnr, 4),
        "seconds": outcome.seconds,
        "verdict": outcome.verdict,
        "kernel_px": outcome.kernel_px,
    }


def luma(picture: Image) -> Image:
    """The luma (1 1 h w) of an RGB picture (1 3 h w) after rounding it to 8 bits, in [16/255, 235/255], itself rounded.

    A grey picture (1 1 h w) is its own luma. Source: Rec. ITU-R BT.601, as MATLAB's rgb2ycbcr has it for uint8.
    """
    levels = to_levels(picture).to(picture)
    if picture.shape[1] == 3:
        weights = torch.tensor(WEIGHTS, dtype=levels.dtype, device=levels.device).view(1, 3, 1, 1) / 255
        levels = (BLACK + (weights * levels).sum(1, keepdim=True)).round()
    return levels / 255


def result(rows: Sequence[Row], *, method: str, data: str) -> BenchResult:
    """The rows with their summary, one line per category, and the published tables; `n` of `of` pictures."""
    summary = summarise(rows, name="lai", protocol=PROTOCOL, method=method, data=data)
    summary |= {
        "of": PICTURES,
        "mean_blurry_psnr": reduced(fmean, rows, "blurry_psnr"),
        "max_seconds": reduced(max, rows, "seconds"),
        "restored": sum(row["verdict"] == "restored" for row in rows),
        "categories": _categories(rows),
        "published": beside(LAI, this_run(method, summary["mean_psnr"], summary["mean_ssim"])),
        "published_in_another_protocol": list(LAI_KOHLER_STYLE),
        "warning": WARNING,
    }
    return BenchResult(list(rows), summary)


def _categories(rows: Sequence[Row]) -> list[Row]:
    groups = []
    for name in CATEGORIES:
        members = [row for row in rows if row["category"] == name]
        if members:
            means = {column: reduced(fmean, members, column) for column in ("psnr", "ssim", "blurry_psnr", "gain_db")}
            groups.append({"category": name, "n": len(members), **means})
    return groups
