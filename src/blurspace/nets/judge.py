"""Which of two kinds of blur is in this picture? A small classifier that can look at nothing but textures.

Ours: filters that no constant passes, a few layers of them, and of each map only the logarithm of its mean energy over
the picture, less the mean of all of them, so that neither brightness nor contrast tells. What is left is how strong
fine structure is beside coarse, in which directions: blur.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.types import Image

SIDE = 7  # px of the first filters: as long as mild blur
FAINT = 1e-6  # the energy of a quarter of a grey level, below what 8 bits can hold


class BlurJudge(nn.Module):
    """Pictures (b 3 h w), any size from 16 px, to a logit each (b): above 0 is the second kind.

    `width`: how many filters at each of three scales.
    """

    def __init__(self, *, width: int = 16) -> None:
        """Weights are random until trained."""
        super().__init__()
        self.filters = nn.ParameterList(torch.randn(width, 1, SIDE, SIDE) / SIDE for _ in range(3))
        self.decide = nn.Sequential(nn.Linear(3 * width, width), nn.ReLU(), nn.Linear(width, 1))

    def forward(self, picture: Image) -> Tensor:
        """Logits (b)."""
        grey, energies = picture.mean(1, keepdim=True), []
        for filters in self.filters:
            found = functional.conv2d(grey, filters - filters.mean((2, 3), keepdim=True))
            energies.append((found.square().mean((2, 3)) + FAINT).log())
            grey = functional.avg_pool2d(grey, 2) if min(grey.shape[-2:]) >= 2 * SIDE else grey
        seen = torch.cat(energies, 1)
        return self.decide(seen - seen.mean(1, keepdim=True))[:, 0]
