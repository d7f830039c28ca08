"""What are the sharp gradients, if most of them are zero? The L0 picture of Xu, Zheng and Jia 2013 ("Unnatural L0").

Only its gradients are used: the picture is cartoon-like by design.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from blurspace.blur.convolve import to_otf
from blurspace.blur.fourier import (
    difference_otfs,
    differences,
    differences_adjoint,
    extend,
    extended_size,
    gaussian_otf,
    gradient_power,
)
from blurspace.restore.pyramid import faded
from blurspace.types import Image, Kernel

# Half-quadratic splitting: the coupling starts at this many times the sparsity and doubles up to the last one (ours).
COUPLING_FIRST, COUPLING_LAST, COUPLING_GROWTH = 16.0, 1e2, 2.0


@dataclass(frozen=True)
class Seen:
    """A blurry picture on a grid that wraps round (see `extend`): what a kernel is learned from.

    `picture` (1 n h w): n windows of one photo; `gradients` (2 1 n h w); `trust` (n h w): 1 where these were seen, 0
    beyond the frame and where a pixel tells nothing.
    """

    picture: Image
    gradients: Tensor
    trust: Tensor


def look(blurry: Image, side: int, *, fade: int, trusted: Tensor | None = None) -> Seen:
    """Lay `blurry` (1 n h w), n windows of one photo, on a grid that has room for kernels of `side` px.

    Trust rises over `fade` px from the frame: near it the sharp gradients are guessed from half of what they were
    blurred into. `trusted` (1 n h w, bool): the pixels to learn from, all where not given.
    """
    height, width = blurry.shape[-2:]
    size = extended_size((height, width), side - 1)
    trust = blurry.new_zeros(blurry.shape[1], *size)
    inner = faded((height - 1, width - 1), fade, blurry)
    if trusted is not None:  # a pixel's differences are with the next one across and the next one down
        inner = inner * (trusted[..., :-1, :-1] & trusted[..., 1:, :-1] & trusted[..., :-1, 1:])[0]
    trust[:, : height - 1, : width - 1] = inner
    picture = extend(blurry, size)
    return Seen(picture, differences(picture), trust)


def sparse_gradients(seen: Seen, kernel: Kernel, sparsity: float, softness: float = 0.0) -> Tensor:
    """Guess the spectra (2 b n h w//2+1) of the sharp gradients on the grid of `seen`, from kernels (b 1 k k).

    `softness`: px, standard deviation of the Gaussian that lies between perfect steps and the edges of a sharp photo.
    """
    size = (seen.picture.shape[-2], seen.picture.shape[-1])
    transfer, soft = to_otf(kernel, size), None
    if softness:
        soft = gaussian_otf(size, softness, seen.picture.device)
        transfer = transfer * soft
    spectrum = sparse_spectrum(seen.picture, transfer, sparsity)
    return difference_otfs(size, seen.picture.device) * (spectrum if soft is None else spectrum * soft)


def sparse_spectrum(extended: Image, transfer: Tensor, sparsity: float) -> Tensor:
    """The spectra (b n h w//2+1) of pictures with few non-zero gradients that explain `extended`.

    By half-quadratic splitting. `extended` (1 n h w) wraps round smoothly; `transfer` (b 1 h w//2+1) is the kernels' on
    that grid. Source: Xu et al. 2013, eq. 6-9.
    """
    size = extended.shape[-2:]
    observed = transfer.conj() * torch.fft.rfft2(extended)
    power, gradient = transfer.abs().square(), gradient_power((size[0], size[1]), extended.device)
    picture, coupling = extended.expand(len(transfer), -1, -1, -1), COUPLING_FIRST * sparsity
    while True:
        gradients = differences(picture)
        gradients *= gradients[0].square().addcmul_(gradients[1], gradients[1]).ge_(sparsity / coupling)
        spectrum = torch.fft.rfft2(differences_adjoint(gradients)).mul_(coupling).add_(observed)
        spectrum *= (power + coupling * gradient).reciprocal_()  # complex over real is five times slower
        coupling *= COUPLING_GROWTH
        if coupling >= COUPLING_LAST:
            return spectrum
        picture = torch.fft.irfft2(spectrum, s=size)
