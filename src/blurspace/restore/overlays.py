"""Where was something drawn onto this photo after it was taken: a stamp, a watermark, a subtitle?

Its edges are steps from one pixel to the next, where the photo's own are ramps. A step counts that is larger than
nearly all there are and stands alone: a few px on, the values do not go on rising. In print nearly all edges are such
steps, across and down; in a sharp subject few are, and under a blur along a line those along it. Where the photo shows
through, fewer stand alone, but all lead to one paint: stroke = share let through x photo + colour. Only where the rest
of a photo is soft does any of this tell something. Values, unless a source is named: our measurement on train photos.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from blurspace.areas import Area, middle, tiles
from blurspace.levels import CLIPPED
from blurspace.pixels import luminance
from blurspace.sharpness import LARGEST, edge_sharpness
from blurspace.types import Image

Look = Callable[[Area], Image]
# A step is this many times what 98 % of neighbouring pixels differ by, and at least so much of white.
USUAL, TIMES, LEAST_STEP = 0.98, 1.5, 0.06
# Two and three px on, the same way, it goes on by at most this share: else it is part of a ramp.
GOES_ON, FURTHER = 0.3, (-3, -2, 2, 3)
# px: the cells in which steps are counted; cells that touch, or have one between them, belong together.
CELL = 4
# Of a group: the fewest steps; their share among differences of half their size, in each, and in the clearest group
# of a photo; and the share of steps down among those across, or the reverse.
FEWEST, CLEAR, CLEARER, BOTH_WAYS = 60, 0.42, 0.55, 0.2
# Of a group in one paint: the share that is enough; the fewest steps of the clearest; the share of steps that its paint
# explains, each to a tenth of the median step; and how many rounds that paint is sought in.
CLEAR_IN_PAINT, FEWEST_IN_PAINT, IN_PAINT, EXPLAINED, ROUNDS = 0.33, 400, 0.78, 0.1, 6
LEAST_OFF = 1 / 255  # of white: what rounding leaves of a paint
# Of a letter that stands apart, where there is such a group.
FEWEST_OF_A_LETTER = 12
# px: strokes are at most so wide, holes in them have at most so many px, and so many around them are not trusted.
STROKE, HOLE, AROUND = 12, 600, 2
# px: a tile that is looked at together, and how many px its differences look beyond it.
TILE, BEYOND = 1024, 4
# At most this share of a photo is drawn over, and what is not has edges at most so sharp (`sharpness.SHARP` is 0.33).
MOST, SOFT = 0.2, 0.3


@dataclass(frozen=True)
class Steps:
    """Steps that stand alone.

    `places` (n 2): row and column of the first of the two pixels of each; `down` (n, bool): whether they are above one
    another. `bright`, `dark` (n c): what is seen on both sides. `differences` (p q): in each cell, how many neighbours
    differ by half as much.
    """

    places: Tensor
    down: Tensor
    bright: Tensor
    dark: Tensor
    differences: Tensor


def overlays(look: Look, size: tuple[int, int], hidden: Tensor) -> Tensor | None:
    """Where (1 1 h w, bool) a photo of `size` (h, w) was drawn over; None where it was nowhere.

    `look`: its display values in an area. `hidden` (1 1 h w, bool): where other things hide it.
    """
    steps = _steps(look, size, hidden, max(LEAST_STEP, TIMES * _usual_difference(look, size, hidden)))
    chosen = _in_groups(steps) if len(steps.places) >= FEWEST else steps.down.new_zeros(len(steps.places))
    if not bool(chosen.any()):
        return None
    drawn = _drawn(steps.places[chosen], size)
    few = float(drawn.float().mean()) <= MOST
    return drawn if few and _sharpness_beside(look, size, drawn | hidden) < SOFT else None


def _usual_difference(look: Look, size: tuple[int, int], hidden: Tensor) -> float:
    """What nearly all neighbours in the middle of a photo differ by less than."""
    area = middle(size, TILE)
    seen = (~area.cut(hidden)[..., 1:])[0, 0]
    found = look(area).diff(dim=-1).abs().amax(1)[0][seen]
    return float(found[:: found.numel() // 2**17 + 1].quantile(USUAL)) if found.numel() else 1.0


def _sharpness_beside(look: Look, size: tuple[int, int], left_out: Tensor) -> float:
    """The sharpness of the edges that are left."""
    area = middle(size, LARGEST)
    seen = look(area)
    clipped = (seen >= CLIPPED).any(1, keepdim=True)
    return edge_sharpness(luminance(seen), untouched=area.cut(left_out), clipped=clipped)


def _steps(look: Look, size: tuple[int, int], hidden: Tensor, least: float) -> Steps:
    """All steps of at least this size that stand alone."""
    places, down, sides = [], [], []
    differences = torch.zeros(-(-size[0] // CELL), -(-size[1] // CELL))
    for area in tiles(size, TILE, multiple=CELL):
        outer = area.grown(BEYOND, multiple=CELL)
        seen, unseen = look(outer)[0], outer.cut(hidden)[0, 0]
        rows, columns = (slice(first // CELL, -(-last // CELL)) for first, last in (area.rows, area.columns))
        for axis in (-1, -2):
            size_of = _differences(seen, unseen, axis)
            large = area.cut_from(size_of.amax(0) > least / 2, outer)
            differences[rows, columns] += functional.avg_pool2d(large[None, None].float(), CELL, ceil_mode=True)[0, 0]
            found = _standing_alone(seen, size_of, axis, least)
            within = found - found.new_tensor([area.rows[0] - outer.rows[0], area.columns[0] - outer.columns[0]])
            kept = ((within >= 0) & (within < within.new_tensor(area.size))).all(1)
            places.append(within[kept] + within.new_tensor([area.rows[0], area.columns[0]]))
            down.append(torch.full((len(places[-1]),), axis == -2))
            sides.append(_sides(seen, found[kept], axis))
    bright, dark = torch.cat(sides, 1)
    return Steps(torch.cat(places), torch.cat(down), bright, dark, differences * CELL**2)


def _differences(seen: Tensor, unseen: Tensor, axis: int) -> Tensor:
    """How far each pixel is from the next (c h w); 0 where one is unseen (h w, bool), and at the end."""
    length = seen.shape[axis] - 1
    known = ~(unseen.narrow(axis, 0, length) | unseen.narrow(axis, 1, length))
    found = seen.diff(dim=axis).abs_().mul_(known)
    return functional.pad(found, (0, 1) if axis == -1 else (0, 0, 0, 1))


def _standing_alone(seen: Tensor, differences: Tensor, axis: int, least: float) -> Tensor:
    """The places (n 2) of the steps along one axis: few pixels, so that only they are looked at closely.

    Not where a side is clipped: the streak of a light is as sharp as print.
    """
    channel, row, column = (differences > least).nonzero(as_tuple=True)
    line = (row, column)[axis]

    def value(step: int) -> Tensor:
        at = (line + step).clamp(0, seen.shape[axis] - 1)
        return seen[channel, row, at] if axis == -1 else seen[channel, at, column]

    rise = value(1) - value(0)
    further = torch.stack([(value(step + 1) - value(step)) * rise.sign() for step in FURTHER]).amax(0)
    bright = torch.where(rise > 0, line + 1, line)
    side = seen[:, row, bright] if axis == -1 else seen[:, bright, column]
    alone = (further < GOES_ON * rise.abs()) & (side.amin(0) < CLIPPED)
    return torch.stack((row[alone], column[alone]), 1).unique(dim=0)


def _sides(seen: Tensor, places: Tensor, axis: int) -> Tensor:
    """What is seen (2 n c) on the bright and the dark side of steps: of two px, what is farther from the other side."""
    row, column = places.unbind(1)

    def value(step: int) -> Tensor:
        at = ((row, column)[axis] + step).clamp(0, seen.shape[axis] - 1)
        return (seen[:, row, at] if axis == -1 else seen[:, at, column]).T

    def farther(near: Tensor, far: Tensor, other: Tensor) -> Tensor:
        return torch.where((far - other).abs() > (near - other).abs(), far, near)

    first, second = farther(value(0), value(-1), value(1)), farther(value(1), value(2), value(0))
    rising = (second - first).sum(1, keepdim=True) > 0
    return torch.stack([torch.where(rising, second, first), torch.where(rising, first, second)])


def _in_one_paint(bright: Tensor, dark: Tensor) -> bool:
    """Whether nearly all strokes (n c) are what lies beside them, let through in one share, and one colour upon it."""
    weight, step = torch.ones_like(bright[:, :1]), float((bright - dark).abs().amax(1).median())
    for _ in range(ROUNDS):
        stroke, beside = (side - (weight * side).sum(0) / weight.sum() for side in (bright, dark))
        through = (weight * stroke * beside).sum() / (weight * beside.square()).sum().clamp_min(1e-6)
        off = (stroke - through.clamp(0, 1) * beside).abs().amax(1, keepdim=True)
        weight = 1 / (1 + (off / off.median().clamp_min(LEAST_OFF)).square())
    return float((off < EXPLAINED * step).float().mean()) >= IN_PAINT


def _in_groups(steps: Steps) -> Tensor:
    """Which steps (n, bool) belong to groups that look like print, if one of them clearly does."""
    cells = (steps.places // CELL).numpy()
    taken = np.zeros(steps.differences.shape, np.uint8)
    taken[cells[:, 0], cells[:, 1]] = 1
    count, labels = cv2.connectedComponents(cv2.dilate(taken, np.ones((3, 3), np.uint8)), connectivity=8)
    group = torch.from_numpy(labels).long()
    belongs = group[steps.places[:, 0] // CELL, steps.places[:, 1] // CELL]
    down = torch.bincount(belongs[steps.down], minlength=count)
    across = torch.bincount(belongs[~steps.down], minlength=count)
    differences = torch.zeros(count).index_add_(0, group.flatten(), steps.differences.flatten())
    clear = (down + across) / differences.clamp_min(1)
    both = torch.minimum(down, across) >= BOTH_WAYS * torch.maximum(down, across)
    enough = (down + across >= FEWEST) & both & (clear >= CLEAR_IN_PAINT)
    painted = torch.zeros_like(enough)
    for one in enough.nonzero()[:, 0].tolist():
        painted[one] = _in_one_paint(steps.bright[belongs == one], steps.dark[belongs == one])
    print_like = enough & ((clear >= CLEAR) | painted)
    if not bool((print_like & ((clear >= CLEARER) | painted & (down + across >= FEWEST_IN_PAINT))).any()):
        return torch.zeros_like(steps.down)
    letters = (down + across >= FEWEST_OF_A_LETTER) & (clear >= CLEARER)  # a 1 has steps across only
    return (print_like | letters)[belongs]


def _drawn(places: Tensor, size: tuple[int, int]) -> Tensor:
    """The pixels (1 1 h w, bool) of strokes whose edges are at these places (n 2), and some around them."""
    margin = STROKE + AROUND
    corner = (places.amin(0) - margin).clamp_min(0)
    last = torch.minimum(places.amax(0) + margin + 1, torch.tensor(size))
    marks = np.zeros(tuple((last - corner).tolist()), np.uint8)
    for next_one in (0, 1):
        at = torch.minimum(places + next_one, last - 1) - corner
        marks[at[:, 0].numpy(), at[:, 1].numpy()] = 1
    reach = STROKE // 2
    marks = cv2.dilate(marks, np.ones((2 * (reach + AROUND) + 1,) * 2, np.uint8))
    marks = cv2.erode(marks, np.ones((2 * reach + 1,) * 2, np.uint8))
    _, labels, facts, _ = cv2.connectedComponentsWithStats(1 - marks, connectivity=4)
    holes = np.flatnonzero(facts[:, cv2.CC_STAT_AREA] <= HOLE)
    drawn = torch.zeros(1, 1, *size, dtype=torch.bool)
    drawn[0, 0, corner[0] : last[0], corner[1] : last[1]] = torch.from_numpy((marks > 0) | np.isin(labels, holes))
    return drawn
