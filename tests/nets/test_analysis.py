"""Does the correlation layer do what a double loop does, and does the network give kernels, whatever the picture?"""

import pytest
import torch

from blurspace.blur.convolve import fast_size
from blurspace.errors import UsageError
from blurspace.nets.analysis import SIZE_RANGES, Analysis, SizeClassifier, correlations

TINY = {"side": 15, "width": 6, "features": 4, "filter": 3}


def random(*shape, seed=0, dtype=torch.float32):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def built(network=Analysis, seed=0, **settings):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network(**TINY | settings)


def double_loop(one, other, reach):
    """The mean over (y, x) of one(y - s, x - t) other(y, x), with nothing beyond the frame."""
    one, other = ((plane - plane.mean()) / plane.std(correction=0) for plane in (one, other))
    height, width = one.shape
    found = torch.zeros(2 * reach + 1, 2 * reach + 1, dtype=one.dtype)
    for s in range(-reach, reach + 1):
        for t in range(-reach, reach + 1):
            for y in range(max(0, s), min(height, height + s)):
                for x in range(max(0, t), min(width, width + t)):
                    found[s + reach, t + reach] += one[y - s, x - t] * other[y, x] / (height * width)
    return found


@pytest.mark.parametrize(("size", "reach"), [((6, 5), 2), ((3, 4), 4), ((4, 4), 0)])
def test_correlations_are_those_of_a_double_loop(size, reach):
    features = random(2, 3, *size, dtype=torch.float64)
    pairs = [(0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)]
    wanted = [[double_loop(maps[i], maps[j], reach) for i, j in pairs] for maps in features]
    found = correlations(features, reach=reach)
    torch.testing.assert_close(found, torch.stack([torch.stack(row) for row in wanted]), atol=1e-12, rtol=0)
    backward = [[double_loop(maps[j], maps[i], reach) for i, j in ((0, 1), (0, 2), (1, 2))] for maps in features]
    wanted = torch.cat((found, torch.stack([torch.stack(row) for row in backward])), 1)
    torch.testing.assert_close(correlations(features, reach=reach, flipped=True), wanted, atol=1e-12, rtol=0)


def test_correlations_have_exact_gradients():
    features = random(1, 2, 4, 5, dtype=torch.float64).requires_grad_()
    assert torch.autograd.gradcheck(lambda maps: correlations(maps, reach=2, flipped=True), features)


def test_opposite_edges_do_not_meet():
    features = torch.zeros(1, 2, 24, 24, dtype=torch.float64)
    features[0, 0, 12, 0] = features[0, 1, 12, 23] = 1
    cross = correlations(features, reach=3)[0, 1]
    # Circular correlation puts nearly 1 at a shift of -1; what is left is the dark background's.
    assert cross.abs().max() < 0.01


def test_correlations_do_not_mind_offset_and_scale():
    features = random(1, 3, 20, 20, dtype=torch.float64)
    torch.testing.assert_close(correlations(3 * features + 50, reach=4), correlations(features, reach=4))
    assert correlations(features, reach=4).abs().max() <= 1 + 1e-12


@pytest.mark.parametrize("level", [0.0, 0.3, 1e4])
def test_a_flat_map_gives_zeros_and_finite_gradients(level):
    features = random(1, 3, 20, 20)
    features[:, 1] = level
    features.requires_grad_()
    found = correlations(features, reach=4)
    assert found[:, [1, 3, 4]].abs().max() == 0  # the pairs (0,1), (1,1), (1,2)
    assert found[:, [0, 2, 5]].abs().max() > 0.01
    found.square().sum().backward()
    assert features.grad.isfinite().all()


def test_half_precision_is_computed_in_single():
    features = random(1, 2, 20, 20).to(torch.bfloat16)
    torch.testing.assert_close(correlations(features, reach=3), correlations(features.float(), reach=3))


def test_fft_size():
    assert [fast_size(size) for size in (1, 7, 11, 97, 1110, 4097)] == [1, 8, 12, 100, 1125, 4320]


