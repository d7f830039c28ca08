"""How well are the 640 blurred pictures of Sun et al. 2013 deblurred? Protocol `sun`.

80 pictures x the 8 kernels of Levin et al. 2009, with 1 % noise. Layout of the two downloads (the test set
input80imgs8kernels.zip, and from the full results the sharp pictures and kernels), unpacked into one folder:

    1_1_blurred.png ... 80_8_blurred.png                                picture, kernel
    img1_groundtruth_img.png ... img80_groundtruth_img.png              cut at the sides: centres together
    kernel1_groundtruth_kernel.png ... kernel8_groundtruth_kernel.png

Only the names matter, not the folders. The data set's page says: the centre without 50 px of each border is scored, at
the best alignment. The error ratio divides by the squared error with the true kernel, deconvolved by *our* total
variation; the literature divides by other deconvolvers (often Zoran and Weiss 2011), so only PSNR and SSIM travel.
"""

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from blurspace.bench.fit import Made, find_named, partner, read_pair, true_kernels
from blurspace.bench.methods import build, known_methods, measured, restore, scored
from blurspace.bench.published import SUN
from blurspace.bench.result import Progress, Row, blurry_summary, each_of, grouped, no_progress, reduced
from blurspace.bench.tables import methods_table
from blurspace.blur.kernels import normalise
from blurspace.errors import NoInputError
from blurspace.types import Kernel

PICTURES = 640
CROP = 50  # the data set's page: "discarding 50 pixels from each border"
MAX_SHIFT = 10  # our choice, as in protocol `synthetic`; the page names no limit
SUCCESS = 5  # the error ratio up to which the literature on this set calls a picture deblurred
PROTOCOL = (
    f"sun 1: 640 pictures; kernel size not told; restored rounded to 8 bits; crop {CROP} px; shift searched in "
    f"+-{MAX_SHIFT} px by 0.25 px, bilinear, least SSD; PSNR and Gaussian SSIM; error ratio = SSD over that of our "
    f"total-variation deconvolution with the true kernel, success at {SUCCESS} or less; a picture not restored counts "
    "as its input; seconds of the deblurrer alone, after one warm-up picture"
)
NO_TABLE = "no published number in this protocol is at hand; error ratios of other papers divide by other deconvolvers"
METHODS = known_methods()
PUBLISHED = SUN
table = methods_table


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Measure one method on the pictures below the folder `data`, all or the first `limit`."""
    pictures = find(data)[:limit]
    kernels = true_kernels(pictures, max_shift=MAX_SHIFT)
    return measured(pictures, lambda made: measure(made, method, kernels[made.shake]), what="sun", progress=progress)


def find(data: Path) -> list[Made]:
    """All blurry pictures with their files, by picture and kernel. Raises NoInputError where any is missing."""
    blurry = find_named(data, r"(\d+)_(\d+)_blurred\.png")
    if not blurry:
        raise NoInputError(f"{data} holds no 1_1_blurred.png: give --data the folder with Sun's test set")
    sharp = find_named(data, r"img(\d+)_groundtruth_img\.png")
    shakes = find_named(data, r"kernel(\d+)_groundtruth_kernel\.png")
    hint = f"below {data}: unpack it there from Sun's full results"
    return [
        Made(
            str(picture),
            int(shake),
            path,
            partner(sharp, (picture,), f"{path.name} has no img{picture}_groundtruth_img.png {hint}"),
            partner(shakes, (shake,), f"{path.name} has no kernel{shake}_groundtruth_kernel.png {hint}"),
        )
        for (picture, shake), path in blurry.items()
    ]


def measure(made: Made, method: str, kernel: Kernel) -> Row:
    """One row: the method's score on one picture, the gain over its blurry input, and the error ratio."""
    pair, margin = read_pair(made)
    outcome = restore(build(method, kernel), pair.blurry)
    row = scored(outcome, pair, max_shift=MAX_SHIFT, crop=max(CROP, margin), true_kernel=normalise(kernel))
    return {"picture": int(made.picture), "kernel": made.shake, **row}


def summary(rows: Sequence[Row]) -> Row:
    """Adds one line per kernel: `n` of `of` pictures were scored."""
    more = {"of": PICTURES, "mean_error_ratio": reduced(fmean, rows, "error_ratio"), **_success(rows)}
    kernels = grouped(rows, each_of(rows, "kernel"), _success)
    return {**blurry_summary(rows, more), "kernels": kernels, "warning": NO_TABLE}


def _success(rows: Sequence[Row]) -> Row:
    return {"success_rate": round(sum(row["error_ratio"] <= SUCCESS for row in rows) / len(rows), 4)}
