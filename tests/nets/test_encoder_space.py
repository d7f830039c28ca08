"""Does the kernel space take any size, start at the sharp picture, and blur by a code that it reads and draws?"""

import pytest
import torch
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.nets.encoder_space import EncoderSpace

TINY = {"width": 4, "code_width": 6, "front_blocks": 1, "back_blocks": 1, "extractor_blocks": 1}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*shape, seed=0):
    return torch.rand(shape, generator=seeded(seed))


def built(seed=0, *, started=True, **settings):
    """With `started` the last layer is random, as after a step of training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = EncoderSpace(**TINY | settings)
        if started:
            torch.nn.init.normal_(network.reconstruction[-1].weight, std=0.3)
    return network


@pytest.mark.parametrize(("variational", "published"), [(False, 49.2e6), (True, 115.3e6)])
def test_the_published_size(variational, published):
    with torch.device("meta"):
        network = EncoderSpace(variational=variational)
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(published, rel=1e-3)


@pytest.mark.parametrize(
    ("size", "cells"), [((16, 16), (2, 2)), ((17, 131), (2, 2)), ((1, 257), (2, 3)), ((384, 385), (3, 4))]
)
@pytest.mark.parametrize("colours", [1, 3])
def test_any_size(size, cells, colours):
    network, sharp, blurry = built(), random(1, colours, *size), random(1, colours, *size, seed=1)
    code = network.extract(sharp, blurry)
    assert code.shape == (1, 6, *cells)
    reblurred = network.reblur(sharp, code)
    assert reblurred.shape == sharp.shape
    assert code.isfinite().all()
    assert reblurred.isfinite().all()


def test_starts_at_the_sharp_picture():
    sharp = random(1, 3, 30, 41)
    for picture in (sharp, sharp[:, :1]):
        assert torch.equal(built(started=False)(picture, picture.flip(-1)), picture)


def test_edge_pixels_are_repeated_and_cut_off():
    network, sharp, blurry = built(), random(1, 3, 200, 250), random(1, 3, 200, 250, seed=1)
    wide, wide_blurry = (functional.pad(one, (0, 6, 0, 56), mode="replicate") for one in (sharp, blurry))
    torch.testing.assert_close(network(sharp, blurry), network(wide, wide_blurry)[..., :200, :250])


def test_grey_is_three_equal_channels_and_their_mean():
    network, sharp, blurry = built(), random(1, 1, 40, 50), random(1, 1, 40, 50, seed=1)
    colour, colour_blurry = sharp.expand(-1, 3, -1, -1), blurry.expand(-1, 3, -1, -1)
    assert torch.equal(network.extract(sharp, blurry), network.extract(colour, colour_blurry))
    torch.testing.assert_close(network(sharp, blurry), network(colour, colour_blurry).mean(1, keepdim=True))


def test_the_code_steers_and_depends_on_both_pictures():
    network, sharp, blurry = built(), random(1, 3, 60, 60), random(1, 3, 60, 60, seed=1)
    code = network.extract(sharp, blurry)
    for other in (network.extract(sharp, sharp), network.extract(blurry, blurry)):
        assert (other - code).abs().max() > 1e-3
        assert (network.reblur(sharp, code) - network.reblur(sharp, other)).abs().max() > 1e-4


def test_forward_is_extract_then_reblur():
    for network in (built(), built(variational=True)):
        sharp, blurry = random(1, 3, 60, 60), random(1, 3, 60, 60, seed=1)
        assert torch.equal(network(sharp, blurry), network.reblur(sharp, network.extract(sharp, blurry)))
        assert torch.equal(network(sharp, blurry), network(sharp, blurry))


def test_batch_is_singles_and_one_code_is_for_all():
    network, sharp, blurry = built(), random(2, 3, 40, 50), random(2, 3, 40, 50, seed=1)
    pairs = list(zip(sharp[:, None], blurry[:, None], strict=True))
    torch.testing.assert_close(network(sharp, blurry), torch.cat([network(*pair) for pair in pairs]))
    code = network.extract(*pairs[0])
    transferred = torch.cat([network.reblur(one, code) for one, _ in pairs])
    torch.testing.assert_close(network.reblur(sharp, code), transferred)


def test_a_code_of_another_size_is_resized_bilinearly():
    network, sharp, row = built(), random(1, 3, 256, 512), 10 * random(1, 6, 1, 2)
    first, second = row[..., :1], row[..., 1:]
    between = torch.cat((first, 0.75 * first + 0.25 * second, 0.25 * first + 0.75 * second, second), 3)
    nearest = torch.cat((first, first, second, second), 3)
    found, wanted, wrong = (network.reblur(sharp, one) for one in (row, between.repeat(1, 1, 2, 1), nearest))
    torch.testing.assert_close(found, wanted)
    assert (found - wrong).abs().max() > 1e-3


@pytest.mark.parametrize("variational", [False, True])
def test_gradients_reach_every_parameter(variational):
    network, sharp, blurry = built(variational=variational), random(2, 3, 260, 260), random(2, 3, 260, 260, seed=1)
    code = network.extract(sharp, blurry)
    if variational:
        mean, log_variance = network.encode(sharp, blurry)
        code = mean + (log_variance / 2).exp() * torch.randn(mean.shape, generator=seeded())
    (network.reblur(sharp, code) * random(2, 3, 260, 260, seed=2)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


def test_a_new_network_begins_to_learn():
    network, sharp, blurry = built(started=False), random(1, 3, 40, 40), random(1, 3, 40, 40, seed=1)
    (network(sharp, blurry) - blurry).square().sum().backward()
    assert network.reconstruction[-1].weight.grad.abs().max() > 0


def test_variational():
    network, sharp, blurry = built(variational=True), random(1, 3, 300, 40), random(1, 3, 300, 40, seed=1)
    mean, log_variance = network.encode(sharp, blurry)
    assert torch.equal(network.extract(sharp, blurry), mean)
    assert mean.shape == log_variance.shape == (1, 6, 3, 2)
    assert not torch.equal(mean, log_variance)
    code = network.sample((300, 40), generator=seeded())
    assert code.shape == mean.shape
    assert torch.equal(code, network.sample((300, 40), generator=seeded()))
    assert network.reblur(sharp, code).shape == sharp.shape


def test_samples_are_normal():
    drawn = built(variational=True).sample((128 * 40, 128 * 50), generator=seeded())
    assert drawn.mean().item() == pytest.approx(0, abs=0.05)
    assert drawn.std().item() == pytest.approx(1.2, rel=0.03)
    again = built(variational=True).sample((128 * 40, 128 * 50), generator=seeded(), scale=0.5)
    torch.testing.assert_close(again * 2.4, drawn)


def test_refused_without_the_variational_option():
    network, picture = built(), random(1, 3, 20, 20)
    with pytest.raises(UsageError, match="variational=True"):
        network.sample((20, 20), generator=seeded())
    with pytest.raises(UsageError, match="variational=True"):
        network.encode(picture, picture)


def test_saved_and_loaded_is_equal(tmp_path):
    saved, sharp, blurry = built(), random(1, 3, 20, 20), random(1, 3, 20, 20, seed=1)
    torch.save(saved.state_dict(), tmp_path / "weights.pt")
    loaded = built(seed=1)
    assert not torch.equal(loaded(sharp, blurry), saved(sharp, blurry))
    loaded.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(loaded(sharp, blurry), saved(sharp, blurry))


def test_the_input_stays_untouched():
    sharp, blurry = random(1, 3, 20, 20), random(1, 3, 20, 20, seed=1)
    built()(sharp, blurry)
    assert torch.equal(sharp, random(1, 3, 20, 20))
    assert torch.equal(blurry, random(1, 3, 20, 20, seed=1))


@pytest.mark.parametrize("shape", [(1, 2, 20, 20), (3, 20, 20), (1, 3, 0, 20)])
def test_refused_pictures(shape):
    picture = torch.zeros(shape)
    with pytest.raises(UsageError, match="give \\(batch, 3 or 1, height, width\\)"):
        built().extract(picture, picture)
    with pytest.raises(UsageError, match="give \\(batch, 3 or 1, height, width\\)"):
        built().reblur(picture, torch.zeros(1, 6, 2, 2))


def test_refused_pairs():
    with pytest.raises(UsageError, match="give two of the same"):
        built().extract(random(1, 3, 20, 20), random(1, 1, 20, 20))


@pytest.mark.parametrize("shape", [(2, 6, 2, 2), (1, 5, 2, 2), (6, 2, 2), (1, 6)])
def test_refused_codes(shape):
    with pytest.raises(UsageError, match="give \\(3 or 1, 6, p, q\\)"):
        built().reblur(random(3, 3, 20, 20), torch.zeros(shape))


def test_refused_settings():
    with pytest.raises(UsageError, match="at least 1"):
        built(width=0)
    with pytest.raises(UsageError, match="at least 1 x 1"):
        built(variational=True).sample((0, 20), generator=seeded())
