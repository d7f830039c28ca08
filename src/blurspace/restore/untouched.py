"""Which pixels of this photo were never blurred, or tell nothing? Bars, frames and what lies under alpha 0; overlays.

A bar is looked for from each side of the frame inwards: lines of one colour, then a step within three px along most of
its length, after which the picture goes on. A blurred dark sky has no such end. Lines may hold a subtitle or JPEG's
ringing, so most of a line counts.
"""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.areas import Area
from blurspace.restore.overlays import Look, overlays
from blurspace.types import Image

# Of a bar's pixels, from its colour: JPEG's ringing, at quality 75 and away from the edge.
SAME = 6 / 255
# From its colour, of the picture that begins at its end: more than what JPEG leaves there.
OTHER = 12 / 255
# Of a line: the share that must be one colour at the frame, and along the whole bar; and that must step at its end.
CLEAN, MOST, ALONG = 0.95, 0.5, 0.5
# px: JPEG's block, in which a bar's last lines ring; what is looked at together; what stays of a picture at least.
BLOCK, CHUNK, LEAST_LEFT = 8, 64, 16
# px: the step takes so many, from the last line of a bar to the first of the picture.
STEP = 2
# Where the colour has gone after the step, it goes on no faster: a ramp, which a blur makes, does.
RAMP = 1.6
Lines = Callable[[int, int], Image]  # (1 c n w), from the first to before the last


def untouched(look: Look, size: tuple[int, int], hidden: Tensor | None = None) -> Tensor | None:
    """Where (1 1 h w, bool) a photo of `size` (h, w) shows what was not blurred with it; None where it does nowhere.

    `look`: its display values in an area; `hidden` (1 1 h w, bool): what is known to show nothing.
    """
    found = torch.zeros(1, 1, *size, dtype=torch.bool) if hidden is None else hidden.clone()
    _mark_bars(look, size, found)
    drawn = overlays(look, size, found)
    found = found if drawn is None else found | drawn
    return found if bool(found.any()) else None


def filled(picture: Image, unknown: Tensor) -> Image:
    """The picture (1 c h w) with smooth values where it is `unknown` (1 1 h w, bool), made from the rest alone.

    Means of what is known in cells of 2, 4, 8 ... px, each where no smaller cell knows any.
    """
    known = (~unknown).to(picture)
    return _from_means(torch.where(unknown, 0, picture), known)


def _from_means(total: Tensor, known: Tensor) -> Tensor:
    """The mean of what is known in each cell: `total` over `known`; from the next coarser cells where that is 0."""
    mean = torch.where(known > 0, total / known.clamp_min(1e-12), 0.5)
    if bool((known > 0).all()) or max(known.shape[-2:]) == 1:
        return mean
    coarser = _from_means(*(functional.avg_pool2d(one, 2, ceil_mode=True) for one in (total, known)))
    size = [known.shape[-2], known.shape[-1]]
    return torch.where(known > 0, mean, functional.interpolate(coarser, size, mode="bilinear"))


def _mark_bars(look: Look, size: tuple[int, int], found: Tensor) -> None:
    """Mark the bars at all four sides."""
    height, width = size

    def rows(first: int, last: int) -> Image:
        return look(Area((first, last), (0, width), size))

    def columns(first: int, last: int) -> Image:
        return look(Area((0, height), (first, last), size)).mT

    for lines, length, marks in ((rows, height, found), (columns, width, found.mT)):
        ends = _bar(lines, length), _bar(partial(_from_the_end, lines, length), length)
        if sum(ends) <= length - LEAST_LEFT:
            marks[..., : ends[0], :] = True
            marks[..., length - ends[1] :, :] = True


def _from_the_end(lines: Lines, length: int, first: int, last: int) -> Image:
    return lines(length - last, length - first).flip(-2)


def _bar(lines: Lines, length: int) -> int:
    """How many lines from one side of the frame are a bar's; `lines` gives some (1 c n w), counted from there."""
    first = lines(0, 1)
    colour = first.median(-1, keepdim=True).values
    if float((_away(first, colour) <= SAME).float().mean()) < CLEAN:
        return 0
    for start in range(0, length, CHUNK):
        away = _away(lines(start, min(start + CHUNK, length)), colour)
        other = ((away <= SAME).float().mean(-1) < MOST).nonzero()
        if len(other):
            return _end(lines, start + int(other[0]), length, colour)
    return 0


def _end(lines: Lines, line: int, length: int, colour: Tensor) -> int:
    """Where a bar ends whose first line of another colour this is, with what is mixed from both; 0 if it is none."""
    for end in range(max(line, 1), min(line + BLOCK, length - LEAST_LEFT)):
        seen = lines(max(end - STEP, 0), end + BLOCK)
        before, after, later = (_away(seen[..., [row], :], colour) for row in (0, min(end, STEP) + 1, -1))
        steps = (after > OTHER) & (before <= SAME) & (later <= RAMP * after)
        if float(steps.float().mean()) >= ALONG:
            return end + STEP
    return 0


def _away(lines: Tensor, colour: Tensor) -> Tensor:
    """How far each pixel (n w) of some lines is from a colour, in the channel where it is farthest."""
    return (lines - colour).abs().amax(1)[0]
