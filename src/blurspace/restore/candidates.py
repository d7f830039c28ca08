"""Which kernel, of any size, blurred this picture? Several searches, and the one that looks most like a sharp picture.

A search that is given too little room cannot find the kernel, one with too much fills the rest with noise, and one that
starts on the wrong foot ends in a wrong kernel. So two searches with the widest bound come first, which start across
each other, then narrower ones, until one is clearly worse. All run at half the resolution, at a quarter of the cost and
half of the noise, and are compared there. Each kernel deconvolves the picture: a wrong one leaves ringing and ghosts,
which raise the normalised sparsity |grad x|_1 / |grad x|_2 (Krishnan, Tay and Fergus 2011), or a picture that does not
give the photo back when it is blurred again. Unlike the energy that the search minimises, the product of both does not
prefer the blurry picture. The best go on, with no more room than their kernels need.
"""

from dataclasses import dataclass, replace
from statistics import fmean

import torch
from torch import Tensor

from blurspace.blur.agreement import offset
from blurspace.blur.kernels import crop_or_pad, trim
from blurspace.restore.deconvolve import deconvolve
from blurspace.restore.estimate import LAST_SETTLING, SPARSITY_LAST, Found, Search, find, grow_to_full, settle
from blurspace.restore.noise import estimate_sigma
from blurspace.restore.pyramid import LEVEL_SCALE, scales, shrink, side_at
from blurspace.restore.receipt import normalised_sparsity, unexplained
from blurspace.sharpness import busiest_window
from blurspace.types import Image, Kernel

# The bound of a kernel's extent in px, unless given.
WIDEST = 119
# Noise of standard deviation sigma looks like gradients that cost nothing below this many sigma^2. Six blurry photos of
# Kodak with sigma 0.02, kernels not settled: 22.7 dB with 0, 23.1 with 2, 23.7 with 5, 23.9 with 10, 23.5 with 20.
SPARSITY_PER_VARIANCE = 10.0
# Searches get narrower, by a factor of 2, until one's score is this many times the best one's.
WORSE = 1.05
# A picture must hold this many kernel sides of a search, else there is too little in it to find that kernel, and noise
# fills the room: with 4, two of the 32 blurs of benchmarks/unseen.csv lost 1.3 and 3.3 dB (with shorter settling). On
# Levin's 32, which have no noise, 4 gives 33.3 dB and 5 gives 32.4.
SIDES_IN_PICTURE, SIDES_IN_NOISY_PICTURE = 4, 5
# The searches are compared two levels before the end, at half the resolution.
COMPARED_AT = 2
# A level is not learned from, the kernel only made larger, where its noise has this standard deviation or more. On 36
# photos, half with sigma 0.01 (a level down 0.0035) and half with 0.02 (0.0066), and an earlier search: learning from
# both last levels gave 25.7 and 27.2 dB, from none 25.6 and 28.2, from the coarser one 26.0 and 28.1.
NOISY = 0.005
# Nor where the sparsity ends below this many variances of its noise. Four photos of Kodak with sigma 0.003, so with 3
# variances: refused, where the enlarged kernel gains 5 to 8 dB. With 0.002 and 9 variances both gain as much. With
# 6 in place of 4, nine of the 32 blurs of benchmarks/unseen.csv lost 0.4 to 1.9 dB.
LEAST_PER_VARIANCE = 4
# Searches that go on where no level is too noisy: at most so many, with scores of at most so many times the best one's.
MOST_GOING, NEAR = 3, 1.02
# One that goes on gets this much more room than its kernel, in px of half the resolution.
ROOM = 2
# The deconvolution (hyper-Laplacian) that kernels are compared by. On 60 photos under shakes of 9 to 85 px, sigma 0.01
# and 0.02, kernels not settled, pictures at half the resolution are then 29.69 dB (the best of four searches each time:
# 30.14); by the sparsity alone, after total variation, 29.39. The best of 240 rules: 0.3 dB is a little too much. With
# settled kernels (36 of the photos) 31.30 dB of 31.54.
COMPARE_STRENGTH = 4e-4
COMPARE_ITERATIONS = 15
AGREEMENT_FINENESS = 2  # steps per px
# Searches see a window of at most this side, at full resolution.
WINDOW = 512
# Kernel values under this share of the peak do not count as its extent.
EXTENT_THRESHOLD = 0.02


@dataclass(frozen=True)
class Estimate:
    """The `kernel` (1 1 k k), trimmed, centred, sum 1, and the `confidence` in it.

    The confidence, in [0, 1], is how well the kernels of the other searches agree with the chosen one at half the
    resolution: the mean of the normalised correlations of their smoothed values at the best shifts. Of 36 held-out
    photos under shakes of 9 to 85 px the kernel agreed with the true one (0.85 or more) in all 12 with a confidence
    above 0.97, in 19 of 21 between 0.8 and that, and in 2 of 3 below.
    """

    kernel: Kernel
    confidence: float


