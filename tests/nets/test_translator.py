"""Does each kind of translator start at its input on three scales, take any size, and learn with all it has?"""

import pytest
import torch

from blurspace.nets.mimo_unet import MimoUNet, scales
from blurspace.nets.nafnet import NafNet
from blurspace.nets.restorer import Restorer
from blurspace.nets.translator import Translator

KINDS = {"unet": Restorer, "mimo": MimoUNet, "nafnet": NafNet}


def random(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def made(kind):
    return Translator(kind=kind, widths=(4, 6), blocks=1)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(32, 32), (17, 30), (9, 1)])
def test_it_starts_at_the_picture_on_three_scales(kind, size):
    blurry = random(2, 3, *size)
    found = made(kind)(blurry)
    assert len(found) == 3
    for translated, wanted in zip(found, scales(blurry), strict=True):
        torch.testing.assert_close(translated, wanted)


@pytest.mark.parametrize(("kind", "network"), KINDS.items())
def test_every_parameter_learns_and_every_scale_changes(kind, network):
    with torch.random.fork_rng(devices=[]), torch.no_grad():
        torch.manual_seed(0)
        translator = made(kind)
        for parameter in translator.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    assert isinstance(translator.network, network)
    blurry = random(2, 3, 20, 24)
    found = translator(blurry)
    for one, picture in zip(found, scales(blurry), strict=True):
        assert not torch.allclose(one, picture, atol=1e-3)
    sum(one.square().sum() for one in found).backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in translator.parameters())


def test_widths_and_blocks_reach_the_network():
    def count(**options):
        with torch.device("meta"):
            return sum(one.numel() for one in Translator(**options).parameters())

    assert made("unet").network.widths == (4, 6)
    assert Translator().network.widths == (32, 48, 64)
    for kind in ("mimo", "nafnet"):
        small = count(kind=kind, widths=(4, 6), blocks=1)
        assert count(kind=kind, widths=(4, 99), blocks=1) == small  # only the first width counts
        assert count(kind=kind, widths=(8,), blocks=1) > 3 * small
        assert count(kind=kind, widths=(4,), blocks=3) > small
    with torch.device("meta"):
        published = sum(one.numel() for one in MimoUNet(width=32, blocks=8).parameters())
    assert count(kind="mimo", widths=(32,), blocks=8) == published
