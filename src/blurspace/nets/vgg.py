"""What does a network that knows objects see in a picture? The features of VGG19, to compare pictures by.

Simonyan and Zisserman 2015, "Very Deep Convolutional Networks for Large-Scale Image Recognition", table 1, column E:
the convolutions only. Its official weights are in the file that `blurspace.io.vgg` reads.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from blurspace.errors import UsageError
from blurspace.io.weights import load_into, named_tensors
from blurspace.types import Image

# Table 1, column E: how many convolutions before each pooling, and how many channels they have.
CONVOLUTIONS, WIDTHS = (2, 2, 4, 4, 4), (64, 128, 256, 512, 512)
# The mean and deviation of ImageNet's colours in [0, 1], by which the official weights were trained (torchvision).
MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class Vgg19(nn.Module):
    """A picture to the feature maps behind the named layers; not trained, but gradients pass to the picture.

    `taps`: names like "conv4_4" (fourth block, fourth convolution, before its ReLU), "relu4_4" (after it), or "pool4";
    nothing is built behind the last. `normalise`: colours first get ImageNet's mean and deviation, as the weights
    expect; published losses do (Johnson et al. 2016) and do not (Blur2Blur's code). All of it: 20.02 M numbers, random
    until `load_official`.
    """

    mean: Tensor
    std: Tensor

    def __init__(
        self, *, taps: Sequence[str] = ("relu1_1", "relu2_1", "relu3_1", "relu4_1", "relu5_1"), normalise: bool = True
    ) -> None:
        """Build the layers up to the last tap; raises UsageError on no tap, or an unknown one."""
        super().__init__()
        names = _layer_names()
        _check_taps(taps, names)
        self.normalise = normalise
        self.places = [names.index(tap) for tap in taps]
        self.layers = nn.Sequential(*_layers(names[: max(self.places) + 1])).requires_grad_(False)
        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(DEVIATION).view(1, 3, 1, 1), persistent=False)

    def forward(self, picture: Image) -> tuple[Tensor, ...]:
        """(b 3 h w) in [0, 1] -> the maps of all taps, in their order: (b c h w), halved by each pooling before them.

        A picture needs 16 px for the fifth block, 8 for the fourth and so on.
        """
        maps = (picture - self.mean) / self.std if self.normalise else picture
        found = {}
        for place, layer in enumerate(self.layers):
            maps = layer(maps)
            if place in self.places:
                found[place] = maps
        return tuple(found[place] for place in self.places)

    def load_official(self, state: Mapping[str, Tensor]) -> None:
        """Copy the weights from torchvision's names ("features.0.weight", ...); what is behind the last tap is left.

        Raises ModelError if one is missing or has another shape.
        """
        network = {"features": self.layers}
        load_into(network, {name: state[name] for name in named_tensors(network) if name in state})


def _layer_names() -> list[str]:
    """All layers in their order, which is that of torchvision's file: "conv1_1", "relu1_1", ..., "pool5"."""
    names = []
    for block, count in enumerate(CONVOLUTIONS, start=1):
        for one in range(1, count + 1):
            names += [f"conv{block}_{one}", f"relu{block}_{one}"]
        names.append(f"pool{block}")
    return names


def _layers(names: Sequence[str]) -> list[nn.Module]:
    layers: list[nn.Module] = []
    inputs = 3
    for name in names:
        if name.startswith("conv"):
            width = WIDTHS[int(name[4]) - 1]
            layers.append(nn.Conv2d(inputs, width, 3, padding=1))
            inputs = width
        else:
            layers.append(nn.ReLU() if name.startswith("relu") else nn.MaxPool2d(2))
    return layers


def _check_taps(taps: Sequence[str], names: Sequence[str]) -> None:
    if not taps:
        raise UsageError('no tap was given: give the names of layers, like "relu4_4"')
    for tap in taps:
        if tap not in names:
            raise UsageError(f"the tap {tap!r} is unknown: give names of layers from conv1_1 to pool5, like relu4_4")
