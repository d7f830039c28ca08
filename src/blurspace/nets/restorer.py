"""Which sharp picture was this? A plain network that answers at once, the yardstick of tables about training data.

A residual U-Net on pixels sorted into four planes (pixel unshuffle), in the spirit of the dynamic-scene deblurrers
since Nah, Kim and Lee 2017; small, for a CPU.
"""

from collections.abc import Sequence

from torch import nn
from torch.nn import functional

from blurspace.nets.unet import UNet
from blurspace.types import Image


class Restorer(nn.Module):
    """Blurry to sharp, colour, any size; starts as the identity. `widths`: channels at 1/2, 1/4, ... of the size."""

    bytes_per_px = 600  # of memory, when it restores a picture in colour: our measurement

    def __init__(self, *, widths: Sequence[int] = (32, 64, 96, 128)) -> None:
        """Weights are random until loaded or trained."""
        super().__init__()
        self.widths = tuple(widths)
        self.unet = UNet(12, 12, widths)

    def forward(self, blurry: Image) -> Image:
        """(b 3 h w) in [0, 1] -> the sharp picture (b 3 h w), not clamped."""
        height, width = blurry.shape[-2:]
        even = functional.pad(blurry, (0, width % 2, 0, height % 2), mode="replicate")
        change = functional.pixel_shuffle(self.unet(functional.pixel_unshuffle(even, 2)), 2)
        return blurry + change[..., :height, :width]
