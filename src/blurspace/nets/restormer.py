"""Which sharp picture was this? Restormer, a U-Net in which channels, not pixels, attend to each other.

Zamir, Arora, Khan, Hayat, Khan and Yang 2022, "Restormer: Efficient Transformer for High-Resolution Image Restoration",
section 3 and figure 2. Written from the paper alone: the licence of the published code forbids more.

The paper's names: MDTA, the attention; GDFN, the gated feed; alpha, the temperature; gamma, the expansion.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.nets.nafnet import ChannelNorm
from blurspace.types import Image


class Restormer(nn.Module):
    """Blurry to sharp, colour, any size; starts as the identity.

    `width`: channels at the picture's side, doubled by each halving. `blocks`, `heads`: of each level, the finest
    first; on the way up as on the way down. `refinement`: blocks after that. `expansion`: how many times wider the
    gated feed is inside. The defaults are the published network: 26.1 M numbers.

    Source: Zamir et al. 2022, section 3 and the sizes of section 4. Ours: the last convolution starts at zero, so that
    training starts at the input. The temperature multiplies where alpha divides. Attention weighs by the whole picture,
    so a picture is not its tiles.
    """

    def __init__(
        self,
        *,
        width: int = 48,
        blocks: Sequence[int] = (4, 6, 6, 8),
        heads: Sequence[int] = (1, 2, 4, 8),
        refinement: int = 4,
        expansion: float = 2.66,
    ) -> None:
        """Build the network with random weights.

        Raises UsageError on fewer than two levels, an odd width, or heads that do not fit levels and widths.
        """
        super().__init__()
        _check_settings(width, blocks, heads)
        widths = [width * 2**level for level in range(len(blocks))]
        # Section 3: at the picture's size, maps and skip are joined and stay as wide as both.
        up_widths = [2 * width, *widths[1:-1]]
        self.enter = _convolution(3, width)
        self.encoders = nn.ModuleList(_blocks(*plan, expansion) for plan in zip(widths, heads, blocks, strict=True))
        self.downs = nn.ModuleList(_down(wide) for wide in widths[:-1])
        self.ups = nn.ModuleList(_up(wide) for wide in reversed(widths[1:]))
        self.joins = nn.ModuleList(nn.Conv2d(2 * wide, wide, 1, bias=False) for wide in reversed(widths[1:-1]))
        self.joins.append(nn.Identity())
        plans = list(zip(up_widths, heads, blocks, strict=False))  # the coarsest is on the way down only
        self.decoders = nn.ModuleList(_blocks(wide, head, count, expansion) for wide, head, count in plans[::-1])
        self.refinement = _blocks(2 * width, heads[0], refinement, expansion)
        self.leave = _convolution(2 * width, 3)
        nn.init.zeros_(self.leave.weight)

    def forward(self, blurry: Image) -> Image:
        """(b 3 h w) in [0, 1] -> the sharp picture (b 3 h w), not clamped."""
        height, width = blurry.shape[-2:]
        step = 2 ** len(self.downs)
        maps = self.enter(functional.pad(blurry, (0, -width % step, 0, -height % step), mode="replicate"))
        kept = []
        for encoder, down in zip(self.encoders, self.downs, strict=False):
            kept.append(encoder(maps))
            maps = down(kept[-1])
        maps = self.encoders[-1](maps)
        for up, join, decoder in zip(self.ups, self.joins, self.decoders, strict=True):
            maps = decoder(join(torch.cat((up(maps), kept.pop()), 1)))
        return blurry + self.leave(self.refinement(maps))[..., :height, :width]


class _Block(nn.Module):
    """(b width h w) -> the same: attention between channels, then the gated feed, each added to its input."""

    def __init__(self, width: int, heads: int, expansion: float) -> None:
        super().__init__()
        self.attend = nn.Sequential(ChannelNorm(width), _Attention(width, heads))
        self.feed = nn.Sequential(ChannelNorm(width), _GatedFeed(width, int(width * expansion)))

    def forward(self, maps: Tensor) -> Tensor:
        maps = maps + self.attend(maps)
        return maps + self.feed(maps)


class _Attention(nn.Module):
    """(b width h w) -> the same: each channel becomes a mixture of those of its head that look like it (Eq. 1).

    Likeness is the cosine between two channels, over all pixels, so the cost is linear in their number.
    """

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.temperature = nn.Parameter(torch.ones(heads, 1, 1))
        self.read = _pointwise_then_depthwise(width, 3 * width)
        self.write = nn.Conv2d(width, width, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        heads = self.temperature.shape[0]
        queries, keys, values = (part.unflatten(1, (heads, -1)).flatten(-2) for part in self.read(maps).chunk(3, 1))
        likeness = functional.normalize(queries, dim=-1) @ functional.normalize(keys, dim=-1).mT
        mixed = (self.temperature * likeness).softmax(-1) @ values
        return self.write(mixed.flatten(1, 2).unflatten(-1, maps.shape[-2:]))


class _GatedFeed(nn.Module):
    """(b width h w) -> the same: one half passes as far as the GELU of the other lets it (Eq. 2)."""

    def __init__(self, width: int, hidden: int) -> None:
        super().__init__()
        self.read = _pointwise_then_depthwise(width, 2 * hidden)
        self.write = nn.Conv2d(hidden, width, 1, bias=False)

    def forward(self, maps: Tensor) -> Tensor:
        gate, passed = self.read(maps).chunk(2, 1)
        return self.write(functional.gelu(gate) * passed)


def _convolution(inputs: int, outputs: int) -> nn.Conv2d:
    """3x3 and, like all convolutions here, without bias (section 3.1)."""
    return nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)


def _pointwise_then_depthwise(inputs: int, outputs: int) -> nn.Sequential:
    depthwise = nn.Conv2d(outputs, outputs, 3, padding=1, groups=outputs, bias=False)
    return nn.Sequential(nn.Conv2d(inputs, outputs, 1, bias=False), depthwise)


def _down(width: int) -> nn.Sequential:
    """(b width h w) -> (b 2*width h/2 w/2)."""
    return nn.Sequential(_convolution(width, width // 2), nn.PixelUnshuffle(2))


def _up(width: int) -> nn.Sequential:
    """(b width h w) -> (b width/2 2h 2w)."""
    return nn.Sequential(_convolution(width, 2 * width), nn.PixelShuffle(2))


def _blocks(width: int, heads: int, count: int, expansion: float) -> nn.Sequential:
    return nn.Sequential(*(_Block(width, heads, expansion) for _ in range(count)))


def _check_settings(width: int, blocks: Sequence[int], heads: Sequence[int]) -> None:
    if len(blocks) < 2 or len(blocks) != len(heads):
        given = f"blocks of {len(blocks)} levels and heads of {len(heads)} were given"
        raise UsageError(f"{given}: give two or more of both")
    if width < 2 or width % 2:
        raise UsageError(f"a width of {width} channels was given: give an even number, so that halving it works")
    for level, count in enumerate(heads):
        if count < 1 or (width * 2**level) % count:
            raise UsageError(f"{count} heads were given for {width * 2**level} channels: give a divisor")
