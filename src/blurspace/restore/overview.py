"""Where does a search look in a photo that is bigger than its window? At all of it made smaller, then at some places.

One window of a big photo is a keyhole: it may hold texture and no edges, or be narrower than the blur. Made smaller,
all of the photo fits, blur and noise shrink with it, and only edges that matter at the blur's own size are left.
"""

from dataclasses import dataclass

import torch
from torch.nn import functional

from blurspace.areas import Area
from blurspace.restore.observed import BAND, Observed
from blurspace.sharpness import busiest_places, energy_cells
from blurspace.types import Image

# px: up to this long side a photo is looked at as it is (ours).
LONGEST = 1300
# Places at full resolution: so many kernels wide, at least and at most so many px a side (ours).
KERNELS, NARROWEST, WIDEST = 4, 256, 1024
PIXELS = 2**19  # in all of them together (ours)


@dataclass(frozen=True)
class Overview:
    """A photo of `size` (h, w), `step` x `step` px of it averaged to one.

    `grey`, `trust` (1 1 h w): of its light. `start`: the row and the column of the photo at which it begins.
    """

    step: int
    grey: Image
    trust: Image
    start: tuple[int, int]
    size: tuple[int, int]

    def places(self, side: int, most: int) -> list[Area]:
        """Up to so many places of `side` px in which edges show at the overview's size; no two overlap."""
        cells, small = energy_cells(self.grey, self.trust < 1), (self.grey.shape[-2], self.grey.shape[-1])
        found = busiest_places(cells, small, side // self.step, most)
        return [Area(self.spread(place, 0), self.spread(place, 1), self.size) for place in found]

    def around(self, seen: Observed, kernel_side: int) -> tuple[Image, Image]:
        """Grey light and trust (1 n h w) of the photo in n places that are wide enough for a kernel."""
        side = min(max(KERNELS * kernel_side, NARROWEST), WIDEST)
        told = [averaged(seen, place) for place in self.places(side, max(PIXELS // side**2, 1))]
        return torch.cat([grey for grey, _ in told], 1), torch.cat([trust for _, trust in told], 1)

    def spread(self, place: Area, axis: int) -> tuple[int, int]:
        """First px and that after the last, in the photo, of a place's rows or columns in the overview."""
        first, last = (place.rows, place.columns)[axis]
        return self.start[axis] + first * self.step, self.start[axis] + last * self.step


def step_of(size: tuple[int, int]) -> int:
    """How many px of a photo of (height, width) become one in its overview: a power of 2, 1 for a small photo."""
    step = 1
    while max(size) > step * LONGEST:
        step *= 2
    return step


def averaged(seen: Observed, area: Area, step: int = 1) -> tuple[Image, Image]:
    """Grey light and trust (1 1 h w) of a piece, `step` x `step` px averaged to one, which is as good as the worst."""
    grey, trust = seen.grey(area), seen.trust(area)
    return (grey, trust) if step == 1 else (functional.avg_pool2d(grey, step), -functional.max_pool2d(-trust, step))


def overview(seen: Observed, step: int) -> Overview:
    """All of a photo within its bars made smaller, band by band, so that it is never in memory as floats at once."""
    (first, last), (left, right) = seen.inside.rows, seen.inside.columns
    across, end = (left, right - (right - left) % step), last - (last - first) % step
    bands = [Area((top, min(top + BAND, end)), across, seen.size) for top in range(first, end, BAND)]
    told = [averaged(seen, band, step) for band in bands]
    grey, trust = (torch.cat([pieces[one] for pieces in told], -2) for one in (0, 1))
    return Overview(step, grey, trust, (first, left), seen.size)
