"""In which light was a photo blurred?"""

import math

import pytest
import torch
from tests.restore.scenes import made_scene

from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import disk, line, shake
from blurspace.builders import build_deblurrer
from blurspace.metrics import psnr
from blurspace.restore.finders import KernelFinder
from blurspace.restore.light import decide
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.types import Image, Kernel

KERNELS = {
    "line": line(13, 30.0),
    "disk": disk(4.0),
    "shake": shake(17, generator=torch.Generator().manual_seed(3), extent=17.0),
}
RESPONSES = {"linear": "stored values", "srgb": "sRGB"}


def blurred(kernel: Kernel, response: str, *, seed: int = 0) -> tuple[Image, Image]:
    """A made scene, sharp and blurred in that light, with noise in its display values."""
    scene = made_scene(256, seed=seed, channels=3)
    display = photograph(scene, kernel, response=response)
    noise = 0.003 * torch.randn(display.shape, generator=torch.Generator().manual_seed(seed))
    return scene, (display + noise).clamp(0, 1)


@pytest.fixture
def as_likely(monkeypatch):
    """Odds of 2 to 1 for cameras, at which made scenes are told apart; real photos are cameras' more often."""
    monkeypatch.setattr("blurspace.restore.light.CAMERAS", math.log(2))


@pytest.mark.usefixtures("as_likely")
@pytest.mark.parametrize("response", RESPONSES)
@pytest.mark.parametrize("name", KERNELS)
def test_one_kernel_in_both_lights_tells_which_it_was(name: str, response: str):
    for seed in range(2):
        seen = Observed(blurred(KERNELS[name], response, seed=seed)[1])
        light = decide(seen.pixels, seen.trust(seen.area), KERNELS[name], known=True)
        assert (light.response, light.name) == (response, RESPONSES[response])
        assert 0.5 < light.confidence <= 1
        assert response in light.reason or "stored" in light.reason


def test_in_doubt_a_camera_made_it():
    seen = Observed(blurred(KERNELS["disk"], "linear")[1])
    weak = decide(seen.pixels, seen.trust(seen.area), KERNELS["disk"], known=False)
    assert (weak.response, weak.confidence < 0.99) == ("srgb", True)


@pytest.mark.usefixtures("as_likely")
@pytest.mark.parametrize("response", RESPONSES)
def test_a_known_kernel_is_undone_in_the_light_of_the_blur(response: str):
    sharp, blurry = blurred(KERNELS["shake"], response)
    found = build_deblurrer("classical", kernel=KERNELS["shake"])(blurry)
    told = build_deblurrer("classical", kernel=KERNELS["shake"], response=response)(blurry)
    assert found.light.response == response
    assert torch.equal(found.restored, told.restored)
    other = build_deblurrer("classical", kernel=KERNELS["shake"], response="linear" if response == "srgb" else "srgb")
    assert psnr(told.restored, sharp) > psnr(other(blurry).restored, sharp) + 1


def test_what_is_told_is_believed():
    seen = Observed(blurred(KERNELS["line"], "srgb")[1], response="linear")
    assert not seen.settle(KERNELS["line"])
    assert (seen.response, seen.lit.confidence) == ("linear", 1.0)


def test_what_is_not_trusted_says_nothing():
    kernel = KERNELS["disk"]
    blurry = blurred(kernel, "srgb")[1]
    trust = torch.ones(1, 1, 256, 256)
    trust[..., 150:, :] = 0
    spoilt = blurry.clone()
    spoilt[..., 150:, :] = 1.0
    assert decide(spoilt, trust, kernel, known=True).response == "srgb"


def test_a_kernel_too_wide_for_the_photo_tells_no_more_than_that_cameras_add_light():
    light = decide(torch.rand(1, 1, 40, 40), torch.ones(1, 1, 40, 40), line(31, 0.0), known=True)
    assert (light.response, round(light.confidence, 6)) == ("srgb", 0.9)


@pytest.mark.usefixtures("as_likely")
@pytest.mark.parametrize(("name", "response"), [("line", "srgb"), ("shake", "linear")])
def test_the_search_ends_in_the_light_of_the_blur(name: str, response: str):
    seen = Observed(blurred(KERNELS[name], response)[1])
    found = seen.find(KernelFinder(size=19), Run())
    assert seen.response == response
    assert seen.note in found.notes


def test_what_our_blur_does_by_default_our_deblur_undoes():
    sharp, _ = blurred(KERNELS["shake"], "srgb")
    blurry = photograph(sharp, KERNELS["shake"], round8=True)
    found = build_deblurrer("classical", size=21)(blurry)
    assert (found.receipt.verdict, found.light.name) == ("restored", "sRGB")
    told = build_deblurrer("classical", size=21, response="srgb")(blurry)
    assert torch.equal(found.restored, told.restored)
    assert psnr(found.restored, sharp) > psnr(blurry, sharp) + 3
