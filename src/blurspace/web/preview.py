"""How will another strength look, before it is worked out? The same restoration, of the photo made smaller.

A kernel shrinks with the picture as it does with the strength: `Blur.shortened` does both at once.
"""

import math
from dataclasses import dataclass, replace

from torch import Tensor
from torch.nn import functional

from blurspace.restore.driver import Found, Method
from blurspace.restore.observed import Observed, as_float, as_stored
from blurspace.run import Run

PIXELS = 150_000  # of a preview at most: a tenth of a second on two cores (ours)


@dataclass(frozen=True)
class Small:
    """A photo made smaller, as `seen`: each pixel is the mean of `step` times `step`."""

    seen: Observed
    step: int

    def restored(self, method: Method, found: Found | None, strength: float, run: Run) -> Tensor | None:
        """It (1 c h w) with that much of the blur removed that a method found in the photo, stored as the photo is.

        Nothing is judged. None where no blur was found.
        """
        if found is None or found.blur is None:
            return None
        shorter = replace(found, blur=found.blur.shortened(strength / self.step))
        area, quiet = self.seen.area, replace(run, on_step=None)
        sharp = method.restorer(self.seen, shorter, quiet)(self.seen.light(area).to(run.device), area, quiet)
        return self.seen.restored(self.seen.displayed(sharp), area).to(self.seen.pixels.device)


def made_small(seen: Observed) -> Small | None:
    """A photo whose light is known, made smaller; None where its preview takes as long as its result."""
    step = math.ceil(math.sqrt(seen.size[0] * seen.size[1] / PIXELS))
    if step < 2:
        return None
    height, width = seen.size[0] // step, seen.size[1] // step

    def few(mask: Tensor | None) -> Tensor | None:
        return None if mask is None else mask[..., ::step, ::step][..., :height, :width].contiguous()

    small = Observed(
        as_stored(functional.avg_pool2d(as_float(seen.pixels), step), seen.pixels.dtype),
        response=seen.response,
        least_sigma=seen.least_sigma / step,
        alpha=few(seen.alpha),
        region=few(seen.region),
    )
    return Small(small, step)
