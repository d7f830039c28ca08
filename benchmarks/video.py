"""What do shaken frames of a video gain, each by itself and with what sharp ones lend, and do still places flicker?

    python benchmarks/video.py TRAIN [--photos N] [--first N] [--method NAME] [--ways WAY ...]

Writes video.csv. From each of N photos of TRAIN/photos three clips of 320 x 240 and 25 frames are made: a slow pan, and
a still view under noise, in which every fifth frame is shaken by a drawn path of 11 px, in linear light; and the pan
again, in which eight frames in a row are ("slow"), by a path that turns into another over 16 frames. They are coded as
H.264 and deblurred by `blurspace deblur`'s own job. Gains are those of the shaken frames that were read back, against
the sharp ones, at the same place and at the best shift; flicker is the mean change from frame to frame, as a share of
the input's. Seed 0; the photos are those from which the loan's numbers were chosen, with others between them.
"""

import argparse
import math
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any

import cv2
import numpy as np
import torch
from run import HERE, write
from torch import Tensor
from torch.nn import functional

from blurspace.bench.clips import coded, pictures, shaken, views
from blurspace.blur.kernels import gaussian, normalise, shake
from blurspace.blur.paths import deposit, spline_basis
from blurspace.builders import build_deblurrer
from blurspace.io.images import find_photos, read_photo
from blurspace.jobs.deblur import Wishes, deblur_files
from blurspace.jobs.files import Source
from blurspace.metrics import aligned, psnr

FRAMES, EVERY, FIRST = 25, 5, 2
HEIGHT, WIDTH, MARGIN, CROP = 240, 320, 16, 8  # px
STEP = (1.3, 0.3)  # px a frame to the right and down
SHAKE, NOISE, CRF = 11, 0.005, 8  # px; of white; of the clip that is given
LONG, TURNS = range(8, 16), 16  # the frames in a row; over how many one path becomes another
SPOT, SAMPLES, KNOTS = 0.6, 600, 5  # px, of the Gaussian in which light falls; of the path
NOTE = "gains in dB of the shaken frames as read back from the new video"


