"""Which sharp picture did this kernel blur? A few rounds of Wiener-filtered disagreement, judged by a small U-Net.

Each round asks what the blurry picture still disagrees with (blurry - kernel * sharp), brings the answer back with
Wiener filters of learned strengths, and lets a U-Net at half resolution decide what of it to believe. The filters are
global, closed form and know the kernel exactly, of any size, so the network holds no kernel of its own and has to know
only what pictures look like and how noise, ringing and a wrong kernel look. Trained on estimated kernels.

Sources: Wiener filtering of features, Dong, Roth and Schiele 2020 (Deep Wiener Deconvolution); rounds of data step and
network, Zhang, Van Gool and Timofte 2020 (USRNet); the structure in detail is ours.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.blur.convolve import blur, fast_size, to_otf
from blurspace.blur.fourier import gradient_power
from blurspace.nets.unet import UNet
from blurspace.types import Image, Kernel

# The Wiener filters' noise-to-signal ratio is strength * sigma^2 * |frequency|^2: photos have gradients of about 0.05,
# so 1 / 0.05^2 is the textbook value; the filters start a factor 4 above and below it, and learn.
FIRST_STRENGTHS = (1600.0, 100.0)
# What a perfect 8-bit picture still has, so that no filter divides by nothing.
LEAST_SIGMA = 1.5e-3
# The network sees sigma times this as one more plane: values about 0.1 to 0.5, like the rest.
SIGMA_SCALE = 10.0


class Deconvolver(nn.Module):
    """Non-blind deconvolution of colour pictures by a known or estimated kernel.

    `rounds`: data step and U-Net, each with weights of its own. `widths`: channels at 1/2, 1/4, ... of the resolution.
    """

    def __init__(self, *, rounds: int = 2, widths: Sequence[int] = (32, 48, 64)) -> None:
        """Weights are random until loaded or trained; the last layers start at zero, so that the start comes out."""
        super().__init__()
        self.rounds = nn.ModuleList(Round(widths) for _ in range(rounds))

    def forward(self, blurry: Image, kernel: Kernel, sigma: Tensor, start: Image) -> Image:
        """The sharp picture (b 3 h w), not clamped.

        `blurry` (b 3 h w) in [0, 1] in the light in which the blur happened; `kernel` (1 or b, 1, k, k); `sigma` (b):
        standard deviation of the noise; `start` (b 3 h w): a first restoration, which
        also decides what is near the frame.
        """
        sharp = start
        for step in self.rounds:
            sharp = step(sharp, blurry, kernel, sigma.clamp_min(LEAST_SIGMA))
        return sharp


class Round(nn.Module):
    """One round: the disagreement, brought back by Wiener filters, and a U-Net that decides."""

    def __init__(self, widths: Sequence[int]) -> None:
        """The first strengths are those of the module."""
        super().__init__()
        self.log_strengths = nn.Parameter(torch.tensor(FIRST_STRENGTHS).log())
        pictures = 2 + len(FIRST_STRENGTHS)
        self.net = UNet(pictures * 12 + 1, 12, widths)

    def forward(self, sharp: Image, blurry: Image, kernel: Kernel, sigma: Tensor) -> Image:
        """The next `sharp` (b 3 h w); arguments as in `Deconvolver`."""
        back = wiener(blurry, sharp, kernel, sigma, self.log_strengths.exp())
        height, width = sharp.shape[-2:]
        seen = torch.cat((sharp, blurry, *back), dim=1)
        seen = functional.pad(seen, (0, width % 2, 0, height % 2), mode="replicate")
        folded = functional.pixel_unshuffle(seen, 2)
        noise = (SIGMA_SCALE * sigma)[:, None, None, None].expand(-1, 1, *folded.shape[-2:])
        change = functional.pixel_shuffle(self.net(torch.cat((folded, noise), dim=1)), 2)
        return sharp + change[..., :height, :width]


def wiener(blurry: Image, sharp: Image, kernel: Kernel, sigma: Tensor, strengths: Tensor) -> list[Image]:
    """What `blurry` still asks to be added to `sharp` (both b c h w), once for each strength.

    Only pixels whose blur lies wholly inside the frame are asked. Wiener filter with the noise-to-signal ratio
    strength * sigma^2 * |frequency|^2 (Dong, Roth and Schiele 2020, eq. 5, with a power-law spectrum in place of a
    measured one).
    """
    height, width = blurry.shape[-2:]
    reach = kernel.shape[-1] // 2
    inner = blur(sharp, kernel, border="valid")
    rest = blurry[..., reach : height - reach, reach : width - reach] - inner
    size = (fast_size(height + reach), fast_size(width + reach))
    rest = functional.pad(rest, (reach, size[1] - width + reach, reach, size[0] - height + reach))
    transfer = to_otf(kernel, size)
    power, spectrum = transfer.abs().square(), transfer.conj() * torch.fft.rfft2(rest)
    frequency = gradient_power(size, blurry.device) * sigma.square()[:, None, None, None]
    floor = LEAST_SIGMA**2
    return [
        torch.fft.irfft2(spectrum / (power + strength * frequency + floor), s=size)[..., :height, :width]
        for strength in strengths
    ]
