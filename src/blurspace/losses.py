"""What is minimised in training? Pure functions of tensors, the mean over the batch, each with its source."""

from torch import Tensor

from blurspace.errors import UsageError
from blurspace.types import Image, Kernel

# The offset under the root: Lai, Huang, Ahuja and Yang 2017 (LapSRN), section 3.3.
CHARBONNIER_EPS = 1e-3


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


def charbonnier(restored: Image, sharp: Image, *, eps: float = CHARBONNIER_EPS) -> Tensor:
    """The mean of sqrt(difference^2 + eps^2), a smooth L1, over pictures (b c h w) in [0, 1]. Returns a scalar.

    Source: Charbonnier, Blanc-Feraud, Aubert and Barlaud 1994; in the form of Lai et al. 2017 (LapSRN), section 3.3.
    """
    _check(restored, sharp)
    return ((restored.float() - sharp).square() + eps**2).sqrt().mean()


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """How far normal distributions of codes are from the standard normal: the Kullback-Leibler divergence in nats.

    Both (b ...), any range. Returns a scalar >= 0, the sum over all numbers of a sample, mean over the batch; so it
    grows with the size of the code. Source: Kingma and Welling 2014, Eq. 10, negated. The sum of Tran et al. 2021's
    published code leaves out the factor 1/2, and adds the batch up: a weight there is twice one here, per sample.
    """
    _check(mean, log_variance)
    mean, log_variance = mean.float(), log_variance.float()
    return 0.5 * (mean.square() + log_variance.expm1() - log_variance).sum() / mean.shape[0]


def _check(one: Tensor, other: Tensor) -> None:
    """Different shapes would broadcast in silence, and train towards nonsense."""
    if one.shape != other.shape:
        raise UsageError(f"shapes {tuple(one.shape)} and {tuple(other.shape)} were given: give two of the same shape")
