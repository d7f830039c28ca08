"""Does Restormer start as the identity, take any size, attend between channels, and learn with all it has?"""

import pytest
import torch
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.nets.restormer import Restormer

TINY = {"width": 4, "blocks": (1, 2, 1), "heads": (1, 2, 4), "refinement": 1}


def random(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def started():
    """As after some training: nothing is zero."""
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(1)
        network = Restormer(**TINY)
        for parameter in network.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape))
    return network


def test_the_published_size():
    with torch.device("meta"):
        network = Restormer()
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(26.1e6, rel=0.002)


@pytest.mark.parametrize("size", [(16, 16), (17, 30), (33, 21)])
def test_it_starts_as_the_identity(size):
    blurry = random(2, 3, *size)
    torch.testing.assert_close(Restormer(**TINY)(blurry), blurry)


def test_edge_pixels_are_repeated_and_cut_off():
    network, blurry = started(), random(1, 3, 18, 21)
    wide = network(functional.pad(blurry, (0, 3, 0, 2), mode="replicate"))
    torch.testing.assert_close(network(blurry), wide[..., :18, :21], atol=1e-4, rtol=1e-4)


def test_batch_is_singles_and_every_parameter_learns():
    network, blurry = started(), random(2, 3, 20, 24)
    blurry[1] *= 0.2
    restored = network(blurry)
    assert not torch.allclose(restored, blurry, atol=1e-3)
    torch.testing.assert_close(restored[1:], network(blurry[1:]), atol=1e-4, rtol=1e-4)
    restored.square().sum().backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in network.parameters())


def test_what_is_fine_passes_beside_what_is_coarse():
    network = started()
    torch.nn.init.zeros_(network.ups[-1][0].weight)  # nothing comes up from below
    network(random(1, 3, 16, 16)).square().sum().backward()
    assert network.encoders[0][0].feed[1].read[0].weight.grad.abs().sum() > 0


def test_channels_attend_to_channels_of_their_head():
    """Against a loop over pictures, heads and channels."""
    attention, maps = started().encoders[1][0].attend[1], random(2, 8, 3, 5)
    queries, keys, values = attention.read(maps).flatten(2).split(8, 1)
    mixed = torch.zeros(2, 8, 15)
    for picture in range(2):
        for head in range(2):
            group = range(4 * head, 4 * head + 4)
            for channel in group:
                cosines = [
                    torch.cosine_similarity(queries[picture, channel], keys[picture, other], dim=0) for other in group
                ]
                weights = torch.softmax(attention.temperature[head].squeeze() * torch.stack(cosines), 0)
                mixed[picture, channel] = sum(
                    weight * values[picture, other] for weight, other in zip(weights, group, strict=True)
                )
    torch.testing.assert_close(attention(maps), attention.write(mixed.view(2, 8, 3, 5)), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"blocks": (1, 1)}, "blocks of 2 levels and heads of 3"),
        ({"blocks": (1,), "heads": (1,)}, "give two or more"),
        ({"width": 5}, "give an even number"),
        ({"heads": (1, 3, 4)}, "3 heads were given for 8 channels: give a divisor"),
    ],
)
def test_settings_that_make_no_sense(settings, words):
    with pytest.raises(UsageError, match=words):
        Restormer(**TINY | settings)
