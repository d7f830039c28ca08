"""How would this camera have blurred this sharp picture? A guess from its unpaired pictures, to make pairs with.

The lines that explain its mean power spectrum (`blur.spectra`), its noise, the curve of its light as far as it can be
told, and what is not known drawn by chance: how its files are coded.

Light adds, display values do not: the steeper a camera's curve, the more a bright point wins over dark neighbours when
both are blurred. So blurry pictures have dark valleys sharper than their bright ridges, more or less so by the exponent
of the light, and the exponents are those with which the camera's own sharp pictures, blurred by the guess, become as
asymmetric (ours).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from statistics import fmean, variance

import torch
from torch import Generator, Tensor

from blurspace.blur.convolve import blur
from blurspace.blur.curve import from_light, to_light
from blurspace.blur.exposure import add_noise, jpeg
from blurspace.blur.spectra import KernelMixture, Power, fit_mixture, mean_power, power_ratio
from blurspace.chance import chance
from blurspace.data.crops import draw_between
from blurspace.errors import UsageError
from blurspace.levels import to_8_bits
from blurspace.pixels import central, inner, luminance
from blurspace.restore.noise import estimate_sigma
from blurspace.types import AnyImage, Image

# The exponent of the light, from values taken as they are to beyond sRGB's 2.4 (`blur.curve`); REDS has about 3.
TRIED = (1.0, 1.5, 2.0, 2.5, 3.0)
EXPONENTS = (TRIED[0], TRIED[-1])
ERRORS = 1.5  # how many standard errors of the asymmetry the exponents may be off (ours)
JUDGED, JUDGED_SIDE = 96, 192  # pictures of each pile, and the side in px of the square in their middle (ours)
SIGMAS = (0.5, 1.5)  # of the estimated noise (ours)
QUALITIES = (80, 100)  # of JPEG; half of the pictures are not coded at all (ours)
NOISE_PICTURES = 32  # whose noise is estimated (ours)


@dataclass(frozen=True, eq=False)
class CameraGuess:
    """What a camera's blur is like: a mixture of kernels and the noise of its blurry pictures, in [0, 1].

    `ratio`: the power that its blur leaves, for `spectral_distance`. `exponents`: of its light, from low to high.
    """

    mixture: KernelMixture
    sigma: float
    ratio: Power
    exponents: tuple[float, float] = EXPONENTS

    @property
    def reach(self) -> int:
        """px of margin that `photograph` needs on every side."""
        return max(kernel.shape[-1] for kernel in self.mixture.kernels) // 2

    def inner(self, roomy: Tensor) -> Tensor:
        """Pictures (... h+2 reach w+2 reach) without that margin."""
        return inner(roomy, self.reach)

    def photograph(self, sharp: Image, generator: Generator) -> AnyImage:
        """Sharp pictures (b 3 h+2 reach w+2 reach), in [0, 1], as the camera might have blurred them: (b 3 h w)."""
        return torch.cat([self._one(picture, generator) for picture in sharp.split(1)])

    def _one(self, sharp: Image, generator: Generator) -> AnyImage:
        exponent = torch.tensor(draw_between(self.exponents, generator))
        light = blur(to_light(sharp, exponent), self.mixture.draw(generator))
        photo = from_light(self.inner(light), exponent)
        photo = add_noise(photo, sigma=self.sigma * draw_between(SIGMAS, generator), generator=generator).clamp(0, 1)
        if draw_between((0, 1), generator) < 0.5:
            return jpeg(photo, quality=round(draw_between(QUALITIES, generator)))
        return to_8_bits(photo)


def guess_camera(blurry: Sequence[Tensor], sharp: Sequence[Tensor]) -> CameraGuess:
    """Guess from pictures uint8 (3 h w), not paired, two of each at least.

    Raises UsageError on fewer, or where all are smaller than 128 px.
    """
    if min(len(blurry), len(sharp)) < 2:
        raise UsageError(f"{len(blurry)} blurry and {len(sharp)} sharp pictures were given: give two of each or more")
    ratio = power_ratio(*(mean_power(picture[None].float() / 255 for picture in pile) for pile in (blurry, sharp)))
    sigmas = torch.tensor([estimate_sigma(picture[None].float() / 255) for picture in _some(blurry, NOISE_PICTURES)])
    guess = CameraGuess(fit_mixture(ratio), float(sigmas.median()), ratio)
    return replace(guess, exponents=_exponents(guess, blurry, sharp))


def asymmetry(picture: Image) -> float:
    """How much sharper the dark valleys of a picture (1 c h w) are than its bright ridges, in [-1, 1].

    The power of the positive less that of the negative values of the Laplacian of its luminance, of both together.
    """
    grey = luminance(picture)
    middle = grey[..., 1:-1, 1:-1]
    bend = grey[..., 2:, 1:-1] + grey[..., :-2, 1:-1] + grey[..., 1:-1, 2:] + grey[..., 1:-1, :-2] - 4 * middle
    return float((bend * bend.abs()).sum() / bend.square().sum().clamp_min(1e-12))


def _exponents(guess: CameraGuess, blurry: Sequence[Tensor], sharp: Sequence[Tensor]) -> tuple[float, float]:
    """From the lowest to the highest exponent of the light with which `guess` is as asymmetric as the blurry pile."""
    seen = [asymmetry(picture) for picture in _squares(blurry, JUDGED_SIDE)]
    made = []
    for exponent in TRIED:
        camera = replace(guess, exponents=(exponent, exponent))
        squares = _squares(sharp, JUDGED_SIDE + 2 * guess.reach)
        made.append([asymmetry(camera.photograph(square, chance(0, n))) for n, square in enumerate(squares)])
    means = list(accumulate(map(fmean, made), max))  # it grows with the exponent, but for chance
    error = math.sqrt(variance(seen) / len(seen) + fmean(map(variance, made)) / len(made[0]))
    low, high = (_crossing(means, fmean(seen) + side * ERRORS * error) for side in (-1, 1))
    return low, high


def _crossing(means: Sequence[float], wanted: float) -> float:
    """The exponent at which the means, of the exponents tried, reach what is wanted; the nearest if they never do."""
    for lower, higher, before, after in zip(TRIED, TRIED[1:], means, means[1:], strict=False):
        if wanted <= before:
            return lower
        if wanted < after:
            return lower + (higher - lower) * (wanted - before) / (after - before)
    return TRIED[-1]


def _some(pile: Sequence[Tensor], count: int) -> Sequence[Tensor]:
    """At most `count` pictures, evenly spaced."""
    return pile[:: -(-len(pile) // count)]


def _squares(pile: Sequence[Tensor], side: int) -> Iterable[Image]:
    """The middles of some pictures (1 3 h w), in [0, 1], of at most `side` px."""
    for picture in _some(pile, JUDGED):
        yield central(picture[None], side, side).float() / 255
