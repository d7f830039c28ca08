"""How many features can be followed into real blurry frames, before and after? Protocol `downstream-frames`.

A folder of consecutive sharp frames of many a second, as GoPro's of 240: every GAP-th is a frame of the clip; every
fifth of those is blurry, the mean in linear light of those around it, whatever moved there. Where a feature is, is
taken from the sharp frames. Markers and print are not there, and what is theirs stands in `downstream`.
"""

from collections.abc import Sequence
from pathlib import Path

import torch

from blurspace.bench import sight
from blurspace.bench.clips import Clip
from blurspace.bench.downstream import EVERY, FIRST, measured, summary, table
from blurspace.bench.methods import build
from blurspace.bench.result import Progress, Row, no_progress
from blurspace.blur.exposure import to_display, to_linear
from blurspace.catalog import deblurrers
from blurspace.errors import NoInputError
from blurspace.io.images import find_photos, read_photo
from blurspace.types import AnyImage

__all__ = ["METHODS", "PROTOCOL", "run", "summary", "table"]

SPANS = (7, 15)  # frames that a blurry one is the mean of; the clip takes every (span + 1)-th
FRAMES, LEAST, CRF = 18, FIRST + 2, 12  # of a clip, at most and at least
PROTOCOL = (
    f"downstream-frames 1: for spans of {SPANS} frames a clip of every (span + 1)-th frame of a folder, {FRAMES} at "
    f"most, every {EVERY}th the mean of span frames in linear light (sRGB), H.264 of CRF {CRF}; features of the frame "
    f"before followed into it, within {sight.OFF} px of where they go in sharp ones"
)
METHODS = deblurrers()


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Rows of a clip for each span, or for the first `limit`. Raises NoInputError where there are too few frames."""
    paths, deblurrer = find_photos([data]), build(method, response=None)
    assert deblurrer is not None
    rows: list[Row] = []
    for span in progress(SPANS[:limit], total=len(SPANS[:limit]), what="downstream-frames"):
        clip = make_clip(paths, span)
        rows += [{"span": span, **row} for row in measured(clip, deblurrer, {}, crf=CRF)]
    return rows


def make_clip(paths: Sequence[Path], span: int) -> Clip:
    """A clip of the middle frames of groups, some of them blurry. Raises NoInputError where there are too few."""
    middles = range(span // 2, len(paths) - span // 2, span + 1)[:FRAMES]
    if len(middles) < LEAST:
        needed = LEAST * (span + 1)
        raise NoInputError(f"{len(paths)} frames were given: give {needed} consecutive ones or more")
    sharp = [_read(paths[middle]) for middle in middles]
    places = [place for place in range(len(sharp)) if place % EVERY == FIRST]
    given = list(sharp)
    for place in places:
        first = middles[place] - span // 2
        light = [to_linear(_read(path), "srgb") for path in paths[first : first + span]]
        given[place] = to_display(torch.cat(light).mean(0, keepdim=True), "srgb")
    tracks = {}
    for place in places:
        found = sight.features(sharp[place - 1])
        tracks[place] = (found, sight.followed(found, sharp[place - 1], sharp[place]))
    return Clip(sharp, given, places, {}, tracks)


def _read(path: Path) -> AnyImage:
    return read_photo(path).pixels.expand(-1, 3, -1, -1)
