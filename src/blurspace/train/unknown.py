"""How would this camera have blurred this sharp picture? A guess from its unpaired pictures, to make pairs with.

The lines that explain its mean power spectrum (`blur.spectra`), its noise, and what is not known drawn by chance: the
curve of its light, and how its files are coded.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from blurspace.blur.convolve import blur
from blurspace.blur.curve import from_light, to_light
from blurspace.blur.exposure import add_noise, jpeg
from blurspace.blur.spectra import KernelMixture, Power, fit_mixture, mean_power, power_ratio
from blurspace.data.crops import draw_between
from blurspace.deblur.noise import estimate_sigma
from blurspace.types import Image

# The exponent of the light, from values taken as they are to beyond sRGB's 2.4 (`blur.curve`); REDS has about 3.
EXPONENTS = (1.0, 3.0)
SIGMAS = (0.5, 1.5)  # of the estimated noise (ours)
QUALITIES = (80, 100)  # of JPEG; half of the pictures are not coded at all (ours)
NOISE_PICTURES = 32  # whose noise is estimated (ours)


@dataclass(frozen=True, eq=False)
class CameraGuess:
    """What a camera's blur is like: a mixture of kernels and the noise of its blurry pictures, in [0, 1].

    `ratio`: the power that its blur leaves, for `spectral_distance`.
    """

    mixture: KernelMixture
    sigma: float
    ratio: Power

    @property
    def reach(self) -> int:
        """px of margin that `photograph` needs on every side."""
        return max(kernel.shape[-1] for kernel in self.mixture.kernels) // 2

    def inner(self, roomy: Tensor) -> Tensor:
        """Pictures (... h+2 reach w+2 reach) without that margin."""
        return roomy[..., self.reach : roomy.shape[-2] - self.reach, self.reach : roomy.shape[-1] - self.reach]

    def photograph(self, sharp: Image, generator: Generator) -> Image:
        """Sharp pictures (b 3 h+2 reach w+2 reach), in [0, 1], as the camera might have blurred them: (b 3 h w)."""
        return torch.cat([self._one(picture, generator) for picture in sharp.split(1)])

    def _one(self, sharp: Image, generator: Generator) -> Image:
        exponent = torch.tensor(draw_between(EXPONENTS, generator))
        light = blur(to_light(sharp, exponent), self.mixture.draw(generator))
        photo = from_light(self.inner(light), exponent)
        photo = add_noise(photo, sigma=self.sigma * draw_between(SIGMAS, generator), generator=generator).clamp(0, 1)
        if draw_between((0, 1), generator) < 0.5:
            return jpeg(photo, quality=round(draw_between(QUALITIES, generator)))
        return (photo * 255).round() / 255


def guess_camera(blurry: Sequence[Tensor], sharp: Sequence[Tensor]) -> CameraGuess:
    """Guess from pictures uint8 (3 h w), not paired. Raises UsageError where all are smaller than 128 px."""
    ratio = power_ratio(*(mean_power(picture[None].float() / 255 for picture in pile) for pile in (blurry, sharp)))
    judged = blurry[:: -(-len(blurry) // NOISE_PICTURES)]
    sigmas = torch.tensor([estimate_sigma(picture[None].float() / 255) for picture in judged])
    return CameraGuess(fit_mixture(ratio), float(sigmas.median()), ratio)
