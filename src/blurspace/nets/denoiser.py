"""Which picture lies under this noise? A small U-Net at half the resolution that is told how strong the noise is.

`nets/deconvolver.py` asks it after every data step.
Sources: half the resolution and the noise as one more plane, Zhang, Zuo and Zhang 2018 (FFDNet); a U-Net of residual
blocks, Zhang et al. 2022 (DRUNet). Their sizes are for GPUs; ours is an argument.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.nets.unet import UNet
from blurspace.types import Image

SIGMA_SCALE = 10.0  # the network sees sigma times this: noise of 0.002 to 0.2 is then as large as its other inputs


class Denoiser(nn.Module):
    """Removes Gaussian noise of known strength from colour pictures.

    `hints`: so many more pictures it is shown. `widths`: channels at 1/2, 1/4, ... of the resolution.
    """

    def __init__(self, *, hints: int = 0, widths: Sequence[int] = (32, 64, 96)) -> None:
        """Weights are random until loaded or trained; the last layer starts at zero, so that the input comes out."""
        super().__init__()
        self.net = UNet(12 + 12 * hints + 1, 12, widths)
        # A quarter faster on a CPU: our measurement. (The type stub knows no memory format.)
        self.net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, noisy: Image, sigma: Tensor, *hints: Image) -> Image:
        """The picture (b 3 h w) without noise of standard deviation `sigma` (b), not clamped."""
        height, width = noisy.shape[-2:]
        seen = functional.pad(torch.cat((noisy, *hints), dim=1), (0, width % 2, 0, height % 2), mode="replicate")
        folded = functional.pixel_unshuffle(seen, 2)
        level = (SIGMA_SCALE * sigma)[:, None, None, None].expand(-1, 1, *folded.shape[-2:])
        noise = functional.pixel_shuffle(self.net(torch.cat((folded, level), dim=1)), 2)
        return noisy - noise[..., :height, :width]
