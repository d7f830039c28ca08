"""Which part of a photo is sharp, and which is blurred? A coarse map of how narrow the strongest edges are.

In each cell, and for each of several directions, the strongest contrasts vote: narrow ones for sharp, wide ones for
blurred. Cells without contrast do not vote, so that a sky is not called blurred; and as a shake leaves edges along it
narrow, a cell is sharp only if it is so in most directions in which it votes, surely if in that in which most of the
photo is blurred; and it is blurred if it is so in half of them. Under one blur of the whole photo hardly any cell is
sharp: so a patch of them tells that it is none.
"""

from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.pixels import highest, inner
from blurspace.sharpness import ANGLES, SHARP, SHARPEST, SMALLEST, SPAN, edges_along, steepest
from blurspace.types import Image

# All values: our measurements on made photos (notebook).
CELLS, LEAST_CELL = 8, 32  # cells along the shorter side, and px of one at least
STRONG = 0.8  # a contrast counts from this share of its cell's strongest one on
LEAST_CONTRAST, CONTRAST_PER_SIGMA = 0.08, 15.0  # and from this on: noise makes edges look narrow
VOTES = 10  # contrasts that a cell needs to vote in a direction, and in two directions at least
WIDE = 0.26  # in the unit of `sharpness.SHARP`: edges below it are blurred
PATCH, SURE = 4, 1  # cells that make a patch, and of a sharp one that must surely be
# A part is blurred where so much of the rest is sharp; a subject is sharp where so much of the rest is blurred, and so
# much of all.
REST_SHARP, REST_BLURRED, MUCH_BLURRED = 0.6, 0.85, 0.4
FILLED = 0.5  # share of the cells in its box that a blurred part fills
Span = tuple[int, int]


@dataclass(frozen=True)
class Parts:
    """A map of cells (p q, bool): which of them `vote`, and of these, which are `sharp` and which `blurred`.

    `surely`: sharp also in the direction in which most of the photo is blurred.
    """

    vote: Tensor
    sharp: Tensor
    blurred: Tensor
    surely: Tensor

    @cached_property
    def subject(self) -> bool:
        """Whether one patch is sharp, and nearly all the rest blurred: scattered sharp cells are a blur's chance."""
        rest = self.vote.clone()
        for place in self._focus:
            rest[place] = False
        return bool(self._focus) and self._much_blurred and _share(self.blurred, rest) >= REST_BLURRED

    @cached_property
    def nowhere_sharp(self) -> bool:
        """Whether much is blurred and nothing surely sharp: then narrow edges are those of lamps, which draw a path."""
        return self._much_blurred and not bool(self.surely.any())

    @cached_property
    def _much_blurred(self) -> bool:
        return _share(self.blurred, self.vote) >= MUCH_BLURRED

    @cached_property
    def _focus(self) -> list[tuple[int, int]]:
        """The largest patch that is sharp, where that is large and sure enough to be believed."""
        patch = largest_patch(self.sharp)
        sure = sum(bool(self.surely[place]) for place in patch)
        return patch if len(patch) >= PATCH and sure >= SURE else []

    @cached_property
    def box(self) -> tuple[int, int, int, int] | None:
        """The part that is blurred in a photo that is sharp elsewhere: left, top, right, bottom, in % of its sides."""
        if self.cells is None:
            return None
        (top, bottom), (left, right) = self.cells
        down, across = self.vote.shape
        return (
            round(100 * left / across),
            round(100 * top / down),
            round(100 * right / across),
            round(100 * bottom / down),
        )

    @cached_property
    def cells(self) -> tuple[Span, Span] | None:
        """The same in cells: rows and columns, from the first to before the last."""
        patch = largest_patch(self.blurred)
        if len(patch) < PATCH or not self._focus:
            return None
        rows, columns = ([place[axis] for place in patch] for axis in (0, 1))
        top, bottom, left, right = min(rows), max(rows) + 1, min(columns), max(columns) + 1
        outside = torch.ones_like(self.vote)
        outside[top:bottom, left:right] = False
        filled = len(patch) / ((bottom - top) * (right - left))
        if filled < FILLED or _share(self.sharp & outside, self.vote & outside) < REST_SHARP:
            return None
        return (top, bottom), (left, right)

    def show(self, size: tuple[int, int]) -> Image:
        """The map as a picture (1 3 h w): green where sharp, red where blurred, grey where nothing tells."""
        colours = torch.full((3, *self.vote.shape), 0.5)
        for cells, colour in (
            (self.vote, (0.9, 0.8, 0.3)),
            (self.sharp, (0.2, 0.7, 0.3)),
            (self.blurred, (0.85, 0.2, 0.2)),
        ):
            colours = torch.where(cells, torch.tensor(colour)[:, None, None], colours)
        return functional.interpolate(colours[None], size=size, mode="nearest-exact")


