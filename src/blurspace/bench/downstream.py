"""What does a machine see before and after a video was deblurred? Protocol `downstream`: markers, codes, print, tracks.

Made clips: a hand holds a camera before a wall, a photo on which markers, codes and lines of print hang. Every fifth
frame is shaken. The clip is coded as H.264 and deblurred like any video, twice: each frame alone, and with what sharp
frames lend.
"""

import math
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from torch.nn import functional

from blurspace.bench import sight
from blurspace.bench.clips import Clip, coded, deblurred, pictures, shaken, views
from blurspace.bench.methods import build
from blurspace.bench.result import BenchResult, Progress, Row, no_progress
from blurspace.bench.sight import Look, Sight
from blurspace.bench.snapshots import Chance
from blurspace.bench.walls import wall
from blurspace.blur.kernels import shake
from blurspace.catalog import deblurrers
from blurspace.chance import chance_of
from blurspace.io.images import find_photos, read_photo
from blurspace.pixels import inner
from blurspace.restore.deblurrer import Deblurrer
from blurspace.types import AnyImage

SEED, COUNT = 2, 4
FRAMES, EVERY, FIRST = 15, 5, 2
WIDTH, HEIGHT, MARGIN, RIM = 640, 480, 24, 28  # px: of a frame; beyond it, for blur; of a wall where nothing hangs
EXTENTS = (7.0, 21.0)  # px: of the shakes
STEPS, SWAY, ROLL = 1.0, 3.0, 0.6  # px a frame, at most; px; degrees
SIGMA, CRF = 0.005, 12
WAYS = ("alone", "borrowing")
COUNTED = ("there", "sharp", "before", "after", "lost", "lost_elsewhere", "wrong_before", "wrong_after")
PROTOCOL = (
    f"downstream 1: seed {SEED} with the file name; {COUNT} photos spread over the folder, each a wall with things to "
    f"read; {FRAMES} frames of {WIDTH} x {HEIGHT} px from a hand-held camera, every {EVERY}th shaken by "
    f"{EXTENTS} px in linear light, noise {SIGMA}, H.264 of CRF {CRF}; each thing counts once a shaken frame, by its "
    f"content; tracks: from the frame before, within {sight.OFF} px of the truth"
)
METHODS = deblurrers()


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Rows of the clips of a folder's photos, all or the first `limit`: for each way one for each kind of thing."""
    found, deblurrer, looks = find_photos([data]), build(method, response=None), lookers()
    assert deblurrer is not None
    photos = found[:: max(len(found) // COUNT, 1)][:COUNT][:limit]
    rows: list[Row] = []
    for photo in progress(photos, total=len(photos), what="downstream"):
        clip = make_clip(read_photo(photo).pixels, photo.name)
        rows += [{"clip": photo.name, **row} for row in measured(clip, deblurrer, looks)]
    return rows


def lookers() -> dict[str, Look]:
    """What looks for each kind of thing; print only where rapidocr is installed."""
    reader = sight.find_reader()
    return {"markers": sight.markers, "codes": sight.codes} | ({} if reader is None else {"words": reader})


def make_clip(photo: AnyImage, name: str) -> Clip:
    """What a photo's name makes of it."""
    chance = Chance(chance_of(f"{SEED} downstream {name}"))
    room = math.ceil(FRAMES * STEPS + SWAY + math.radians(ROLL) * WIDTH)
    size = HEIGHT + 2 * room, WIDTH + 2 * room
    made = wall(_covering(photo.expand(-1, 3, -1, -1), size), chance, rim=2 * room + RIM)
    moves, places = _moves(chance, room), list(range(FIRST, FRAMES, EVERY))
    margin = np.array([[1, 0, MARGIN], [0, 1, MARGIN], [0, 0, 1.0]])
    seen = views(made.picture, [(margin @ move)[:2] for move in moves], (WIDTH + 2 * MARGIN, HEIGHT + 2 * MARGIN))
    given = [_given(view, chance, place in places) for place, view in enumerate(seen)]
    sharp = [inner(view, MARGIN).contiguous() for view in seen]
    tracks = {place: _followed(sharp[place - 1], moves[place] @ np.linalg.inv(moves[place - 1])) for place in places}
    return Clip(sharp, given, places, made.there, tracks)


def _given(view: AnyImage, chance: Chance, blurry: bool) -> AnyImage:
    """A view as the camera gives it: noisy, and maybe shaken."""
    extent = chance.between(*EXTENTS)
    kernel = shake(math.ceil(extent) // 2 * 2 + 1, extent=extent, generator=chance.generator)
    return chance.noise(inner(shaken(view, kernel) if blurry else view, MARGIN), SIGMA)


def _followed(before: AnyImage, move: Any) -> tuple[Any, Any]:
    """Features of a frame, and where they are in the next, by the move (3 3) between both."""
    places = sight.features(before)
    return places, places @ move[:2, :2].T + move[:2, 2]


def _covering(photo: AnyImage, size: tuple[int, int]) -> AnyImage:
    """The middle of a photo, made as large or as small as a wall is (high, wide)."""
    scale = max(size[0] / photo.shape[-2], size[1] / photo.shape[-1])
    wanted = [max(math.ceil(scale * side), least) for side, least in zip(photo.shape[-2:], size, strict=True)]
    scaled = functional.interpolate(photo, wanted, mode="bicubic", antialias=True).clamp(0, 1)
    top, left = ((side - least) // 2 for side, least in zip(wanted, size, strict=True))
    return scaled[..., top : top + size[0], left : left + size[1]]


def _moves(chance: Chance, room: int) -> list[Any]:
    """Where (3 3) a wall's pixels are in each frame: a hand's slow way, its sway, and its roll about the middle."""
    steps = [chance.between(-STEPS, STEPS) for _ in range(2)]
    turns = [chance.between(0, 2 * math.pi) for _ in range(3)]
    found, middle = [], (WIDTH / 2 + room, HEIGHT / 2 + room)
    for place in range(FRAMES):
        sway = [math.sin(0.7 * place + turn) for turn in turns]
        turned = np.vstack([cv2.getRotationMatrix2D(middle, ROLL * sway[2], 1.0), [0, 0, 1]])
        turned[:2, 2] += [
            step * (place - FRAMES / 2) + SWAY * way - room for step, way in zip(steps, sway[:2], strict=True)
        ]
        found.append(turned)
    return found


def measured(clip: Clip, deblurrer: Deblurrer, looks: dict[str, Look], *, crf: int = CRF) -> list[Row]:
    """A row for each way and each kind of thing."""
    with tempfile.TemporaryDirectory() as folder:
        given, rows = coded(Path(folder) / "clip.mp4", clip.given, crf=crf), []
        before = pictures(given)
        sharp, old = seen(clip.sharp, clip, looks, shaken_only=True), seen(before, clip, looks)
        for way in WAYS:
            start, target = time.perf_counter(), Path(folder) / f"{way}.mp4"
            told = deblurred(given, target, deblurrer, alone=way == "alone")
            seconds = round(time.perf_counter() - start, 2)
            restored = [place for place, one in told.items() if one.restored]
            new = seen(pictures(target) if restored else before, clip, looks)
            done = len({*restored} & {*clip.shaken})
            facts = {"way": way, "shaken": len(clip.shaken), "restored": done, "others_changed": len(restored) - done}
            rows += [{**facts, **counted(kind, clip, sharp, old, new), "seconds": seconds} for kind in sharp]
    return rows


def seen(
    frames: Sequence[AnyImage], clip: Clip, looks: dict[str, Look], *, shaken_only: bool = False
) -> dict[str, dict[int, Sight]]:
    """What is seen in frames of a clip, by kind and place; print only where they are shaken, for it takes long."""
    found: dict[str, dict[int, Sight]] = {}
    for kind, look in looks.items():
        places = clip.shaken if shaken_only or kind == "words" else range(len(frames))
        found[kind] = {place: look(frames[place]) for place in places}
        if kind == "words":
            found[kind] = {place: sight.words(read, clip.there[kind]) for place, read in found[kind].items()}
    found["tracks"] = {
        place: sight.kept(sight.followed(first, frames[place - 1], frames[place]), truth)
        for place, (first, truth) in clip.tracks.items()
    }
    return found


def counted(kind: str, clip: Clip, sharp: Any, old: Any, new: Any) -> Row:
    """How many things of a kind are seen in all shaken frames: sharp ones, before and after; how many are lost."""
    right = clip.there.get(kind)
    there = [len(clip.tracks[place][0]) if right is None else len(right) for place in clip.shaken]

    def known(found: Any, place: int) -> Sight:
        return found[kind][place] if right is None else found[kind][place] & right

    def lost(places: Sequence[int]) -> int:
        return sum(len(known(old, place) - known(new, place)) for place in places)

    def wrong(found: Any) -> int | None:
        return None if right is None else sum(len(found[kind][place] - right) for place in clip.shaken)

    counts = {
        name: sum(len(known(found, place)) for place in clip.shaken)
        for name, found in (("sharp", sharp), ("before", old), ("after", new))
    }
    others = [place for place in old[kind] if place not in clip.shaken]
    counts |= {"lost": lost(clip.shaken), "lost_elsewhere": lost(others)}
    return {"kind": kind, "there": sum(there), **counts, "wrong_before": wrong(old), "wrong_after": wrong(new)}


def summary(rows: Sequence[Row]) -> Row:
    """Adds the sums over all clips, a line for each way and kind; with a note where print was not read."""
    keys = dict.fromkeys((row["way"], row["kind"]) for row in rows)
    lines = []
    for way, kind in keys:
        members = [row for row in rows if (row["way"], row["kind"]) == (way, kind)]
        sums = {column: _sum(members, column) for column in ("shaken", "restored", *COUNTED)}
        lines.append({"way": way, "kind": kind, **sums})
    kinds = {kind for _, kind in keys}
    unread = "markers" in kinds and "words" not in kinds
    return {"groups": lines, "note": "print was not read: rapidocr is not installed" if unread else None}


def _sum(rows: Sequence[Row], column: str) -> int | None:
    values = [row[column] for row in rows if row[column] is not None]
    return sum(values) if values else None


def table(results: Sequence[BenchResult]) -> list[Row]:
    """A line for each method, way and kind of thing."""
    return [
        {
            "frames": summary["data"],
            "method": f"{summary['method']}, {group['way']}",
            "restored": f"{group['restored']} of {group['shaken']}",
            "of": group["kind"],
            "there": group["there"],
            "seen if sharp": group["sharp"],
            "before": group["before"],
            "after": group["after"],
            "lost": group["lost"],
            "lost in other frames": "" if group["kind"] in ("words", "tracks") else group["lost_elsewhere"],
            "wrong, before / after": _wrong(group),
        }
        for summary in (result.summary for result in results)
        for group in summary["groups"]
    ]


def _wrong(group: Row) -> str:
    before, after = group["wrong_before"], group["wrong_after"]
    return "" if before is None or group["kind"] == "words" else f"{before} / {after}"
