"""Which part of a photo is blurred while another is sharp, as a region that can be restored by itself?

The map of `parts` is coarse, and the region must not reach into what is sharp. So the box about the blurred cells is
cut back, from each side, by what a finer map finds sharp there.
"""

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

from blurspace.areas import Area, tiles
from blurspace.pixels import luminance
from blurspace.restore.observed import Observed
from blurspace.restore.parts import CELLS, LEAST_CELL, Parts, Span, find_parts
from blurspace.sharpness import LARGEST, SPAN

# Of a cell of the coarse map, the side of one of the fine map; and how many of these are looked at from each side, to
# beyond the coarse cell that may be half sharp (ours).
FINE, DEEP = 3, 5
LEAST_FINE = 16  # px


@dataclass(frozen=True)
class Map:
    """The map of a whole photo: its `parts`, and between which rows and columns of px their cells lie."""

    parts: Parts
    rows: tuple[int, ...]
    columns: tuple[int, ...]


def blurred_part(seen: Observed) -> Tensor | None:
    """A mask (1 1 h w, uint8), white where the photo is blurred; None where it is so nowhere, or alike all over."""
    side = max(LEAST_CELL, min(*seen.size, LARGEST) // CELLS)
    coarse = find_map(seen, side)
    if coarse.parts.cells is None:
        return None
    rows, columns = (
        (edges[first], edges[last])
        for edges, (first, last) in zip((coarse.rows, coarse.columns), coarse.parts.cells, strict=True)
    )
    area = cut_back(Area(rows, columns, seen.size), find_map(seen, max(side // FINE, LEAST_FINE)))
    mask = torch.zeros(1, 1, *seen.size, dtype=torch.uint8)
    area.cut(mask).fill_(255)
    return mask


def find_map(seen: Observed, side: int) -> Map:
    """The map of all of a photo in cells of `side` px, from windows of the size that sharpness is judged in."""
    found: dict[Span, list[Parts]] = {}
    columns: list[int] = [0]
    for area in tiles(seen.size, LARGEST):
        parts = find_parts(luminance(seen.display(area)), seen.sigma, seen.trust(area), side=side)
        found.setdefault(area.rows, []).append(parts)
        if not area.rows[0]:
            columns += _ends(area.columns, parts.vote.shape[1], side)
    rows = [end for span, line in found.items() for end in _ends(span, line[0].vote.shape[0], side)]
    return Map(_joined(list(found.values())), (0, *rows), tuple(columns))


def cut_back(area: Area, fine: Map) -> Area:
    """An area without the lines of cells, near its sides, in which more is sharp than blurred."""
    rows, columns = _inside(fine.rows, area.rows), _inside(fine.columns, area.columns)
    sharp, blurred = (cells[slice(*rows), slice(*columns)] for cells in (fine.parts.sharp, fine.parts.blurred))
    spans = []
    for edges, (first, last), axis in ((fine.rows, rows, 1), (fine.columns, columns, 0)):
        lines = (sharp.sum(axis) > blurred.sum(axis)).tolist()
        begin, end = first + _leading(lines), last - _leading(lines[::-1])
        spans.append((edges[begin], edges[end]) if begin < end else (edges[first], edges[last]))
    return Area(spans[0], spans[1], area.whole)


def _leading(sharp: list[bool]) -> int:
    """How many lines to leave out at the beginning: up to the last that is sharp among those near it."""
    return max((place + 1 for place, one in enumerate(sharp[:DEEP]) if one), default=0)


def _inside(edges: tuple[int, ...], span: Span) -> Span:
    """Which cells, from the first to before the last, lie mostly in a span of px."""
    inside = [place for place, (first, last) in enumerate(pairwise(edges)) if span[0] <= (first + last) / 2 < span[1]]
    return inside[0], inside[-1] + 1


def _ends(span: Span, count: int, side: int) -> list[int]:
    """Where the cells of a piece end, along one axis."""
    return [*(span[0] + SPAN + side * place for place in range(1, count)), span[1]]


def _joined(lines: list[list[Parts]]) -> Parts:
    """One map from those of tiles, row by row."""

    def join(name: str) -> Tensor:
        return torch.cat([torch.cat([getattr(parts, name) for parts in line], 1) for line in lines], 0)

    return Parts(join("vote"), join("sharp"), join("blurred"), join("surely"))
