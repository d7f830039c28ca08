"""What are the sharp gradients, if most of them are zero? The L0 picture of Xu, Zheng and Jia 2013 ("Unnatural L0").

Only its gradients are used: the picture is cartoon-like by design.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from blurspace.blur.convolve import to_otf
from blurspace.blur.fourier import (
    differences,
    differences_adjoint,
    extend,
    extended_size,
    gradient_power,
    inner_differences,
)
from blurspace.types import Image, Kernel

# Half-quadratic splitting: the coupling starts at twice the sparsity and doubles up to this (Xu et al. 2013).
COUPLING_LAST, COUPLING_GROWTH = 1e3, 2.0


def sparse_gradients(blurry: Image, side: int) -> Callable[[Kernel, float], Tensor]:
    """What guesses the sharp gradients (2 1 1 h-1 w-1) of `blurry` (1 1 h w) from a kernel of `side` px and a sparsity.

    What depends on the picture alone is done once.
    """
    height, width = blurry.shape[-2:]
    size = extended_size((height, width), side - 1)
    extended = extend(blurry, size)

    def guess(kernel: Kernel, sparsity: float) -> Tensor:
        return inner_differences(
            sparse_gradient_picture(extended, to_otf(kernel, size), sparsity)[..., :height, :width]
        )

    return guess


def sparse_gradient_picture(extended: Image, transfer: Tensor, sparsity: float) -> Image:
    """The picture with few non-zero gradients that explains `extended`, by half-quadratic splitting.

    `extended` (1 1 h w) wraps round smoothly; `transfer` is the kernel's on that grid. Source: Xu et al. 2013, eq. 6-9.
    """
    size = extended.shape[-2:]
    observed = transfer.conj() * torch.fft.rfft2(extended)
    power, gradient = transfer.abs().square(), gradient_power(tuple(size), extended.device)
    picture, coupling = extended, 2 * sparsity
    while coupling < COUPLING_LAST:
        gradients = differences(picture)
        kept = gradients * (gradients.square().sum(0) >= sparsity / coupling)
        spectrum = observed + coupling * torch.fft.rfft2(differences_adjoint(kept))
        picture = torch.fft.irfft2(spectrum / (power + coupling * gradient), s=size)
        coupling *= COUPLING_GROWTH
    return picture
