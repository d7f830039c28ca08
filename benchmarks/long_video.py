"""Does a video of ten seconds keep all but its blurry frames, in flat memory, and can it be interrupted?

    python benchmarks/long_video.py [--seconds 10] [--shaken 10]

Makes clips of 1280 x 720, 30 a second, that pan over made scenes, with sound and text: H.264 of 8 bits with a turn, and
HEVC of 10 bits whose frames come at uneven times. So many frames of each are shaken. `blurspace deblur` runs as a
command, watched from outside. Writes long-video.csv: what stayed (packets of sound and text, times, format, colours,
turn), how far untouched frames are from those of a plain coding with the same encoder (in levels of 8 bits: the mean
of the worst frame, and the worst pixel of all), the most memory, how much more that is in the last third than in the
one before, and how many frames can be played after Ctrl-C in its middle. Exits 1 where something did not stay.
"""

import argparse
import json
import runpy
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import torch
from run import HERE, write

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.kernels import shake
from blurspace.io.remux import partial, rewrite

HEIGHT, WIDTH, RATE, EXTENT = 720, 1280, 30, 11  # px, frames a second, px
STEP, SIDE = 2, 384  # px a frame; px of a scene
TESTS = HERE.parent / "tests"
TAGS = {"color_range": 1, "colorspace": 1, "color_primaries": 1, "color_trc": 1}
KEPT = ("width", "height", "rotation", *TAGS)
CODING = {"crf": "10", "preset": "ultrafast"}
CLIPS: dict[str, dict[str, Any]] = {
    "h264.mp4": {"codec": "libx264", "subtitles": "mov_text", "turn": 90, "options": CODING},
    "hevc-10-uneven.mkv": {
        "codec": "libx265",
        "pixels": "yuv420p10le",
        "subtitles": "subrip",
        "options": CODING | {"x265-params": "log-level=none"},
    },
}
FIRST_DONE = b"more by the first"  # stderr says so once a frame is restored
WATCH, MIB = 0.2, 2**10  # s; kB
NOTE = (
    "the whole command, watched from outside; levels of 8 bits; MiB grown from the first quarter of the second pass on"
)