@pytest.mark.parametrize("size", [(64, 64), (65, 97), (131, 70)])
@pytest.mark.parametrize("side", [15, 61])
def test_a_kernel_of_any_picture(size, side):
    kernel = built(side=side)(random(2, 1, *size))
    assert kernel.shape == (2, 1, side, side)
    assert kernel.min() >= 0
    torch.testing.assert_close(kernel.sum((1, 2, 3)), torch.ones(2))


@pytest.mark.parametrize("levels", [1, 2, 4])
@pytest.mark.parametrize("flipped", [True, False])
def test_levels_and_flipped(levels, flipped):
    network = built(levels=levels, flipped=flipped)
    assert network(random(1, 1, 64, 66)).shape == (1, 1, 15, 15)
    assert network.relate[0].squeeze.in_channels == (16 if flipped else 10)


@pytest.mark.parametrize("level", [-1e4, 1e4])
def test_an_extreme_head_still_gives_a_kernel(level):
    network = built()
    with torch.no_grad():
        network.head[-1].bias.fill_(level)
        network.head[-1].weight.mul_(1e6)
    kernel = network(random(1, 1, 64, 64))
    kernel.square().sum().backward()
    torch.testing.assert_close(kernel.sum(), torch.tensor(1.0))
    assert all(parameter.grad.isfinite().all() for parameter in network.parameters())


@pytest.mark.parametrize("network", [Analysis, SizeClassifier])
def test_batch_is_singles(network):
    network, grey = built(network), random(3, 1, 70, 67)
    torch.testing.assert_close(network(grey), torch.cat([network(one[None]) for one in grey]))


@pytest.mark.parametrize("network", [Analysis, SizeClassifier])
def test_brightness_and_contrast_do_not_matter(network):
    network, grey = built(network), random(1, 1, 64, 64)
    torch.testing.assert_close(network(0.2 + 0.3 * grey), network(grey), atol=1e-5, rtol=1e-4)


def test_the_picture_matters():
    network = built()
    first, second = network(random(1, 1, 64, 64)), network(random(1, 1, 64, 64).cumsum(-1))
    assert (first - second).abs().max() > 1e-6


@pytest.mark.parametrize("network", [Analysis, SizeClassifier])
def test_gradients_reach_every_parameter(network):
    network = built(network)
    (network(random(1, 1, 64, 64)) * random(*network(random(1, 1, 64, 64)).shape, seed=1)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("network", [Analysis, SizeClassifier])
def test_a_constant_picture_has_finite_gradients(network):
    network, grey = built(network), torch.full((1, 1, 64, 64), 0.3, requires_grad=True)
    found = network(grey)
    found.square().sum().backward()
    assert found.isfinite().all()
    assert all(parameter.grad.isfinite().all() for parameter in (*network.parameters(), grey))


@pytest.mark.parametrize("network", [Analysis, SizeClassifier])
def test_saved_and_loaded_is_equal(network, tmp_path):
    saved, grey = built(network), random(1, 1, 64, 64)
    torch.save(saved.state_dict(), tmp_path / "weights.pt")
    loaded = built(network, seed=1)
    assert not torch.equal(loaded(grey), saved(grey))
    loaded.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(loaded(grey), saved(grey))
    assert torch.equal(saved(grey), saved(grey))


def test_size_classifier_has_a_logit_per_range():
    assert built(SizeClassifier)(random(2, 1, 64, 64)).shape == (2, len(SIZE_RANGES))


def test_the_papers_size():
    with torch.device("meta"):
        network = Analysis()
    # The published code, four levels on the grey picture and 1056 channels, has 1.91 M.
    assert sum(parameter.numel() for parameter in network.parameters()) == 1_781_049
    assert [relate.reach for relate in network.relate] == [42, 21, 11]
    assert [relate.margin for relate in network.relate] == [9, 14, 16]


@pytest.mark.parametrize("shape", [(1, 1, 63, 64), (1, 1, 64, 63), (1, 3, 64, 64), (64, 64)])
def test_refused_pictures(shape):
    with pytest.raises(UsageError, match="at least 64 x 64 px"):
        built()(torch.zeros(shape))


@pytest.mark.parametrize("settings", [{"side": 14}, {"filter": 4}, {"levels": 0}])
def test_refused_settings(settings):
    with pytest.raises(UsageError, match="give an odd side"):
        built(**settings)
