"""Does the U-Net take any size, start at nothing, and use all of its weights?"""

import pytest
import torch

from blurspace.nets.unet import UNet


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def built(widths=(4, 6, 8), *, started=True):
    """With `started` the last layer is random, as after a step of training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = UNet(5, 2, widths)
        if started:
            torch.nn.init.normal_(network.leave.weight)
    return network


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (3, 50), (4, 5)])
@pytest.mark.parametrize("widths", [(4,), (4, 6), (4, 6, 8)])
def test_any_size(size, widths):
    found = built(widths)(random(2, 5, *size))
    assert found.shape == (2, 2, *size)
    assert found.isfinite().all()


def test_starts_at_zero():
    assert built(started=False)(random(1, 5, 9, 12)).abs().max() == 0


def test_batch_is_singles():
    network, pictures = built(), random(3, 5, 18, 13)
    torch.testing.assert_close(network(pictures), torch.cat([network(one[None]) for one in pictures]))


def test_gradients_reach_every_parameter():
    network = built()
    (network(random(1, 5, 16, 16)) * random(1, 2, 16, 16, seed=1)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name