def main() -> None:
    """Measure, print and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--photos", type=int, default=4)
    parser.add_argument("--first", type=int, default=45, help="number of the first photo, in the order of names")
    parser.add_argument("--method", default="auto")
    parser.add_argument("--ways", nargs="+", default=["alone", "borrowing"])
    asked = parser.parse_args()
    photos = find_photos([asked.train / "photos"])
    rows = []
    for photo in photos[asked.first :: len(photos) // asked.photos][: asked.photos]:
        for kind, step in (("pan", STEP), ("still", (0.0, 0.0)), ("slow", STEP)):
            for way in asked.ways[: 1 if kind == "slow" else None]:
                rows.append(measure(photo, kind, step, way, asked.method))
                print(rows[-1], flush=True)
    command = f"python benchmarks/video.py train --photos {asked.photos} --first {asked.first} --method {asked.method}"
    write(rows, HERE / "video.csv", command=command, data="train/photos", seed="0", note=NOTE)


def measure(photo: Path, kind: str, step: tuple[float, float], way: str, method: str) -> dict[str, object]:
    """One row: a clip, deblurred in one way."""
    kernels = slow_kernels() if kind == "slow" else shakes()
    sharp, blurry = clip(photo, step, kernels, noisy=kind == "still")
    with tempfile.TemporaryDirectory() as folder:
        given, start = coded(Path(folder) / "clip.mp4", blurry, crf=CRF), time.perf_counter()
        wishes = Wishes(alone=way == "alone")
        (one,) = deblur_files([Source(str(given))], deblurrer=build_deblurrer(method), wishes=wishes)
        seconds, before = time.perf_counter() - start, pictures(given)
        after = before if one.output is None else pictures(Path(one.output))
    gains = [[gain(sharp[at], before[at], after[at], shift) for at in kernels] for shift in (False, True)]
    record: Any = one.record()
    return {
        "photo": photo.name,
        "clip": kind,
        "way": way,
        "found": ",".join(str(frame["frame"]) for frame in record["per_frame"]),
        "restored": record.get("restored_frames", 0),
        "input_psnr": round(fmean(float(psnr(before[at], sharp[at], crop=CROP)) for at in kernels), 2),
        "gain_db": round(fmean(gains[0]), 2),
        "gain_at_best_shift_db": round(fmean(gains[1]), 2),
        "least_gain_db": round(min(gains[1]), 2),
        "flicker": round(flicker(after) / flicker(before), 3),
        "seconds": round(seconds, 1),
    }


def shakes() -> dict[int, Tensor]:
    """The kernels of the frames that are shaken."""
    draw = torch.Generator().manual_seed(0)
    return {at: shake(SHAKE, generator=draw, extent=SHAKE) for at in range(FIRST, FRAMES, EVERY)}


def slow_kernels() -> dict[int, Tensor]:
    """Kernels that change slowly, of frames in a row."""
    draw, side = torch.Generator().manual_seed(0), SHAKE + 2
    paths = [spline_basis(KNOTS, SAMPLES) @ torch.randn(KNOTS, 2, generator=draw).double() for _ in range(2)]
    found = {}
    for at in LONG:
        turn = (at - LONG.start) * math.pi / 2 / TURNS
        path = math.cos(turn) * paths[0] + math.sin(turn) * paths[1]
        path = path - path.mean(0)
        drawn = deposit(path * (SHAKE // 2 - 1) / path.abs().max() + side // 2, torch.ones(SAMPLES).double(), side)
        found[at] = normalise(functional.conv2d(drawn, gaussian(SPOT, size=5).double(), padding=2).float())
    return found


def clip(
    photo: Path, step: tuple[float, float], kernels: dict[int, Tensor], *, noisy: bool
) -> tuple[list[Tensor], list[Tensor]]:
    """Frames (1 3 h w) in [0, 1], sharp and as given."""
    noise = torch.Generator().manual_seed(1)
    sharp, blurry = [], []
    for at, view in enumerate(panned(read_photo(photo).pixels, step)):
        given = shaken(view, kernels[at]) if at in kernels else view
        sharp.append(view[..., MARGIN:-MARGIN, MARGIN:-MARGIN])
        given = given[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
        blurry.append(given + NOISE * torch.randn(given.shape, generator=noise) * noisy)
    return sharp, blurry


def panned(pixels: Tensor, step: tuple[float, float]) -> list[Tensor]:
    """A window that moves over a photo, which is made as small as the way allows."""
    array = pixels.expand(-1, 3, -1, -1)[0].permute(1, 2, 0).numpy()
    size = WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN
    wanted = [length + 8 + FRAMES * abs(STEP[axis]) for axis, length in enumerate(size)]
    scale = max(wanted[0] / array.shape[1], wanted[1] / array.shape[0])
    small = torch.from_numpy(cv2.resize(array, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA))
    moves = [np.array([[1, 0, -4 - at * step[0]], [0, 1, -4 - at * step[1]]]) for at in range(FRAMES)]
    return views(small.permute(2, 0, 1)[None], moves, size)


def gain(sharp: Tensor, before: Tensor, after: Tensor, shifted: bool) -> float:
    """In dB; `shifted`: at the best shift, for a blur is known up to one."""
    if not shifted:
        return float(psnr(after, sharp, crop=CROP) - psnr(before, sharp, crop=CROP))
    best = [aligned(one, sharp, max_shift=2, crop=CROP) for one in (before, after)]
    first, second = (float(psnr(one.restored, one.sharp)) for one in best)
    return second - first


def flicker(frames: list[Tensor]) -> float:
    """The mean change from frame to frame."""
    return fmean(float((one - other).abs().mean()) for one, other in pairwise(frames))


if __name__ == "__main__":
    main()
