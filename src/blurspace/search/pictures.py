"""What can the unknown sharp picture be? Modules that give it when called: pixels, a deep image prior, a deep decoder.

Each gives a picture (1 c h w) in [0, 1] and has nothing but its parameters to be searched. The network is the prior: it
makes natural pictures with less effort than noise (Ulyanov, Vedaldi and Lempitsky 2018).
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from blurspace.types import Image

SLOPE = 0.2  # of LeakyReLU: the released code of Tran et al. 2021
INPUT = 0.1  # the fixed input is uniform below it: the same
EDGE = 1e-3  # how near to black and white free pixels start: where a logistic curve still has a slope (ours)


class Pixels(nn.Module):
    """Free pixels, kept in [0, 1] by a logistic curve; `start` (1 c h w) is where they begin."""

    def __init__(self, start: Image) -> None:
        """Begin at a picture."""
        super().__init__()
        self.logits = nn.Parameter(start.detach().clamp(EDGE, 1 - EDGE).logit())

    def forward(self) -> Image:
        """The picture (1 c h w)."""
        return self.logits.sigmoid()


class DeepImagePrior(nn.Module):
    """An hourglass with skips from a fixed random input (Ulyanov et al. 2018; small, for a CPU).

    `widths`: channels at 1/2, 1/4, ... of the size; `skip`: channels that pass beside each. Any size. Its random
    weights are torch's own generator's (see `chance.seeded`), its input the `generator`'s.
    """

    noise: Tensor

    def __init__(
        self,
        size: tuple[int, int],
        *,
        channels: int = 3,
        widths: Sequence[int] = (32, 32, 32, 32),
        skip: int = 4,
        inputs: int = 8,
        generator: Generator | None = None,
    ) -> None:
        """A random network for pictures of `size` (h, w)."""
        super().__init__()
        self.register_buffer("noise", INPUT * torch.rand(1, inputs, *size, generator=generator))
        wide = (inputs, *widths)
        self.downs = nn.ModuleList(nn.Sequential(_layer(a, b, 3, 2), _layer(b, b, 3)) for a, b in pairwise(wide))
        self.skips = nn.ModuleList(_layer(above, skip, 1) for above in wide[:-1])
        below = (*widths[1:], widths[-1])
        self.ups = nn.ModuleList(
            nn.Sequential(_norm(skip + b), _layer(skip + b, a, 3), _layer(a, a, 1))
            for a, b in zip(widths, below, strict=True)
        )
        self.leave = nn.Conv2d(widths[0], channels, 1)

    def forward(self) -> Image:
        """The picture (1 channels h w) in [0, 1]."""
        maps, beside = self.noise, []
        for down, skip in zip(self.downs, self.skips, strict=True):
            beside.append(skip(maps))
            maps = down(maps)
        for up, level in zip(reversed(self.ups), reversed(beside), strict=True):
            maps = functional.interpolate(maps, level.shape[-2:], mode="bilinear")
            maps = up(torch.cat((level, maps), 1))
        return self.leave(maps).sigmoid()


class DeepDecoder(nn.Module):
    """Only the way up, from small random maps, its colours mixed at each size; few weights, so little noise fits in.

    Heckel and Hand 2019, "Deep decoder". `frozen`: the mixing stays random and only gains, offsets and the last layer
    are searched: cheap, and of less reach. Weights and input as in `DeepImagePrior`.
    """

    noise: Tensor

    def __init__(
        self,
        size: tuple[int, int],
        *,
        channels: int = 3,
        width: int = 64,
        halvings: int = 4,
        frozen: bool = True,
        generator: Generator | None = None,
    ) -> None:
        """A random network for pictures of `size` (h, w)."""
        super().__init__()
        self.sizes = [tuple(-(-length // 2**level) for length in size) for level in reversed(range(halvings))]
        least = [-(-length // 2**halvings) for length in size]
        self.register_buffer("noise", torch.rand(1, width, *least, generator=generator))
        self.mixes = nn.ModuleList(nn.Conv2d(width, width, 1, bias=False) for _ in self.sizes)
        self.mixes.requires_grad_(not frozen)
        self.norms = nn.ModuleList(_norm(width) for _ in self.sizes)
        self.leave = nn.Conv2d(width, channels, 1)

    def forward(self) -> Image:
        """The picture (1 channels h w) in [0, 1]."""
        maps = self.noise
        for mix, norm, size in zip(self.mixes, self.norms, self.sizes, strict=True):
            maps = functional.interpolate(functional.relu(mix(maps)), size, mode="bilinear")
            maps = norm(maps)
        return self.leave(maps).sigmoid()


def _layer(inputs: int, outputs: int, side: int, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, side, stride=stride, padding=side // 2, padding_mode="replicate")
    return nn.Sequential(convolution, _norm(outputs), nn.LeakyReLU(SLOPE))


def _norm(channels: int) -> nn.Module:
    """What batch normalisation is for one picture."""
    return nn.InstanceNorm2d(channels, affine=True)
