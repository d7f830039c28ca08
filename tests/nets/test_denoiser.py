"""Does the denoiser take any size, give its input back until it has learned, and see all that it is shown?"""

import pytest
import torch

from blurspace.nets.denoiser import Denoiser


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def built(*, hints=0, started=True):
    """With `started` the last layer is random, as after a step of training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = Denoiser(hints=hints, widths=(4, 6))
        if started:
            torch.nn.init.normal_(network.net.leave.weight, std=0.05)
    return network


def inputs(count=1, size=(18, 13), *, hints=0):
    """Noisy, sigma, and the hints."""
    pictures = [random(count, 3, *size, seed=seed) for seed in range(1 + hints)]
    return (pictures[0], 0.01 + 0.1 * random(count, seed=9), *pictures[1:])


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (40, 19), (1, 2)])
@pytest.mark.parametrize("hints", [0, 2])
def test_any_size(size, hints):
    clean = built(hints=hints)(*inputs(2, size, hints=hints))
    assert clean.shape == (2, 3, *size)
    assert clean.isfinite().all()


def test_an_odd_picture_is_an_even_one_with_its_edge_repeated():
    network, (noisy, sigma, hint) = built(hints=1), inputs(2, (17, 21), hints=1)
    wider = [torch.nn.functional.pad(one, (0, 1, 0, 1), mode="replicate") for one in (noisy, hint)]
    even = network(wider[0], sigma, wider[1])
    torch.testing.assert_close(network(noisy, sigma, hint), even[..., :17, :21])


@pytest.mark.parametrize("hints", [0, 1])
def test_the_input_comes_out_unchanged_until_it_has_learned(hints):
    given = inputs(2, hints=hints)
    assert torch.equal(built(hints=hints, started=False)(*given), given[0])
    assert not torch.equal(built(hints=hints)(*given), given[0])


def test_noise_and_hints_are_seen():
    network, (noisy, sigma, first, second) = built(hints=2), inputs(hints=2)
    clean = network(noisy, sigma, first, second)
    for other in (
        network(noisy, 2 * sigma, first, second),
        network(noisy, sigma, 1 - first, second),
        network(noisy, sigma, first, 1 - second),
        network(noisy, sigma, second, first),
    ):
        assert (other - clean).abs().max() > 1e-3


def test_batch_is_singles():
    network, given = built(hints=1), inputs(3, hints=1)
    singles = [network(*(one[i : i + 1] for one in given)) for i in range(3)]
    torch.testing.assert_close(network(*given), torch.cat(singles))


def test_gradients_reach_every_parameter_after_one_step():
    network, given, clean = built(hints=1, started=False), inputs(hints=1), random(1, 3, 18, 13, seed=3)
    optimiser = torch.optim.SGD(network.parameters(), lr=1.0)
    for _ in range(2):
        optimiser.zero_grad()
        (network(*given) - clean).square().mean().backward()
        optimiser.step()
    for name, parameter in network.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name
    enter = network.net.enter.weight.grad  # every plane that it is shown
    assert (enter.abs().amax((0, 2, 3)) > 0).all()


def test_the_input_stays_untouched():
    given = inputs(hints=1)
    built(hints=1)(*given)
    assert all(torch.equal(one, fresh) for one, fresh in zip(given, inputs(hints=1), strict=True))
