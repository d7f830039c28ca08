"""Which kernel, no wider than a bound, blurred this picture? A coarse-to-fine search with sparse gradients.

At each level of a pyramid two steps alternate: the gradients of the sharp picture, given the kernel so far and that
most of them are zero (`sparse_gradients`); then the kernel that maps them to the blurry ones (`kernel_step`). At the
end more and more gradients are let in. `candidates.py` runs several searches and chooses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from blurspace.deblur.kernel_step import solve_kernel, tidy_kernel
from blurspace.deblur.pyramid import first_kernel, grow, scales, shrink, side_at
from blurspace.deblur.sparse_gradients import Seen, look, sparse_gradients
from blurspace.types import Image, Kernel

# The finest level keeps faint tails of the kernel: values above this share of its peak.
THRESHOLD = 0.02
# Trust in the blurry gradients rises over this many px from the frame.
FADE, LEAST_FADE = 20, 2
# A shrunk pixel is left out when more than this share of it is to be ignored.
IGNORED_SHARE = 0.01
STEPS_PER_LEVEL = 5
# Where a search pauses or ends, its kernel settles: rounds with these shares of the last sparsity, and a lower
# threshold. Sparse gradients find a kernel but bend it, since they leave out texture; a kernel that is nearly right no
# longer needs them. 29.6 -> 31.3 dB (36 photos under shakes of 9 to 85 px, at half the resolution).
SETTLING = (0.7, 0.5, 0.5, 0.3, 0.3, 0.2, 0.1, 0.1, 0.1)
SETTLED_THRESHOLD = 0.01
# The weight of the number of non-zero gradients falls geometrically over a search, on pictures in [0, 1].
SPARSITY_FIRST, SPARSITY_LAST = 4e-3, 3e-4


@dataclass(frozen=True)
class Search:
    """How one coarse-to-fine search is run.

    `side`: odd, an upper bound of the kernel's extent in px. `ridge`: weight of |kernel|^2 (see `solve_kernel`).
    `coarse_threshold`: at all but the finest level, kernel values below this share of the peak are dropped.
    `sparsity`: weight of the number of non-zero gradients at the end.
    """

    side: int
    ridge: float = 2e-3
    coarse_threshold: float = 0.05
    sparsity: float = SPARSITY_LAST


@dataclass(frozen=True)
class Found:
    """How far a search has come: the `kernel` at the `level`, counted from the coarsest."""

    search: Search
    kernel: Kernel
    level: int


def estimate_within(blurry: Image, search: Search, *, ignore: Tensor | None = None) -> Kernel:
    """Estimate a kernel that fits into `search.side` px from a grey picture (1 1 h w) in [0, 1].

    `ignore` (1 1 h w, bool): pixels that tell nothing, such as clipped ones. Returns (1 1 side side), centred.
    Source: Xu, Zheng and Jia 2013; the pyramid of Cho and Lee 2009.
    """
    return go_on(blurry, search, len(scales(search.side)) - 1, ignore=ignore).kernel


def go_on(blurry: Image, at: Search | Found, level: int, *, ignore: Tensor | None = None) -> Found:
    """Run a search, from its beginning or from where it has come, down to a level."""
    search = at if isinstance(at, Search) else at.search
    levels = scales(search.side)
    done, kernel = -1, first_kernel(side_at(search.side, levels[0]), blurry)
    if isinstance(at, Found):
        done, kernel = at.level, at.kernel
    if done >= level:
        return Found(search, kernel, done)
    sparsities = _sparsities(len(levels), search.sparsity)
    for index in range(done + 1, level + 1):
        scale = levels[index]
        if index:
            kernel = grow(kernel, side_at(search.side, scale))
        seen = look(
            shrink(blurry, scale),
            kernel.shape[-1],
            fade=max(round(FADE * scale), LEAST_FADE),
            trusted=None if ignore is None else shrink(ignore.to(blurry.dtype), scale) < IGNORED_SHARE,
        )
        threshold = THRESHOLD if scale == 1 else search.coarse_threshold
        steps = sparsities[index * STEPS_PER_LEVEL :][:STEPS_PER_LEVEL]
        kernel = refine(seen, kernel, steps, ridge=search.ridge, threshold=threshold)
    settling = [share * search.sparsity for share in SETTLING]
    return Found(search, refine(seen, kernel, settling, ridge=search.ridge, threshold=SETTLED_THRESHOLD), level)


def grow_to_full(found: Found) -> Kernel:
    """The kernel at full resolution, without learning more from the finer levels."""
    kernel = found.kernel
    for scale in scales(found.search.side)[found.level + 1 :]:
        kernel = grow(kernel, side_at(found.search.side, scale))
    return kernel


def refine(seen: Seen, kernel: Kernel, sparsities: Sequence[float], *, ridge: float, threshold: float) -> Kernel:
    """Alternate gradients and kernel, one round per sparsity, starting from `kernel`; same size."""
    for sparsity in sparsities:
        sharp = sparse_gradients(seen, kernel, sparsity)
        kernel = solve_kernel(sharp, seen.gradients, seen.trust, kernel, ridge=ridge)
        kernel = tidy_kernel(kernel, threshold=threshold)
    return kernel


def _sparsities(levels: int, last: float) -> list[float]:
    steps = levels * STEPS_PER_LEVEL
    first = max(SPARSITY_FIRST, last)
    return [first * (last / first) ** (step / (steps - 1)) for step in range(steps)]
