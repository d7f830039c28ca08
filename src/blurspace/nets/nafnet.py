"""Which sharp picture was this? NAFNet, a U-Net whose only nonlinearity is the product of two halves.

Chen, Chu, Zhang and Sun 2022, "Simple Baselines for Image Restoration", sections 3 and 4.

The paper's names: SG, the gate; SCA, the emphasis of channels; beta and gamma, the scales of a block's two changes.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.types import Image


class NafNet(nn.Module):
    """Blurry to sharp, colour, any size; starts as the identity.

    `width`: channels at the picture's side, doubled by each halving. `encoder`, `decoder`: blocks at 1, 1/2, ... of
    the size on the way down, and from the coarsest on the way up, as many. `middle`: blocks in between.
    The defaults are the published network for GoPro: 17.1 M numbers; 67.9 M with a width of 64.

    Source: Chen et al. 2022, sections 3 and 4, with its 36 blocks. Ours:
    - The last convolution starts at zero: training starts at the input.
    - Channels are weighed by means over the whole picture, in training over a crop; the published numbers take local
      means when testing (Chu et al. 2022), which is not done here.
    """

    bytes_per_px = 1100  # of memory, when it restores a picture in colour: our measurement

    def __init__(
        self,
        *,
        width: int = 32,
        encoder: Sequence[int] = (1, 1, 1, 28),
        middle: int = 1,
        decoder: Sequence[int] = (1, 1, 1, 1),
    ) -> None:
        """Build the network with random weights; raises UsageError on as many levels down as not up."""
        super().__init__()
        if len(encoder) != len(decoder):
            raise UsageError(f"{len(encoder)} levels down and {len(decoder)} up were given: give as many of both")
        widths = [width * 2**level for level in range(len(encoder))]
        coarsest = width * 2 ** len(encoder)
        self.enter = nn.Conv2d(3, width, 3, padding=1)
        self.encoders = nn.ModuleList(_blocks(*plan) for plan in zip(widths, encoder, strict=True))
        self.downs = nn.ModuleList(nn.Conv2d(wide, 2 * wide, 2, stride=2) for wide in widths)
        self.middle = _blocks(coarsest, middle)
        self.ups = nn.ModuleList(_up(2 * wide) for wide in reversed(widths))
        self.decoders = nn.ModuleList(_blocks(*plan) for plan in zip(reversed(widths), decoder, strict=True))
        self.leave = nn.Conv2d(width, 3, 3, padding=1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(self, blurry: Image) -> Image:
        """(b 3 h w) in [0, 1] -> the sharp picture (b 3 h w), not clamped."""
        height, width = blurry.shape[-2:]
        step = 2 ** len(self.downs)
        maps = self.enter(functional.pad(blurry, (0, -width % step, 0, -height % step), mode="replicate"))
        kept = []
        for encoder, down in zip(self.encoders, self.downs, strict=True):
            kept.append(encoder(maps))
            maps = down(kept[-1])
        maps = self.middle(maps)
        for up, decoder in zip(self.ups, self.decoders, strict=True):
            maps = decoder(up(maps) + kept.pop())
        return blurry + self.leave(maps)[..., :height, :width]


class ChannelNorm(nn.Module):
    """(b width h w) -> the same: at each pixel the channels get mean 0 and variance 1, then a learned scale and shift.

    Layer normalisation (Ba et al. 2016) as NAFNet and Restormer apply it.
    """

    def __init__(self, width: int) -> None:
        """`width` channels in and out."""
        super().__init__()
        self.norm = nn.LayerNorm(width)

    def forward(self, maps: Tensor) -> Tensor:
        """(b width h w) -> the same shape."""
        return self.norm(maps.movedim(1, -1)).movedim(-1, 1)


class _Block(nn.Module):
    """(b width h w) -> the same: a change by neighbours and channel weights, then one by channels alone (figure 3).

    Both scales start at zero, so that a new block is the identity.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        double = 2 * width
        self.mix = nn.Sequential(
            ChannelNorm(width),
            nn.Conv2d(width, double, 1),
            nn.Conv2d(double, double, 3, padding=1, groups=double),
            _Gate(),
            _Emphasis(width),
            nn.Conv2d(width, width, 1),
        )
        self.feed = nn.Sequential(ChannelNorm(width), nn.Conv2d(width, double, 1), _Gate(), nn.Conv2d(width, width, 1))
        self.mix_scale = nn.Parameter(torch.zeros(1, width, 1, 1))
        self.feed_scale = nn.Parameter(torch.zeros(1, width, 1, 1))

    def forward(self, maps: Tensor) -> Tensor:
        maps = maps + self.mix_scale * self.mix(maps)
        return maps + self.feed_scale * self.feed(maps)


class _Gate(nn.Module):
    """(b 2*width h w) -> (b width h w): one half times the other."""

    def forward(self, maps: Tensor) -> Tensor:
        first, second = maps.chunk(2, 1)
        return first * second


class _Emphasis(nn.Module):
    """(b width h w) -> the same: channels times weights that follow linearly from all their means."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.weigh = nn.Conv2d(width, width, 1)

    def forward(self, maps: Tensor) -> Tensor:
        return maps * self.weigh(maps.mean((-2, -1), keepdim=True))


def _up(width: int) -> nn.Sequential:
    """(b width h w) -> (b width/2 2h 2w)."""
    return nn.Sequential(nn.Conv2d(width, 2 * width, 1, bias=False), nn.PixelShuffle(2))


def _blocks(width: int, count: int) -> nn.Sequential:
    return nn.Sequential(*(_Block(width) for _ in range(count)))
