"""Which kernel, no wider than a bound, blurred this picture? A coarse-to-fine search with sparse gradients.

At each level of a pyramid two steps alternate: the gradients of the sharp picture, given the kernel so far and that
most of them are zero (`sparse_gradients`); then the kernel that maps them to the blurry ones (`kernel_step`).
`candidates.py` runs several searches and chooses.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from blurspace.blur.fourier import inner_differences
from blurspace.deblur.kernel_step import solve_kernel, tidy_kernel
from blurspace.deblur.pyramid import faded, first_kernel, grow, scales, shrink, side_at
from blurspace.deblur.sparse_gradients import sparse_gradients
from blurspace.types import Image, Kernel

# The finest level keeps faint tails of the kernel: values above this share of its peak. (Dropping those below 5 %, as
# published codes do, costs 0.5 dB on Levin when starting from the truth.)
THRESHOLD = 0.02
# Gradients fade out towards the frame over this many px: beyond it the blur drew on a world that we do not see.
# Without it a kernel that starts at the truth drifts away by 0.5 dB on Levin. (A fade that grows with the kernel suits
# shakes of 61 to 85 px in 512 px, and costs up to 2 dB in small pictures.)
FADE, LEAST_FADE = 20, 2
# A shrunk pixel is left out when more than this share of it is to be ignored.
IGNORED_SHARE = 0.01
STEPS_PER_LEVEL = 5
REFINING_STEPS = 3
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
    sparsities = _sparsities(len(levels), search.sparsity)
    for index in range(done + 1, level + 1):
        scale = levels[index]
        if index:
            kernel = grow(kernel, side_at(search.side, scale))
        kernel = refine(
            shrink(blurry, scale),
            kernel,
            sparsities[index * STEPS_PER_LEVEL :][:STEPS_PER_LEVEL],
            ridge=search.ridge,
            threshold=THRESHOLD if scale == 1 else search.coarse_threshold,
            fade=max(round(FADE * scale), LEAST_FADE),
            trusted=None if ignore is None else shrink(ignore.to(blurry.dtype), scale) < IGNORED_SHARE,
        )
    return Found(search, kernel, level)


def refine(
    blurry: Image,
    kernel: Kernel,
    sparsities: Sequence[float] = (SPARSITY_LAST,) * REFINING_STEPS,
    *,
    ridge: float = Search.ridge,
    threshold: float = THRESHOLD,
    fade: int = FADE,
    trusted: Tensor | None = None,
) -> Kernel:
    """One level: alternate gradients and kernel, one round per sparsity, starting from `kernel`; same size.

    `trusted` (1 1 h w, bool): the pixels to learn from.
    """
    guess = sparse_gradients(blurry, kernel.shape[-1])
    window = faded([length - 1 for length in blurry.shape[-2:]], fade, blurry)
    if trusted is not None:
        window = window * _soft(trusted, kernel.shape[-1] // 2)[..., 1:, 1:].to(blurry.dtype)
    blurry_gradients = window * inner_differences(blurry)
    for sparsity in sparsities:
        kernel = solve_kernel(window * guess(kernel, sparsity), blurry_gradients, kernel, ridge=ridge)
        kernel = tidy_kernel(kernel, threshold=threshold)
    return kernel


def _soft(trusted: Tensor, margin: int) -> Tensor:
    """From `trusted` (1 1 h w, bool) a weight in [0, 1] that falls to 0 over `margin` px, as towards the frame.

    Blurry gradients are the sharp ones convolved only where the weight hardly changes within a kernel: with hard edges
    5 % of clipped pixels cost one photo 8 dB.
    """
    inner = -functional.max_pool2d(-trusted.float(), 3, stride=1, padding=1)
    side = margin | 1
    return functional.avg_pool2d(inner, side, stride=1, padding=side // 2, count_include_pad=False)


def _sparsities(levels: int, last: float) -> list[float]:
    steps = levels * STEPS_PER_LEVEL
    first = max(SPARSITY_FIRST, last)
    return [first * (last / first) ** (step / (steps - 1)) for step in range(steps)]
