"""Does the camera keep its order and its numbers: response, saturation, noise, JPEG?"""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import RESPONSES, add_noise, jpeg, photograph, saturate, to_display, to_linear
from blurspace.blur.kernels import delta, gaussian, line
from blurspace.errors import UsageError


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture
def picture():
    coarse = torch.rand(2, 3, 6, 6, generator=seeded())
    return torch.nn.functional.interpolate(coarse, size=(40, 48), mode="bilinear", align_corners=False)


@pytest.mark.parametrize("response", RESPONSES)
@settings(max_examples=50, deadline=None)
@given(st.floats(0, 1))
def test_a_response_and_back_is_nothing(response, value):
    display = torch.tensor([value], dtype=torch.float64)
    assert to_display(to_linear(display, response), response).item() == pytest.approx(value, abs=1e-7)


@pytest.mark.parametrize("response", RESPONSES)
def test_responses_rise_from_0_to_1_and_clamp(response):
    values = torch.linspace(-0.5, 1.5, 2001, dtype=torch.float64)
    for convert in (to_linear, to_display):
        result = convert(values, response)
        assert result[0] == 0
        assert result[-1] == 1
        assert (result.diff() >= 0).all()


def test_known_values():
    # Published sRGB: linear 0.18 (an 18 % grey card) is 0.4614 on the display.
    assert to_display(torch.tensor(0.18)).item() == pytest.approx(0.46136, abs=1e-5)
    eight_bit = torch.arange(256, dtype=torch.float64) / 255
    np.testing.assert_allclose(to_linear(eight_bit, "gamma 2.2"), eight_bit.numpy() ** 2.2, atol=1e-12)


@pytest.mark.parametrize("response", RESPONSES)
def test_gradients_are_finite_everywhere(response):
    for convert in (to_linear, to_display):
        values = torch.tensor([-1.0, 0.0, 1e-12, 0.0031308, 0.04045, 0.5, 1.0, 2.0], requires_grad=True)
        (gradient,) = torch.autograd.grad(convert(values, response).sum(), values)
        assert gradient.isfinite().all()
        inside = torch.tensor([0.001, 0.02, 0.3, 0.9], dtype=torch.float64, requires_grad=True)
        assert torch.autograd.gradcheck(lambda x, convert=convert: convert(x, response), inside)


def test_saturate():
    assert saturate(torch.tensor([-0.1, 0.2, 0.6]), gain=2).tolist() == pytest.approx([-0.2, 0.4, 1.0])


def test_noise_has_the_variance_asked_for():
    signal = torch.tensor([0.0, 0.5, 1.0]).repeat_interleave(40_000)
    noisy = add_noise(signal, sigma=0.02, shot=0.001, generator=seeded())
    for level, part in zip((0.0, 0.5, 1.0), noisy.split(40_000), strict=True):
        assert float(part.var()) == pytest.approx(0.02**2 + 0.001 * level, rel=0.03)
        assert float(part.mean()) == pytest.approx(level, abs=1e-3)


def test_noise_follows_its_generator(picture):
    once = add_noise(picture, sigma=0.1, generator=seeded())
    assert torch.equal(once, add_noise(picture, sigma=0.1, generator=seeded()))
    assert not torch.equal(once, add_noise(picture, sigma=0.1, generator=seeded(1)))
    assert torch.equal(add_noise(picture, sigma=0.0), picture)


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_close_and_8_bit(picture, channels):
    before = picture[:, :channels].clone()
    fine, coarse = jpeg(before, quality=95), jpeg(before, quality=10)
    assert fine.shape == before.shape
    assert fine.dtype == torch.float32
    torch.testing.assert_close((fine * 255).round() / 255, fine)
    assert (fine - before).abs().mean() < 0.02
    assert (coarse - before).abs().mean() > (fine - before).abs().mean()
    assert torch.equal(before, picture[:, :channels])


@pytest.mark.parametrize("response", RESPONSES)
def test_an_easy_photo_is_the_blur_in_linear_light(picture, response):
    kernel = gaussian(1.2)
    wanted = to_display(blur(to_linear(picture, response), kernel), response)
    assert torch.equal(photograph(picture, kernel, response=response), wanted)
    torch.testing.assert_close(photograph(picture, delta(3), response=response), picture)


def test_overexposed_lights_leave_a_flat_white_streak():
    lamp = torch.full((1, 1, 31, 31), 0.1)
    lamp[..., 15, 15] = 1
    photo = photograph(lamp, line(9, 0), gain=12)
    assert (photo[0, 0, 15, 11:20] == 1).all()  # blur first, then clip: 12 / 9 > 1 along the whole path
    assert (photo[0, 0, 14] < 1).all()


def test_the_rest_of_the_chain(picture):
    kernel = gaussian(1.0)
    noisy = photograph(picture, kernel, sigma=0.01, shot=0.001, generator=seeded())
    assert torch.equal(noisy, photograph(picture, kernel, sigma=0.01, shot=0.001, generator=seeded()))
    assert noisy.min() >= 0
    assert noisy.max() <= 1
    rounded = photograph(picture, kernel, round8=True)
    torch.testing.assert_close(rounded, (photograph(picture, kernel) * 255).round() / 255)
    assert torch.equal(photograph(picture, kernel, quality=50), jpeg(photograph(picture, kernel), quality=50))
    assert photograph(picture, delta(5), border="valid").shape == (2, 3, 36, 44)


def test_a_linear_photo_has_the_papers_noise(picture):
    middle = picture * 0.5 + 0.25  # far from both clips
    noise = photograph(middle, delta(1), response="linear", sigma=0.02, generator=seeded()) - middle
    assert float(noise.std()) == pytest.approx(0.02, rel=0.03)


@pytest.mark.parametrize(
    "call",
    [
        lambda x: photograph(x, delta(3), response="film"),
        lambda x: to_linear(x, "sRGB"),
        lambda x: add_noise(x, sigma=-1),
        lambda x: add_noise(x, sigma=0, shot=-1),
        lambda x: jpeg(x, quality=0),
        lambda x: jpeg(x[:, :2], quality=50),
    ],
)
def test_impossible_cameras_are_refused(call, picture):
    with pytest.raises(UsageError):
        call(picture)
