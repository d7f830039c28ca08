"""Which frames of a video are blurry? Those whose edges are wide, and wider than those of their neighbours.

A look at a frame is a few numbers, so that those of a whole film fit into memory. Neighbours are frames of the same
shot; a shot ends where a picture has little to do with the one before.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import quantiles

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.io.frames import VideoFrame
from blurspace.sharpness import SHARP, SMALLEST, busiest_window, edge_sharpness
from blurspace.types import Image

# All numbers here are ours, chosen on made clips of photos of our training folder and on frames of GoPro's.
WINDOW = 512  # px: where a frame has most edges; tells as much as all of it, and takes a fifth of the time of 720p
THUMB = 16  # px: the sides of the picture by which shots are told apart
LEVELS = 16  # of a histogram of brightness
# Below both a new shot begins: the correlation of thumbnails, the common share of histograms. Of pairs of photos 5 in
# 100 are more alike than that; a pan by a tenth of the width never falls below the second, one by a fifth sometimes.
ALIKE, SHARED = 0.5, 0.85
NEARBY = 12  # frames to each side that a frame is compared with: half a second
SOFTER = 0.85  # of what its sharp neighbours have: less is a blur of its own
SOFT = 0.26  # of a shot: where even the sharpest neighbours are softer, all frames count as blurry


@dataclass(frozen=True)
class Look:
    """One frame in numbers: its `index`, its time in `seconds`, how sharp its edges are, and whether it begins a shot.

    `sharpness`: as of `sharpness.edge_sharpness`, in its softest direction; infinite where it has no edges to judge by.
    """

    index: int
    seconds: float
    sharpness: float
    begins: bool

    @property
    def width(self) -> float:
        """About how many px wide its sharpest edges are, across their widest direction; 0 where nothing is known."""
        return 1 / (2 * self.sharpness)


@dataclass(frozen=True)
class Judged:
    """A look at a frame, what its shot can do (`reference`), and whether it is blurry beside its neighbours."""

    look: Look
    shot: int
    reference: float
    blurry: bool

    @property
    def softer(self) -> bool:
        """Whether it is softer than its neighbours, however soft those are."""
        return self.look.sharpness < SOFTER * self.reference


def looks(frames: Iterable[VideoFrame]) -> Iterator[Look]:
    """A look at each frame, as it comes."""
    before: tuple[Tensor, Tensor] | None = None
    for frame in frames:
        grey = frame.grey()
        now = _traits(grey)
        yield Look(frame.index, frame.seconds, sharpness_of(grey), before is None or _differ(before, now))
        before = now


def sharpness_of(grey: Image) -> float:
    """How sharp a frame's edges (1 1 h w) are, where it has most of them; infinite where nothing can be told."""
    if min(grey.shape[-2:]) <= SMALLEST:
        return math.inf
    return edge_sharpness(grey[(..., *busiest_window(grey, WINDOW))])


def judged(seen: Sequence[Look]) -> list[Judged]:
    """Which of all frames are blurry.

    The reference of a frame is the upper quartile of the sharpness of those near it in its shot: a single blurry
    neighbour, or a single frame that noise made sharp, does not move it.
    """
    shots, found = _shots(seen), []
    for place, look in enumerate(seen):
        near = range(max(place - NEARBY, 0), min(place + NEARBY + 1, len(seen)))
        told = [seen[one].sharpness for one in near if shots[one] == shots[place]]
        reference = _upper_quartile([one for one in told if math.isfinite(one)])
        wide = look.sharpness < SHARP
        found.append(
            Judged(look, shots[place], reference, wide and (look.sharpness < SOFTER * reference or reference < SOFT))
        )
    return found


def sharpest(seen: Sequence[Judged], count: int) -> list[Judged]:
    """So many of the sharpest frames, spread over the video, in their order: the best of as many equal stretches.

    Frames that tell nothing come last.
    """
    count = min(count, len(seen))
    bounds = [round(place * len(seen) / max(count, 1)) for place in range(count + 1)]
    stretches = [seen[first:last] for first, last in pairwise(bounds)]
    return [max(stretch, key=lambda one: _rank(one.look)) for stretch in stretches]


def _rank(look: Look) -> float:
    return look.sharpness if math.isfinite(look.sharpness) else -math.inf


def _shots(seen: Sequence[Look]) -> list[int]:
    """The number of the shot of each frame."""
    shots, shot = [], -1
    for look in seen:
        shot += look.begins
        shots.append(shot)
    return shots


def _upper_quartile(values: Sequence[float]) -> float:
    """0 where there is none."""
    if len(values) < 2:
        return values[0] if values else 0.0
    return quantiles(values, n=4, method="inclusive")[2]


def _traits(grey: Image) -> tuple[Tensor, Tensor]:
    """What a shot's frames share: a thumbnail without its mean, and the histogram of its brightness."""
    thumb = functional.adaptive_avg_pool2d(grey, THUMB)
    counts = torch.histc(grey, LEVELS, 0, 1)
    return (thumb - thumb.mean()).flatten(), counts / counts.sum()


def _differ(before: tuple[Tensor, Tensor], now: tuple[Tensor, Tensor]) -> bool:
    """Whether one picture has little to do with another, neither in its places nor in its brightness."""
    (thumb, counts), (other, others) = before, now
    alike = float(functional.cosine_similarity(thumb, other, dim=0))
    return alike < ALIKE and float(torch.minimum(counts, others).sum()) < SHARED
