"""Does a given kernel fit a photo better when it is turned or mirrored?

Kernels of a correlation are turned by 180 degrees against ours, and what other programs export may be mirrored. Such a
kernel blurs by the same amount and as long, so that it explains a photo nearly as well; but what it makes of it is no
sharp picture: the true one leaves less of the photo, fewer gradients, and fewer values that no light has.
"""

from typing import NamedTuple

from torch import Tensor

from blurspace.pixels import inner
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.deconvolve import Rounds, deconvolve, strength_for
from blurspace.restore.evidence import LEAST_NOISE, gradient_length, unexplained
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.types import Image, Kernel

# px: the side of the window that is looked at, at least; and in sides of the kernel (ours, as all here: notebook).
SIDE, SIDES = 320, 4
ROUNDS = Rounds(8)  # less than half of what a result takes: enough to tell
# How many times as well a turned kernel has to fit: no true one came so far, and of wrong ones most go beyond.
CLEARLY = 1.2
# How much values that no light has count beside gradients and rest, as a power; and what keeps both from 0, where only
# rounding would differ: a root mean square that is far below that of 8 bits.
OUTSIDE, FLOOR = 0.25, 1e-4
# What keeps how much a kernel blurs along rows and along columns: a quarter turn changes it, and tells less (notebook).
TURNS = {
    "turned by 180 degrees": (-2, -1),
    "mirrored from left to right": (-1,),
    "mirrored upside down": (-2,),
}


def better_turn(seen: Observed, run: Run) -> str | None:
    """How the given kernel of a photo is to be turned or mirrored to fit clearly better, in words.

    None where it fits as it is, is nearly the same when turned, or is too wide for the photo to tell.
    """
    if not isinstance(seen.given, UniformBlur):
        return None
    kernel = seen.given.kernel.detach().cpu()
    area = seen.window(max(SIDE, SIDES * kernel.shape[-1]), light=False)
    if 2 * kernel.shape[-1] > min(area.size):
        return None
    grey, hidden = seen.grey(area), seen.trust(area) == 0
    sigma = seen.grey_sigma
    asked = misfit(grey, kernel, hidden, sigma=sigma)
    found, least = None, asked.whole / CLEARLY
    for words, axes in TURNS.items():
        run.check()
        turned = misfit(grey, kernel.flip(axes), hidden, sigma=sigma)
        if turned.whole < least and turned.plain < asked.plain:
            found, least = words, turned.whole
    return found


class Misfit(NamedTuple):
    """How badly a kernel undoes a blur: `plain`, what is left times the mean gradient; `outside`: beyond the light."""

    plain: float
    outside: float

    @property
    def whole(self) -> float:
        """Both. Alone neither tells: where the blur varies, a turned mean of it may leave fewer values outside."""
        return self.plain * self.outside


def misfit(grey: Image, kernel: Kernel, hidden: Tensor, *, sigma: float) -> Misfit:
    """How badly a kernel undoes the blur of grey light (1 1 h w): the result's mean gradient times what it leaves.

    And a power of how far the result is outside [0, 1], which no light is. `hidden` (1 1 h w, bool): pixels that tell
    nothing. `sigma`: of the noise.
    """
    strength, reach = strength_for(max(sigma, LEAST_NOISE)), kernel.shape[-1] // 2
    sharp = deconvolve(grey, kernel, strength=strength, saturated=hidden, rounds=ROUNDS)
    length = float(gradient_length(inner(sharp, reach)).mean())
    beyond = inner((sharp - sharp.clamp(0, 1)).masked_fill(hidden, 0), reach).square().mean().sqrt()
    rest = max(unexplained(grey, sharp, kernel, hidden), FLOOR)
    return Misfit(length * rest, (float(beyond) + FLOOR) ** OUTSIDE)
