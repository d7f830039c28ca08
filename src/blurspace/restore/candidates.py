"""Which kernel, of any size, blurred this picture? Several searches, and the one that looks most like a sharp picture.

A search that is given too little room cannot find the kernel, one with too much fills the rest with noise, and one that
starts on the wrong foot ends in a wrong kernel. So two searches with the widest bound come first, which start across
each other. They know that a sharp photo is a little soft, without which thin kernels come out thick; but steps without
softness lead to the right kernel more often. So from many starts such searches are begun too, within two bounds, and
the best at a quarter of the resolution go on. All are compared at half the resolution, at a quarter of the cost and
half of the noise. Each kernel deconvolves the picture: a wrong one leaves ringing and ghosts, which raise the
normalised sparsity |grad x|_1 / |grad x|_2 (Krishnan, Tay and Fergus 2011), or a picture that does not give the photo
back when it is blurred again. Unlike the energy that the search minimises, the product of both does not prefer the
blurry picture. The best go on, with no more room than their kernels need.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from statistics import fmean
from types import EllipsisType

import torch
from torch import Tensor

from blurspace.blur.agreement import offset
from blurspace.blur.kernels import crop_or_pad, trim
from blurspace.restore.deconvolve import Rounds
from blurspace.restore.estimate import SPARSITY_LAST, Reached, Search, enlarged, find, settle, within
from blurspace.restore.likeness import unlike_sharp
from blurspace.restore.noise import estimate_sigma
from blurspace.restore.pyramid import (
    COARSEST_SIDE,
    DIRECTIONS,
    LEVEL_SCALE,
    STARTS,
    resize_kernel,
    scales,
    shrink,
    side_at,
)
from blurspace.restore.settings import SearchSettings
from blurspace.restore.shapes import best_shapes
from blurspace.run import Run
from blurspace.sharpness import busiest_window
from blurspace.types import AnyKernel, Image, Kernel

STAGE = "looking for the blur"
# Of `pyramid.first_kernels`, lines and the box: they lead to kernels that pairs of neighbours never find (notebook).
LONG = tuple(range(len(DIRECTIONS), STARTS))


@dataclass(frozen=True)
class Estimate:
    """The `kernel` (1 1 k k), trimmed, centred, sum 1, and the `confidence` in it.

    The confidence, in [0, 1], is how well the kernels of the other searches agree with the best one at half the
    resolution, before that settles (or a start with what is reached from it): the mean of the normalised correlations
    of their smoothed values at the best shifts.
    """

    kernel: Kernel
    confidence: float


@dataclass(frozen=True)
class Candidate:
    """How far one search has come, and its score there: lower is better."""

    found: Reached
    score: float


def estimate_kernel(
    blurry: Image,
    *,
    size: int | None = None,
    ignore: Tensor | None = None,
    near: Kernel | None = None,
    scale: float = 1.0,
    sigma: float | None = None,
    shorter: int | None = None,
    settings: SearchSettings | None = None,
    run: Run | None = None,
) -> Estimate:
    """Estimate the kernel that blurred a grey picture in [0, 1]: (1 1 h w), or n windows of one photo (1 n h w).

    `size`: an upper bound of the kernel's extent in px, odd; found automatically where not given. `ignore`
    (1 n h w, bool): pixels that tell nothing, such as clipped ones. `near` (1 1 k k): a kernel like it, of the picture
    at a `scale`, from which to start in place of the searches. `sigma`, `shorter`: noise and shorter side of the photo
    that this is a window of.
    Source: see `estimate.py` (the searches) and Krishnan, Tay and Fergus 2011 (half of the choice).
    """
    shorter = min(blurry.shape[-2:]) if shorter is None else shorter
    searches = begin(blurry, ignore=ignore, sigma=sigma, settings=settings, run=run)
    with torch.inference_mode():  # a tenth faster than no_grad: thousands of small steps
        found = searches.near(near, scale) if near is not None else searches.best(size, shorter)
    return replace(found, kernel=found.kernel.clone())  # outside, so that the kernel may enter a graph


def begin(
    blurry: Image,
    *,
    ignore: Tensor | None = None,
    sigma: float | None = None,
    settings: SearchSettings | None = None,
    run: Run | None = None,
) -> "Searches":
    """The searches in the window of a grey picture (1 n h w) that has the most edges; see `estimate_kernel`."""
    settings = settings or SearchSettings()
    sigma = estimate_sigma(blurry) if sigma is None else sigma
    window = busiest_window(blurry, settings.window)
    return Searches(
        blurry[(..., *window)],
        None if ignore is None else ignore[(..., *window)],
        max(SPARSITY_LAST, settings.sparsity_per_variance * sigma**2),
        settings,
        run or Run(),
    )


@dataclass(frozen=True)
class Searches:
    """Several searches in one window of a photo, or in several of one size (1 n h w).

    `find`, `settle`: how one search is begun, and goes on. `score`: how little like a sharp picture that explains the
    window its result is.
    """

    blurry: Image
    ignore: Tensor | None
    sparsity: float
    settings: SearchSettings
    run: Run
    find: Callable[..., Reached] = find
    settle: Callable[..., Reached] = settle
    score: "Callable[[Searches, Reached], float]" = field(default=lambda searches, found: searches.unlike_sharp(found))

    @property
    def inside(self) -> int:
        """px: the widest kernel that the window tells of."""
        return min(self.blurry.shape[-2:]) // 2 - 1

    def best(self, size: int | None, shorter: int) -> Estimate:
        """The kernel of the search that explains the window best."""
        rules = self.settings
        widest = (min(size, self.inside) if size else min(rules.widest, shorter // rules.sides_in_picture)) | 1
        begun = sorted((*self.widest(widest), *self.spread(widest)), key=lambda candidate: candidate.score)
        near = [one for one in begun[: rules.most_going] if one.score <= rules.near * begun[0].score]
        kernel = self.simplest(self.finished([self.with_less_room(candidate.found) for candidate in near]), widest)
        halves = [self.trimmed(candidate.found) for candidate in begun]
        agreements = [offset(halves[0], other, fineness=rules.fineness)[2] for other in halves[1:]]
        return Estimate(kernel, min(fmean(agreements), 1.0))

    def near(self, kernel: Kernel, scale: float = 1.0) -> Estimate:
        """The kernel that is reached from one like it, of the picture at a `scale`; confidence: how well both agree."""
        side = max(round(kernel.shape[-1] / scale) + 2 * self.settings.room, COARSEST_SIDE)
        search = self.search(min(side, self.inside) | 1)
        levels = scales(search.side)
        left = self.settings.compared_at if scale == 1 else round(math.log(scale) / math.log(LEVEL_SCALE))
        level = _level(search, left)
        start = resize_kernel(kernel.to(self.blurry), levels[level] / scale)
        started = Reached(search, crop_or_pad(start, side_at(search.side, levels[level])), level)
        reached = self.trimmed(self.finished([started]).found)
        agreement = offset(kernel.to(reached), resize_kernel(reached, scale), fineness=self.settings.fineness)[2]
        return Estimate(reached, min(agreement, 1.0))

    def widest(self, side: int) -> "list[Candidate]":
        """Two searches with the widest bound, which start across each other."""
        begun: list[Candidate] = []
        for start in (0, 1):
            self.run.step(STAGE, start, 4)
            search = self.search(side, starts=(start,))
            level = _level(search, self.settings.compared_at)
            begun.append(self.scored(self.find(self.blurry, search, level, ignore=self.ignore, run=self.run)))
        self.run.step(STAGE, 2, 4)
        return begun

    def spread(self, widest: int) -> "list[Candidate]":
        """The best of searches without softness from many starts at once."""
        rules, begun = self.settings, list[Candidate]()
        for scale in scales(widest)[::-2][: rules.spread]:
            search = replace(self.search(round(widest * scale) | 1, starts=LONG), softness=0.0)
            if len(scales(search.side)) <= rules.spread_at:  # it has no level as coarse
                break
            found = self.find(self.blurry, search, _level(search, rules.spread_at), ignore=self.ignore, run=self.run)
            begun += [self.scored(replace(found, kernel=kernel)) for kernel in found.kernel.split(1)]
        going = sorted(begun, key=lambda candidate: candidate.score)[: rules.spread_going]
        return [self.scored(self.further(self.with_less_room(candidate.found))) for candidate in going]

    def further(self, found: Reached) -> Reached:
        """A search that was begun, down to where searches are compared."""
        level = _level(found.search, self.settings.compared_at)
        return self.find(self.blurry, found.search, level, begun=found, ignore=self.ignore, run=self.run)

    def search(self, side: int, starts: tuple[int, ...] = (0,)) -> Search:
        """A search for a kernel of at most `side` px."""
        return Search(side, sparsity=self.sparsity, starts=starts, softness=self.settings.softness)

    def finished(self, going: Sequence[Reached]) -> Candidate:
        """The best of those that go on, settled, at full resolution; which one it is shows one level before."""
        self.run.step(STAGE, 3, 4)
        best, first, before = going[0], going[0].level, going[:1]
        if len(going) > 1:
            tried = [(self.scored(self.settled(one, one.level, 1)), one) for one in going]
            end, start = min(tried, key=lambda pair: pair[0].score)
            best, first = end.found, min(end.found.level + 1, _level(end.found.search, 0))
            before = [best, start]
        # Where there is noise a kernel may get much worse at the last levels: then it is only enlarged.
        settled = self.scored(self.settled(best, first, 0))
        kept = [self.scored(enlarged(one, _level(one.search, 0))) for one in before]
        self.run.step(STAGE, 4, 4)
        plain = min(kept, key=lambda one: one.score)
        return plain if plain.score * self.settings.spoilt < settled.score else settled

    def settled(self, found: Reached, first: int, left: int) -> Reached:
        """A search that settled from one level to so many before the last, as of a photo that is a little soft."""
        levels = range(first, _level(found.search, left) + 1)
        return self.settle(self.blurry, self.soft(found), levels, ignore=self.ignore, run=self.run)

    def trimmed(self, found: Reached) -> Kernel:
        """The kernel without what is faint around it."""
        return trim(found.kernel, self.settings.extent_threshold)

    def soft(self, found: Reached) -> Reached:
        """The same kernel, of a photo that is a little soft."""
        return replace(found, search=replace(found.search, softness=self.settings.softness))

    def scored(self, found: Reached) -> "Candidate":
        """How far a search has come, with its score."""
        return Candidate(found, self.score(self, found))

    def unlike_sharp(self, found: Reached) -> float:
        """How little like a sharp picture that explains the window it is, deconvolved."""
        scale = scales(found.search.side)[found.level]
        clipped = None if self.ignore is None else shrink(self.ignore.to(self.blurry.dtype), scale) > 0
        return self.compared(shrink(self.blurry, scale), self.trimmed(found), clipped)

    def simplest(self, settled: Candidate, widest: int) -> AnyKernel:
        """A simple shape of at most `widest` px in place of a kernel, where it explains the window as well."""
        rules, kernel = self.settings, self.trimmed(settled.found)
        if kernel.shape[-1] > rules.shapes_up_to:
            return kernel
        small = (..., *busiest_window(self.blurry, rules.shapes_window))

        def score(one: Kernel) -> float:
            return self.unlike(one, small) if one.shape[-1] <= widest else math.inf

        shapes = [shape.kernel.to(kernel) for shape in best_shapes(kernel, score)]
        scores = [self.unlike(shape) if shape.shape[-1] <= widest else math.inf for shape in shapes]
        alike = [offset(kernel, shape, fineness=rules.fineness)[2] for shape in shapes]
        known = [place for place, likeness in enumerate(alike) if likeness >= rules.least_alike]
        if not known:
            return kernel
        good = [place for place in known if scores[place] <= rules.as_well * min(scores[one] for one in known)]
        best = max(good, key=alike.__getitem__)
        allowed = rules.simpler if alike[best] >= rules.alike else 1.0
        return shapes[best] if scores[best] <= allowed * settled.score else kernel

    def unlike(self, kernel: Kernel, place: tuple[EllipsisType | slice, ...] = (...,)) -> float:
        """The score of a kernel at full resolution, in all of the window or a `place` in it."""
        ignore = None if self.ignore is None else self.ignore[place]
        return self.compared(self.blurry[place], kernel.to(self.blurry), ignore)

    def compared(self, blurry: Image, kernel: Kernel, clipped: Tensor | None) -> float:
        """The score of a kernel, by the deconvolution that all are compared by."""
        rounds = Rounds(self.settings.compare_iterations, 1.0)
        return unlike_sharp(
            blurry, kernel, clipped, strength=self.settings.compare_strength, rounds=rounds, run=self.run
        )

    def with_less_room(self, found: Reached) -> Reached:
        """The same search, bounded by what its kernel needs: less to compute, and less room for noise."""
        return within(found, self.trimmed(found).shape[-1] + 2 * self.settings.room)


def _level(search: Search, left: int) -> int:
    """The level that is so many before the last, if there are as many."""
    return max(len(scales(search.side)) - 1 - left, 0)
