"""Which filters does a kernel space start from? The main directions in which kernels of pairs differ from no blur."""

from collections.abc import Callable

import torch
from torch import Generator, Tensor
from torch.nn import functional

from blurspace.chance import chance
from blurspace.types import Image, Kernel, Pair

# The seed, and the number of pairs whose kernels the filters start from: a few hundred of each kind.
START_SEED, START_BATCHES = 2021, 256
# A kernel is fitted with this share of the mean power as noise: 8 bits and the crop's borders leave about that.
FIT_NOISE = 1e-3


def start_filters(draw: Callable[[Generator], Pair], *, count: int, side: int, batches: int = START_BATCHES) -> Tensor:
    """The `count` main directions of what the kernels of drawn pairs do to a picture: (count side side), of norm 1.

    They are singular vectors of the uniform kernels fitted to pairs, less no blur, weighted by the pictures' spectrum.
    """
    kernels, powers = [], []
    for batch in range(batches):
        pair = draw(chance(START_SEED, batch))
        found, power = fit_kernels(pair.sharp.cpu(), pair.blurry.cpu(), side=side)
        told = power.flatten(1).sum(1) > 0  # a piece of one colour tells nothing
        kernels.append(found[told])
        powers.append(power[told])
    changes = torch.cat(kernels)[:, 0]
    changes[:, side // 2, side // 2] -= 1
    changes = changes - changes.mean((1, 2), keepdim=True)
    weight = spectral_weight(torch.cat(powers), side)
    seen = torch.view_as_real(torch.fft.fft2(changes) * weight).flatten(1)
    directions = torch.linalg.svd(seen, full_matrices=False)[0]
    filters = (directions[:, :count].T @ changes.flatten(1)).view(count, side, side)
    return filters / filters.norm(dim=(1, 2), keepdim=True)


def fit_kernels(sharp: Image, blurry: Image, *, side: int) -> tuple[Kernel, Tensor]:
    """The kernel of each pair (b c h w), as (b 1 side side), and the spectral power of the sharp pictures (b h w)."""
    size = sharp.shape[-2], sharp.shape[-1]
    window = torch.outer(*(torch.hann_window(length, periodic=False) for length in size))
    grey = [picture.mean(1) - picture.mean((1, 2, 3))[:, None, None] for picture in (sharp, blurry)]
    one, other = (torch.fft.fft2(picture * window) for picture in grey)
    power = one.abs().square()
    kernels = torch.fft.ifft2(one.conj() * other / (power + FIT_NOISE * power.mean((1, 2), keepdim=True))).real
    reach = side // 2
    return kernels.roll((reach, reach), (1, 2))[:, None, :side, :side], power


def spectral_weight(power: Tensor, side: int) -> Tensor:
    """The root of the mean power, on the grid of the kernels' own spectrum."""
    mean = power.mean(0).roll([length // 2 for length in power.shape[1:]], (0, 1))
    small = functional.interpolate(mean[None, None], (side, side), mode="area")[0, 0].sqrt()
    return small.roll([-(side // 2)] * 2, (0, 1))
