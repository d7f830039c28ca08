"""Does NAFNet start as the identity, take any size, gate and weigh as told, and learn with all it has?"""

import pytest
import torch
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.nets.nafnet import ChannelNorm, NafNet

TINY = {"width": 4, "encoder": (1, 2), "middle": 1, "decoder": (1, 1)}


def random(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def started():
    """As after some training: nothing is zero."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        network = NafNet(**TINY)
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return network


@pytest.mark.parametrize(("width", "published"), [(32, 17.1e6), (64, 67.9e6)])
def test_the_published_sizes(width, published):
    with torch.device("meta"):
        network = NafNet(width=width)
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(published, rel=0.002)


@pytest.mark.parametrize("size", [(16, 16), (17, 30), (33, 21)])
def test_it_starts_as_the_identity(size):
    blurry = random(2, 3, *size)
    torch.testing.assert_close(NafNet(**TINY)(blurry), blurry)


def test_edge_pixels_are_repeated_and_cut_off():
    network, blurry = started(), random(1, 3, 18, 21)
    wide = network(functional.pad(blurry, (0, 3, 0, 2), mode="replicate"))
    torch.testing.assert_close(network(blurry), wide[..., :18, :21], atol=1e-5, rtol=1e-5)


def test_batch_is_singles_and_every_parameter_learns():
    network, blurry = started(), random(2, 3, 20, 24)
    blurry[1] *= 0.2
    restored = network(blurry)
    assert not torch.allclose(restored, blurry, atol=1e-3)
    torch.testing.assert_close(restored[1:], network(blurry[1:]), atol=1e-5, rtol=1e-5)
    restored.square().sum().backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in network.parameters())


def test_what_is_fine_passes_beside_what_is_coarse():
    network = started()
    torch.nn.init.zeros_(network.ups[-1][0].weight)  # nothing comes up from below
    network(random(1, 3, 16, 16)).square().sum().backward()
    assert network.encoders[0][0].feed[1].weight.grad.abs().sum() > 0


def test_a_new_block_changes_nothing_and_an_old_one_what_the_paper_says():
    maps = random(2, 4, 5, 6)
    assert torch.equal(NafNet(**TINY).middle(random(1, 16, 3, 3)), random(1, 16, 3, 3))
    block = started().encoders[0][0]
    norm, widen, near, _, emphasis, narrow = block.mix
    wide = near(widen(norm(maps)))
    gated = wide[:, :4] * wide[:, 4:]
    weights = gated.mean((2, 3)) @ emphasis.weigh.weight[..., 0, 0].T + emphasis.weigh.bias
    mixed = maps + block.mix_scale * narrow(gated * weights[..., None, None])
    norm, widen, _, narrow = block.feed
    wide = widen(norm(mixed))
    wanted = mixed + block.feed_scale * narrow(wide[:, :4] * wide[:, 4:])
    torch.testing.assert_close(block(maps), wanted)


def test_channel_norm_is_over_channels_at_each_pixel():
    normed = ChannelNorm(64)(3 + 2 * random(2, 64, 3, 5))
    torch.testing.assert_close(normed.mean(1), torch.zeros(2, 3, 5), atol=1e-5, rtol=0)
    torch.testing.assert_close(normed.var(1, correction=0), torch.ones(2, 3, 5), atol=1e-3, rtol=0)


def test_other_levels_up_than_down():
    with pytest.raises(UsageError, match="2 levels down and 1 up were given"):
        NafNet(width=4, encoder=(1, 1), decoder=(1,))