def find_parts(grey: Image, sigma: float, trust: Image | None = None, *, side: int | None = None) -> Parts:
    """The map of a picture (1 1 h w), display values in [0, 1], whose noise is `sigma`.

    `trust` (1 1 h w): 0 where a pixel tells nothing; contrasts that reach there do not vote. `side`: px, of a cell; the
    first and the last reach on to the frame, SPAN px more.
    """
    shorter = min(grey.shape[-2:])
    if shorter <= SMALLEST + 2 * LEAST_CELL:
        nothing = torch.zeros(1, 1, dtype=torch.bool)
        return Parts(nothing, nothing, nothing, nothing)
    side = side or max(LEAST_CELL, shorter // CELLS)
    told = None if trust is None or bool((trust > 0).all()) else _far_from(trust <= 0)
    votes = torch.stack([_votes(grey, angle, side, sigma, told) for angle in ANGLES])  # direction, kind, row, column
    voting, narrow, wide = votes.sum(0)
    vote = voting >= 2
    blurred = vote & (wide >= torch.clamp(voting / 2, min=2))
    softest = int((votes[:, 2].sum((1, 2)) / votes[:, 0].sum((1, 2)).clamp_min(1)).argmax())
    sharp = vote & ~blurred & (narrow >= voting / 2) & (wide < 2)
    return Parts(vote, sharp, blurred, sharp & (votes[softest, 1] > 0))


def _far_from(where: Tensor) -> Tensor:
    """Pixels (1 1 h w, bool) that are more than SPAN px from some, without SPAN px a side."""
    near = highest(where.float(), SPAN) > 0
    return inner(~near, SPAN)


def _votes(grey: Image, angle: float, side: int, sigma: float, told: Tensor | None) -> Tensor:
    """Which cells vote along a direction, which for sharp, and which for blurred (3 p q), as 0 and 1."""
    edges = edges_along(grey, angle)
    assert edges is not None
    contrast, slope = edges
    contrast = contrast if told is None else contrast * told
    most = functional.interpolate(functional.max_pool2d(contrast, side, ceil_mode=True), scale_factor=side)
    most = most[..., : contrast.shape[-2], : contrast.shape[-1]]
    least = (STRONG * most).clamp_min(max(LEAST_CONTRAST, CONTRAST_PER_SIGMA * sigma))
    strong = contrast >= least
    narrow = torch.zeros_like(contrast)
    narrow[strong] = steepest(slope, strong, angle) / contrast[strong]
    counts = [_count(strong & extra, side) for extra in (strong, narrow >= SHARP, narrow >= WIDE)]
    vote, share = counts[0] >= VOTES, 1 - SHARPEST
    return torch.stack([vote, vote & (counts[1] >= share * counts[0]), vote & (counts[2] < share * counts[0])]).float()


def _count(where: Tensor, side: int) -> Tensor:
    """How many pixels of each cell (p q)."""
    return functional.avg_pool2d(where.float(), side, ceil_mode=True, divisor_override=1)[0, 0]


def largest_patch(cells: Tensor) -> list[tuple[int, int]]:
    """The places of the most cells (p q, bool) that hang together along their sides."""
    left, best = {(int(row), int(column)) for row, column in cells.nonzero()}, list[tuple[int, int]]()
    while left:
        patch = [left.pop()]
        for row, column in patch:
            for place in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1)):
                if place in left:
                    left.remove(place)
                    patch.append(place)
        best = max(best, patch, key=len)
    return best


def _share(some: Tensor, of: Tensor) -> float:
    return float(some.sum()) / max(float(of.sum()), 1.0)
