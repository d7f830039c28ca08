"""Do two unpaired piles tell how the camera blurs?"""

import pytest
import torch
from torch.nn import functional

from blurspace.blur import spectra
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import gaussian, line
from blurspace.errors import UsageError


def textures(count, seed, side=160):
    """Pictures with a falling spectrum, no two alike."""
    noise = torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(seed))
    return (0.5 + 2 * blur(noise, gaussian(1.0))).expand(-1, 3, -1, -1)


def blurred(kernels, seed):
    pictures = textures(24, seed)
    kernels = torch.cat([kernels[index % len(kernels)] for index in range(len(pictures))])
    return blur(pictures, kernels, border="circular")


def spread(mixture):
    """Variance along rows and columns of the mean kernel, px squared."""
    kernel = mixture.mean()[0, 0]
    place = torch.arange(len(kernel)) - len(kernel) // 2
    return [float((kernel.sum(axis) * place.square()).sum()) for axis in (0, 1)]


@pytest.fixture(scope="module")
def sharp():
    return spectra.mean_power([textures(24, 0)])


@pytest.mark.parametrize(("angle", "along"), [(0, 0), (90, 1)])
def test_direction_and_length_are_found(sharp, angle, along):
    kernels = [line(length, angle, size=9) for length in (5, 6, 7)]
    ratio = spectra.power_ratio(spectra.mean_power([blurred(kernels, 1)]), sharp)
    mixture = spectra.fit_mixture(ratio)
    rows_columns = spread(mixture)
    assert rows_columns[along] == pytest.approx(37 / 12, rel=0.35)  # a line of length L has variance L^2 / 12
    assert rows_columns[1 - along] < 0.6
    assert float(mixture.weights.sum()) == pytest.approx(1)
    assert mixture.misfit < 0.4


def test_no_blur_is_no_blur(sharp):
    mixture = spectra.fit_mixture(spectra.power_ratio(spectra.mean_power([textures(24, 2)]), sharp))
    assert max(spread(mixture)) < 0.5


def test_the_mean_power_is_that_of_its_squares():
    picture = textures(1, 3, side=128)
    window = torch.hann_window(128, periodic=False)
    grey = picture.mean(1)[0]
    whole = torch.fft.fft2((grey - grey.mean()) * window[:, None] * window).abs().square()
    smooth = functional.pad(whole.log()[None, None], (1, 1, 1, 1), mode="circular")
    wanted = functional.avg_pool2d(smooth, 3, stride=1)[0, 0, :, :65].exp()
    torch.testing.assert_close(spectra.mean_power([picture]), wanted, rtol=1e-3, atol=0)


def test_distance(sharp):
    ratios = [
        spectra.power_ratio(spectra.mean_power([blurred([kernel], 1)]), sharp)
        for kernel in (line(7, 0, size=9), line(6, 0, size=9), line(7, 90, size=9))
    ]
    assert spectra.spectral_distance(ratios[0], ratios[0]) == 0
    near, far = (spectra.spectral_distance(ratios[0], other) for other in ratios[1:])
    assert near < far / 2
    assert spectra.spectral_distance(ratios[1], ratios[0]) == pytest.approx(near)


def test_draws_follow_the_weights(sharp):
    mixture = spectra.KernelMixture((line(1, 0), line(5, 0)), torch.tensor([0.2, 0.8]), 0.0)
    generator = torch.Generator().manual_seed(0)
    drawn = [mixture.draw(generator).shape[-1] for _ in range(300)]
    assert sum(side == 5 for side in drawn) / len(drawn) == pytest.approx(0.8, abs=0.07)


def test_small_pictures_are_refused():
    with pytest.raises(UsageError, match="128 px"):
        spectra.mean_power([torch.rand(2, 3, 127, 400)])
