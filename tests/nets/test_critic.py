"""Does the critic judge patches, picture by picture, from its least size on, and learn with all it has?"""

import pytest
import torch
from torch import nn

from blurspace.errors import UsageError
from blurspace.nets.critic import PatchCritic


def random(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def test_the_published_size():
    with torch.device("meta"):
        critic = PatchCritic()
    assert sum(parameter.numel() for parameter in critic.parameters()) == pytest.approx(2.76e6, rel=0.002)


def test_widths_double_eight_times_at_most():
    with torch.device("meta"):
        critic = PatchCritic(width=2, layers=5)
    convolutions = [layer for layer in critic.layers if isinstance(layer, nn.Conv2d)]
    assert [one.out_channels for one in convolutions] == [2, 4, 8, 16, 16, 16, 1]
    assert [one.stride[0] for one in convolutions] == [2, 2, 2, 2, 2, 1, 1]


@pytest.mark.parametrize(
    ("size", "patches"), [((32, 32), (2, 2)), ((33, 47), (2, 3)), ((64, 128), (6, 14)), ((256, 256), (30, 30))]
)
def test_any_size_from_the_least(size, patches):
    assert PatchCritic(width=2)(random(1, 3, *size)).shape == (1, 1, *patches)


@pytest.mark.parametrize("layers", [1, 2, 4])
def test_the_least_size_is_enough_and_one_less_is_refused(layers):
    critic = PatchCritic(width=2, layers=layers)
    assert critic(random(1, 3, critic.least, critic.least + 1)).shape == (1, 1, 2, 2)
    with pytest.raises(UsageError, match=rf"give at least {critic.least} px"):
        critic(random(1, 3, critic.least + 3, critic.least - 1))


def test_batch_is_singles_and_every_parameter_learns():
    critic, pictures = PatchCritic(width=2), random(2, 3, 40, 48)
    pictures[1] *= 0.2  # so that means over the batch would be others
    logits = critic(pictures)
    torch.testing.assert_close(logits[1:], critic(pictures[1:]), atol=1e-6, rtol=1e-5)
    logits.square().sum().backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in critic.parameters())


def test_weights_start_small():
    critic = PatchCritic(width=16)
    assert critic.layers[5].weight.std().item() == pytest.approx(0.02, rel=0.05)
    assert not critic.layers[0].bias.any()


def test_no_layers():
    with pytest.raises(UsageError, match="give at least 1 of each"):
        PatchCritic(layers=0)
