"""Are two kernels the same, up to a shift that nobody can know?"""

import math

import torch

from blurspace.blur.convolve import fast_size, to_otf
from blurspace.types import AnyKernel, Kernel

FINENESS = 8
OFFSET_SIGMA = 1.0  # px: both kernels are smoothed before they are compared
ROOM = 8  # px, more than both kernels need, so that no shift wraps round


def offset(estimated: Kernel, true: AnyKernel, *, fineness: int = FINENESS) -> tuple[float, float, float]:
    """By how many px the estimated kernel lies below and right of the true one, and how well they agree then, 0 to 1.

    The peak of their cross-correlation, smoothed and interpolated in the Fourier domain, over the kernels' norms.
    `fineness`: steps per px. The agreement needs fewer than the shift, and their square is what it costs.
    """
    side = fast_size(estimated.shape[-1] + true.shape[-1] + ROOM)
    side += side % 2
    device = estimated.device
    rows, columns = torch.fft.fftfreq(side, device=device)[:, None], torch.fft.rfftfreq(side, device=device)[None]
    smooth = torch.exp(-2 * (math.pi * OFFSET_SIGMA) ** 2 * (rows**2 + columns**2))
    first, second = (smooth * to_otf(kernel, (side, side)) for kernel in (estimated, true))
    fine, half = fineness * side, side // 2
    cross = first.new_zeros(1, 1, fine, fine // 2 + 1)
    cross[..., :half, : half + 1], cross[..., -half:, : half + 1] = (
        (first * second.conj())[..., part, :] for part in (slice(None, half), slice(half, None))
    )
    map_ = torch.fft.irfft2(cross, s=(fine, fine)) * fineness**2
    place = int(map_.argmax())
    down, right = ((one + fine // 2) % fine - fine // 2 for one in divmod(place, fine))
    norms = [torch.fft.irfft2(one.abs().square(), s=(side, side)).max() for one in (first, second)]
    return down / fineness, right / fineness, float(map_.max() / (norms[0] * norms[1]).sqrt())
