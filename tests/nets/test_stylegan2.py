"""Does a StyleGAN2 do what the paper says, under the official names, and refuse what is none?"""

import pytest
import torch
from torch.nn import functional

from blurspace.chance import chance
from blurspace.errors import ModelError, PictureError
from blurspace.nets.stylegan2 import StyleGan2

NUMBERS, WIDTHS = 8, (6, 5, 4)  # 16 px
# The official names of a generator of 16 px with a mapping of two layers, and their shapes.
DENSE = {f"style.{layer}.{kind}": shape for layer in (1, 2) for kind, shape in (("weight", (8, 8)), ("bias", (8,)))}
FIXED = {f"noises.noise_{layer}": (1, 1, side, side) for layer, side in enumerate((4, 8, 8, 16, 16))}


def styled(name, inputs, outputs, *, grows=False):
    return {
        f"{name}.conv.weight": (1, outputs, inputs, 3, 3),
        f"{name}.conv.modulation.weight": (inputs, NUMBERS),
        f"{name}.conv.modulation.bias": (inputs,),
        f"{name}.noise.weight": (1,),
        f"{name}.activate.bias": (outputs,),
    } | ({f"{name}.conv.blur.kernel": (4, 4)} if grows else {})


def to_rgb(name, inputs, *, grows=True):
    return {
        f"{name}.bias": (1, 3, 1, 1),
        f"{name}.conv.weight": (1, 3, inputs, 1, 1),
        f"{name}.conv.modulation.weight": (inputs, NUMBERS),
        f"{name}.conv.modulation.bias": (inputs,),
    } | ({f"{name}.upsample.kernel": (4, 4)} if grows else {})


SHAPES = {
    "input.input": (1, 6, 4, 4),
    **DENSE,
    **FIXED,
    **styled("conv1", 6, 6),
    **styled("convs.0", 6, 5, grows=True),
    **styled("convs.1", 5, 5),
    **styled("convs.2", 5, 4, grows=True),
    **styled("convs.3", 4, 4),
    **to_rgb("to_rgb1", 6, grows=False),
    **to_rgb("to_rgbs.0", 5),
    **to_rgb("to_rgbs.1", 4),
}
LINE = torch.tensor([1.0, 3.0, 3.0, 1.0])


def official():
    """A checkpoint with random weights."""
    state = {name: torch.randn(shape, generator=chance(0, place)) for place, (name, shape) in enumerate(SHAPES.items())}
    return {name: LINE[:, None] * LINE / 16 if name.endswith("kernel") else one for name, one in state.items()}


@pytest.fixture(scope="module")
def generator():
    return StyleGan2.of_official(official())


def test_the_names_are_the_official_ones(generator):
    assert {name: tuple(one.shape) for name, one in generator.state_dict().items()} == SHAPES
    for name, one in official().items():
        assert torch.equal(generator.state_dict()[name], one)
    assert (generator.side, generator.layers) == (16, 6)


def test_draws_a_picture_that_hangs_on_every_latent(generator):
    latent = generator.latent((16, 16), generator=chance(1, 0)).requires_grad_()
    picture = generator(latent)
    assert picture.shape == (1, 3, 16, 16)
    assert 0 <= picture.min() < picture.max() <= 1
    (slope,) = torch.autograd.grad(generator.draw(generator.styles(latent)).logit(eps=1e-3).sum(), latent)
    assert slope.abs().amax(-1).min() > 0
    torch.testing.assert_close(picture, generator(latent))


def test_a_batch_is_each_picture_alone(generator):
    """Grouped convolutions must not mix pictures."""
    styles = torch.randn(3, generator.layers, NUMBERS, generator=chance(1, 1))
    apart = torch.cat([generator.draw(style[None]) for style in styles])
    torch.testing.assert_close(generator.draw(styles), apart, atol=1e-5, rtol=1e-4)


def test_modulation_is_scaling_the_inputs_and_demodulation_makes_deviations_one(generator):
    """Karras et al. 2020, section 2.2: weights scaled per picture are inputs scaled, then outputs divided."""
    convolution, style = generator.conv1.conv, torch.randn(1, NUMBERS, generator=chance(1, 2))
    maps = torch.randn(1, 6, 4, 4, generator=chance(1, 3))
    scales = convolution.modulation(style)[:, :, None, None]
    plain = functional.conv2d(maps * scales, convolution.weight[0], padding=1)
    deviation = (convolution.weight[0] * scales[0, None, :]).square().sum((1, 2, 3)).sqrt()
    torch.testing.assert_close(convolution(maps, style), plain / deviation[:, None, None], atol=1e-4, rtol=1e-3)


def test_doubling_keeps_a_flat_picture_flat():
    """A colour that is alike all over stays as it is, away from the frame."""
    fresh = StyleGan2(WIDTHS, numbers=NUMBERS, depth=2)
    grown = fresh.to_rgbs[0].upsample(torch.full((1, 3, 8, 8), 0.7))
    assert grown.shape == (1, 3, 16, 16)
    torch.testing.assert_close(grown[..., 2:-2, 2:-2], torch.full((1, 3, 12, 12), 0.7))
    ramp = torch.arange(8.0).expand(1, 3, 8, 8)
    columns = fresh.to_rgbs[0].upsample(ramp)[0, 0, 8, 2:-2]
    torch.testing.assert_close(columns, (torch.arange(12) + 2 - 0.5) / 2)  # pixels' middles stay where they were


def test_styles_lie_as_the_mapping_has_them(generator):
    """The fit of PULSE: mean and covariance of drawn styles are those of mapped latents, before LeakyReLU."""
    count = 4000
    drawn = torch.randn(count, NUMBERS, generator=chance(1, 4))
    mapped = functional.leaky_relu(generator.style(torch.randn(count, NUMBERS, generator=chance(1, 5))), 5.0)
    styles = functional.leaky_relu(generator.styles(drawn[:, None])[:, 0], 5.0)
    torch.testing.assert_close(styles.mean(0), mapped.mean(0), atol=0.12, rtol=0)
    torch.testing.assert_close(styles.T.cov(), mapped.T.cov(), atol=0.2, rtol=0.15)


def test_noise_and_filters_may_be_left_out():
    state = {name: one for name, one in official().items() if "noises" not in name and not name.endswith("kernel")}
    first, again = (StyleGan2.of_official(state) for _ in range(2))
    latent = first.latent((16, 16), generator=chance(1, 6))
    assert torch.equal(first(latent), again(latent))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda state: state.pop("input.input"), r"no StyleGAN2: input\.input is missing"),
        (lambda state: state.pop("convs.1.conv.weight"), r"no StyleGAN2: some of convs is missing"),
        (lambda state: state.pop("to_rgb1.bias"), r"lack generator\.to_rgb1\.bias"),
        (lambda state: state.update({"conv1.noise.weight": torch.zeros(2)}), r"conv1\.noise\.weight has shape \(2,\)"),
        (lambda state: state.update({"convs.4.noise.weight": torch.zeros(1)}), r"hold generator\.convs\.4"),
    ],
)
def test_another_network_is_refused_in_one_sentence(change, words):
    state = official()
    change(state)
    with pytest.raises(ModelError, match=words) as caught:
        StyleGan2.of_official(state)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("size", [(15, 15), (16, 32)])
def test_a_picture_of_another_size_is_refused(generator, size):
    with pytest.raises(PictureError, match=rf"{size[1]} x {size[0]} px was given to a generator of 16 x 16: give"):
        generator.latent(size)
    assert generator.of_size(torch.zeros(1, 3, 16, 16), (20, 20)).shape == (1, 3, 20, 20)