@dataclass(frozen=True)
class Candidate:
    """How far one search has come, and its score there: lower is better."""

    found: Found
    score: float


def estimate_kernel(blurry: Image, *, size: int | None = None, ignore: Tensor | None = None) -> Estimate:
    """Estimate the kernel that blurred a grey picture (1 1 h w) in [0, 1].

    `size`: an upper bound of the kernel's extent in px, odd; found automatically where not given. `ignore`
    (1 1 h w, bool): pixels that tell nothing, such as clipped ones.
    Source: see `estimate.py` (the searches) and Krishnan, Tay and Fergus 2011 (half of the choice).
    """
    with torch.inference_mode():  # a tenth faster than no_grad: thousands of small steps
        found = _estimate(blurry, size, ignore)
    return replace(found, kernel=found.kernel.clone())  # outside, so that the kernel may enter a graph


def _estimate(blurry: Image, size: int | None, ignore: Tensor | None) -> Estimate:
    sigma = estimate_sigma(blurry)
    sparsity = max(SPARSITY_LAST, SPARSITY_PER_VARIANCE * sigma**2)
    shorter = min(blurry.shape[-2:])
    window = busiest_window(blurry, WINDOW)
    blurry, ignore = blurry[(..., *window)], None if ignore is None else ignore[(..., *window)]
    noisy = _levels_too_noisy(blurry, LAST_SETTLING[-1] * sparsity)
    sides = SIDES_IN_NOISY_PICTURE if noisy else SIDES_IN_PICTURE
    widest = min(size, min(blurry.shape[-2:]) // 2 - 1) if size else min(WIDEST, shorter // sides)
    begun = _narrowing(blurry, widest | 1, sparsity, ignore)
    best = sorted(begun, key=lambda candidate: candidate.score)
    near = [candidate for candidate in best[: 1 if noisy else MOST_GOING] if candidate.score <= NEAR * best[0].score]
    going = [_with_less_room(candidate.found) for candidate in near]
    settled = [settle(blurry, found, _level(found.search, noisy), ignore=ignore) for found in going]
    done = [_scored(blurry, found, ignore) for found in settled]
    kernel = grow_to_full(min(done, key=lambda candidate: candidate.score).found)
    halves = [trim(candidate.found.kernel, EXTENT_THRESHOLD) for candidate in best]
    agreements = [offset(halves[0], other, fineness=AGREEMENT_FINENESS)[2] for other in halves[1:]]
    return Estimate(trim(kernel, EXTENT_THRESHOLD), min(fmean(agreements), 1.0))


def _narrowing(blurry: Image, widest: int, sparsity: float, ignore: Tensor | None) -> list[Candidate]:
    """Two searches with the widest bound, then narrower ones until one is clearly worse than the best so far."""
    begun: list[Candidate] = []
    for count, scale in enumerate((1.0, *scales(widest)[::-2])):
        search = Search(round(widest * scale) | 1, sparsity=sparsity, upright=count % 2 == 1)
        if count > 1 and len(scales(search.side)) <= COMPARED_AT:  # it has no level of half the resolution
            break
        found = find(blurry, search, _level(search, COMPARED_AT), ignore=ignore)
        begun.append(_scored(blurry, found, ignore))
        if count > 1 and begun[-1].score > WORSE * min(candidate.score for candidate in begun):
            break
    return begun


def _scored(blurry: Image, found: Found, ignore: Tensor | None) -> Candidate:
    scale = scales(found.search.side)[found.level]
    clipped = None if ignore is None else shrink(ignore.to(blurry.dtype), scale) > 0
    return Candidate(found, _score(shrink(blurry, scale), trim(found.kernel, EXTENT_THRESHOLD), clipped))


def _level(search: Search, left: int) -> int:
    """The level that is so many before the last, if there are as many."""
    return max(len(scales(search.side)) - 1 - left, 0)


def _score(blurry: Image, kernel: Kernel, clipped: Tensor | None) -> float:
    """How little like a sharp picture that explains it `blurry` (1 1 h w) is, deconvolved: lower is better."""
    sharp = deconvolve(
        blurry,
        kernel,
        strength=COMPARE_STRENGTH,
        prior="hyper-laplacian",
        saturated=clipped,
        iterations=COMPARE_ITERATIONS,
    )
    return normalised_sparsity(sharp) * unexplained(blurry, sharp, kernel, clipped)


def _levels_too_noisy(blurry: Image, last: float) -> int:
    """How many of the finest levels, after the one that searches are compared at, are too noisy to learn from.

    `last`: the sparsity at the end.
    """
    sigmas = [estimate_sigma(shrink(blurry, LEVEL_SCALE**left)) for left in range(COMPARED_AT)]
    return sum(sigma >= NOISY or LEAST_PER_VARIANCE * sigma**2 > last for sigma in sigmas)


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
