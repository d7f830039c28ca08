"""Does the deconvolver take any picture and kernel, ask rightly, and know how sure of the kernel it may be?"""

import pytest
import torch

from blurspace.blur.convolve import blur, fast_size
from blurspace.blur.kernels import delta, shake
from blurspace.nets.deconvolver import FIRST_LEVEL, LAST_LEVEL, LEAST_SIGMA, PRIOR_WEIGHT, Deconvolver, explain

TINY = {"rounds": 2, "widths": (4, 6)}


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def kernels(count, side=7):
    generator = torch.Generator().manual_seed(0)
    return torch.cat([shake(side, generator=generator, extent=side) for _ in range(count)])


def asymmetric():
    """Off centre and not symmetric, so that a correlation in the convolution's place would show."""
    kernel = torch.zeros(1, 1, 5, 5)
    kernel[..., 1, 4], kernel[..., 2, 2] = 0.7, 0.3
    return kernel


def built(seed=0, *, started=True, doubting=0.0):
    """With `started` the last layer is random, as after a step of training; `doubting` fills the doubt parameters."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = Deconvolver(**TINY)
        if started:
            torch.nn.init.normal_(network.denoiser.net.leave.weight, std=0.05)
    torch.nn.init.constant_(network.doubt_levels, doubting)
    torch.nn.init.constant_(network.doubt_weights, doubting)
    return network


def inputs(count=1, size=(24, 21), side=7, *, doubt=1.0):
    """Blurry, kernel, sigma, doubt, start."""
    return (
        random(count, 3, *size),
        kernels(count, side),
        0.01 + 0.02 * random(count, seed=2),
        torch.full((count,), doubt),
        random(count, 3, *size, seed=1),
    )


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (40, 19)])
@pytest.mark.parametrize("side", [1, 5, 15])
def test_any_picture_and_kernel(size, side):
    restored = built()(*inputs(2, size, side))
    assert restored.shape == (2, 3, *size)
    assert restored.isfinite().all()


def test_until_it_has_learned_it_only_explains():
    blurry, kernel, sigma, doubt, start = inputs(2)
    guess = start
    for level in (FIRST_LEVEL, LAST_LEVEL):
        guess = guess + explain(blurry, guess, kernel, torch.full((2,), PRIOR_WEIGHT / level**2))
    torch.testing.assert_close(built(started=False)(blurry, kernel, sigma, doubt, start), guess)
    assert not torch.allclose(built()(blurry, kernel, sigma, doubt, start), guess)


def test_the_denoiser_is_told_the_last_guess_and_the_noise_in_this_one():
    network, (blurry, kernel, sigma, doubt, start) = built(), inputs()
    rounds = []
    network.denoiser.register_forward_hook(lambda _, given, clean: rounds.append((*given, clean)))
    restored = network(blurry, kernel, sigma, doubt, start)
    last = start
    for level, (noisy, told, hint, clean) in zip((FIRST_LEVEL, LAST_LEVEL), rounds, strict=True):
        assert torch.equal(hint, last)
        torch.testing.assert_close(told, level * sigma)
        torch.testing.assert_close(noisy, last + explain(blurry, last, kernel, torch.tensor([PRIOR_WEIGHT / level**2])))
        last = clean
    assert torch.equal(restored, last)


def test_one_kernel_is_for_all_and_batch_is_singles():
    network, (blurry, kernel, sigma, _, start) = built(doubting=1.0), inputs(3)
    doubt = torch.tensor([0.0, 1.0, 0.0])
    given = (blurry, kernel, sigma, doubt, start)
    singles = [network(*(one[i : i + 1] for one in given)) for i in range(3)]
    torch.testing.assert_close(network(*given), torch.cat(singles), rtol=1e-4, atol=1e-5)
    several = kernel[:1].expand(3, -1, -1, -1)
    torch.testing.assert_close(
        network(blurry, kernel[:1], sigma, doubt, start),
        network(blurry, several, sigma, doubt, start),
        rtol=1e-4,
        atol=1e-5,
    )


@pytest.mark.parametrize("doubt", [0.0, 1.0])
def test_gradients_reach_every_parameter_after_one_step(doubt):
    """Where there is no doubt, those of doubt learn nothing."""
    network, given, sharp = built(started=False), inputs(doubt=doubt), random(1, 3, 24, 21, seed=3)
    optimiser = torch.optim.SGD(network.parameters(), lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        (network(*given) - sharp).square().mean().backward()
        optimiser.step()
    for name, parameter in network.named_parameters():
        assert parameter.grad.isfinite().all(), name
        if name.startswith("doubt") and not doubt:
            assert (parameter.grad == 0).all(), name
        elif name.startswith(("doubt", "log")):  # of every round
            assert (parameter.grad != 0).all(), name
        else:
            assert parameter.grad.abs().max() > 0, name


def test_doubt_counts_where_there_is_some():
    known, found = inputs(doubt=0.0), inputs(doubt=1.0)
    assert torch.equal(built(doubting=0.5)(*known), built()(*known))
    assert torch.equal(built()(*found), built()(*known))
    for name in ("doubt_levels", "doubt_weights"):
        network = built()
        torch.nn.init.constant_(getattr(network, name), 0.5)
        assert (network(*found) - network(*known)).abs().max() > 1e-4, name


def test_less_noise_than_rounding_is_that_of_rounding():
    network, (blurry, kernel, _, doubt, start) = built(), inputs()
    none, half, least, more = (
        network(blurry, kernel, torch.tensor([share * LEAST_SIGMA]), doubt, start) for share in (0, 0.5, 1, 4)
    )
    assert torch.equal(none, least)
    assert torch.equal(half, least)
    assert (more - least).abs().max() > 1e-4


@pytest.mark.parametrize("sigma", [0.0, 0.02])
def test_a_delta_and_no_noise_are_fine(sigma):
    blurry, _, _, doubt, start = inputs()
    assert built()(blurry, delta(1), torch.tensor([sigma]), doubt, start).isfinite().all()
    answer = explain(blurry, start, delta(1), torch.tensor([1e-6]))
    torch.testing.assert_close(answer, blurry - start, atol=1e-4, rtol=0)


def test_nothing_is_asked_of_the_true_picture():
    kernel, sharp, ratio = asymmetric(), random(1, 3, 24, 21), torch.tensor([0.01])
    blurry = torch.ones_like(sharp)  # near the frame nobody knows
    blurry[..., 2:-2, 2:-2] = blur(sharp, kernel, border="valid")
    assert explain(blurry, sharp, kernel, ratio).abs().max() < 1e-5
    assert explain(blurry, sharp, kernel.flip(-2, -1), ratio).abs().max() > 0.05


def test_an_answer_lies_where_the_question_was():
    """What a picture lacks at one place is brought back to that place, not to where the kernel moved it."""
    kernel, nothing, sharp = asymmetric(), torch.zeros(1, 1, 32, 28), torch.zeros(1, 1, 32, 28)
    sharp[..., 12, 17] = 1
    answer = explain(blur(sharp, kernel, border="zero"), nothing, kernel, torch.tensor([0.01]))
    assert divmod(int(answer.argmax()), 28) == (12, 17)
    assert answer.max() > 0.9


def test_an_answer_solves_the_normal_equations():
    """With the blur as a matrix, and a kernel and a ratio for each picture."""
    kernel, blurry, guess = random(2, 1, 3, 3, seed=2) / 5, random(2, 1, 6, 7), random(2, 1, 6, 7, seed=1)
    ratio = torch.tensor([0.02, 0.5])
    rows, columns = fast_size(6 + 1), fast_size(7 + 1)
    for n in range(2):
        one = kernel[n : n + 1]
        units = torch.eye(rows * columns).view(-1, 1, rows, columns)
        matrix = blur(units, one, border="circular").flatten(1).T
        rest = torch.zeros(rows, columns)
        rest[1:5, 1:6] = blurry[n, 0, 1:5, 1:6] - blur(guess[n : n + 1], one, border="valid")[0, 0]
        solution = torch.linalg.solve(matrix.T @ matrix + ratio[n] * torch.eye(len(matrix)), matrix.T @ rest.flatten())
        wanted = solution.view(rows, columns)[:6, :7]
        torch.testing.assert_close(explain(blurry, guess, kernel, ratio)[n, 0], wanted, rtol=1e-3, atol=1e-4)


def test_saved_and_loaded_is_equal(tmp_path):
    saved, given = built(doubting=0.5), inputs()
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
