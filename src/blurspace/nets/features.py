"""What does a small network see in a picture, whatever its blur? Our own features, to compare pictures by.

Exemplar features, after Dosovitskiy, Springenberg, Riedmiller and Brox 2014, "Discriminative Unsupervised Feature
Learning with Convolutional Neural Networks": a network that can tell from which place a changed crop comes has learned
what is there. `blurspace.train.features` has blur among the changes.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.types import Image

GREY = 0.5  # the middle of the range of pixels


class FeatureNet(nn.Module):
    """A picture to one feature map per stage, each over its mean in training (`scale`): all count alike.

    `widths`: channels at the picture's size, 1/2, 1/4, ... Ours: twice as many at half the size, so that all stages but
    the first cost the same; 0.17 M numbers, and 69 million multiplications for 96 x 96 px.

    Weights are random and `scale` is 1 until loaded or trained.
    """

    scale: Tensor

    def __init__(self, *, widths: Sequence[int] = (12, 24, 48, 96)) -> None:
        """Build the stages; raises UsageError on no width."""
        super().__init__()
        if not widths:
            raise UsageError("a feature network without stages was asked for: give one width or more")
        self.stages = nn.ModuleList(_stage(inputs, width) for inputs, width in pairwise((3, *widths)))
        self.least = 2 ** len(widths)
        self.register_buffer("scale", torch.ones(len(widths)))

    def forward(self, picture: Image) -> tuple[Tensor, ...]:
        """(b 3 h w) in [0, 1] -> maps (b c h w) after each stage, halved before the next.

        Raises UsageError on less than `least` px (16 for four stages).
        """
        height, width = picture.shape[-2:]
        if min(height, width) < self.least:
            raise UsageError(f"a picture of {height} x {width} px was given: give at least {self.least} px each way")
        maps, found = picture - GREY, []
        for index, stage in enumerate(self.stages):
            maps = stage(functional.avg_pool2d(maps, 2) if index else maps)
            found.append(maps / self.scale[index])
        return tuple(found)


def _stage(inputs: int, width: int) -> nn.Sequential:
    first, second = nn.Conv2d(inputs, width, 3, padding=1), nn.Conv2d(width, width, 3, padding=1)
    for one in (first, second):  # He et al. 2015, "Delving Deep into Rectifiers", equation 10
        nn.init.kaiming_normal_(one.weight, nonlinearity="relu")
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())
