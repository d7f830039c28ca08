"""Which sharp picture did this kernel blur? In rounds: explain the blurry picture, in closed form, then denoise.

Half-quadratic splitting of  |kernel * x - blurry|^2 / (2 sigma^2) + prior(x), from a classical start. Each round asks
what the blurry picture still disagrees with (blurry - kernel * guess) and brings the answer back with the Wiener filter
that a guess with so much noise in it deserves, which is global and holds for any kernel. Then the denoiser removes what
a picture should not hold. One denoiser serves all rounds; it sees the guess before the answer too, and so what is new.

Sources: plug-and-play deconvolution with a deep denoiser, Zhang et al. 2022 (DPIR); strengths learned and
denoiser trained along, Zhang, Van Gool and Timofte 2020 (USRNet). The start, the hint and the doubt are ours.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.blur.convolve import blur, fast_size, to_otf
from blurspace.nets.denoiser import Denoiser
from blurspace.types import Image, Kernel

# Noise in the guess of each round, as multiples of that in the blurry picture: where training starts. DPIR goes from
# 49 / 255 to the noise in 8 rounds, from the blurry picture; ours start from total variation, which is near.
FIRST_LEVEL, LAST_LEVEL = 2.0, 1.0
PRIOR_WEIGHT = 0.23  # DPIR's lambda
LEAST_SIGMA = 4e-3  # rounding to 8 bits and the model's own error; `deconvolve.STRENGTH_FLOOR` says the same


class Deconvolver(nn.Module):
    """Non-blind deconvolution of colour pictures by a known or an estimated kernel; `widths`: the denoiser's."""

    def __init__(self, *, rounds: int = 2, widths: Sequence[int] = (32, 64, 96)) -> None:
        """The denoiser's weights are random until loaded or trained; the strengths of the rounds are DPIR's."""
        super().__init__()
        self.denoiser = Denoiser(hints=1, widths=widths)
        self.log_levels = nn.Parameter(torch.linspace(math.log(FIRST_LEVEL), math.log(LAST_LEVEL), rounds))
        self.log_weights = nn.Parameter(torch.full((rounds,), math.log(PRIOR_WEIGHT)))
        # What doubt in the kernel adds to the two.
        self.doubt_levels = nn.Parameter(torch.zeros(rounds))
        self.doubt_weights = nn.Parameter(torch.zeros(rounds))

    def forward(self, blurry: Image, kernel: Kernel, sigma: Tensor, doubt: Tensor, start: Image) -> Image:
        """The sharp picture (b 3 h w), not clamped.

        `blurry` (b 3 h w) in [0, 1] in the light in which the blur happened; `kernel` (1 or b, 1, k, k); `sigma` (b):
        standard deviation of the noise; `doubt` (b): 0 for a kernel that is known, 1 for an estimated one; `start`
        (b 3 h w): a first restoration, which also decides what is near the frame.
        """
        guess, sigma = start, sigma.clamp_min(LEAST_SIGMA)
        levels = (self.log_levels + doubt[:, None] * self.doubt_levels).exp() * sigma[:, None]
        weights = (self.log_weights + doubt[:, None] * self.doubt_weights).exp()
        ratios = weights * (sigma[:, None] / levels).square()
        for level, ratio in zip(levels.unbind(1), ratios.unbind(1), strict=True):
            guess = self.denoiser(guess + explain(blurry, guess, kernel, ratio), level, guess)
        return guess


def explain(blurry: Image, guess: Image, kernel: Kernel, ratio: Tensor) -> Image:
    """What to add to `guess` (b c h w) so that, blurred by `kernel` (1 or b, 1, k, k), it explains `blurry` (b c h w).

    Only pixels whose blur lies wholly inside the frame are asked. `ratio` (b): of the noise's variance to that of the
    guess's errors, in the Wiener filter (the closed form of the data step of Zhang et al. 2022).
    """
    height, width = blurry.shape[-2:]
    reach = kernel.shape[-1] // 2
    rest = blurry[..., reach : height - reach, reach : width - reach] - blur(guess, kernel, border="valid")
    size = (fast_size(height + reach), fast_size(width + reach))
    rest = functional.pad(rest, (reach, size[1] - width + reach, reach, size[0] - height + reach))
    transfer = to_otf(kernel, size)
    spectrum = transfer.conj() * torch.fft.rfft2(rest) / (transfer.abs().square() + ratio[:, None, None, None])
    return torch.fft.irfft2(spectrum, s=size)[..., :height, :width]
