"""How does a made clip become a video, how is that deblurred, and which pictures are in it?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from blurspace.bench.sight import Sight
from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.io.frames import VideoFrame
from blurspace.io.remux import Rewritten, rewrite
from blurspace.io.video import decoded, opened, pyav, read_frames
from blurspace.levels import from_levels, to_levels
from blurspace.restore.deblurrer import Deblurrer
from blurspace.types import AnyImage, Image, Kernel
from blurspace.video.looks import judged, looks
from blurspace.video.mending import Mended, Mender
from blurspace.video.nearby import Nearby

RATE = 25  # frames a second
LIGHT = "srgb"


@dataclass(frozen=True)
class Clip:
    """Frames (1 3 h w), `sharp` and as `given`; `shaken`: which; `there`: what can be read in each of them, by kind.

    `tracks`: for each shaken frame where features (n 2) are in the frame before and in itself, px; NaN if not known.
    """

    sharp: list[AnyImage]
    given: list[AnyImage]
    shaken: list[int]
    there: dict[str, Sight]
    tracks: dict[int, tuple[Any, Any]]


def views(picture: AnyImage, moves: Sequence[Any], size: tuple[int, int]) -> list[AnyImage]:
    """What a camera of `size` px (wide, high) sees of a picture (1 3 h w), moved by each of the matrices (2 3)."""
    array = np.ascontiguousarray(picture[0].permute(1, 2, 0).numpy())
    how: dict[str, Any] = {"flags": cv2.INTER_LANCZOS4, "borderMode": cv2.BORDER_REFLECT}
    seen = [cv2.warpAffine(array, move, size, **how).astype(np.float32) for move in moves]
    return [torch.from_numpy(one).permute(2, 0, 1)[None].clamp(0, 1).contiguous() for one in seen]


def shaken(view: Image, kernel: Kernel) -> Image:
    """A view whose light is under a kernel."""
    return to_display(blur(to_linear(view, LIGHT), kernel), LIGHT)


def coded(path: Path, frames: Sequence[AnyImage], *, crf: int) -> Path:
    """Write frames (1 3 h w) in [0, 1] as H.264, 4:2:0, with so much loss. Raises ModelError without PyAV."""
    av = pyav()
    with av.open(str(path), "w") as made:
        stream = made.add_stream("libx264", rate=RATE, options={"crf": str(crf)})
        stream.height, stream.width = frames[0].shape[-2:]
        stream.pix_fmt = "yuv420p"
        for frame in frames:
            array = np.ascontiguousarray(to_levels(frame, 8)[0].permute(1, 2, 0).numpy())
            made.mux(stream.encode(av.VideoFrame.from_ndarray(array, format="rgb24")))
        made.mux(stream.encode())
    return path


def pictures(path: Path) -> list[AnyImage]:
    """The frames of a video (1 3 h w) in [0, 1]."""
    return [from_levels(frame[None]) for frame in read_frames(path)]


def deblurred(path: Path, target: Path, deblurrer: Deblurrer, *, alone: bool) -> dict[int, Mended]:
    """Write a video anew as `blurspace deblur` does; what became of each frame that was found blurry, by its place.

    `alone`: sharp frames lend nothing.
    """
    with opened(path) as given:
        plan = judged(list(looks(starmap(VideoFrame, enumerate(decoded(given, Rewritten()))))))
    mender, told = Mender(deblurrer, plan, deblurrer.run(), alone=alone), dict[int, Mended]()

    def changed(frames: Iterator[VideoFrame]) -> Iterator[VideoFrame]:
        near = Nearby(frames)
        for frame in near:
            if plan[frame.index].blurry:
                told[frame.index] = mender.mended(frame, near)
            yield told[frame.index].frame if frame.index in told else frame

    rewrite(path, target, changed)
    return told
