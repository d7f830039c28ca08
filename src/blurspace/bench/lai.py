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

import torch
from jaxtyping import Float
from torch import Tensor

from blurspace.bench.fit import Made, find_named, partner, read_pair, true_kernels
from blurspace.bench.methods import TOLD, build, known_methods, measured, restore, scored
from blurspace.bench.published import LAI, LAI_KOHLER_STYLE
from blurspace.bench.result import Progress, Row, blurry_summary, grouped, no_progress
from blurspace.bench.tables import methods_table
from blurspace.errors import NoInputError
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
METHODS = known_methods()
PUBLISHED = LAI
table = methods_table


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Measure one method on the pictures below the folder `data`, all or the first `limit`."""
    pictures = find(data, kernels=method in TOLD)[:limit]
    kernels = true_kernels(pictures, max_shift=MAX_SHIFT)
    return measured(
        pictures, lambda made: measure(made, method, kernels.get(made.shake)), what="lai", progress=progress
    )


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
    found = []
    for (category, number, shake), path in blurry.items():
        name, there = f"{category}_{number:02d}", f"below {data}: add the folder"
        true = partner(sharp, (category, number), f"{path.name} has no {name}.png {there} ground_truth")
        none = f"{path.name} has no kernel_{shake:02d}.png {there} of kernels"
        found.append(Made(name, int(shake), path, true, partner(shakes, (shake,), none) if kernels else None))
    return found


def measure(made: Made, method: str, kernel: Kernel | None) -> Row:
    """One row: the method's score on one picture, and the gain over its blurry input."""
    pair, margin = read_pair(made)
    outcome = restore(build(method, kernel), pair.blurry)
    row = scored(outcome, pair, max_shift=MAX_SHIFT, crop=max(CROP, margin), seen=luma, blurry_ssim=True)
    return {"picture": made.picture, "kernel": made.shake, "category": made.picture.split("_")[0], **row}


def luma(picture: Image) -> Float[Tensor, "b 1 h w"]:
    """The luma (1 1 h w) of an RGB picture (1 3 h w) after rounding it to 8 bits, in [16/255, 235/255], itself rounded.

    A grey picture (1 1 h w) is its own luma. Source: Rec. ITU-R BT.601, as MATLAB's rgb2ycbcr has it for uint8.
    """
    levels = to_levels(picture).to(picture)
    if picture.shape[1] == 3:
        weights = torch.tensor(WEIGHTS, dtype=levels.dtype, device=levels.device).view(1, 3, 1, 1) / 255
        levels = (BLACK + (weights * levels).sum(1, keepdim=True)).round()
    return levels / 255


def summary(rows: Sequence[Row]) -> Row:
    """Adds one line per category, and the table of another protocol; `n` of `of` pictures."""
    return {
        **blurry_summary(rows, {"of": PICTURES}),
        "categories": grouped(rows, [{"category": name} for name in CATEGORIES]),
        "published_in_another_protocol": list(LAI_KOHLER_STYLE),
        "warning": WARNING,
    }
