"""Which kernel, no wider than a bound, blurred this picture? A coarse-to-fine search with sparse gradients.

At each level of a pyramid two steps alternate: the gradients of the sharp picture, given the kernel so far and that
most of them are zero (`sparse_gradients`); then the kernel that maps them to the blurry ones (`kernel_step`). At the
end of each level more and more gradients are let in. `candidates.py` runs several searches and chooses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from blurspace.blur.kernels import crop_or_pad
from blurspace.restore.kernel_step import solve_kernel, tidy_kernel
from blurspace.restore.pyramid import COARSEST_SIDE, first_kernels, grow, scales, shrink, side_at
from blurspace.restore.sparse_gradients import Seen, look, sparse_gradients
from blurspace.run import Run
from blurspace.types import AnyKernel, Image, Kernel

# Kernel values below this share of the peak are dropped while a level searches, and while it settles.
# All values here: our measurements (notebook).
THRESHOLD, SETTLED_THRESHOLD = 0.02, 0.01
# Trust in the blurry gradients rises over this many px from the frame.
FADE, LEAST_FADE = 20, 2
# A shrunk pixel is left out when more than this share of it is to be ignored.
IGNORED_SHARE = 0.01
STEPS_PER_LEVEL = 5
# At the end of each level its kernel settles: rounds with these shares of the last sparsity. Sparse gradients find a
# kernel but bend it, since they leave out texture; a kernel that is nearly right no longer needs them.
SETTLING = (0.6, 0.35, 0.2, 0.1, 0.1)
# The best kernel settles for longer.
LAST_SETTLING = (0.7, 0.5, 0.3, 0.3, 0.2, 0.1, 0.1, 0.1)
# The weight of the number of non-zero gradients falls geometrically over a search, on pictures in [0, 1].
SPARSITY_FIRST, SPARSITY_LAST = 4e-3, 3e-4


@dataclass(frozen=True)
class Search:
    """How a coarse-to-fine search is run.

    `side`: odd, an upper bound of the kernel's extent in px. `ridge`: weight of |kernel|^2 (see `solve_kernel`).
    `sparsity`: weight of the number of non-zero gradients at the end. `starts`: which of `pyramid.first_kernels` it
    starts from, all at once. `softness`: px at each level, see `sparse_gradients`.
    """

    side: int
    ridge: float = 2e-3
    sparsity: float = SPARSITY_LAST
    starts: tuple[int, ...] = (0,)
    softness: float = 0.0


@dataclass(frozen=True)
class Reached:
    """How far a search has come: the `kernel` (b 1 k k, one per start) at the `level`, counted from the coarsest."""

    search: Search
    kernel: Kernel
    level: int


def find(
    blurry: Image,
    search: Search,
    level: int,
    *,
    begun: Reached | None = None,
    ignore: Tensor | None = None,
    run: Run | None = None,
) -> Reached:
    """Run a search from its beginning, or from what was `begun`, down to a level, in windows of a photo (1 n h w).

    Values in [0, 1]. `ignore` (1 n h w, bool): pixels that tell nothing, such as clipped ones.
    Source: Xu, Zheng and Jia 2013; the pyramid of Cho and Lee 2009.
    """
    levels = scales(search.side)
    sparsities = _sparsities(len(levels), search.sparsity)
    settling = [share * search.sparsity for share in SETTLING]
    kernel = begun.kernel if begun else first_kernels(side_at(search.side, levels[0]), blurry)[list(search.starts)]
    first = begun.level + 1 if begun else 0
    for index, scale in enumerate(levels[first : level + 1], first):
        if run:
            run.check()
        if index:
            kernel = grow(kernel, side_at(search.side, scale))
        seen = _seen(blurry, kernel, scale, ignore)
        steps = sparsities[index * STEPS_PER_LEVEL :][:STEPS_PER_LEVEL]
        kernel = refine(seen, kernel, steps, search, threshold=THRESHOLD)
        kernel = refine(seen, kernel, settling, search, threshold=SETTLED_THRESHOLD)
    return Reached(search, kernel, level)


def settle(
    blurry: Image, now: Reached, levels: range, *, ignore: Tensor | None = None, run: Run | None = None
) -> Reached:
    """Let a kernel settle at some levels, at the last of all for longer. It has no more to be searched for."""
    search, steps, kernel = now.search, scales(now.search.side), now.kernel
    for index in levels:
        if run:
            run.check()
        if index > now.level:
            kernel = grow(kernel, side_at(search.side, steps[index]))
        seen = _seen(blurry, kernel, steps[index], ignore)
        shares = LAST_SETTLING if index == len(steps) - 1 else SETTLING
        settling = [share * search.sparsity for share in shares]
        kernel = refine(seen, kernel, settling, search, threshold=SETTLED_THRESHOLD)
    return Reached(search, kernel, max(levels.stop - 1, now.level))


def enlarged(found: Reached, level: int) -> Reached:
    """The same kernel at a finer level, with nothing more learned there."""
    kernel = found.kernel
    for scale in scales(found.search.side)[found.level + 1 : level + 1]:
        kernel = grow(kernel, side_at(found.search.side, scale))
    return Reached(found.search, kernel, level)


def within(found: Reached, side: int) -> Reached:
    """The same search, with as much room as a kernel of `side` px at its level needs, if that is less."""
    steps = scales(found.search.side)
    bounds = (one for one in range(COARSEST_SIDE, found.search.side, 2) if side_at(one, steps[found.level]) >= side)
    bound = next(bounds, found.search.side)
    level = len(scales(bound)) - (len(steps) - found.level)
    if bound == found.search.side or level < 0:
        return found
    kernel = crop_or_pad(found.kernel, side_at(bound, steps[found.level]))
    return Reached(replace(found.search, side=bound), kernel, level)


def refine(seen: Seen, kernel: Kernel, sparsities: Sequence[float], search: Search, *, threshold: float) -> AnyKernel:
    """Alternate gradients and kernels (b 1 k k), one round per sparsity, starting from `kernel`; same size."""
    for sparsity in sparsities:
        sharp = sparse_gradients(seen, kernel, sparsity, search.softness)
        kernel = solve_kernel(sharp, seen.gradients, seen.trust, kernel, ridge=search.ridge)
        kernel = torch.cat([tidy_kernel(one, threshold=threshold) for one in kernel.split(1)])
    return kernel


def _seen(blurry: Image, kernel: Kernel, scale: float, ignore: Tensor | None) -> Seen:
    """What there is to learn from at a scale, for a kernel of that size."""
    return look(
        shrink(blurry, scale),
        kernel.shape[-1],
        fade=max(round(FADE * scale), LEAST_FADE),
        trusted=None if ignore is None else shrink(ignore.to(blurry.dtype), scale) < IGNORED_SHARE,
    )


def _sparsities(levels: int, last: float) -> list[float]:
    steps = levels * STEPS_PER_LEVEL
    first = max(SPARSITY_FIRST, last)
    return [first * (last / first) ** (step / (steps - 1)) for step in range(steps)]
