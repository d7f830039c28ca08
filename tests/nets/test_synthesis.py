"""Does the kernel steer the network as Eq. 1 says, at any picture size, and are impossible kernels refused?"""

import pytest
import torch

from blurspace.errors import UsageError
from blurspace.nets.synthesis import GuidedBlock, KernelGuide, Synthesis

TINY = {"side": 9, "width": 6, "hidden": 8, "levels": 2}
GUIDANCES = ("none", "additive", "multiplicative", "both")


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def kernels(count, side=9, seed=0):
    drawn = random(count, 1, side, side, seed=seed)
    return drawn / drawn.sum((-2, -1), keepdim=True)


def built(network=Synthesis, seed=0, **settings):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return network(**(TINY if network is Synthesis else {}) | settings)


def delta(side):
    kernel = torch.zeros(1, 1, side, side)
    kernel[..., side // 2, side // 2] = 1
    return kernel


@pytest.mark.parametrize("size", [(16, 16), (17, 31), (3, 50), (1, 1)])
@pytest.mark.parametrize("colours", [1, 3])
def test_any_size(size, colours):
    blurry = random(2, colours, *size)
    restored = built(colours=colours)(blurry, kernels(1))
    assert restored.shape == blurry.shape
    assert restored.isfinite().all()


@pytest.mark.parametrize("guidance", GUIDANCES)
def test_the_kernel_steers(guidance):
    network, blurry = built(guidance=guidance), random(1, 3, 20, 20)
    change = (network(blurry, delta(9)) - network(blurry, kernels(1))).abs().max()
    assert change == 0 if guidance == "none" else change > 1e-6


@pytest.mark.parametrize("guidance", ["additive", "multiplicative", "both"])
def test_guide_has_the_parts_it_is_asked_for(guidance):
    multipliers, biases = built(KernelGuide, side=9, channels=5, hidden=8, guidance=guidance)(kernels(2))
    assert multipliers.shape == biases.shape == (2, 5, 1, 1)
    assert bool(multipliers.any()) == (guidance != "additive")
    assert bool(biases.any()) == (guidance != "multiplicative")
    assert max(multipliers.abs().max(), biases.abs().max()) < 0.1  # near identity at the start


def test_block_is_equation_1():
    block = built(GuidedBlock, inputs=3, width=4, side=9, hidden=8)
    maps, kernel = random(2, 3, 10, 10), kernels(2)
    multipliers, biases = block.guide(kernel)
    wanted = torch.relu(block.first(maps) * (1 + multipliers) + biases)
    for convolution in block.convolutions:
        wanted = torch.relu(convolution(wanted))
    torch.testing.assert_close(block(maps, kernel), wanted)


def test_smaller_kernels_are_padded_about_the_centre():
    network, blurry, small = built(), random(1, 3, 20, 20), kernels(1, side=5)
    wide = torch.zeros(1, 1, 9, 9)
    wide[..., 2:7, 2:7] = small
    assert torch.equal(network(blurry, small), network(blurry, wide))


def test_residual_adds_the_blurry_picture():
    blurry, kernel = random(1, 3, 18, 21), kernels(1)
    wanted = blurry + built(residual=False)(blurry, kernel)
    torch.testing.assert_close(built()(blurry, kernel), wanted)


def test_one_kernel_is_for_all_and_batch_is_singles():
    network, blurry, several = built(), random(3, 3, 20, 18), kernels(3)
    singles = [network(one[None], kernel[None]) for one, kernel in zip(blurry, several, strict=True)]
    torch.testing.assert_close(network(blurry, several), torch.cat(singles))
    torch.testing.assert_close(network(blurry, several[:1]), network(blurry, several[:1].expand(3, -1, -1, -1)))


@pytest.mark.parametrize("guidance", GUIDANCES)
@pytest.mark.parametrize("constant", [False, True])
def test_gradients_reach_every_parameter(guidance, constant):
    network = built(guidance=guidance, hidden=16)
    blurry, kernel = (
        (torch.full((1, 3, 20, 20), 0.3) if constant else random(1, 3, 20, 20)),
        kernels(1).requires_grad_(),
    )
    (network(blurry, kernel) * random(1, 3, 20, 20, seed=1)).sum().backward()
    for name, parameter in network.named_parameters():
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.abs().max() > 0, name
    assert kernel.grad is None if guidance == "none" else kernel.grad.abs().max() > 0


def test_saved_and_loaded_is_equal(tmp_path):
    saved, blurry, kernel = built(), random(1, 3, 20, 20), kernels(1)
    torch.save(saved.state_dict(), tmp_path / "weights.pt")
    loaded = built(seed=1)
    assert not torch.equal(loaded(blurry, kernel), saved(blurry, kernel))
    loaded.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    assert torch.equal(loaded(blurry, kernel), saved(blurry, kernel))
    assert torch.equal(saved(blurry, kernel), saved(blurry, kernel))


def test_the_input_stays_untouched():
    blurry, kernel = random(1, 3, 20, 20), kernels(1)
    built()(blurry, kernel)
    assert torch.equal(blurry, random(1, 3, 20, 20))
    assert torch.equal(kernel, kernels(1))


def test_the_papers_size():
    with torch.device("meta"):
        network = Synthesis()
    # The published code, which halves by convolutions and modulates three times per layer, has 16.2 M.
    assert sum(parameter.numel() for parameter in network.parameters()) == 15_713_155


@pytest.mark.parametrize("shape", [(1, 1, 20, 20), (3, 20, 20)])
def test_refused_pictures(shape):
    with pytest.raises(UsageError, match="give \\(batch, 3, height, width\\)"):
        built()(torch.zeros(shape), delta(9))


@pytest.mark.parametrize(
    ("shape", "advice"),
    [
        ((1, 1, 11, 11), "at most 9 px"),
        ((2, 1, 9, 9), "one per picture"),
        ((1, 1, 8, 8), "k odd"),
        ((1, 1, 9, 7), "k odd"),
        ((1, 3, 9, 9), "k odd"),
        ((9, 9), "k odd"),
    ],
)
def test_refused_kernels(shape, advice):
    with pytest.raises(UsageError, match=advice):
        built()(torch.zeros(3, 3, 20, 20), torch.zeros(shape))


@pytest.mark.parametrize(("settings", "advice"), [({"side": 8}, "odd number"), ({"guidance": "some"}, "choose one of")])
def test_refused_settings(settings, advice):
    with pytest.raises(UsageError, match=advice):
        built(**settings)
