"""Which kernel, of any size, blurred this picture? Several searches, and the one that looks most like a sharp picture.

A search that is given too small or too large a bound, or starts on the wrong foot, ends in a wrong kernel; but rarely
do all fail together. Each candidate kernel is used to deconvolve the picture weakly: a wrong kernel leaves ringing and
ghosts, which raise the normalised sparsity |grad x|_1 / |grad x|_2 (Krishnan, Tay and Fergus 2011); unlike the energy
that the search minimises, that measure does not prefer the blurry picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.kernels import trim
from blurspace.deblur.deconvolve import deconvolve
from blurspace.deblur.estimate import Search, estimate_within, refine
from blurspace.deblur.fourier import inner_differences
from blurspace.deblur.receipt import normalised_sparsity
from blurspace.types import Image, Kernel

# On Levin's 32: the best single search 32.6 dB, these three 33.2, the best of seven by an oracle 33.5.
SEARCHES = (Search(31), Search(51), Search(31, ridge=8e-3, coarse_threshold=0.02))
# Where the winner fills this share of the widest bound, wider bounds are tried as well, in this order.
FULL = 0.8
WIDER = (85, 119)
# Candidates are compared on a weakly regularised deconvolution, so that their ringing shows.
COMPARE_STRENGTH = 4e-4
COMPARE_ITERATIONS = 15
# A search uses a window of at most this side, at full resolution, and at least this many kernel sides.
WINDOW = 320
WINDOW_PER_SIDE = 5
# The chosen kernel is refined on a window of at most this side.
REFINE_WINDOW = 640
# Kernel values under this share of the peak do not count as its extent.
EXTENT_THRESHOLD = 0.02


@dataclass(frozen=True)
class Candidate:
    """One search's kernel and its score, the normalised sparsity: lower is better."""

    kernel: Kernel
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
    limit = (min(blurry.shape[-2:]) // 2 - 1) | 1  # odd
    wanted = SEARCHES if size is None else (Search(size), Search(size, ridge=8e-3, coarse_threshold=0.02))
    searches: Sequence[Search] = [search for search in wanted if search.side <= limit] or [Search(limit)]
    best = min(_run(blurry, searches, ignore), key=lambda candidate: candidate.score)
    for side in WIDER if size is None else ():
        if trim(best.kernel, EXTENT_THRESHOLD).shape[-1] < FULL * max(s.side for s in searches) or side > limit:
            break
        searches = [Search(side)]
        best = min((best, *_run(blurry, searches, ignore)), key=lambda candidate: candidate.score)
    return trim(_refine_on_more(blurry, best.kernel, ignore), EXTENT_THRESHOLD)


def _run(blurry: Image, searches: Sequence[Search], ignore: Tensor | None) -> list[Candidate]:
    """Each search on the busiest window, with the score of its kernel."""
    side = max(WINDOW, WINDOW_PER_SIDE * max(search.side for search in searches))
    rows, columns = busiest_window(blurry, side)
    window = blurry[..., rows, columns]
    ignored = None if ignore is None else ignore[..., rows, columns]

    def run(search: Search) -> Candidate:
        kernel = estimate_within(window, search, ignore=ignored)
        sharp = deconvolve(window, kernel, strength=COMPARE_STRENGTH, saturated=ignored, iterations=COMPARE_ITERATIONS)
        return Candidate(kernel, normalised_sparsity(sharp))

    return [run(search) for search in searches]


def _refine_on_more(blurry: Image, kernel: Kernel, ignore: Tensor | None) -> Kernel:
    """Improve the kernel on a larger part of the picture than the searches saw; the same kernel if there is no more."""
    if max(blurry.shape[-2:]) <= max(WINDOW, WINDOW_PER_SIDE * kernel.shape[-1]):
        return kernel
    rows, columns = busiest_window(blurry, REFINE_WINDOW)
    trusted = None if ignore is None else ~ignore[..., rows, columns]
    return refine(blurry[..., rows, columns], kernel, trusted=trusted)


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
