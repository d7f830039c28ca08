"""Does the translator start at its input, on three scales, take any size, and learn with all it has?"""

import pytest
import torch
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.nets.mimo_unet import MimoUNet, scales


def random(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def started(width=4, blocks=1):
    """As after some training: nothing is zero."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        network = MimoUNet(width=width, blocks=blocks)
        for parameter in network.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return network


def test_the_published_size():
    with torch.device("meta"):
        network = MimoUNet()
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(6.81e6, rel=0.05)


@pytest.mark.parametrize("size", [(16, 16), (17, 30), (33, 21), (3, 1)])
def test_it_starts_at_the_picture_on_three_scales(size):
    blurry = random(2, 3, *size)
    for translated, wanted in zip(MimoUNet(width=4, blocks=1)(blurry), scales(blurry), strict=True):
        torch.testing.assert_close(translated, wanted)


def test_scales_are_means_and_their_sizes_are_rounded_up():
    picture = random(2, 1, 17, 30)
    fine, half, quarter = scales(picture)
    assert torch.equal(fine, picture)
    assert half.shape == (2, 1, 9, 15)
    assert quarter.shape == (2, 1, 5, 8)
    torch.testing.assert_close(half[1, 0, 2, 3], picture[1, 0, 4:6, 6:8].mean())
    torch.testing.assert_close(quarter[0, 0, 3, 1], picture[0, 0, 12:16, 4:8].mean())
    torch.testing.assert_close(half[0, 0, 8, 0], picture[0, 0, 16, :2].mean())  # the last row, repeated


def test_edge_pixels_are_repeated_and_cut_off():
    network, blurry = started(), random(1, 3, 18, 21)
    translated = network(blurry)
    for one, wide in zip(translated, network(functional.pad(blurry, (0, 3, 0, 2), mode="replicate")), strict=True):
        torch.testing.assert_close(one, wide[..., : one.shape[-2], : one.shape[-1]], atol=1e-5, rtol=1e-5)
    assert [tuple(one.shape) for one in translated] == [(1, 3, 18, 21), (1, 3, 9, 11), (1, 3, 5, 6)]


def test_batch_is_singles():
    network, blurry = started(), random(2, 3, 20, 24)
    for both, single in zip(network(blurry), network(blurry[1:]), strict=True):
        torch.testing.assert_close(both[1:], single, atol=1e-5, rtol=1e-5)


def test_every_scale_is_changed_and_every_parameter_learns():
    network, blurry = started(), random(2, 3, 20, 24)
    translated = network(blurry)
    for one, picture in zip(translated, scales(blurry), strict=True):
        assert not torch.allclose(one, picture, atol=1e-3)
    sum(one.square().sum() for one in translated).backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in network.parameters())


def test_what_is_coarse_reaches_what_is_fine_and_the_other_way():
    network, blurry = started(), random(1, 3, 32, 32).requires_grad_()
    fine, _, quarter = network(blurry)
    coarsest = network.encoders[-1][0].first.weight
    finest = network.encoders[0][0].first.weight
    assert torch.autograd.grad(fine.sum(), coarsest, retain_graph=True)[0].abs().sum() > 0
    assert torch.autograd.grad(quarter.sum(), finest)[0].abs().sum() > 0


def test_attention_multiplies_and_fusion_sees_all_scales():
    network, above, shallow = started(), random(2, 8, 5, 6), random(2, 8, 5, 6).flip(0)
    attention = network.attentions[0]
    torch.testing.assert_close(attention(above, shallow), above + attention.convolution(above * shallow))
    fine, half, quarter = random(1, 4, 8, 12), random(1, 8, 4, 6), random(1, 16, 2, 3)
    resized = (functional.avg_pool2d(fine, 2), half, quarter.repeat_interleave(2, -1).repeat_interleave(2, -2))
    fusion = network.fusions[1]
    torch.testing.assert_close(fusion((fine, half, quarter), (4, 6)), fusion.layers(torch.cat(resized, 1)))


def test_too_narrow():
    with pytest.raises(UsageError, match="a width of 1 channels was given: give at least 2"):
        MimoUNet(width=1)
