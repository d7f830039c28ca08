"""Is it VGG19, by size, order and names, and does it tap what it is told to?"""

import pytest
import torch
from torch import nn
from torch.nn import functional

from blurspace.errors import ModelError, UsageError
from blurspace.nets.vgg import Vgg19

# Where torchvision's file keeps the sixteen convolutions: features.0.weight and so on.
OFFICIAL = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def official():
    """What the official file holds of the first block, with a layer more."""
    shapes = {0: (64, 3, 3, 3), 2: (64, 64, 3, 3), 5: (128, 64, 3, 3)}
    state = {f"features.{place}.weight": random(*shape, seed=place) - 0.5 for place, shape in shapes.items()}
    return state | {f"features.{place}.bias": random(shape[0]) for place, shape in shapes.items()}


def test_the_published_size_and_order():
    with torch.device("meta"):
        network = Vgg19(taps=("pool5",))
    assert sum(parameter.numel() for parameter in network.parameters()) == 20_024_384
    places = [place for place, layer in enumerate(network.layers) if isinstance(layer, nn.Conv2d)]
    assert places == OFFICIAL
    assert set(network.state_dict()) == {f"layers.{place}.{kind}" for place in OFFICIAL for kind in ("weight", "bias")}


def test_shapes_of_the_taps():
    with torch.device("meta"):
        found = Vgg19()(torch.empty(2, 3, 32, 50))
        assert [tuple(maps.shape[1:]) for maps in found] == [
            (64, 32, 50),
            (128, 16, 25),
            (256, 8, 12),
            (512, 4, 6),
            (512, 2, 3),
        ]
        assert len(Vgg19(taps=("conv4_4", "relu1_2")).layers) == 26  # torchvision's features[:26]


def test_taps_come_in_the_order_given_and_conv_is_before_its_relu():
    before, first, after, pooled = Vgg19(taps=("conv2_1", "relu1_1", "relu2_1", "pool1"))(random(1, 3, 8, 10))
    assert before.min() < 0
    assert torch.equal(after, before.relu())
    assert first.shape == (1, 64, 8, 10)
    assert pooled.shape == (1, 64, 4, 5)


def test_normalisation_is_imagenets():
    plain, normal = Vgg19(taps=("conv1_1",), normalise=False), Vgg19(taps=("conv1_1",))
    normal.load_state_dict(plain.state_dict())
    picture = random(2, 3, 6, 7)
    mean, deviation = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
    by_hand = ((picture.movedim(1, -1) - mean) / deviation).movedim(-1, 1)
    torch.testing.assert_close(normal(picture)[0], plain(by_hand)[0])
    assert not torch.allclose(normal(picture)[0], plain(picture)[0], atol=1e-2)


def test_official_weights_land_where_they_belong():
    network, state, picture = Vgg19(taps=("conv1_2",), normalise=False), official(), random(1, 3, 6, 7)
    network.load_official(state)
    maps = functional.conv2d(picture, state["features.0.weight"], state["features.0.bias"], padding=1).relu()
    wanted = functional.conv2d(maps, state["features.2.weight"], state["features.2.bias"], padding=1)
    torch.testing.assert_close(network(picture)[0], wanted)


def test_official_weights_that_lack_a_layer():
    with pytest.raises(ModelError, match=r"the weights lack features\.7\.weight"):
        Vgg19(taps=("conv2_2",)).load_official(official())


def test_gradients_pass_to_the_picture_and_stop_there():
    network, picture = Vgg19(taps=("relu2_1",)), random(1, 3, 8, 8).requires_grad_()
    network(picture)[0].sum().backward()
    assert picture.grad.abs().sum() > 0
    assert not any(parameter.requires_grad for parameter in network.parameters())


@pytest.mark.parametrize(("taps", "words"), [((), "no tap"), (("relu3_5",), "'relu3_5' is unknown")])
def test_unknown_taps(taps, words):
    with pytest.raises(UsageError, match=words):
        Vgg19(taps=taps)
