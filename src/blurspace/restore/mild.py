"""How soft is a photo, and how is a mild softness undone in one step, without a search?

Edges of sharp photos are about a pixel wide, and a Gaussian adds its variance to theirs: so how wide the strongest
edges are in each direction says which Gaussian it was (after Delbracio and others 2021, who read it from the steepest
gradients alone, and take no step of ours). The widths are measured anyway, to see whether a photo is sharp.
"""

import math
from dataclasses import dataclass
from statistics import NormalDist

from blurspace.areas import Area
from blurspace.blur.fourier import inner_differences
from blurspace.blur.kernels import oval
from blurspace.pixels import highest, luminance
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.deconvolve import wiener
from blurspace.restore.driver import Found
from blurspace.restore.observed import Observed
from blurspace.restore.total_variation import margin_of
from blurspace.run import Run
from blurspace.sharpness import ANGLES
from blurspace.types import Image, Kernel

# px: the standard deviation of a sharp photo's edges, as slopes over two pixels show them; of what is worth undoing;
# and of what one step undoes: measured on training photos under known Gaussians (notebook).
OWN, LEAST, MOST = 0.75, 0.4, 2.0
STEEPEST = 0.49  # edge sharpness; 0.5 is a step from one pixel to the next, which has no width
# Edges under a round softness differ as well, by what is in the photo: it is oval where the shorter axis of their width
# is at most this share of the longer one, as by a motion of 5 px (ours).
OVAL = 0.5
# Of the noise's variance over that of the blurry gradients, which are smaller than the sharp ones (ours); and the least
# noise, display values: 8-bit rounding and what is left of the model.
SMOOTHING, LEAST_SIGMA = 0.2, 0.0025
# px about a pixel, and the share of the range of the photo's values there by which a restored one may leave it: what
# goes farther is a halo (ours).
ABOUT, BEYOND = 2, 0.2
LEAST_POWER = 1e-6  # squared gradients, of next to nothing but noise
# of memory, for a picture in colour: its spectrum, and the planes before and after it.
BYTES_PER_PX = 100


@dataclass(frozen=True)
class Softness:
    """A Gaussian: its standard deviations in px, and the angle of the `longer` one, degrees from the x axis, y up."""

    longer: float
    shorter: float
    angle: float = 0.0

    @property
    def kernel(self) -> Kernel:
        """The kernel (1 1 k k) of that shape."""
        return oval(self.longer, self.shorter, self.angle)

    @property
    def words(self) -> str:
        """What it is, for people."""
        if self.longer == self.shorter:
            return f"soft: a Gaussian of about {self.longer:.1f} px"
        return f"soft: a Gaussian of about {self.longer:.1f} px at {self.angle:.0f} degrees and {self.shorter:.1f} px"


def softness(sharpnesses: tuple[float, ...]) -> Softness | None:
    """The softness behind the edge sharpness in each of ANGLES; None where no direction tells, or it is too little."""
    told = [(angle, _width(value) ** 2) for angle, value in zip(ANGLES, sharpnesses, strict=True) if value < math.inf]
    if not told:
        return None
    # A variance in a direction is middle + across cos 2 angle + down sin 2 angle. The median, for a house may have
    # sharper edges upright; directions that tell nothing count as the others do.
    middle = sorted(variance for _, variance in told)[len(told) // 2]
    across, down = (
        2 / len(ANGLES) * sum(wave(2 * angle) * (variance - middle) for angle, variance in told)
        for wave in (math.cos, math.sin)
    )
    differ = math.hypot(across, down)
    if middle - differ > OVAL**2 * (middle + differ):
        differ = 0.0
    longer, shorter = (_added(middle + one) for one in (differ, -differ))
    angle = math.degrees(-math.atan2(down, across) / 2) % 180 if differ else 0.0
    return Softness(longer, max(shorter, LEAST), angle) if longer >= LEAST else None


def find_softness(seen: Observed, run: Run) -> Found | None:
    """The softness of a photo, as a `Finder`; None where there is too little of it, or the blur is given.

    It is undone in the light that a search has settled, and in stored values where nothing is known of it: of softness
    in light that loses less than light does of softness in stored values, as resizing leaves it (ours).
    """
    del run
    told = seen.given is None and _gradient_power(seen) > seen.sigma**2  # else noise, or JPEG's steps, drew the edges
    soft = softness(seen.sharpnesses) if told else None
    return None if soft is None else Found(UniformBlur(soft.kernel), notes=(seen.note, soft.words))


class OneStep:
    """The `Restorer` of a mild softness: `wiener`, and no halos."""

    multiple = 1
    bytes_per_px = BYTES_PER_PX

    def __init__(self, seen: Observed, found: Found, run: Run) -> None:
        """For a softness that was found in a photo."""
        del run
        assert found.blur is not None
        self.kernel, self.margin = found.blur.kernel, margin_of(found.blur)
        self.smoothing = SMOOTHING * max(seen.sigma, LEAST_SIGMA) ** 2 / _gradient_power(seen)

    def __call__(self, tile: Image, area: Area, run: Run) -> Image:
        """The sharp light (1 c h w) of a tile."""
        del area, run
        sharp = wiener(tile, self.kernel.to(tile), smoothing=self.smoothing)
        most, least = highest(tile, ABOUT), -highest(-tile, ABOUT)
        room = BEYOND * (most - least)
        return sharp.clamp(least - room, most + room)


def _gradient_power(seen: Observed) -> float:
    """The mean square of the photo's differences along x and y, without what its noise adds."""
    grey = luminance(seen.display(seen.looked_at))
    return max(float(inner_differences(grey).square().mean()) - seen.sigma**2, LEAST_POWER)


def _width(sharpness: float) -> float:
    """The standard deviation in px of a Gaussian edge: of its middle two pixels' slope over its contrast."""
    return 1 / NormalDist().inv_cdf(0.5 + min(sharpness, STEEPEST))


def _added(variance: float) -> float:
    """px: what a softness adds to the edges of a sharp photo, at most MOST."""
    return min(math.sqrt(max(variance - OWN**2, 0.0)), MOST)
