"""Do the features have their sizes, learn with all they have, and see through blur with the weights we ship?"""

from pathlib import Path

import pytest
import torch

import blurspace
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.builders import build_features
from blurspace.chance import seeded
from blurspace.errors import ModelError, UsageError
from blurspace.io.images import read_photo
from blurspace.io.weights import write_weights
from blurspace.losses import perceptual
from blurspace.nets.features import FeatureNet
from blurspace.train.features import matched

SHIPPED = Path(blurspace.__file__).parent / "weights" / "features.safetensors"
DEMO = Path(__file__).parents[2] / "demo"


def random(*shape):
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def test_the_size_that_the_docstring_says():
    network = FeatureNet()
    assert sum(one.numel() for one in network.parameters()) == pytest.approx(0.17e6, rel=0.03)
    sides = [96 // 2**index for index in range(4)]
    weights = [[one.weight.numel() for one in stage if hasattr(one, "weight")] for stage in network.stages]
    products = sum(side**2 * sum(ones) for side, ones in zip(sides, weights, strict=True))
    assert products == pytest.approx(69e6, rel=0.01)


@pytest.mark.parametrize("size", [(16, 16), (33, 50), (64, 17)])
def test_any_size_from_the_least(size):
    maps = FeatureNet(widths=(2, 3, 4, 5))(random(2, 3, *size))
    assert [tuple(one.shape) for one in maps] == [
        (2, width, *(length // 2**index for length in size)) for index, width in enumerate((2, 3, 4, 5))
    ]


def test_smaller_ones_are_refused():
    with pytest.raises(UsageError, match="give at least 16 px"):
        FeatureNet()(random(1, 3, 15, 40))
    with pytest.raises(UsageError, match="give one width or more"):
        FeatureNet(widths=())


def test_gradients_reach_every_parameter_and_the_picture():
    network, picture = FeatureNet(), random(1, 3, 32, 32).requires_grad_(True)
    perceptual(network, picture, random(2, 3, 32, 32)[1:]).backward()
    assert picture.grad is not None
    for one in (picture, *network.parameters()):
        assert one.grad.abs().sum() > 0


def test_maps_are_divided_by_their_scale():
    network = FeatureNet(widths=(2, 3))
    plain = network(random(1, 3, 16, 16))
    network.scale.copy_(torch.tensor([2.0, 4.0]))
    first, second = network(random(1, 3, 16, 16))
    torch.testing.assert_close(first * 2, plain[0])
    torch.testing.assert_close(second * 4, plain[1])


def test_weights_of_others_are_refused(tmp_path):
    network = FeatureNet(widths=(2,))
    write_weights(tmp_path / "other", {"other": network}, about={"architecture": {"other": {"widths": (2,)}}})
    with pytest.raises(ModelError, match="does not hold the network features"):
        build_features(tmp_path / "other")
    write_weights(tmp_path / "good", {"features": network}, about={"architecture": {"features": {"widths": (2,)}}})
    torch.testing.assert_close(build_features(tmp_path / "good")(random(1, 3, 8, 8)), network(random(1, 3, 8, 8)))


@torch.no_grad()
def test_shipped_features_find_a_place_again_that_random_ones_do_not():
    """Blurred, moved by 16 px, mirrored and of less contrast, one of 36 places; 0.58 and 0.11 when this was written."""
    sharp = places()
    changed = 0.5 + 0.6 * (blur(places(moved=16), line(9, 40)).flip(-1) - 0.5)
    with seeded(0):
        untrained = FeatureNet()
    ours, not_ours = (
        matched(*(network(one)[-1].mean((-2, -1)) for one in (changed, sharp)))
        for network in (build_features(SHIPPED), untrained)
    )
    assert ours > 0.5
    assert not_ours < 0.2


@torch.no_grad()
def test_all_shipped_stages_count_alike():
    means = torch.stack([one.mean() for one in build_features(SHIPPED)(places())])
    assert means.min() > 0.5
    assert means.max() < 2


def places(*, moved=0):
    """Twelve places of each demo photo, (36 3 96 96)."""
    photos = [read_photo(path).pixels for path in sorted(DEMO.glob("shaken-*.jpg")) if "." not in path.stem]
    corners = [(top + moved, left + moved) for top in (40, 190, 340) for left in (40, 200, 360, 520)]
    return torch.cat([one[..., top : top + 96, left : left + 96] for one in photos for top, left in corners])
