"""How sharp are a picture's edges? The one measure by which photos are left alone and piles are sorted.

Strong contrasts in a sharp photo contain edges a pixel or two wide; blur widens those that cross its direction. So
for each of several directions we look at the strongest contrasts over a few pixels and at the steepest slope inside
each: slope / contrast is about one over the edge's width. The softest direction decides.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.areas import Area, whole
from blurspace.blur.fourier import inner_differences
from blurspace.pixels import highest, inner
from blurspace.types import Image, Kernel

DIRECTIONS = 8
ANGLES = tuple(math.pi * step / DIRECTIONS for step in range(DIRECTIONS))
SPAN = 9  # px over which a contrast is measured; wider blurs all look alike here, and are told apart by their kernel
STRONGEST = 0.01  # share of the pixels that count as strong contrasts
LEAST_CONTRAST = 0.04  # about 10 grey levels: below it noise and JPEG blocks make edges of their own
SHARPEST = 0.75  # of the strong contrasts, the quantile that speaks for the picture: some scenery is always soft
SMALLEST = 2 * SPAN + 2  # px: a side up to this has no room for a contrast
LARGEST = 1536  # px: a window this wide holds edges enough, and bounds time and memory on large photos
CELL = 16  # px; windows start on multiples of this
NEAR = SPAN // 2 + 2  # px: as far from its middle as a contrast and its slopes are looked at
MOSTLY_CLIPPED = 0.2  # share of a picture: lights are small
FEWEST = 20  # contrasts needed before a direction is believed
# Measured: Kodak's 24 photos 0.35 to 0.48, GoPro's sharp frames 0.35 to 0.40; shake of 9 px 0.23 to 0.34, of 15 px
# 0.17 to 0.28, Levin's blurry pictures 0.15 to 0.21, our demo photos 0.18 to 0.23.
SHARP = 0.33


def edge_sharpness(grey: Image, *, untouched: Tensor | None = None, clipped: Tensor | None = None) -> float:
    """Slope over contrast of the strongest edges in the softest direction: about 1 / (2 x width in px)."""
    return min(edge_sharpnesses(grey, untouched=untouched, clipped=clipped))


def edge_sharpnesses(
    grey: Image, *, untouched: Tensor | None = None, clipped: Tensor | None = None
) -> tuple[float, ...]:
    """The same in each of ANGLES, which turn clockwise from the x axis.

    `grey` (1 1 h w). `untouched`, `clipped` (1 1 h w, bool): pixels near which edges do not count, for they are not the
    photo's, or as sharp as what was clipped off left them; where most of a photo is clipped, as paper is, they count.
    Infinite where a direction has not enough contrast to judge by.
    """
    place = (..., *busiest_window(grey, LARGEST))
    masks = [None if mask is None or not mask.any() else mask[place] for mask in (untouched, clipped)]
    if masks[1] is not None and float(masks[1].float().mean()) > MOSTLY_CLIPPED:
        masks[1] = None
    left_out = [mask.float() for mask in masks if mask is not None]
    far = highest(torch.cat(left_out, 1).amax(1, True), NEAR) == 0 if left_out else None
    return tuple(_sharpness_along(grey[place], angle, far) for angle in ANGLES)


def narrowest(kernel: Kernel) -> float:
    """The edge sharpness of a straight edge under a kernel (1 1 k k), in the direction in which it is least.

    See `sharpness.edge_sharpness`: 0.5 for no blur at all.
    """
    side = kernel.shape[-1]
    light, steps = kernel[0, 0].double(), torch.arange(side, dtype=torch.float64) - side // 2
    most = []
    for angle in ANGLES:
        place = (steps * math.cos(angle) + steps[:, None] * math.sin(angle)).flatten() + side
        first = place.floor().long()
        share = place - first
        weight = light.flatten()
        profile = torch.bincount(first, weight * (1 - share), minlength=2 * side + 2)
        profile += torch.bincount(first + 1, weight * share, minlength=2 * side + 2)
        total = functional.pad(profile.cumsum(0), (SPAN, SPAN), mode="constant")
        total[-SPAN:] = total[-SPAN - 1]
        contrast = (total[SPAN:] - total[:-SPAN]).max()
        slope = 0.5 * (profile[1:] + profile[:-1]).max()  # it is seen over two pixels, and the contrast over SPAN
        most.append(float(slope / contrast))
    return min(most)


def busiest_window(picture: Image, side: int) -> tuple[slice, slice]:
    """The rows and columns of the window of at most `side` px with the most gradient energy, in a picture (b c h w)."""
    size = (picture.shape[-2], picture.shape[-1])
    found = whole(size) if max(size) <= side else busiest(energy_cells(picture), size, side)
    return slice(*found.rows), slice(*found.columns)


def energy_cells(picture: Image, unknown: Tensor | None = None) -> Tensor:
    """The mean gradient energy (b c p q) of each cell of CELL px of a picture (b c h w).

    `unknown` (1 1 h w, bool): pixels whose gradients count as 0.
    """
    energy = inner_differences(picture).square().sum(0)
    if unknown is not None:
        energy = energy * (functional.max_pool2d(unknown.float(), 2, stride=1) == 0)
    return functional.avg_pool2d(energy, CELL, ceil_mode=True)


def busiest(cells: Tensor, size: tuple[int, int], side: int) -> Area:
    """The window of at most `side` px, in a picture of `size` (h, w), with the most energy in its cells (1 c p q)."""
    return busiest_places(cells, size, side, 1)[0]


def busiest_places(cells: Tensor, size: tuple[int, int], side: int, most: int) -> list[Area]:
    """Up to so many windows that do not overlap, the busiest first: see `busiest`."""
    rows, columns = (min(side, length) for length in size)
    down, across = max(rows // CELL, 1), max(columns // CELL, 1)
    sums = functional.avg_pool2d(cells.sum(1, keepdim=True), (down, across), stride=1)
    found: list[Area] = []
    while len(found) < most:
        row, column = divmod(int(sums.flatten().argmax()), sums.shape[-1])
        if found and sums[..., row, column] <= 0:
            break
        top, left = min(row * CELL, size[0] - rows), min(column * CELL, size[1] - columns)
        found.append(Area((top, top + rows), (left, left + columns), size))
        sums[..., max(row - down, 0) : row + down + 1, max(column - across, 0) : column + across + 1] = 0
    return found


def edges_along(grey: Tensor, angle: float) -> tuple[Tensor, Tensor] | None:
    """Contrasts over SPAN px at each pixel of a picture (1 1 h w), and slopes there; SPAN px less a side.

    None where the picture is too small. `steepest`: the largest slope inside a contrast.
    """
    height, width = grey.shape[-2:]
    cosine, sine = math.cos(angle), math.sin(angle)
    if min(height, width) <= SMALLEST:
        return None

    def moved(down: int, right: int) -> Tensor:
        return grey[..., SPAN + down : height - SPAN + down, SPAN + right : width - SPAN + right]

    across, down = round(SPAN / 2 * cosine), round(SPAN / 2 * sine)
    contrast = (moved(down, across) - moved(-down, -across)).abs()
    slope = ((moved(0, 1) - moved(0, -1)) * cosine + (moved(1, 0) - moved(-1, 0)) * sine).abs() / 2
    return contrast, slope


def _sharpness_along(grey: Tensor, angle: float, far: Tensor | None = None) -> float:
    edges = edges_along(grey, angle)
    if edges is None:
        return math.inf
    contrast, slope = edges
    asked = contrast.numel()
    if far is not None:
        far = inner(far, SPAN)
        contrast, asked = contrast * far, int(far.sum())
    kept = round(STRONGEST * asked)
    least = contrast.flatten().topk(max(kept, 1)).values[-1].clamp_min(LEAST_CONTRAST)
    strong = contrast >= least
    if int(strong.sum()) <= FEWEST:
        return math.inf
    return float(torch.quantile((steepest(slope, strong, angle) / contrast[strong])[:1_000_000], SHARPEST))


def steepest(slope: Tensor, strong: Tensor, angle: float) -> Tensor:
    """Of slopes (1 1 h w) along an angle the largest on a segment of SPAN px about each `strong` pixel (bool): (n)."""
    padded = functional.pad(slope, (SPAN,) * 4)
    rows, columns = strong[0, 0].nonzero().unbind(1)
    middles = (rows + SPAN) * padded.shape[-1] + columns + SPAN
    places = [step - SPAN / 2 for step in range(SPAN + 1)]
    moves = [(round(place * math.sin(angle)), round(place * math.cos(angle))) for place in places]
    values = padded.flatten()
    return torch.stack([values[middles + down * padded.shape[-1] + right] for down, right in moves]).amax(0)
