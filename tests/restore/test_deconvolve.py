"""Does deconvolution with the true kernel give the sharp picture back?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.fourier import differences, differences_adjoint, extend, extended_size, gradient_power
from blurspace.blur.kernels import delta, gaussian, line, shake
from blurspace.errors import UsageError
from blurspace.metrics import psnr
from blurspace.restore.deconvolve import Rounds, deconvolve, strength_for
from blurspace.restore.noise import estimate_sigma

from .scenes import made_scene

KERNELS = {
    "line": line(9, 20.0),
    "gaussian": gaussian(1.5),
    "shake": shake(17, extent=15, generator=torch.Generator().manual_seed(1)),
}


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("channels", [1, 3])
def test_it_gains_much_over_the_blurry_picture_up_to_the_frame(name, channels):
    kernel = KERNELS[name]
    reach = kernel.shape[-1] // 2
    scene = made_scene(150, seed=2, channels=channels)
    sharp = scene[..., reach:-reach, reach:-reach]
    blurry = blur(scene, kernel, border="valid")
    restored = deconvolve(blurry, kernel)
    assert psnr(restored, sharp) > psnr(blurry, sharp) + 5
    frame = torch.ones_like(sharp)
    frame[..., 8:-8, 8:-8] = 0
    ringing = ((restored - sharp).square() * frame).sum() / frame.sum()
    before = ((blurry - sharp).square() * frame).sum() / frame.sum()
    assert ringing < before


@pytest.mark.parametrize("name", KERNELS)
def test_relaxed_rounds_lead_as_far_as_more_plain_ones(name):
    kernel, scene = KERNELS[name], made_scene(150, seed=2)
    reach = kernel.shape[-1] // 2
    blurry, sharp = blur(scene, kernel, border="valid"), scene[..., reach:-reach, reach:-reach]
    relaxed, plain = (psnr(deconvolve(blurry, kernel, rounds=rounds), sharp) for rounds in (Rounds(), Rounds(30, 1.0)))
    assert relaxed > plain - 0.1


@pytest.mark.parametrize("prior", ["total variation", "hyper-laplacian"])
def test_both_priors_beat_the_blurry_picture_under_noise(prior):
    scene = made_scene(140, seed=3)
    kernel = KERNELS["shake"]
    reach = kernel.shape[-1] // 2
    sharp = scene[..., reach:-reach, reach:-reach]
    blurry = blur(scene, kernel, border="valid")
    noisy = blurry + 0.01 * torch.randn(blurry.shape, generator=torch.Generator().manual_seed(0))
    restored = deconvolve(noisy, kernel, strength=strength_for(0.01, prior), prior=prior)
    assert psnr(restored, sharp) > psnr(noisy, sharp) + 3


def test_no_blur_and_no_noise_change_almost_nothing():
    scene = made_scene(64, seed=4)
    assert psnr(deconvolve(scene, delta(), strength=1e-6, rounds=Rounds(100)), scene) > 50


def test_clipped_pixels_are_a_lower_bound_only():
    scene = made_scene(140, seed=5)
    scene[..., 60:66, 60:66] = 4.0  # a lamp, four times as bright as white
    kernel = KERNELS["line"]
    reach = kernel.shape[-1] // 2
    sharp = scene[..., reach:-reach, reach:-reach]
    seen = blur(scene, kernel, border="valid").clamp(max=1)
    naive = deconvolve(seen, kernel)
    told = deconvolve(seen, kernel, saturated=seen >= 1)
    away = (sharp < 1).float()
    assert ((told - sharp).square() * away).sum() < 0.5 * ((naive - sharp).square() * away).sum()


def test_stronger_noise_wants_more_regularisation():
    assert strength_for(0.0) < strength_for(0.01) < strength_for(0.04)


def test_a_kernel_wider_than_the_picture_is_refused_in_one_sentence():
    with pytest.raises(UsageError, match="31 px wide and the picture 20 x 20: give a smaller kernel"):
        deconvolve(torch.rand(1, 1, 20, 20), gaussian(3.0, size=31))


def test_differences_and_their_adjoint_and_spectrum_belong_together():
    generator = torch.Generator().manual_seed(0)
    picture, gradients = (
        torch.randn(1, 2, 12, 15, generator=generator),
        torch.randn(2, 1, 2, 12, 15, generator=generator),
    )
    torch.testing.assert_close(
        (differences(picture) * gradients).sum(), (picture * differences_adjoint(gradients)).sum()
    )
    spectrum = torch.fft.rfft2(picture) * gradient_power((12, 15), picture.device)
    torch.testing.assert_close(
        torch.fft.irfft2(spectrum, s=(12, 15)), differences_adjoint(differences(picture)), atol=1e-4, rtol=1e-4
    )


def test_the_extended_picture_wraps_round_without_a_jump():
    picture = made_scene(50, seed=6)
    size = extended_size((50, 50), 20)
    grown = extend(picture, size)
    assert tuple(grown.shape[-2:]) == size
    assert torch.equal(grown[..., :50, :50], picture)
    margin = size[0] - 50
    assert (grown[..., -1, :] - grown[..., 0, :]).abs().max() < 3 / margin


@pytest.mark.parametrize("sigma", [0.005, 0.02, 0.05])
def test_noise_is_measured_on_a_blurry_scene(sigma):
    scene = blur(made_scene(200, seed=7), gaussian(2.0))
    noisy = scene + sigma * torch.randn(scene.shape, generator=torch.Generator().manual_seed(1))
    assert estimate_sigma(noisy) == pytest.approx(sigma, rel=0.15)
