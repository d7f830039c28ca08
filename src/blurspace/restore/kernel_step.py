"""Which kernel turns these sharp gradients into those blurry ones? A small non-negative least-squares problem.

Minimises  sum trust |k * grad x - grad y|^2 + ridge |grad x|^2 |k|^2  over k >= 0 inside its square. Where grad y is
not trusted (beyond the frame, at clipped pixels) it is completed by what the last kernel draws there. That turns the
problem into one of constant weight, which lies above the true one and touches it at the last kernel: majorisation, so
that each round brings the true one down. Its normal equations need only auto- and cross-correlations, computed by FFT;
the rest happens on the kernel's own small grid (Cho and Lee 2009 use conjugate gradients, without the sign).
Multiplying both gradients with a window instead, as is common, is wrong within a kernel of its slopes.
"""

import math
from collections.abc import Sequence

import cv2
import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.convolve import fast_size, to_otf
from blurspace.blur.kernels import centre, crop_or_pad, delta, normalise
from blurspace.types import Kernel

# Iterations of the projected gradient method, which starts from the last kernel: our measurement.
ITERATIONS = 8
# How often the blurry gradients are completed and the kernel is solved for, in one step.
COMPLETIONS = 2
# Parts of the kernel that touch nothing else and hold less than this share of its light are noise.
SMALL_PART = 0.1


def solve_kernel(spectra: Tensor, blurry_gradients: Tensor, trust: Tensor, start: Kernel, *, ridge: float) -> Kernel:
    """The non-negative kernel of `start`'s size (b 1 k k) that best maps one set of gradients to the other.

    Of the sharp ones the `spectra` (2 b n h w//2+1), in n windows of one photo; the blurry ones (2 1 n h w), on a grid
    that wraps round, count by `trust` (n h w) in [0, 1]. `ridge`: weight of |k|^2, as a share of the gradient energy.
    The result is not normalised.
    """
    side = start.shape[-1]
    auto = auto_correlation(spectra, trust.shape[-2:], side)
    kernel = start
    for _ in range(COMPLETIONS):
        cross = cross_correlation(spectra, complete(blurry_gradients, trust, spectra, kernel), side)
        kernel = _solve(auto, cross, kernel, ridge=ridge)
    return kernel


def complete(blurry_gradients: Tensor, trust: Tensor, sharp_spectra: Tensor, kernel: Kernel) -> Tensor:
    """The blurry gradients (2 b n h w) where trusted, elsewhere what the kernel makes of the sharp ones."""
    size = (trust.shape[-2], trust.shape[-1])
    return torch.fft.irfft2(sharp_spectra * to_otf(kernel, size), s=size).lerp(blurry_gradients, trust)


def auto_correlation(spectra: Tensor, size: Sequence[int], side: int) -> Tensor:
    """Of gradients on a grid of that size that wraps round, from their spectra (2 b n h w//2+1): (b 1 2k-1 2k-1).

    Those of the n windows are added up. The middle one is their energy.
    """
    spread = side - 1
    auto = torch.fft.irfft2(spectra.abs().square().sum(0).sum(-3, keepdim=True), s=size)
    return auto.roll((spread, spread), (-2, -1))[..., : 2 * side - 1, : 2 * side - 1]


def cross_correlation(sharp_spectra: Tensor, blurry_gradients: Tensor, side: int) -> Tensor:
    """Of sharp and blurry gradients (2 b n h w) on a grid that wraps round, added up over n windows: (b 1 k k)."""
    reach = side // 2
    spectrum = (sharp_spectra.conj() * torch.fft.rfft2(blurry_gradients)).sum(0).sum(-3, keepdim=True)
    cross = torch.fft.irfft2(spectrum, s=blurry_gradients.shape[-2:])
    return cross.roll((reach, reach), (-2, -1))[..., :side, :side]


def _solve(auto: Tensor, cross: Tensor, start: Kernel, *, ridge: float) -> Kernel:
    """Solve the normal equations for k >= 0 by accelerated projected gradients (Beck and Teboulle 2009)."""
    side = start.shape[-1]
    energy = auto[..., side - 1 : side, side - 1 : side].clamp_min(1e-12)
    correlation, target = auto / energy, cross / energy
    grid = fast_size(3 * side - 1)
    spread = side - 1
    padded = functional.pad(correlation, (0, grid - 2 * side + 1, 0, grid - 2 * side + 1))
    system = torch.fft.rfft2(padded.roll((-spread, -spread), (-2, -1)))
    step = 1 / (system.abs().amax((-2, -1), keepdim=True) + ridge)
    system, target = step * (system + ridge), step * target  # a ridge is a delta in the auto-correlation

    kernel = ahead = start
    momentum = 1.0
    for _ in range(ITERATIONS):
        product = torch.fft.irfft2(system * torch.fft.rfft2(ahead, s=(grid, grid)), s=(grid, grid))
        before, kernel = kernel, (ahead - product[..., :side, :side] + target).clamp_min(0)
        faster = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = torch.lerp(before, kernel, 1 + (momentum - 1) / faster)
        momentum = faster
    return kernel


def tidy_kernel(kernel: Kernel, *, threshold: float) -> Kernel:
    """Drop values of one kernel (1 1 k k) below `threshold` of the peak, and small loose parts; centre and normalise.

    An empty kernel becomes a delta: the estimate "no blur" that a flat picture supports.
    """
    side = kernel.shape[-1]
    kernel = torch.where(kernel >= threshold * kernel.max(), kernel, 0)
    total = kernel.sum()
    if total <= 0:
        return delta(side).to(kernel)
    count, drawn = cv2.connectedComponents((kernel[0, 0] > 0).to(torch.uint8).cpu().numpy(), connectivity=8)
    if count > 2:  # background and more than one part
        labels = torch.from_numpy(drawn).to(kernel.device)
        light = torch.zeros(count, device=kernel.device).index_add_(0, labels.flatten(), kernel.flatten())
        keep = light >= SMALL_PART * total
        keep[light.argmax()] = True
        kernel = kernel * keep[labels]
    return normalise(crop_or_pad(centre(normalise(kernel)), side))
