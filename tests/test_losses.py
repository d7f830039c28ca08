"""Do the losses say what they should, against numbers worked out by hand?"""

import pytest
import torch

from blurspace.blur.kernels import delta
from blurspace.errors import UsageError
from blurspace.losses import charbonnier, divergence, kernel_l1, picture_l2

LOSSES = [kernel_l1, picture_l2, charbonnier]


def test_kernels_without_a_common_pixel_are_2_apart():
    moved = delta(5).roll(1, -1)
    assert kernel_l1(delta(5), moved).item() == 2
    assert kernel_l1(torch.cat((delta(5), delta(5))), torch.cat((delta(5), moved))).item() == 1


def test_pictures():
    black, grey = torch.zeros(2, 3, 4, 5), torch.full((2, 3, 4, 5), 0.5)
    assert picture_l2(grey, black).item() == 0.25
    assert charbonnier(grey, black, eps=1.2).item() == pytest.approx(1.3)
    assert charbonnier(grey, black).item() == pytest.approx(0.5, abs=1e-5)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss):
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.rand(2, 1, 5, 5, generator=generator) for _ in range(2))
    one.requires_grad_()
    loss(one, other).backward()
    assert bool((one.grad != 0).all())
    assert loss(other, other).item() == pytest.approx(0, abs=1.1e-3)
    assert loss(one.bfloat16(), other).dtype == torch.float32
    with pytest.raises(UsageError, match="same shape"):
        loss(one, other[:1])


def test_divergence():
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = (torch.randn(3, 4, 2, 5, generator=generator) for _ in range(2))
    normal = torch.distributions.Normal
    oracle = torch.distributions.kl_divergence(normal(mean, (log_variance / 2).exp()), normal(0, 1))
    torch.testing.assert_close(divergence(mean, log_variance), oracle.sum((1, 2, 3)).mean())
    assert divergence(torch.zeros(2, 3), torch.zeros(2, 3)).item() == 0
    assert divergence(mean.bfloat16(), log_variance.bfloat16()).dtype == torch.float32
    with pytest.raises(UsageError, match="same shape"):
        divergence(mean, log_variance[:1])
