"""How well is the blur of a turning camera removed, and is it told from a uniform one? Protocol `rotation`.

Each sharp photo is blurred twice, by a turn of the camera and by a uniform shake of the same extent. What it gets
depends on its file name alone. The made turn is the exact average of its warps, not the field of kernels that our
method draws it with.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

import torch

from blurspace.bench.methods import BLURRY, blind_methods, build, check_method, restore, score
from blurspace.bench.result import BenchResult, Progress, Row, no_progress, reduced, summarise
from blurspace.bench.synthetic import CROP, LEAST_SIDE, MAX_SHIFT, SEED, chance_of
from blurspace.blur.convolve import blur
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import delta, shake
from blurspace.blur.varying import blur_rotation, draw_rotation_path
from blurspace.errors import UsageError
from blurspace.io.images import find_photos, read_photo
from blurspace.restore import by_field
from blurspace.types import Image, Pair

EXTENTS = (11, 31)  # px at the middle of the photo; more in its corners, by roll
SIGMA = 0.005
KINDS = ("turned", "uniform")
PROTOCOL = (
    f"rotation 1: seed {SEED} with the file name; extent in {EXTENTS} px, focal length = longer side, roll as much as "
    f"pitch and yaw; display values, sigma {SIGMA}, rounded to 8 bits; the frame of one extent cut off; restored "
    f"rounded to 8 bits; crop {CROP} px; shift searched in +-{MAX_SHIFT} px by 0.25 px; PSNR and SSIM over all colours"
)


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> BenchResult:
    """Measure one method on the sharp photos of a folder, all or the first `limit`: two rows for each."""
    method = check_method(method, (BLURRY, *blind_methods()))
    paths = find_photos([data])[:limit]
    deblurrer = build(method)
    rows: list[Row] = []
    for path in progress(paths, total=len(paths), what="rotation"):
        picture = read_photo(path).pixels
        for kind in KINDS:
            extent, pair = make_pair(picture, path.name, kind)
            outcome = restore(deblurrer, pair.blurry)
            before = score(pair.blurry, pair.sharp, max_shift=MAX_SHIFT, crop=CROP)
            after = score(outcome.restored, pair.sharp, max_shift=MAX_SHIFT, crop=CROP)
            row: Row = {"picture": path.name, "kind": kind, "extent": round(extent, 2)}
            row |= {"psnr": after.psnr, "ssim": after.ssim, "blurry_psnr": before.psnr}
            row |= {"gain_db": round(after.psnr - before.psnr, 4), "seconds": outcome.seconds}
            rows.append({**row, "verdict": outcome.verdict, "by_field": outcome.method == by_field.METHOD})
    return result(rows, method=method, data=data.name)


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
    inner = (..., slice(frame, height - frame), slice(frame, width - frame))
    noisy = photograph(blurry[inner], delta(), response="linear", sigma=SIGMA, round8=True, generator=generator)
    return extent, Pair(picture[inner].contiguous(), noisy)


def result(rows: Sequence[Row], *, method: str, data: str) -> BenchResult:
    """The rows with their summary, and one line per kind of blur."""
    groups = []
    for kind in KINDS:
        members = [row for row in rows if row["kind"] == kind]
        means = {column: reduced(fmean, members, column) for column in ("psnr", "ssim", "blurry_psnr", "gain_db")}
        groups.append({"kind": kind, "n": len(members), **means, "by_field": sum(row["by_field"] for row in members)})
    summary = summarise(rows, name="rotation", protocol=PROTOCOL, method=method, data=data)
    return BenchResult(list(rows), {**summary, "groups": groups})
