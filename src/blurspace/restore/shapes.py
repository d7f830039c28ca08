"""Is the blur a simple shape: softness, a lens out of focus, a straight line?

Searches find paths; of a small round spot they draw something lumpy. So shapes of one or two numbers are tried too, by
the same score at full resolution, first on a coarse grid and then about its best. Fewer numbers that explain a photo as
well are the better explanation, so a shape may score a little worse than what was searched for (`candidates`).
"""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from blurspace.blur.agreement import offset
from blurspace.blur.kernels import disk, gaussian, line
from blurspace.types import Kernel

# px: standard deviations and radii of the grid, each about 1.4 times the last.
SIGMAS = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8)
RADII = (1.5, 2.2, 3.1, 4.4, 6.2)
# Of the length of what was found; searches draw lines too long rather than too short. Angles to either side, degrees.
LENGTHS = (0.7, 0.85, 1.0, 1.15)
TURNS = (-6.0, 6.0)
# About the best of the grid: factors, from coarse to fine.
FINER = (1.19, 1.09, 1.04)
# Of the standard deviation of what was found, a spot's is at least this share: where there is noise, hardly any blur
# explains every photo (ours).
LEAST_SPREAD = 0.4
# Of a kind that agrees less with what was found, no shape will be taken: it need not be tried.
RESEMBLING = 0.8
# A line's second standard deviation is at most this share of its first.
NARROW = 0.5


@dataclass(frozen=True)
class Shape:
    """A kernel of few numbers: a Gaussian's standard deviation, a disk's radius or a line's length, px; its angle."""

    kind: Literal["gaussian", "disk", "line"]
    size: float
    angle: float = 0.0

    @property
    def kernel(self) -> Kernel:
        """The kernel (1 1 k k) of that shape."""
        if self.kind == "gaussian":
            return gaussian(self.size)
        return disk(self.size) if self.kind == "disk" else line(self.size, self.angle)

    def about(self, factor: float) -> "Iterator[Shape]":
        """Shapes a little smaller and bigger, lines also turned."""
        yield replace(self, size=self.size / factor)
        yield replace(self, size=self.size * factor)
        if self.kind == "line":
            yield from (replace(self, angle=self.angle + turn * (factor - 1) / (FINER[0] - 1)) for turn in TURNS)


def best_shapes(found: Kernel, score: Callable[[Kernel], float]) -> list[Shape]:
    """Of each kind that resembles what a search has found (1 1 k k), the shape that explains a photo best.

    `score`: how badly a kernel explains it.
    """
    best = []
    for kind in _grids(found):
        if max(offset(found, shape.kernel)[2] for shape in kind) < RESEMBLING:
            continue
        tried = {shape: score(shape.kernel) for shape in kind}
        for factor in FINER:
            about = min(tried, key=tried.__getitem__).about(factor)
            tried |= {shape: score(shape.kernel) for shape in about if shape not in tried}
        best.append(min(tried, key=tried.__getitem__))
    return best


def _grids(found: Kernel) -> Iterator[list[Shape]]:
    """What is tried first, of each kind: spots of all sizes, and as wide as what was found; lines only along it."""
    longer, shorter, angle = _axes(found)
    spread = max(math.sqrt((longer**2 + shorter**2) / 2), min(SIGMAS))
    yield [Shape("gaussian", max(sigma, LEAST_SPREAD * spread)) for sigma in (*SIGMAS, spread)]
    yield [Shape("disk", max(radius, 2 * LEAST_SPREAD * spread)) for radius in (*RADII, 2 * spread)]
    if shorter <= NARROW * longer:
        yield [Shape("line", max(share * math.sqrt(12) * longer, 2.0), angle) for share in LENGTHS]


def _axes(kernel: Kernel) -> tuple[float, float, float]:
    """Standard deviations in px along and across a kernel's main direction, and that in degrees, y up."""
    light = (kernel[0, 0] / kernel.sum()).double().cpu()
    places = torch.arange(kernel.shape[-1], dtype=torch.float64)
    x, y = places.expand_as(light), -places[:, None].expand_as(light)
    x, y = x - (light * x).sum(), y - (light * y).sum()
    spread: Tensor = torch.stack([(light * one * other).sum() for one in (x, y) for other in (x, y)]).view(2, 2)
    values, vectors = torch.linalg.eigh(spread)
    shorter, longer = values.clamp_min(0).sqrt().tolist()
    return longer, shorter, math.degrees(math.atan2(float(vectors[1, 1]), float(vectors[0, 1]))) % 180
