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

from blurspace.bench.fit import Made, find_named, read_pair, true_kernels
from blurspace.bench.levin import with_true_kernel
from blurspace.bench.methods import build, check_method, known_methods, restore, score
from blurspace.bench.published import SUN, beside, this_run
from blurspace.bench.result import BenchResult, Progress, Row, no_progress, reduced, summarise
from blurspace.blur.kernels import normalise
from blurspace.errors import NoInputError
from blurspace.io.images import read_photo
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


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> BenchResult:
    """Measure one method on the pictures below the folder `data`, all or the first `limit`.

    Raises NoInputError where files are missing, UsageError on another method, PictureError on a bad file.
    """
    method = check_method(method, known_methods())
    pictures = find(data)[:limit]
    kernels = true_kernels(pictures, max_shift=MAX_SHIFT)
    # warm-up: the first call plans FFTs and starts threads
    restore(build(method, kernels[pictures[0].shake]), read_photo(pictures[0].blurry).pixels)
    todo = progress(pictures, total=len(pictures), what="sun")
    rows = [measure(made, method, kernels[made.shake]) for made in todo]
    return result(rows, method=method, data=data.name)


def find(data: Path) -> list[Made]:
    """All blurry pictures with their files, by picture and kernel. Raises NoInputError where any is missing."""
    blurry = find_named(data, r"(\d+)_(\d+)_blurred\.png")
    if not blurry:
        raise NoInputError(f"{data} holds no 1_1_blurred.png: give --data the folder with Sun's test set")
    sharp = find_named(data, r"img(\d+)_groundtruth_img\.png")
    shakes = find_named(data, r"kernel(\d+)_groundtruth_kernel\.png")
    for (picture, shake), path in blurry.items():
        wanted = {
            f"img{picture}_groundtruth_img.png": (picture,) in sharp,
            f"kernel{shake}_groundtruth_kernel.png": (shake,) in shakes,
        }
        for name, there in wanted.items():
            if not there:
                raise NoInputError(f"{path.name} has no {name} below {data}: unpack it there from Sun's full results")
    return [Made(str(key[0]), int(key[1]), path, sharp[key[:1]], shakes[key[1:]]) for key, path in blurry.items()]


def measure(made: Made, method: str, kernel: Kernel) -> Row:
    """One row: the method's score on one picture, the gain over its blurry input, and the error ratio."""
    pair, margin = read_pair(made)
    crop = max(CROP, margin)
    outcome = restore(build(method, kernel), pair.blurry)
    before = score(pair.blurry, pair.sharp, max_shift=MAX_SHIFT, crop=crop)
    after = score(outcome.restored, pair.sharp, max_shift=MAX_SHIFT, crop=crop)
    reference = score(with_true_kernel(pair.blurry, normalise(kernel)), pair.sharp, max_shift=MAX_SHIFT, crop=crop)
    return {
        "picture": int(made.picture),
        "kernel": made.shake,
        "psnr": after.psnr,
        "ssim": after.ssim,
        "blurry_psnr": before.psnr,
        "gain_db": round(after.psnr - before.psnr, 4),
        "error_ratio": round(after.ssd / reference.ssd, 4),
        "seconds": outcome.seconds,
        "verdict": outcome.verdict,
        "kernel_px": outcome.kernel_px,
    }


def result(rows: Sequence[Row], *, method: str, data: str) -> BenchResult:
    """The rows with their summary, one line per kernel: `n` of `of` pictures were scored."""
    summary = summarise(rows, name="sun", protocol=PROTOCOL, method=method, data=data)
    published = beside(SUN, this_run(method, summary["mean_psnr"], summary["mean_ssim"]))
    summary |= {
        "of": PICTURES,
        "mean_blurry_psnr": reduced(fmean, rows, "blurry_psnr"),
        "mean_error_ratio": reduced(fmean, rows, "error_ratio"),
        "success_rate": _success(rows),
        "max_seconds": reduced(max, rows, "seconds"),
        "restored": sum(row["verdict"] == "restored" for row in rows),
        "kernels": _kernels(rows),
        "published": published,
        "warning": NO_TABLE,
    }
    return BenchResult(list(rows), summary)


def _kernels(rows: Sequence[Row]) -> list[Row]:
    groups = []
    for number in sorted({row["kernel"] for row in rows}):
        members = [row for row in rows if row["kernel"] == number]
        means = {column: reduced(fmean, members, column) for column in ("psnr", "ssim", "blurry_psnr", "gain_db")}
        groups.append({"kernel": number, "n": len(members), **means, "success_rate": _success(members)})
    return groups


def _success(rows: Sequence[Row]) -> float:
    return round(sum(row["error_ratio"] <= SUCCESS for row in rows) / len(rows), 4)
