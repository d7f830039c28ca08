"""How does one picture become another of the same scene, at three sizes at once? A U-Net with three ins and outs.

MIMO-UNet of Cho, Ji, Hong, Jung and Ko 2021, "Rethinking Coarse-to-Fine Approach in Single Image Deblurring",
section 3; it is the network that translates blur in Pham et al. 2024, "Blur2Blur", section 3.2.

The paper's names: EB and DB, encoder and decoder; SCM, shallow; FAM, attention; AFF, fusion.
"""

from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.nets.unet import Block
from blurspace.types import AnyImage, Image

SCALES = 3  # Cho 2021, section 3: the picture's size, a half and a quarter of it
STEP = 2 ** (SCALES - 1)
COLOURS = 3


class MimoUNet(nn.Module):
    """Translates pictures at three scales, each the picture at that scale plus what the network adds to it.

    `width`: channels at the picture's side, at least 2; twice and four times as many at the scales below. `blocks`:
    residual blocks of each encoder and decoder. The defaults are the published sizes: 6.81 M numbers, as in Blur2Blur.

    Source: Cho et al. 2021, section 3, without normalisation. Where it is silent, or we differ:
    - The three last convolutions start at zero: training starts at the input. Pham 2024 starts all at N(0, 0.02).
    - Pictures are halved by means of 2x2 px; the published way takes every other pixel (nearest), which aliases.
      Features that are fused shrink by means as well, and grow by repetition.
    - The inner widths of `_Shallow` and the 4x4 transposed convolutions are not in the text; these give its 6.8 M.
    """

    def __init__(self, *, width: int = 32, blocks: int = 8) -> None:
        """Build the network with random weights; raises UsageError on a width under 2."""
        super().__init__()
        if width < 2:
            raise UsageError(f"a width of {width} channels was given: give at least 2")
        widths = [width * 2**scale for scale in range(SCALES)]
        pairs = list(pairwise(widths))
        self.enter = _layer(COLOURS, width, 3)
        self.shallows = nn.ModuleList(_Shallow(wide) for wide in widths[1:])
        self.downs = nn.ModuleList(_layer(wide, wider, 3, stride=2) for wide, wider in pairs)
        self.attentions = nn.ModuleList(_Attention(wide) for wide in widths[1:])
        self.encoders = nn.ModuleList(_blocks(wide, blocks) for wide in widths)
        self.fusions = nn.ModuleList(_Fusion(sum(widths), wide) for wide in widths[:-1])
        self.ups = nn.ModuleList(_up(wider, wide) for wide, wider in pairs)
        self.joins = nn.ModuleList(_layer(2 * wide, wide, 1) for wide in widths[:-1])
        self.decoders = nn.ModuleList(_blocks(wide, blocks) for wide in widths)
        self.leaves = nn.ModuleList(nn.Conv2d(wide, COLOURS, 3, padding=1) for wide in widths)
        for parameter in self.leaves.parameters():
            nn.init.zeros_(parameter)

    def forward(self, blurry: Image) -> tuple[Image, AnyImage, AnyImage]:
        """(b 3 h w) in [0, 1] -> translated at the sizes of `scales`, the finest first, not clamped. Any size."""
        pictures = _halvings(blurry)
        changes = self._decode(self._encode(pictures))
        return _cropped([picture + change for picture, change in zip(pictures, changes, strict=True)], blurry)

    def _encode(self, pictures: Sequence[Tensor]) -> list[Tensor]:
        """Pictures at three scales -> features at three scales, the finest first."""
        encoded = [self.encoders[0](self.enter(pictures[0]))]
        for scale, picture in enumerate(pictures[1:]):
            coarser = self.downs[scale](encoded[-1])
            encoded.append(self.encoders[scale + 1](self.attentions[scale](coarser, self.shallows[scale](picture))))
        return encoded

    def _decode(self, encoded: Sequence[Tensor]) -> list[Tensor]:
        """Features at three scales -> what is to be added to the pictures, the finest first."""
        maps = self.decoders[-1](encoded[-1])
        changes = [self.leaves[-1](maps)]
        for scale in reversed(range(SCALES - 1)):
            beside = self.fusions[scale](encoded, encoded[scale].shape[-2:])
            maps = self.decoders[scale](self.joins[scale](torch.cat((self.ups[scale](maps), beside), 1)))
            changes.insert(0, self.leaves[scale](maps))
        return changes


def scales(picture: Image) -> tuple[Image, AnyImage, AnyImage]:
    """A picture (b c h w) itself, at a half, and at a quarter of its size, rounded up: what the outputs compare with.

    Means of 2x2 and 4x4 px; edge pixels are repeated below and to the right to fill the last ones.
    """
    return _cropped(_halvings(picture), picture)


class _Shallow(nn.Module):
    """A small picture (b 3 h w) -> features (b width h w): two pairs of 3x3 and 1x1, then the picture beside them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        quarter, half = width // 4, width // 2
        plan = ((COLOURS, quarter, 3), (quarter, half, 1), (half, half, 3), (half, width - COLOURS, 1))
        self.layers = nn.Sequential(*(_layer(*one) for one in plan))
        self.last = nn.Conv2d(width, width, 1)

    def forward(self, picture: Tensor) -> Tensor:
        return self.last(torch.cat((picture, self.layers(picture)), 1))


class _Attention(nn.Module):
    """Features of the scale above and of the small picture, both (b width h w), emphasise each other: the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, above: Tensor, shallow: Tensor) -> Tensor:
        return above + self.convolution(above * shallow)


class _Fusion(nn.Module):
    """The features of all scales, brought to one size, -> (b width h w)."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(_layer(inputs, width, 1), nn.Conv2d(width, width, 3, padding=1))

    def forward(self, encoded: Sequence[Tensor], size: tuple[int, int]) -> Tensor:
        resized = [functional.interpolate(maps, size=size, mode="area") for maps in encoded]
        return self.layers(torch.cat(resized, 1))


def _layer(inputs: int, outputs: int, side: int, *, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, side, stride=stride, padding=side // 2), nn.ReLU())


def _up(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inputs, outputs, 4, stride=2, padding=1), nn.ReLU())


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(Block(width) for _ in range(count)))


def _halvings(picture: Tensor) -> list[Tensor]:
    """The picture, filled up to a multiple of 4 px, at the three scales."""
    height, width = picture.shape[-2:]
    pictures = [functional.pad(picture, (0, -width % STEP, 0, -height % STEP), mode="replicate")]
    for _ in range(SCALES - 1):
        pictures.append(functional.avg_pool2d(pictures[-1], 2))
    return pictures


def _cropped(pictures: Sequence[Tensor], whole: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Cut off what `_halvings` has filled up."""
    height, width = whole.shape[-2:]
    fine, half, quarter = (
        picture[..., : -(-height // 2**scale), : -(-width // 2**scale)] for scale, picture in enumerate(pictures)
    )
    return fine, half, quarter
