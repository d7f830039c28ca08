"""What does a deblurrer gain that learned from sharp and blurry frames of one video, and what does the translation?

    python benchmarks/clip_pairs.py DATA [--steps N] [--known NAME ...]

Writes clip-pairs.csv. DATA/train/gopro_240fps_half is one shot of 299 frames: every fourth is kept, and of those every
third becomes the mean, in linear light, of 7 to 15 frames about it, drawn by seed 0. That clip, as H.264, and the sharp
frames of another shot (DATA/train/gopro_half) go through `blurspace adapt`'s own job, with N steps for each training.
The last fifth of the clip is never trained on. Its blurry frames are scored twice: within the trust against their own
sharp neighbours, as the report does, and whole against the frame in their middle, which the job never sees. One shot is
one scene: how much of the gain is left elsewhere, DATA/test/gopro says, six pairs of other scenes at half their size.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import fmean
from typing import Any

import av
import numpy as np
import torch
from run import HERE, write
from torch import Tensor

from blurspace.bench.spaces import all_pairs, halved
from blurspace.blur.exposure import to_display, to_linear
from blurspace.builders import build_camera, build_network
from blurspace.io.images import find_photos, read_photo
from blurspace.io.video import read_frames
from blurspace.jobs.adapt import PAIRED, Given, adapt_camera
from blurspace.jobs.adapt_report import ways
from blurspace.levels import to_8_bits
from blurspace.metrics import psnr, ssim
from blurspace.train.adapt import LOOP, TranslatorRecipe
from blurspace.types import Pair
from blurspace.video.partners import HELD_OUT

STEP, EVERY, FIRST = 4, 3, 1  # frames of the shot; of the clip
SHORTEST, LONGEST = 7, 15  # frames of the shot that a blurry one is the mean of, odd
CRF, RATE = "8", 60
CROP = 8  # px
TOLD = ("pairs to train on", "pairs for this report", "of their frames covered", "steps", "minutes")  # of the record
NOTE = "one shot, its last fifth: against the middle frame, and within the trust as the report tells; six other scenes"


def main() -> None:
    """Make the clip, adapt to it, print and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--steps", type=int, default=250)
    parser.add_argument("--known", nargs="+", default=["belt"])
    asked = parser.parse_args()
    loop = LOOP.model_copy(update={"schedule": "steps", "steps": asked.steps, "max_minutes": None})
    recipe = TranslatorRecipe(loop=loop)
    shot = find_photos([asked.data / "train/gopro_240fps_half"])
    others = [halved(pair) for pair in all_pairs(asked.data / "test/gopro").wholes()]
    with tempfile.TemporaryDirectory() as folder:
        video, blurry = clip(shot, Path(folder) / "clip.mp4")
        out = Path(folder) / "camera.safetensors"
        given = Given(blurry=[video], sharp=[asked.data / "train/gopro_half/shot1/sharp"], known=asked.known, every=1)
        record = adapt_camera(given, out=out, recipe=recipe, report=print)
        rows = scored(last_pairs(shot, video, blurry), others, out, record)
    for row in rows:
        print(row, flush=True)
    command = f"python benchmarks/clip_pairs.py data --steps {asked.steps} --known {' '.join(asked.known)}"
    write(
        rows,
        HERE / "clip-pairs.csv",
        command=command,
        data="train/gopro_240fps_half, train/gopro_half, test/gopro",
        seed="0",
        note=NOTE,
    )


def clip(shot: list[Path], path: Path) -> tuple[Path, list[int]]:
    """Write the clip; which of its frames are blurry."""
    draw = torch.Generator().manual_seed(0)
    middles = range(0, len(shot), STEP)
    blurry = [at for at, middle in enumerate(middles) if at % EVERY == FIRST and middle + LONGEST // 2 < len(shot)]
    with av.open(str(path), "w") as made:
        stream = made.add_stream("libx264", rate=RATE, options={"crf": CRF})
        for at, middle in enumerate(middles):
            count = SHORTEST + 2 * int(torch.randint((LONGEST - SHORTEST) // 2 + 1, (), generator=draw))
            frame = mean(shot, middle, count if at in blurry else 1)
            if not at:
                stream.height, stream.width, stream.pix_fmt = frame.shape[-2], frame.shape[-1], "yuv420p"
            levels = (frame[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy()
            made.mux(stream.encode(av.VideoFrame.from_ndarray(np.ascontiguousarray(levels), format="rgb24")))
        made.mux(stream.encode())
    return path, blurry


def mean(shot: list[Path], middle: int, count: int) -> Tensor:
    """The mean of so many frames about one, in linear light, as a display would show it (1 3 h w)."""
    first = max(middle - count // 2, 0)
    light = [to_linear(read_photo(one).pixels, "srgb") for one in shot[first : middle + count // 2 + 1]]
    return to_display(torch.cat(light).mean(0, keepdim=True), "srgb").clamp(0, 1)


def last_pairs(shot: list[Path], video: Path, blurry: list[int]) -> list[Pair]:
    """The blurry frames of the clip's last fifth, each with the frame in its middle."""
    frames = list(read_frames(video))
    last = [at for at in blurry if at >= len(frames) - round(HELD_OUT * len(frames))]
    return [Pair(read_photo(shot[at * STEP]).pixels, frames[at][None] / 255) for at in last]


def scored(pairs: list[Pair], others: list[Pair], out: Path, record: Any) -> list[dict[str, object]]:
    """One row for each way."""
    rows = []
    for name, restore in ways(build_camera(out), build_network(out.with_suffix(PAIRED))).items():
        done = [to_8_bits(restore(pair.blurry)) for pair in pairs]
        both = list(zip(done, pairs, strict=True))
        gains = [float(psnr(one, it.sharp, crop=CROP) - psnr(it.blurry, it.sharp, crop=CROP)) for one, it in both]
        elsewhere = [float(psnr(to_8_bits(restore(pair.blurry)), pair.sharp)) for pair in others]
        found = {
            "way": name,
            "frames": len(pairs),
            "psnr": round(fmean(float(psnr(one, it.sharp, crop=CROP)) for one, it in both), 2),
            "ssim": round(fmean(float(ssim(one, it.sharp)) for one, it in both), 4),
            "least_gain_db": round(min(gains), 2),
            "trusted_psnr": round(record["pairs"][name]["psnr"], 2),
            "other_scenes_psnr": round(fmean(elsewhere), 2),
            "verdict": record["verdict"],
        }
        told = {key.replace(" ", "_"): record["videos"][key] for key in TOLD}
        spent = {"translation_steps": record["steps"], "translation_minutes": record["minutes"]}
        rows.append({**found, **told, **spent})
    return rows


if __name__ == "__main__":
    main()
