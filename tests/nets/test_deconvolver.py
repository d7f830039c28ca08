"""Does the deconvolver take any picture and kernel, leave its start alone until it has learned, and ask rightly?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import delta, shake
from blurspace.nets.deconvolver import LEAST_SIGMA, Deconvolver, wiener

TINY = {"rounds": 2, "widths": (4, 6)}


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def kernels(count, side=7):
    generator = torch.Generator().manual_seed(0)
    return torch.cat([shake(side, generator=generator, extent=side) for _ in range(count)])


def built(seed=0, *, started=True):
    """With `started` the last layers are random, as after a step of training."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Deconvolver(**TINY)
        if started:
            for one in network.rounds:
                torch.nn.init.normal_(one.net.leave.weight, std=0.05)
    return network


def inputs(count=1, size=(24, 21), side=7):
    """Blurry, kernel, sigma, start."""
    return (
        random(count, 3, *size),
        kernels(count, side),
        0.01 + 0.02 * random(count, seed=2),
        random(count, 3, *size, seed=1),
    )


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (40, 19)])
@pytest.mark.parametrize("side", [1, 5, 15])
def test_any_picture_and_kernel(size, side):
    restored = built()(*inputs(2, size, side))
    assert restored.shape == (2, 3, *size)
    assert restored.isfinite().all()


def test_the_start_comes_out_unchanged_until_it_has_learned():
    blurry, kernel, sigma, start = inputs()
    assert torch.equal(built(started=False)(blurry, kernel, sigma, start), start)
    assert not torch.equal(built()(blurry, kernel, sigma, start), start)


def test_one_kernel_is_for_all_and_batch_is_singles():
    network, (blurry, kernel, sigma, start) = built(), inputs(3)
    singles = [network(*(one[i : i + 1] for one in (blurry, kernel, sigma, start))) for i in range(3)]
    torch.testing.assert_close(network(blurry, kernel, sigma, start), torch.cat(singles))
    several = kernel[:1].expand(3, -1, -1, -1)
    torch.testing.assert_close(
        network(blurry, kernel[:1], sigma, start), network(blurry, several, sigma, start), rtol=1e-4, atol=1e-5
    )


def test_gradients_reach_every_parameter_after_one_step():
    network, given, sharp = built(started=False), inputs(), random(1, 3, 24, 21, seed=3)
    optimiser = torch.optim.SGD(network.parameters(), lr=1.0)
    for _ in range(2):
        optimiser.zero_grad()
        (network(*given) - sharp).square().mean().backward()
        optimiser.step()
    for name, parameter in network.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name


@pytest.mark.parametrize("sigma", [0.0, 0.02])
def test_a_delta_and_no_noise_are_fine(sigma):
    blurry, _, _, start = inputs()
    restored = built()(blurry, delta(1), torch.tensor([sigma]), start)
    assert restored.isfinite().all()
    back = wiener(blurry, start, delta(1), torch.tensor([LEAST_SIGMA]), torch.tensor([1e-6]))
    torch.testing.assert_close(back[0], blurry - start, atol=1e-4, rtol=0)


def test_nothing_is_asked_of_the_true_picture():
    """The kernel is off centre and not symmetric, so a correlation in the convolution's place would show."""
    kernel = torch.zeros(1, 1, 5, 5)
    kernel[..., 1, 4], kernel[..., 2, 2] = 0.7, 0.3
    sharp = random(1, 3, 24, 21)
    blurry = torch.zeros_like(sharp)
    blurry[..., 2:-2, 2:-2] = blur(sharp, kernel, border="valid")
    asked = wiener(blurry, sharp, kernel, torch.tensor([0.01]), torch.tensor([100.0]))[0]
    assert asked.abs().max() < 1e-5
    turned = wiener(blurry, sharp, kernel.flip(-2, -1), torch.tensor([0.01]), torch.tensor([100.0]))[0]
    assert turned.abs().max() > 0.05


def test_an_answer_lies_where_the_question_was():
    """What a picture lacks at one place is brought back to that place, not to where the kernel moved it."""
    kernel = torch.zeros(1, 1, 5, 5)
    kernel[..., 1, 4], kernel[..., 2, 2] = 0.7, 0.3
    start, sharp = torch.zeros(1, 1, 32, 32), torch.zeros(1, 1, 32, 32)
    sharp[..., 12, 17] = 1
    blurry = blur(torch.nn.functional.pad(sharp, (2, 2, 2, 2)), kernel, border="valid")
    (back,) = wiener(blurry, start, kernel, torch.tensor([0.01]), torch.tensor([100.0]))
    assert divmod(int(back.argmax()), 32) == (12, 17)


def test_saved_and_loaded_is_equal(tmp_path):
    saved, given = built(), inputs()
    torch.save(saved.state_dict(), tmp_path / "weights.pt")
    loaded = built(seed=1)
    assert not torch.equal(loaded(*given), saved(*given))
    loaded.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(loaded(*given), saved(*given))
    assert torch.equal(saved(*given), saved(*given))


def test_the_input_stays_untouched():
    given = inputs()
    built()(*given)
    assert all(torch.equal(one, fresh) for one, fresh in zip(given, inputs(), strict=True))
