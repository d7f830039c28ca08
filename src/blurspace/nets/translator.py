"""Which networks translate blur, and what do they give at three scales?

Pham et al. 2024, section 3.2 and table 4 of its supplement: MIMO-UNet, against a U-Net made to answer at several scales
and NAFNet as it is.
"""

from collections.abc import Sequence
from typing import Literal

from torch import Tensor, nn

from blurspace.nets.mimo_unet import MimoUNet, scales
from blurspace.nets.nafnet import NafNet
from blurspace.nets.restorer import Restorer
from blurspace.types import AnyImage, Image

Kind = Literal["unet", "mimo", "nafnet"]
LEVELS = 3  # of our small NAFNet


class Translator(nn.Module):
    """Blurry pictures to pictures of the same scenes with a blur of another kind; starts as the identity.

    `kind`: "unet" (our `Restorer`, the fastest), "mimo" (the paper's) or "nafnet". `widths`: channels; of the last two
    kinds only the first counts, which doubles from level to level. `blocks`: residual blocks per level, of these two.
    """

    def __init__(self, *, kind: Kind = "unet", widths: Sequence[int] = (32, 48, 64), blocks: int = 2) -> None:
        """Weights are random until loaded or trained."""
        super().__init__()
        self.network: nn.Module
        if kind == "mimo":
            self.network = MimoUNet(width=widths[0], blocks=blocks)
        elif kind == "nafnet":
            self.network = NafNet(width=widths[0], encoder=(blocks,) * LEVELS, middle=blocks, decoder=(1,) * LEVELS)
        else:
            self.network = Restorer(widths=widths)

    def forward(self, blurry: Image) -> tuple[Image, AnyImage, AnyImage]:
        """(b 3 h w) in [0, 1] -> translated at the sizes of `mimo_unet.scales`, the finest first, not clamped."""
        found: Tensor | tuple[Image, Image, Image] = self.network(blurry)
        return found if isinstance(found, tuple) else scales(found)
