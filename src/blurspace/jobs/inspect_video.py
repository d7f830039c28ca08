"""Which frames of a video are blurry, how much, and which are its sharpest? A record, a drawing, and stills."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from blurspace.errors import PictureError
from blurspace.io.frames import VideoFrame
from blurspace.io.images import encode_photo
from blurspace.io.video import Damaged, count_frames, decoded, no_frame, opened
from blurspace.jobs.each import number, picture_bytes
from blurspace.jobs.files import FRAMES, STILLS, Source, Writing, beside, create_folder
from blurspace.levels import to_levels
from blurspace.run import Run
from blurspace.types import Image, Photo
from blurspace.video.looks import Judged, judged, looks, sharpest

LOOKING = "looking at frames"
# px: the drawing's height without its margin, the least width of its bars, and its largest.
TALL, MARGIN, NARROWEST, WIDEST = 200, 10, 400, 4000
LIGHTER, SHARP_BAR, BLURRY_BAR, CUT = 255, (120, 120, 120), (200, 30, 30), (60, 90, 220)  # RGB


class Counted:
    """How many frames could not be decoded."""

    damaged = 0


def judged_frames(path: Path, run: Run, told: Damaged) -> list[Judged]:
    """What is seen of each frame of a video: a pass over it, of which only numbers stay. Raises as `read_frames`."""

    def counted(frames: Iterator[VideoFrame], total: int) -> Iterator[VideoFrame]:
        for frame in frames:
            run.step(LOOKING, frame.index, total)
            yield frame

    total = count_frames(path)
    with opened(path) as container:
        seen = list(looks(counted(numbered(decoded(container, told)), total)))
    if not seen:
        raise no_frame(path)
    run.step(LOOKING, total, total)
    return judged(seen)


def numbered(frames: Iterator[Any]) -> Iterator[VideoFrame]:
    """PyAV's frames with their places."""
    return (VideoFrame(index, frame) for index, frame in enumerate(frames))


def inspect_video(
    source: Source, sources: Sequence[Source], *, plot: bool, keep: int, writing: Writing, run: Run
) -> dict[str, object]:
    """What a record says of a video: how many frames are blurry, and each one's numbers.

    `plot` draws how wide edges are in each frame, as `name.blur.png` beside; `keep` writes so many of the sharpest
    frames, spread over the video, into the folder `name.sharpest`. Raises PictureError on no video, OutputError where
    a file is there already.
    """
    if source.problem:
        raise PictureError(source.problem)
    path, told = Path(source.name), Counted()
    drawing = drawing_of(path) if plot else None
    if drawing:
        writing.check(drawing, sources)
    seen = judged_frames(path, run, told)
    blurry = [one.look.index for one in seen if one.blurry]
    if drawing:
        writing.write(drawing, picture_bytes(drawn(seen)))
    kept = keep_stills(path, sharpest(seen, keep), writing=writing, run=run)
    return {
        "input": source.name,
        "blurry": bool(blurry),
        "kind": "video",
        "code": "blurred" if blurry else "sharp",
        "reason": said(blurry, len(seen)),
        "frames": len(seen),
        "blurry_frames": len(blurry),
        "damaged_frames": told.damaged,
        "shots": seen[-1].shot + 1,
        "per_frame": described(seen),
        "plotted": str(drawing) if drawing else None,
        "kept": kept,
    }


def drawing_of(path: Path) -> Path:
    """Where a video's frames are drawn."""
    return beside(path, FRAMES, ".png")


def stills_of(path: Path) -> Path:
    """The folder of a video's stills."""
    return path.with_name(path.stem + STILLS)


def said(blurry: Sequence[int], total: int) -> str:
    """A sentence on which frames are blurry."""
    if not blurry:
        return f"none of {total} frames is blurry beside its neighbours"
    some = ", ".join(map(str, blurry[:5])) + (", ..." if len(blurry) > 5 else "")
    return f"{len(blurry)} of {total} frames are blurry: {some}"


def described(seen: Sequence[Judged]) -> list[dict[str, object]]:
    """Each frame's numbers; rank 1 is the sharpest frame of all, and frames that tell nothing have none."""
    order = sorted((one.look for one in seen if one.look.width), key=lambda look: look.width)
    ranks = {look.index: place for place, look in enumerate(order, 1)}
    return [
        {
            "frame": one.look.index,
            "seconds": round(one.look.seconds, 4),
            "shot": one.shot,
            "sharpness": number(one.look.sharpness, 4),
            "width_px": number(one.look.width or None, 2),
            "rank": ranks.get(one.look.index),
            "blurry": one.blurry,
        }
        for one in seen
    ]


def keep_stills(path: Path, wanted: Sequence[Judged], *, writing: Writing, run: Run) -> list[str]:
    """Write some frames of a video as PNG, upright, of 16 bits if they are deep; their names."""
    if not wanted:
        return []
    folder = stills_of(path)
    create_folder(folder)
    names = {one.look.index: folder / f"{path.stem}.{one.look.index:06d}.png" for one in wanted}
    for name in names.values():
        writing.check(name, ())
    with opened(path) as container:
        for frame in numbered(decoded(container, Counted())):
            run.check()
            if frame.index in names:
                writing.write(names[frame.index], still(frame))
            if frame.index == max(names):
                break
    return [str(name) for name in names.values()]


def still(frame: VideoFrame) -> bytes:
    """A frame as a PNG."""
    pixels = frame.upright()
    photo = Photo(to_levels(pixels, 16) if pixels.is_floating_point() else pixels)
    return encode_photo(photo, photo.samples)


def drawn(seen: Sequence[Judged]) -> Image:
    """How wide edges are in each frame, as bars (1 3 h w): blurry frames in red, a blue line where a shot begins.

    Of a long film a bar is several frames: the widest edges, red where one is blurry.
    """
    bars = min(len(seen), WIDEST - 2 * MARGIN)
    step = max(NARROWEST // bars, 1)
    widest = max([1.0, *(one.look.width for one in seen)])
    canvas = np.full((TALL + 2 * MARGIN, bars * step + 2 * MARGIN, 3), LIGHTER, np.uint8)
    for place in range(bars):
        frames = seen[place * len(seen) // bars : (place + 1) * len(seen) // bars]
        left, right = MARGIN + place * step, MARGIN + (place + 1) * step
        top = MARGIN + TALL - round(TALL * max(one.look.width for one in frames) / widest)
        colour = BLURRY_BAR if any(one.blurry for one in frames) else SHARP_BAR
        canvas[top : MARGIN + TALL, left : max(right - 1, left + 1)] = colour
        if any(one.look.begins for one in frames) and place:
            canvas[:, left] = CUT
    return torch.from_numpy(canvas).permute(2, 0, 1)[None] / 255
