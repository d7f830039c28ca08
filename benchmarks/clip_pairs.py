"""What does a deblurrer gain that learned from sharp and blurry frames of one video, and what does the translation?

    python benchmarks/clip_pairs.py TRAIN [--steps N] [--known NAME ...]

Writes clip-pairs.csv. TRAIN/gopro_240fps_half is one shot of 299 frames: every fourth is kept, and of those every
third becomes the mean, in linear light, of 7 to 15 frames about it, drawn by seed 0. That clip, as H.264, and the sharp
frames of another shot (TRAIN/gopro_half) go through `blurspace adapt`'s own job, with so many steps for each training. The
last fifth of the clip is never trained on. Its blurry frames are scored twice: within the trust against
their own sharp neighbours, as the report does, and whole against the frame in their middle, which the job never sees.
One shot is one scene.
"""

import argparse
import tempfile
from pathlib import Path
from statistics import fmean

import av
import numpy as np
import torch
from run import HERE, write
from torch import Tensor

from blurspace.blur.exposure import to_display, to_linear
from blurspace.builders import build_camera, build_network
from blurspace.io.images import find_photos, read_photo
from blurspace.io.video import read_frames
from blurspace.jobs.adapt import PAIRED, Given, adapt_camera
from blurspace.jobs.adapt_report import ways
from blurspace.levels import to_8_bits
from blurspace.metrics import psnr, ssim
from blurspace.train.adapt import LOOP, TranslatorRecipe

STEP, EVERY, FIRST = 4, 3, 1  # frames of the shot; of the clip
SHORTEST, LONGEST = 7, 15  # frames of the shot that a blurry one is the mean of, odd
CRF, RATE = "8", 60
CROP = 8  # px
NOTE = "one shot, its last fifth; PSNR and SSIM against the middle frame, and within the trust as the report tells"


def main() -> None:
    """Make the clip, adapt to it, print and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("train", type=Path)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--known", nargs="+", default=["belt"])
    asked = parser.parse_args()
    loop = LOOP.model_copy(update={"schedule": "steps", "steps": asked.steps, "max_minutes": None})
    recipe = TranslatorRecipe(loop=loop)
    shot = find_photos([asked.train / "gopro_240fps_half"])
    with tempfile.TemporaryDirectory() as folder:
        video, blurry = clip(shot, Path(folder) / "clip.mp4")
        out = Path(folder) / "camera.safetensors"
        given = Given(blurry=[video], sharp=[other_shot(asked.train)], known=asked.known, every=1)
        record = adapt_camera(given, out=out, recipe=recipe, report=print)
        rows = scored(shot, video, blurry, out, record)
    for row in rows:
        print(row, flush=True)
    command = f"python benchmarks/clip_pairs.py train --steps {asked.steps} --known {' '.join(asked.known)}"
    write(rows, HERE / "clip-pairs.csv", command=command, data="train/gopro_240fps_half", seed="0", note=NOTE)


def other_shot(train: Path) -> Path:
    """The folder of another shot's sharp frames."""
    return next(path for path in (train / "gopro_half").rglob("*") if path.is_dir() and path.name == "sharp")


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


def scored(
    shot: list[Path], video: Path, blurry: list[int], out: Path, record: dict[str, object]
) -> list[dict[str, object]]:
    """One row for each way, over the blurry frames of the clip's last fifth."""
    frames = list(read_frames(video))
    last = [at for at in blurry if at >= len(frames) - round(0.2 * len(frames))]
    pairs = [(frames[at][None] / 255, read_photo(shot[at * STEP]).pixels) for at in last]
    rows = []
    for name, restore in ways(build_camera(out), build_network(out.with_suffix(PAIRED))).items():
        results = [(to_8_bits(restore(given)), given, sharp) for given, sharp in pairs]
        gains = [float(psnr(one, sharp, crop=CROP) - psnr(given, sharp, crop=CROP)) for one, given, sharp in results]
        rows.append(
            {
                "way": name,
                "frames": len(last),
                "psnr": round(fmean(float(psnr(one, sharp, crop=CROP)) for one, _, sharp in results), 2),
                "ssim": round(fmean(float(ssim(one, sharp)) for one, _, sharp in results), 4),
                "least_gain_db": round(min(gains), 2),
                "trusted_psnr": round(record["pairs"][name]["psnr"], 2),  # type: ignore[index]
                "verdict": record["verdict"],
                **{key.replace(" ", "_"): record["videos"][key] for key in TOLD},  # type: ignore[index]
                "translation_steps": record["steps"],
                "translation_minutes": record["minutes"],
            }
        )
    return rows


TOLD = ("pairs to train on", "pairs for this report", "of their frames covered", "steps", "minutes")


if __name__ == "__main__":
    main()
