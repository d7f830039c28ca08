"""What is minimised? How badly a sharp picture and a blur explain a photo, and how unlikely both are.

Eq. 5 to 7 of Tran et al. 2021. Their y, x, k, F are our blurry, sharp, blur (a code or a kernel), operator.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from blurspace.losses import charbonnier, perceptual
from blurspace.metrics import SSIM_C1, SSIM_C2, SSIM_SIDE, SSIM_SIGMA
from blurspace.pixels import gaussian_means
from blurspace.types import AnyImage, Image

SMALLEST = 1e-6  # under the root of a gradient's length, as in the released code: a slope at 0
Features = Callable[[Image], Sequence[Tensor]]


@dataclass(frozen=True)
class Objective:
    """The weights of its terms; `features`: for the perceptual one, such as `nets.features.FeatureNet`."""

    pixels: float = 1.0  # of Charbonnier's distance, rho of Eq. 5
    structure: float = 0.0  # of 1 - SSIM: the released code has 1 at first
    perceptual: float = 0.0  # of the distance of features: the released code has 0.6, then 1, of VGG19
    norm: float = (
        6e-3  # of the blur's |k|, lambda of Eq. 5 (ours, of latent numbers; the released code: 5e-5, then 5e-4)
    )
    gradients: float = 0.03  # of the sharp picture's, gamma of Eq. 5: the released code has 0.02, then 0.05
    power: float = 0.66  # alpha of Eq. 5: the released code's
    features: Features | None = None

    def __call__(self, blurry: Image, reblurred: Image, sharp: AnyImage, norm: Tensor) -> Tensor:
        """How bad it is, a scalar: `reblurred` is F(x, k), `norm` |k|."""
        unlikely = self.norm * norm + self.gradients * hyper_laplacian(sharp, self.power)
        return self.misfit(blurry, reblurred) + unlikely

    def misfit(self, blurry: Image, reblurred: Image) -> Tensor:
        """The data term alone, a scalar."""
        found = self.pixels * charbonnier(reblurred, blurry)
        if self.structure:
            found = found + self.structure * (1 - similarity(reblurred, blurry))
        if self.perceptual and self.features is not None:
            found = found + self.perceptual * perceptual(self.features, reblurred, blurry)
        return found


def hyper_laplacian(sharp: Image, power: float) -> Tensor:
    """The mean of (g_u^2 + g_v^2)^(power / 2), a scalar; of all colours together, by differences of neighbours.

    Source: Krishnan and Fergus 2009, as in Eq. 5 of Tran et al. 2021.
    """
    here = sharp[..., :-1, :-1]
    squares = (sharp[..., 1:, :-1] - here).square() + (sharp[..., :-1, 1:] - here).square()
    return (squares.sum(1) + SMALLEST).pow(power / 2).mean()


def similarity(one: Image, other: Image) -> Tensor:
    """The mean SSIM, a scalar with a slope; `metrics.ssim` is the measure itself, in double precision.

    Source: Wang, Bovik, Sheikh and Simoncelli 2004, eq. 13.
    """
    moments = torch.stack((one, other, one * one, other * other, one * other))
    means = gaussian_means(moments.flatten(0, 2).unsqueeze(1), SSIM_SIDE, SSIM_SIGMA).unflatten(0, (5, -1))
    mean1, mean2, square1, square2, product = means
    luminance = (2 * mean1 * mean2 + SSIM_C1) / (mean1.square() + mean2.square() + SSIM_C1)
    variances = square1 - mean1.square() + square2 - mean2.square()
    return (luminance * (2 * (product - mean1 * mean2) + SSIM_C2) / (variances + SSIM_C2)).mean()
