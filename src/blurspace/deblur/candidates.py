"""Which kernel, of any size, blurred this picture? Several searches, and the one that looks most like a sharp picture.

A search that is given too small or too large a bound, or starts on the wrong foot, ends in a wrong kernel; but rarely
do all fail together. Each candidate kernel is used to deconvolve the picture weakly: a wrong kernel leaves ringing and
ghosts, which raise the normalised sparsity |grad x|_1 / |grad x|_2 (Krishnan, Tay and Fergus 2011); unlike the energy
that the search minimises, that measure does not prefer the blurry picture. All searches run at half the resolution, at
a quarter of the cost; the best go on, with no more room than their kernels need.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.fourier import inner_differences
from blurspace.blur.kernels import crop_or_pad, trim
from blurspace.deblur.deconvolve import deconvolve
from blurspace.deblur.estimate import REFINING_STEPS, SPARSITY_LAST, Found, Search, go_on, refine
from blurspace.deblur.noise import estimate_sigma
from blurspace.deblur.pyramid import scales, shrink, side_at
from blurspace.deblur.receipt import normalised_sparsity
from blurspace.types import Image, Kernel

# On Levin's 32: the best single search 32.6 dB, three 33.3, the best of seven by an oracle 33.5. The wide ones are for
# pictures that have room for them. They have more freedom, and with it score up to 2 % better on short shakes too, with
# a smeared kernel; on long shakes 3 to 9 %. So they have to be better by as much as their handicap. (A gentle search as
# wide as 85 px scored 8 % better on a demo photo, with a smear of 33 px for a shake of 13: it is left out.)
NARROW = (Search(31), Search(51), Search(31, ridge=8e-3, coarse_threshold=0.02))
WIDE = (Search(85), Search(119))
HANDICAP = 1.025
SEARCHES = (*NARROW, *(replace(search, handicap=HANDICAP) for search in WIDE))
# Wide searches take as long as all narrow ones together. They are left out where the narrow ones' kernels at half the
# resolution are at most so wide and differ in width by so little, px: in 19 of 48 made blurs of Kodak's and CID22's
# photos (protocol `synthetic`), in none of which a wide one won.
WIDEST_NARROW = 51
AGREED_WIDTH, AGREED_WITHIN = 17, 4
# Noise of standard deviation sigma looks like gradients that cost nothing below this many sigma^2. Six blurry photos of
# Kodak with sigma 0.02: 22.7 dB with 0, 23.1 with 2, 23.7 with 5, 23.9 with 10, 23.5 with 20.
SPARSITY_PER_VARIANCE = 10.0
# A picture must hold this many kernel sides of a search, else there is too little in it to find that kernel.
SIDES_IN_PICTURE = 4
# The searches are compared two levels before the end, at half the resolution, and so many of them go on.
COMPARED_AT, GO_ON = 2, 2
# One that goes on gets this much more room than its kernel, in px of half the resolution.
ROOM = 2
# Candidates are compared on a weakly regularised deconvolution, so that their ringing shows.
COMPARE_STRENGTH = 4e-4
COMPARE_ITERATIONS = 15
# They are compared on the same window, of at most this side at full resolution.
COMPARE_WINDOW = 512
# A search uses a window of at most this side, at full resolution, and at least this many kernel sides.
WINDOW = 320
WINDOW_PER_SIDE = 5
# The chosen kernel is refined on a window of at most this side.
REFINE_WINDOW = 640
# Kernel values under this share of the peak do not count as its extent.
EXTENT_THRESHOLD = 0.02


@dataclass(frozen=True)
class Candidate:
    """How far one search has come, and its score there, the normalised sparsity with its handicap: lower is better."""

    found: Found
    score: float


def estimate_kernel(blurry: Image, *, size: int | None = None, ignore: Tensor | None = None) -> Kernel:
    """Estimate the kernel that blurred a grey picture (1 1 h w) in [0, 1]: (1 1 k k), trimmed, centred, sum 1.

    `size`: an upper bound of the kernel's extent in px, odd; found automatically where not given. `ignore`
    (1 1 h w, bool): pixels that tell nothing, such as clipped ones.
    Source: see `estimate.py` (the searches) and Krishnan, Tay and Fergus 2011 (the choice).
    """
    with torch.inference_mode():  # a tenth faster than no_grad: thousands of small steps
        found = _estimate(blurry, size, ignore)
    return found.clone()  # outside, so that the kernel may enter a graph


def _estimate(blurry: Image, size: int | None, ignore: Tensor | None) -> Kernel:
    sparsity = max(SPARSITY_LAST, SPARSITY_PER_VARIANCE * estimate_sigma(blurry) ** 2)
    shorter = min(blurry.shape[-2:])
    searches = [search for search in SEARCHES if search.side <= shorter / SIDES_IN_PICTURE]
    if size is not None or not searches:
        side = min(size or SEARCHES[0].side, (shorter // 2 - 1) | 1)  # odd
        searches = [Search(side), Search(side, ridge=8e-3, coarse_threshold=0.02)]
    searches = [replace(search, sparsity=sparsity) for search in searches]
    begun: list[Candidate] = []
    for search in searches:  # the narrow ones come first
        if search.side > WIDEST_NARROW and _agreed(begun):
            break
        begun.append(_compared(blurry, search, COMPARED_AT, ignore))
    best = sorted(begun, key=lambda candidate: candidate.score)[:GO_ON]
    done = [_compared(blurry, _with_less_room(candidate.found), 0, ignore) for candidate in best]
    kernel = min(done, key=lambda candidate: candidate.score).found.kernel
    return trim(_refine_on_more(blurry, kernel, sparsity, ignore), EXTENT_THRESHOLD)


def _compared(blurry: Image, at: Search | Found, levels_left: int, ignore: Tensor | None) -> Candidate:
    """Run a search on the busiest window, up to so many levels before the end, and score its kernel there."""
    search = at if isinstance(at, Search) else at.search
    steps = scales(search.side)
    level = max(len(steps) - 1 - levels_left, 0)
    rows, columns = busiest_window(blurry, max(WINDOW, WINDOW_PER_SIDE * search.side))
    found = go_on(blurry[..., rows, columns], at, level, ignore=None if ignore is None else ignore[..., rows, columns])
    rows, columns = busiest_window(blurry, COMPARE_WINDOW)
    seen = shrink(blurry[..., rows, columns], steps[level])
    clipped = None if ignore is None else shrink(ignore[..., rows, columns].to(blurry.dtype), steps[level]) > 0
    kernel = trim(found.kernel, EXTENT_THRESHOLD)
    sharp = deconvolve(seen, kernel, strength=COMPARE_STRENGTH, saturated=clipped, iterations=COMPARE_ITERATIONS)
    return Candidate(found, search.handicap * normalised_sparsity(sharp))


def _agreed(begun: list[Candidate]) -> bool:
    """Whether all searches so far found a short kernel of about the same width: then wide ones have nothing to add."""
    widths = [trim(candidate.found.kernel, EXTENT_THRESHOLD).shape[-1] for candidate in begun]
    return max(widths) - min(widths) <= AGREED_WITHIN and max(widths) <= AGREED_WIDTH


def _with_less_room(found: Found) -> Found:
    """The same search, bounded by what its kernel needs: less to compute, and less room for noise."""
    steps = scales(found.search.side)
    scale = steps[found.level]
    side = trim(found.kernel, EXTENT_THRESHOLD).shape[-1] + 2 * ROOM
    bound = next(
        (bound for bound in range(5, found.search.side, 2) if side_at(bound, scale) >= side), found.search.side
    )
    levels = len(scales(bound)) - (len(steps) - found.level)
    if bound == found.search.side or levels < 0:
        return found
    return Found(replace(found.search, side=bound), crop_or_pad(found.kernel, side_at(bound, scale)), levels)


def _refine_on_more(blurry: Image, kernel: Kernel, sparsity: float, ignore: Tensor | None) -> Kernel:
    """Improve the kernel on a larger part of the picture than the searches saw; the same kernel if there is no more."""
    if max(blurry.shape[-2:]) <= max(WINDOW, WINDOW_PER_SIDE * kernel.shape[-1]):
        return kernel
    rows, columns = busiest_window(blurry, REFINE_WINDOW)
    trusted = None if ignore is None else ~ignore[..., rows, columns]
    return refine(blurry[..., rows, columns], kernel, (sparsity,) * REFINING_STEPS, trusted=trusted)


def busiest_window(picture: Image, side: int) -> tuple[slice, slice]:
    """The rows and columns of the window of at most `side` px with the most gradient energy."""
    height, width = picture.shape[-2:]
    rows, columns = min(side, height), min(side, width)
    if (rows, columns) == (height, width):
        return slice(0, height), slice(0, width)
    energy = inner_differences(picture).square().sum(0)
    cell = 16  # px; windows start on multiples of this
    coarse = functional.avg_pool2d(energy, cell, ceil_mode=True)
    sums = functional.avg_pool2d(coarse, (max(rows // cell, 1), max(columns // cell, 1)), stride=1)
    index = int(sums.flatten().argmax())
    top = min(index // sums.shape[-1] * cell, height - rows)
    left = min(index % sums.shape[-1] * cell, width - columns)
    return slice(top, top + rows), slice(left, left + columns)
