"""Does the plain deblurrer start as the identity, take any size, and learn with all it has?"""

import pytest
import torch

from blurspace.nets.restorer import Restorer


def random(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("size", [(16, 16), (17, 30), (33, 21)])
def test_it_starts_as_the_identity(size):
    blurry = random(2, 3, *size)
    torch.testing.assert_close(Restorer(widths=(4, 6))(blurry), blurry)


def test_batch_is_singles_and_every_parameter_learns():
    restorer, blurry = Restorer(widths=(4, 6)), random(2, 3, 20, 24)
    with torch.no_grad():
        for parameter in restorer.parameters():
            parameter.add_(0.02 * torch.randn(parameter.shape, generator=torch.Generator().manual_seed(1)))
    restored = restorer(blurry)
    assert not torch.allclose(restored, blurry, atol=1e-3)
    torch.testing.assert_close(restored[1:], restorer(blurry[1:]), atol=1e-5, rtol=0)
    restored.square().sum().backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in restorer.parameters())
