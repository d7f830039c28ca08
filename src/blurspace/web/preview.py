"""How will another strength look, before it is worked out? The same restoration, of the photo made smaller.

A kernel shrinks with the picture as it does with the strength: `Blur.shortened` does both at once.
"""

import math
from dataclasses import replace

from torch import Tensor
from torch.nn import functional

from blurspace.restore.driver import Method, in_tiles
from blurspace.restore.observed import Observed, as_float, as_stored
from blurspace.run import Run

PIXELS = 220_000  # of a preview at most: half a second on two cores (ours)


def preview(seen: Observed, method: Method, strength: float, run: Run) -> Tensor | None:
    """A photo (1 c h w), smaller, restored with the blur that a method found in it, stored as the photo is.

    None where the photo is so small that a preview takes as long as the result, or where no blur was found.
    """
    step = math.ceil(math.sqrt(seen.size[0] * seen.size[1] / PIXELS))
    found = seen.find(method.find, run)
    if step < 2 or found is None or found.blur is None:
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
    quiet = replace(run, on_step=None)
    return in_tiles(small, method, replace(found, blur=found.blur.shortened(strength / step)), quiet).picture
