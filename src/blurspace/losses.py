"""What is minimised in training? Pure functions of tensors, the mean over the batch, each with its source."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.types import AnyImage, Image, Kernel

CHARBONNIER_EPS = 1e-3  # the offset under the root: Lai, Huang, Ahuja and Yang 2017 (LapSRN), section 3.3


def kernel_l1(estimated: Kernel, kernel: Kernel) -> Tensor:
    """The sum of absolute differences over the pixels of a kernel, 0 to 2 for kernels of sum 1, mean over the batch.

    Both (b 1 k k). Returns a scalar. A sum and not a mean, so that it does not depend on the size of the square.
    Source: the L1 kernel loss of Kaufman and Fattal 2020, sections 3.1 and 3.4.
    """
    _check(estimated, kernel)
    return (estimated.float() - kernel).abs().sum((1, 2, 3)).mean()


def picture_l2(restored: Image, sharp: Image) -> Tensor:
    """The mean squared difference of pictures (b c h w) in [0, 1]. Returns a scalar.

    Source: the L2 image loss of Kaufman and Fattal 2020, section 3.4.
    """
    _check(restored, sharp)
    return (restored.float() - sharp).square().mean()


def charbonnier(
    restored: Image, sharp: Image, *, eps: float = CHARBONNIER_EPS, trust: AnyImage | None = None
) -> Tensor:
    """The mean of sqrt(difference^2 + eps^2), a smooth L1, over pictures (b c h w) in [0, 1]. Returns a scalar.

    `trust` (b 1 h w) in [0, 1]: how much a pixel counts; where none does it is 0. Source: Charbonnier,
    Blanc-Feraud, Aubert and Barlaud 1994; in the form of Lai et al. 2017 (LapSRN), section 3.3.
    """
    _check(restored, sharp)
    distance = ((restored.float() - sharp).square() + eps**2).sqrt()
    if trust is None:
        return distance.mean()
    return (distance.mean(1, keepdim=True) * trust).sum() / trust.sum().clamp_min(1)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """How far normal distributions of codes are from the standard normal: the Kullback-Leibler divergence in nats.

    Both (b ...), any range. Returns a scalar >= 0, the sum over all numbers of a sample, mean over the batch. Source:
    Kingma and Welling 2014, Eq. 10, negated. Tran et al. 2021's published code leaves out the factor 1/2.
    """
    _check(mean, log_variance)
    mean, log_variance = mean.float(), log_variance.float()
    return 0.5 * (mean.square() + log_variance.expm1() - log_variance).sum() / mean.shape[0]


def critic_loss(real: Tensor, made: Tensor) -> Tensor:
    """How badly a critic tells real pictures from made ones; logits of any shape, one per patch. Returns a scalar.

    Source: Pham et al. 2024, Eq. 3, negated: - log D(real) - log (1 - D(made)), each the mean over patches.
    """
    return functional.softplus(-real.float()).mean() + functional.softplus(made.float()).mean()


def fooling_loss(made: Tensor) -> Tensor:
    """How badly made pictures fool the critic, from its logits of any shape. Returns a scalar.

    - log D(made), which has its least where Eq. 3 of Pham et al. 2024 has it, log (1 - D(made)), but also a slope where
      the critic is sure (Goodfellow et al. 2014, section 3).
    """
    return functional.softplus(-made.float()).mean()


def gradient_penalty(
    critic: Callable[[Image], Tensor], blurry: Image, translated: Image, generator: torch.Generator | None = None
) -> Tensor:
    """How far the critic's slope is from 1 between pictures (b c h w), the mean over the batch. Returns a scalar.

    Each picture of the batch has its own random place between the two, and its own norm, over the mean of the critic's
    patches. `generator`: on the CPU. Source: Gulrajani et al. 2017, Eq. 3; Pham et al. 2024, Eq. 4.
    """
    _check(blurry, translated)
    share = torch.rand(len(blurry), 1, 1, 1, generator=generator).to(blurry)
    between = torch.lerp(translated.detach(), blurry.detach(), share).requires_grad_(True)
    verdicts = critic(between).float().flatten(1).mean(1)
    (slope,) = torch.autograd.grad(verdicts.sum(), between, create_graph=True)
    return (slope.flatten(1).norm(dim=1) - 1).square().mean()


def perceptual(features: Callable[[Image], Sequence[Tensor]], one: Image, other: Image) -> Tensor:
    """The mean absolute difference of the features of pictures (b c h w), the mean over the maps. Returns a scalar.

    Source: Johnson, Alahi and Fei-Fei 2016, section 3.2; as an L1 distance in Pham et al. 2024, Eq. 5, for one scale.
    """
    _check(one, other)
    pairs = zip(features(one), features(other), strict=True)
    return torch.stack([(here.float() - there).abs().mean() for here, there in pairs]).mean()


def _check(one: Tensor, other: Tensor) -> None:
    """Different shapes would broadcast in silence, and train towards nonsense."""
    if one.shape != other.shape:
        raise UsageError(f"shapes {tuple(one.shape)} and {tuple(other.shape)} were given: give two of the same shape")
