"""Which frame lends to a blurry one, and how is it at hand while a video streams by?"""

import math
from collections import deque
from collections.abc import Iterator, Sequence

from blurspace.io.frames import VideoFrame
from blurspace.video.looks import Judged

REACH = 8  # frames: farther ones show the same from too far away, and so many are held


def lenders(seen: Sequence[Judged]) -> dict[int, tuple[int, ...]]:
    """For each blurry frame the nearest ones of its shot, before and after it, that are not softer than theirs.

    Indices, nearer ones first; of two as near the sharper comes first. What one does not show, the other may.
    """
    found = {}
    for one in seen:
        if one.blurry and one.softer and (both := _lenders(one, seen)):
            found[one.look.index] = both
    return found


def _lenders(blurry: Judged, seen: Sequence[Judged]) -> tuple[int, ...]:
    place = blurry.look.index
    sides = seen[max(place - REACH, 0) : place][::-1], seen[place + 1 : place + 1 + REACH]
    nearest = [next((one for one in side if _able(one, blurry)), None) for side in sides]
    able = [one.look for one in nearest if one is not None]
    return tuple(look.index for look in sorted(able, key=lambda look: (abs(look.index - place), -look.sharpness)))


def _able(one: Judged, blurry: Judged) -> bool:
    return one.shot == blurry.shot and not one.softer and math.isfinite(one.look.sharpness)


class Nearby(Iterator[VideoFrame]):
    """The frames of a video one by one, and `at` hand those near the one that came last: REACH to each side."""

    def __init__(self, frames: Iterator[VideoFrame]) -> None:
        """Nothing is read before it is asked for."""
        self._frames, self._held, self._next = frames, deque[VideoFrame](), 0

    def __next__(self) -> VideoFrame:
        """The next frame."""
        frame = self.at(self._next)
        if frame is None:
            raise StopIteration
        self._next += 1
        while self._held[0].index < frame.index - REACH:
            self._held.popleft()
        return frame

    def at(self, index: int) -> VideoFrame | None:
        """The frame of that index; None where the video has ended before."""
        while not self._held or self._held[-1].index < index:
            frame = next(self._frames, None)
            if frame is None:
                return None
            self._held.append(frame)
        return self._held[index - self._held[0].index]
