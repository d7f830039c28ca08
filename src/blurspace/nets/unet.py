"""Which small network looks at a picture on several scales? A U-Net of residual blocks."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from torch import Tensor, nn
from torch.nn import functional


class UNet(nn.Module):
    """A U-Net of residual blocks whose resolution halves with every width; any input size; starts at zero output."""

    def __init__(self, inputs: int, outputs: int, widths: Sequence[int]) -> None:
        """Channels in, channels out, and `widths` at the input's resolution, 1/2, 1/4, ..."""
        super().__init__()
        pairs = list(pairwise(widths))
        self.enter = nn.Conv2d(inputs, widths[0], 3, padding=1)
        self.down_blocks = nn.ModuleList(Block(width) for width in widths[:-1])
        self.downs = nn.ModuleList(nn.Conv2d(wide, wider, 2, stride=2) for wide, wider in pairs)
        self.bottom = nn.Sequential(Block(widths[-1]), Block(widths[-1]))
        self.ups = nn.ModuleList(nn.ConvTranspose2d(wider, wide, 2, stride=2) for wide, wider in reversed(pairs))
        self.up_blocks = nn.ModuleList(Block(width) for width in reversed(widths[:-1]))
        self.leave = nn.Conv2d(widths[0], outputs, 3, padding=1)
        for parameter in self.leave.parameters():
            nn.init.zeros_(parameter)

    def forward(self, picture: Tensor) -> Tensor:
        """(b inputs h w) -> (b outputs h w)."""
        height, width = picture.shape[-2:]
        step = 2 ** len(self.downs)
        picture = functional.pad(picture, (0, -width % step, 0, -height % step), mode="replicate")
        features = self.enter(picture)
        skips = []
        for block, down in zip(self.down_blocks, self.downs, strict=True):
            features = block(features)
            skips.append(features)
            features = down(features)
        features = self.bottom(features)
        for up, block in zip(self.ups, self.up_blocks, strict=True):
            features = block(up(features) + skips.pop())
        return self.leave(features)[..., :height, :width]


class Block(nn.Module):
    """Two 3x3 convolutions around a ReLU, added to their input (He et al. 2016, without normalisation)."""

    def __init__(self, width: int, **convolution: Any) -> None:
        """`width` channels in and out; `convolution`: what else `nn.Conv2d` shall be told."""
        super().__init__()
        self.first = nn.Conv2d(width, width, 3, padding=1, **convolution)
        self.second = nn.Conv2d(width, width, 3, padding=1, **convolution)

    def forward(self, features: Tensor) -> Tensor:
        """(b width h w) -> the same shape."""
        return features + self.second(functional.relu(self.first(features)))
