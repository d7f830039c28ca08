"""How is the blur of a photo found by search: one kernel, or a field of them as a turning camera leaves it?"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from torch import Tensor

from blurspace.blur.varying import KernelField
from blurspace.errors import UsageError
from blurspace.restore.blurs import FieldBlur, UniformBlur
from blurspace.restore.candidates import Estimate, estimate_kernel
from blurspace.restore.driver import Found
from blurspace.restore.field import estimate_field, field_explains_better
from blurspace.restore.light import begun
from blurspace.restore.observed import Observed
from blurspace.restore.overview import Overview, averaged, overview, step_of
from blurspace.restore.settings import SearchSettings
from blurspace.run import Run
from blurspace.types import Image, Kernel

# Nodes of a field along the longer and the shorter side: cells are about square on a 4:3 photo.
LONGER, SHORTER = 4, 3
# px: in an overview kernels are at most so wide, and tell little below so many (ours).
OVERVIEW_WIDEST, TELLING = 61, 10


@dataclass(frozen=True)
class KernelFinder:
    """Finds one kernel for the whole photo, where it has the most edges; `size`: an odd upper bound in px."""

    size: int | None = None
    settings: SearchSettings = field(default_factory=SearchSettings)

    def __post_init__(self) -> None:
        """Raises UsageError on an even size, or one below 3."""
        if self.size is not None and (self.size < 3 or self.size % 2 == 0):
            raise UsageError(f"a kernel size of {self.size} px was given: give an odd number from 3 up")

    def __call__(self, seen: Observed, run: Run) -> Found:
        """The kernel and the confidence in it; the one that is given, if one is."""
        if seen.given is not None:
            seen.settle(seen.given.kernel)
            return Found(seen.given, known=True, notes=(seen.note,))
        seen.suppose(begun(seen.origin))
        near = None if seen.near is None else seen.near.kernel
        estimate = self.searched(seen, near, run)
        if seen.settle(estimate.kernel):
            estimate = self.searched(seen, estimate.kernel, run)
        return Found(UniformBlur(estimate.kernel), estimate.confidence, notes=(seen.note,))

    def searched(self, seen: Observed, near: Kernel | None, run: Run) -> Estimate:
        """The kernel in the light that is supposed; from one like it, if `near` is given."""
        if (step := step_of(seen.inside.size)) > 1:
            return self.in_big(seen, overview(seen, step), near, run)
        return self.estimated(seen, *averaged(seen, seen.window(self.settings.window)), run, size=self.size, near=near)

    def in_big(self, seen: Observed, small: Overview, near: Kernel | None, run: Run) -> Estimate:
        """The kernel of a photo that is bigger than what searches look at: from its overview, then in places of it."""
        if near is not None:
            return self.estimated(seen, *small.around(seen, near.shape[-1]), run, near=near)
        step, first = small.step, self.estimated(seen, small.grey, small.trust, run, size=self.bound(small.step))
        while (side := first.kernel.shape[-1]) < TELLING and step > 1:  # it hardly shows there: look closer
            step //= 2
            window = small.places(step * self.settings.window, 1)[0]
            bound = self.bound(step, 2 * side + TELLING // 2)
            first = self.estimated(seen, *averaged(seen, window, step), run, size=bound)
        places = small.around(seen, side * step)
        found = self.estimated(seen, *places, run, near=first.kernel, scale=1 / step)
        return replace(found, confidence=first.confidence)

    def bound(self, step: int, most: int = OVERVIEW_WIDEST) -> int:
        """px of an overview: the odd upper bound of a kernel's extent in it."""
        return (most if self.size is None else max(min(self.size // step, most), 3)) | 1

    def estimated(
        self,
        seen: Observed,
        grey: Image,
        trust: Tensor,
        run: Run,
        *,
        size: int | None = None,
        near: Kernel | None = None,
        scale: float = 1.0,
    ) -> Estimate:
        """The kernel in some windows (1 n h w) of a photo, together: see `estimate_kernel`."""
        return estimate_kernel(
            grey.to(run.device),
            size=size,
            ignore=(trust < 1).to(run.device),
            near=near,
            scale=scale,
            sigma=seen.grey_sigma,
            shorter=min(seen.inside.size),
            settings=self.settings,
            run=run,
        )


@dataclass(frozen=True)
class FieldFinder:
    """Finds the kernels of a turning camera, by `estimate`, from the one of the whole photo that `start` finds."""

    start: KernelFinder
    estimate: Callable[..., KernelField] = estimate_field

    def __call__(self, seen: Observed, run: Run) -> Found | None:
        """The field; None where one kernel explains the photo as well, or the blur is given."""
        if seen.given is not None:
            return None
        single = seen.find(self.start, run)
        kernels = self.kernels(seen, single, run)
        if single.blur is None or kernels.side > min(seen.size) // 2:  # no photo shows so much
            return None
        if not field_explains_better(single.blur.kernel, kernels):
            return None
        note = f"the camera turned: {kernels.rows} x {kernels.columns} kernels, interpolated between"
        return Found(FieldBlur(kernels), single.confidence, notes=(*single.notes, note))

    def kernels(self, seen: Observed, single: Found, run: Run) -> KernelField:
        """The kernels as one path of a turning camera draws them, whether it turned or not."""
        assert single.blur is not None
        height, width = seen.size
        rows, columns = (LONGER, SHORTER) if height > width else (SHORTER, LONGER)
        return self.estimate(seen, single.blur.kernel, rows=rows, columns=columns, run=run)