def main() -> int:
    """Measure, print and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--shaken", type=int, default=10)
    parser.add_argument("--clips", nargs="+", default=list(CLIPS))
    asked, rows = parser.parse_args(), []
    for name in asked.clips:
        with tempfile.TemporaryDirectory() as folder:
            rows.append(measure(Path(folder) / name, asked.seconds * RATE, asked.shaken))
        print(rows[-1], flush=True)
    command = f"python benchmarks/long_video.py --seconds {asked.seconds} --shaken {asked.shaken}"
    if asked.clips == list(CLIPS):
        write(rows, HERE / "long-video.csv", command=command, data="made", seed="0", note=NOTE)
    return int(any("no" in row.values() for row in rows))


def measure(clip: Path, frames: int, shaken: int) -> dict[str, object]:
    """One row."""
    blurry = range(frames // shaken // 2, frames, frames // shaken)
    make(clip, frames, set(blurry))
    new, plain = (clip.with_name(f"{name}{clip.suffix}") for name in ("new", "plain"))
    rewrite(clip, plain, lambda given: given)
    record, seconds, memory = watched(clip, new)
    tried = {one["frame"] for one in record["per_frame"] if one["verdict"] == "restored"}
    mean, worst = apart(plain, new, tried)
    old, now = facts(clip), facts(new)
    third = len(memory) // 3
    return {
        "clip": clip.name,
        "frames": len(old["times"]),
        "shaken": len(blurry),
        "restored": record["restored_frames"],
        "wrongly": len(tried - set(blurry)),
        "sound_and_text_same": told(old["packets"] == now["packets"] != []),
        "packets": len(old["packets"]),
        "times_same": told(old["times"] == now["times"]),
        "format_colours_turn_same": told(old["kept"] == now["kept"]),
        "pixels": now["kept"][0],
        "untouched_mean": round(mean, 3),
        "untouched_worst": round(worst, 2),
        "peak_mib": round(max(memory)),
        "grown_mib": round(max(memory[-third:]) - max(memory[third:-third])),
        "played_after_ctrl_c": interrupted(clip, new),
        "seconds": round(seconds),
    }


def told(is_so: bool) -> str:
    """In words."""
    return "yes" if is_so else "no"


def make(clip: Path, frames: int, blurry: set[int]) -> None:
    """The clip: a window that moves over scenes, and so many frames shaken in linear light."""
    how = dict(CLIPS[clip.name])
    deep = "10" in how.get("pixels", "")
    times = [round(1000 * at / RATE) for at in range(frames)]
    if "uneven" in clip.name:
        late = np.random.default_rng(0).integers(0, 25, frames)
        times = [time + int(more) for time, more in zip(times, late, strict=True)]
    make_clip = runpy.run_path(str(TESTS / "clips.py"))["make_clip"]
    make_clip(clip, Views(frames, blurry, deep), times=times, sound=True, tags=TAGS, **how)


class Views:
    """The pictures of a clip (h w 3), each made when it is asked for."""

    def __init__(self, frames: int, blurry: set[int], deep: bool) -> None:
        """`deep`: 16 bits, not 8."""
        made_scene = runpy.run_path(str(TESTS / "restore" / "scenes.py"))["made_scene"]
        columns = range(-(-(WIDTH + STEP * frames) // SIDE))
        scenes = [torch.cat([made_scene(SIDE, seed=2 * at + row, channels=3) for row in (0, 1)], -2) for at in columns]
        self.pixels = cv2.GaussianBlur(torch.cat(scenes, -1)[0].permute(1, 2, 0).numpy(), (0, 0), 0.7)
        self.frames, self.blurry, self.deep = frames, blurry, deep

    def __len__(self) -> int:
        """How many."""
        return self.frames

    def __getitem__(self, at: int) -> np.ndarray:
        """One of them; IndexError ends a loop."""
        if at >= self.frames:
            raise IndexError
        view = torch.from_numpy(self.pixels[:HEIGHT, STEP * at : STEP * at + WIDTH]).permute(2, 0, 1)[None].clamp(0, 1)
        if at in self.blurry:
            kernel = shake(EXTENT, generator=torch.Generator().manual_seed(at), extent=EXTENT)
            view = to_display(blur(to_linear(view, "srgb"), kernel), "srgb")
        most, kind = (65535, np.uint16) if self.deep else (255, np.uint8)
        levels = (view[0].permute(1, 2, 0).clamp(0, 1) * most).round().numpy().astype(kind)
        return np.ascontiguousarray(levels)


def command(clip: Path, new: Path) -> list[str]:
    """What is typed."""
    return [sys.executable, "-m", "blurspace", "deblur", str(clip), "-o", str(new), "--json", "--overwrite"]


def watched(clip: Path, new: Path) -> tuple[dict[str, Any], float, list[float]]:
    """The record, the seconds, and the memory in MiB that the process held, again and again."""
    start, memory = time.perf_counter(), []
    running = subprocess.Popen(command(clip, new), stdout=subprocess.PIPE)
    while running.poll() is None:
        lines = Path(f"/proc/{running.pid}/status").read_text().splitlines()
        memory += [int(line.split()[1]) / MIB for line in lines if line.startswith("VmRSS")]
        time.sleep(WATCH)
    assert running.stdout
    return json.loads(running.stdout.read()), time.perf_counter() - start, memory


def interrupted(clip: Path, new: Path) -> int:
    """How many frames can be played, and at their times, where the process hears Ctrl-C once it restored a frame."""
    new.unlink()
    running = subprocess.Popen(command(clip, new), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    assert running.stderr
    next(line for line in running.stderr if FIRST_DONE in line)
    time.sleep(1)
    running.send_signal(signal.SIGINT)
    running.stderr.read()
    code, left = running.wait(), partial(new)
    if code != 130 or new.exists() or not left.exists():
        return 0
    played = facts(left)["times"]
    return len(played) if played == facts(clip)["times"][: len(played)] else 0


def facts(path: Path) -> dict[str, Any]:
    """What should stay of a video: its packets but those of pictures, the times of frames, what is said of pixels."""
    with av.open(str(path)) as given:
        packets = [
            (one.stream.type, one.pts * one.time_base, one.duration * one.time_base, bytes(one))
            for one in given.demux()
            if one.size and one.stream.type != "video"
        ]
        packets.sort()  # those of several streams may be woven together otherwise
    with av.open(str(path)) as given:
        times, kept = [], None
        for frame in given.decode(video=0):
            times.append(frame.time)
            kept = [frame.format.name, *(getattr(frame, name) for name in KEPT)]
    return {"packets": packets, "times": times, "kept": kept}


def apart(plain: Path, new: Path, tried: set[int]) -> tuple[float, float]:
    """The mean difference of the worst untouched frame, and that of the worst pixel, in levels of 8 bits."""
    means, worst = [0.0], 0.0
    for at, (one, other) in enumerate(zip(decoded(plain), decoded(new), strict=True)):
        if at not in tried:
            change = np.abs(one - other)
            means.append(float(change.mean()))
            worst = max(worst, float(change.max()))
    return max(means), worst


def decoded(path: Path) -> Iterator[np.ndarray]:
    """Planes of frames, in levels of 8 bits."""
    with av.open(str(path)) as given:
        for frame in given.decode(video=0):
            yield frame.to_ndarray().astype(np.float32) / (4 if "10" in frame.format.name else 1)


if __name__ == "__main__":
    sys.exit(main())
