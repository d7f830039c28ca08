"""What was the sharp picture, given the blurry one and the kernel? Non-blind deconvolution by FFT.

Minimises   1/2 sum_p w_p (k * x - y)_p^2  +  strength * sum_p R(grad x_p)   over x,

where R is total variation (Rudin, Osher and Fatemi 1992) or the hyper-Laplacian |.|^(1/2) (Krishnan and Fergus 2009),
by the alternating direction method of multipliers. The blurred picture u = k * x is a variable of its own, as in
Almeida and Figueiredo 2013: so pixels beyond the frame (w = 0) and clipped pixels (known only to be at least white)
cost nothing extra, the frame causes no ringing, and each step is still closed form.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from blurspace.blur.convolve import from_spectrum, to_otf
from blurspace.blur.fourier import add_differences, differences_adjoint, extend, extended_size, gradient_power
from blurspace.errors import UsageError
from blurspace.run import Run
from blurspace.types import AnyImage, Image, Kernel

Prior = Literal["total variation", "hyper-laplacian"]

# Penalties of the two splittings, on pictures in [0, 1]: our measurement, as all values here (notebook).
GRADIENT_PENALTY = 0.02
BLUR_PENALTY = 0.1
# The strength that suits Gaussian noise of standard deviation sigma: factor * sigma^1.5, above a floor for the error of
# 8-bit rounding and of the model.
STRENGTH_FACTOR = {"total variation": 0.9, "hyper-laplacian": 0.3}
STRENGTH_FLOOR = {"total variation": 2.5e-4, "hyper-laplacian": 3e-5}
# Of a kernel's reach on both sides: beyond the frame of one closed step, so that opposite edges meet smoothly (ours).
WRAP = 2
# Fixed-point steps that solve the shrinkage equation of |.|^(1/2) to 1e-3 of its step.
SHRINK_STEPS = 3


@dataclass(frozen=True)
class Rounds:
    """How many rounds, and how far each goes: `relaxation` in [1, 2). Above 1 fewer lead as far.

    18 relaxed ones do what 30 plain ones do: our measurement (notebook).
    """

    count: int = 18
    relaxation: float = 1.9


def strength_for(sigma: float, prior: Prior = "total variation") -> float:
    """The regularisation strength for noise of standard deviation `sigma`, pixel values in [0, 1]."""
    return max(STRENGTH_FLOOR[prior], STRENGTH_FACTOR[prior] * sigma**1.5)


def deconvolve(
    blurry: Image,
    kernel: Kernel,
    *,
    strength: float = STRENGTH_FLOOR["total variation"],
    prior: Prior = "total variation",
    saturated: Tensor | None = None,
    unseen: Tensor | None = None,
    rounds: Rounds | None = None,
    run: Run | None = None,
) -> Image:
    """Remove a known uniform blur from `blurry` (b c h w); returns the sharp picture, same shape, not clamped.

    `kernel` (1 or b, 1, k, k). `strength`: see `strength_for`. `saturated` (b c h w, bool): pixels that were clipped,
    so that the true value is at least the seen one. `unseen` (1 1 h w, bool): pixels that show something else, and are
    like those beyond the frame. Colours share one gradient magnitude, so that they keep their edges
    together. Raises UsageError where the kernel is wider than the picture.
    Source: Almeida and Figueiredo 2013 (unknown boundaries); Rudin, Osher and Fatemi 1992; Krishnan and Fergus 2009;
    Eckstein and Bertsekas 1992 (relaxation).
    """
    (height, width), rounds = blurry.shape[-2:], rounds or Rounds()
    if kernel.shape[-1] > min(height, width):
        raise UsageError(
            f"the kernel is {kernel.shape[-1]} px wide and the picture {width} x {height}: give a smaller kernel"
        )
    size = extended_size((height, width), kernel.shape[-1] - 1)
    observed = extend(blurry, size)
    believed, least = _beliefs(observed, (height, width), saturated, unseen)
    offset, share = believed * observed / (believed + BLUR_PENALTY), BLUR_PENALTY / (believed + BLUR_PENALTY)
    transfer = to_otf(kernel, size)
    denominator = BLUR_PENALTY * transfer.abs().square() + GRADIENT_PENALTY * gradient_power(size, blurry.device)
    from_blurred, from_gradients = BLUR_PENALTY * transfer.conj() / denominator, GRADIENT_PENALTY / denominator
    split = _split_total_variation if prior == "total variation" else _split_hyper_laplacian

    # Every array is as big as the picture, and memory is what takes time: so they are changed where they lie. What is
    # carried from round to round is, at relaxation 1, the dual variable of each splitting.
    sharp, blurred = observed, from_spectrum(transfer * torch.fft.rfft2(observed), size)
    guess, gradients = torch.zeros_like(observed), observed.new_zeros(2, *observed.shape)
    for count in range(rounds.count):
        if run:
            run.check()
        share_of_new = rounds.relaxation if count else 1.0
        guess.add_(blurred, alpha=share_of_new)
        explained = torch.addcmul(offset, share, guess)
        if least is not None:
            torch.maximum(explained, least, out=explained)
        add_differences(gradients, sharp, share_of_new)
        wanted = split(gradients, strength / GRADIENT_PENALTY, rounds.relaxation)
        carried = torch.sub(guess, explained, alpha=rounds.relaxation)
        spectrum = torch.fft.rfft2(explained.mul_(2).sub_(guess)).mul_(from_blurred)
        spectrum += torch.fft.rfft2(differences_adjoint(wanted)).mul_(from_gradients)
        sharp = from_spectrum(spectrum, size)
        if count + 1 < rounds.count:
            blurred = from_spectrum(spectrum.mul_(transfer), size)
            guess = carried
    return sharp[..., :height, :width].contiguous()


def wiener(blurry: Image, kernel: Kernel, *, smoothing: float) -> AnyImage:
    """The same in one closed step: the least sum of |k * x - y|^2 + smoothing |grad x|^2; not clamped.

    `blurry` (b c h w), `kernel` (1 1 k k). `smoothing`: best the noise's variance over that of the sharp gradients.
    Source: Wiener 1949, with the spectrum of pictures whose gradients are white.
    """
    height, width = blurry.shape[-2:]
    size = extended_size((height, width), WRAP * (kernel.shape[-1] - 1))
    transfer = to_otf(kernel, size)
    undone = transfer.conj() / (transfer.abs().square() + smoothing * gradient_power(size, blurry.device))
    spectrum = torch.fft.rfft2(extend(blurry, size)).mul_(undone)
    return from_spectrum(spectrum, size)[..., :height, :width].contiguous()


def _beliefs(
    observed: Image, inside: tuple[int, int], saturated: Tensor | None, unseen: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """How far each pixel is to be explained (1 or 0), and what it is at least, if any was clipped."""
    height, width = inside
    believed = observed.new_zeros(1, 1, *observed.shape[-2:])
    believed[..., :height, :width] = 1 if unseen is None else (~unseen).to(observed)
    if saturated is None or not bool(saturated.any()):
        return believed, None
    believed = believed.expand_as(observed).clone()
    least = torch.full_like(observed, -math.inf)
    believed[..., :height, :width][saturated.expand(*observed.shape[:2], -1, -1)] = 0
    least[..., :height, :width] = torch.where(saturated, observed[..., :height, :width], -math.inf)
    return believed, least


def _split_total_variation(gradients: Tensor, step: float, relaxation: float) -> Tensor:
    """The proximal map of step * |gradient|, one length per pixel for both directions and all colours.

    Twice what it gives, less the gradients, is returned; what is carried on is left in `gradients`.
    """
    planes = [plane for direction in gradients for plane in direction.split(1, dim=1)]
    length = planes[0].square()
    for plane in planes[1:]:
        length.addcmul_(plane, plane)
    kept = length.sqrt_().clamp_min_(1e-12).reciprocal_().mul_(-step).add_(1).clamp_min_(0)
    wanted = gradients * (2 * kept - 1)
    gradients.mul_(1 - relaxation * kept)
    return wanted


def _split_hyper_laplacian(gradients: Tensor, step: float, relaxation: float) -> Tensor:
    """The same with step * |gradient|^(1/2), by fixed-point iteration from above, per value."""
    size = gradients.abs()
    root = size.clone()
    for _ in range(SHRINK_STEPS):
        root = (size - 0.5 * step * root.clamp_min(1e-6).rsqrt()).clamp_min(0)
    better_than_zero = 0.5 * (root - size).square() + step * root.sqrt() < 0.5 * size.square()
    part = gradients.sign() * torch.where(better_than_zero, root, 0)
    wanted = 2 * part - gradients
    gradients.sub_(part, alpha=relaxation)
    return wanted
