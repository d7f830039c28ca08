"""How well is the blur of a turning camera removed, and is it told from a uniform one? Protocol `rotation`.

Each sharp photo is blurred twice, by a turn of the camera and by a uniform shake of the same extent. What it gets
depends on its file name alone. The made turn is the exact average of its warps, not the field of kernels that our
method draws it with.
"""

import math
from collections.abc import Sequence
from pathlib import Path

import torch

from blurspace.bench.methods import BLURRY, build, restore, scored
from blurspace.bench.result import BenchResult, Progress, Row, grouped, no_progress
from blurspace.bench.synthetic import CROP, LEAST_SIDE, MAX_SHIFT, SEED
from blurspace.bench.tables import fixed, word
from blurspace.blur.convolve import blur
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import delta, shake
from blurspace.blur.varying import blur_rotation, draw_rotation_path
from blurspace.catalog import deblurrers
from blurspace.chance import chance_of
from blurspace.errors import UsageError
from blurspace.io.images import find_photos, read_photo
from blurspace.pixels import inner
from blurspace.restore.deblurrer import Deblurrer
from blurspace.types import Image, Pair

EXTENTS = (11, 31)  # px at the middle of the photo; more in its corners, by roll
SIGMA = 0.005
FIELD = "rotation"  # the method whose blur is a field
KINDS = ("turned", "uniform")
PROTOCOL = (
    f"rotation 1: seed {SEED} with the file name; extent in {EXTENTS} px, focal length = longer side, roll as much as "
    f"pitch and yaw; display values, sigma {SIGMA}, rounded to 8 bits; the frame of one extent cut off; restored "
    f"rounded to 8 bits; crop {CROP} px; shift searched in +-{MAX_SHIFT} px by 0.25 px; PSNR and SSIM over all colours"
)
METHODS = (BLURRY, *deblurrers())


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Measure one method on the sharp photos of a folder, all or the first `limit`: two rows for each."""
    paths = find_photos([data])[:limit]
    deblurrer = build(method)
    return [
        measure(path, kind, deblurrer) for path in progress(paths, total=len(paths), what="rotation") for kind in KINDS
    ]


def measure(path: Path, kind: str, deblurrer: Deblurrer | None) -> Row:
    """One row: the score on one photo under one kind of blur."""
    extent, pair = make_pair(read_photo(path).pixels, path.name, kind)
    outcome = restore(deblurrer, pair.blurry)
    row = {"picture": path.name, "kind": kind, "extent": round(extent, 2)}
    row |= scored(outcome, pair, max_shift=MAX_SHIFT, crop=CROP)
    del row["kernel_px"]
    return {**row, "by_field": outcome.method == FIELD}


def make_pair(picture: Image, name: str, kind: str) -> tuple[float, Pair]:
    """The extent in px, and sharp and blurry without their frames. Raises UsageError where too little would be left."""
    generator = chance_of(f"{SEED} rotation {name}")
    low, high = EXTENTS
    extent = low + (high - low) * torch.rand((), generator=generator).item()
    height, width = picture.shape[-2:]
    frame = math.ceil(extent)
    if min(height, width) - 2 * frame < LEAST_SIDE:
        raise UsageError(f"a picture of {width} x {height} px is too small: give {LEAST_SIDE + 2 * high} px or more")
    if kind == "turned":
        focal = float(max(height, width))
        blurry = blur_rotation(
            picture, draw_rotation_path(extent=extent, focal=focal, generator=generator), focal=focal
        )
    else:
        blurry = blur(picture, shake(math.ceil(extent) // 2 * 2 + 1, extent=extent, generator=generator))
    noisy = photograph(inner(blurry, frame), delta(), response="linear", sigma=SIGMA, round8=True, generator=generator)
    return extent, Pair(inner(picture, frame).contiguous(), noisy)


def summary(rows: Sequence[Row]) -> Row:
    """Adds one line per kind of blur."""
    kinds = [{"kind": kind} for kind in KINDS]
    return {"groups": grouped(rows, kinds, lambda members: {"by_field": sum(row["by_field"] for row in members)})}


def table(results: Sequence[BenchResult]) -> list[Row]:
    """One line per method and kind of blur."""
    lines = [
        {
            "photos": summary["data"],
            "blur": group["kind"],
            "n": group["n"],
            "method": word(summary["method"]),
            "PSNR, dB": fixed(group["psnr"], 2),
            "SSIM": fixed(group["ssim"], 3),
            "gain, dB": fixed(group["gain_db"], 2),
            "by a field": group["by_field"],
        }
        for summary in (result.summary for result in results)
        for group in summary["groups"]
    ]
    return sorted(lines, key=lambda line: line["blur"])
