"""Is a blur named and measured, and is it the one that would be undone?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import disk, line
from blurspace.builders import build_deblurrer
from blurspace.restore.diagnose import _variation, diagnose
from blurspace.restore.finders import KernelFinder
from blurspace.restore.observed import Observed
from blurspace.run import Run

from .scenes import made_scene


def shaken(kernel, *, seed, channels=1, side=150):
    return blur(made_scene(side, seed=seed, channels=channels), kernel, border="valid")


@pytest.mark.parametrize(("kernel", "kinds"), [(line(15, 25.0), {"motion"}), (disk(5.0), {"defocus", "shake"})])
def test_the_kind_of_blur_is_named(kernel, kinds):
    blurry = shaken(kernel, seed=10)
    found = diagnose(Observed(blurry, response="linear"))
    assert found.blurry
    assert found.kind in kinds
    assert 0 <= found.confidence <= 1
    assert 0 <= found.variation <= 1


def test_the_direction_of_motion_is_measured_with_y_up():
    blurry = shaken(line(17, 30.0), seed=11)
    found = diagnose(Observed(blurry, response="linear"))
    assert found.angle_deg == pytest.approx(30, abs=10)
    assert found.length_px == pytest.approx(17, abs=4)


def test_all_doors_use_the_same_kernel_for_the_same_photo():
    """What `kernel` shows, what `diagnose` measures and what `deblur` undoes."""
    blurry = shaken(line(13, 30.0), seed=4, channels=3, side=120)
    photo = (blurry.clamp(0, 1) * 255).round().to(torch.uint8)
    shown = KernelFinder()(Observed(photo), Run())
    measured = diagnose(Observed(photo))
    undone = build_deblurrer("auto")(photo)
    assert measured.blurry
    assert torch.equal(shown.blur.kernel, measured.blur.kernel)
    assert torch.equal(shown.blur.kernel, undone.kernel)
    assert (measured.length_px, measured.angle_deg) == undone.blur.length_angle()
    assert shown.confidence == undone.confidence


@pytest.mark.parametrize("dark", [0.6, 0.3])
def test_a_dark_quarter_is_as_dark_as_it_is_beside_the_others(dark):
    """Of a sensor's 12 bits in 16: by itself it would seem a photo of its own."""
    blurry = shaken(line(13, 30.0), seed=4)
    blurry[..., :115, :115] *= dark
    little, full = ((blurry.clamp(0, 1) * most).round().to(torch.int32).to(torch.uint16) for most in (4095, 65535))
    assert _variation(Observed(little)) == pytest.approx(_variation(Observed(full)), rel=0.02)


def test_noise_is_measured_all_over_a_big_photo():
    """Only the lower half is noisy: bands at the top alone would not see it."""
    picture = torch.full((1, 1, 1200, 1400), 0.5)
    picture[..., 300:, :] += 0.02 * torch.randn(1, 1, 900, 1400, generator=torch.Generator().manual_seed(0))
    assert Observed(picture).sigma == pytest.approx(0.02, rel=0.5)
    assert Observed(picture.clamp(0, 1).mul(255).round().to(torch.uint8)).sigma > 0.01
