"""Is a network that restores at once judged by the blur that lies between its result and the photo?"""

import math

import pytest
import torch

from blurspace.areas import whole
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import extent, line
from blurspace.builders import build_space
from blurspace.restore.blurs import CodeBlur
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Method, deblur
from blurspace.restore.network import AtOnce, network_method
from blurspace.restore.observed import Observed
from blurspace.run import Run

from .made import finding, reblurred, restoring
from .scenes import made_scene

LENGTH, ANGLE = 9, 0


@pytest.fixture(scope="module")
def space():
    return build_space()


def shaken(channels=3, *, angle=ANGLE, sigma=0.0):
    sharp = made_scene(128, seed=0, channels=channels)
    noise = sigma * torch.randn(sharp.shape, generator=torch.Generator().manual_seed(0))
    return sharp, (blur(sharp, line(LENGTH, angle)) + noise).clamp(0, 1)


def deblurrer(network, space):
    return Deblurrer((network_method(network, space, name="made"),))


def mean_kernel(space, code):
    return CodeBlur(code, space).kernel


def restored(network, picture):
    """What the network makes of a picture; no receipt."""
    return AtOnce(network)(picture, whole(tuple(picture.shape[-2:])), Run())


def test_the_exact_inverse_is_believed(space):
    sharp, blurry = shaken()
    result = deblurrer(lambda _: sharp, space)(blurry)
    assert result.receipt.verdict == "restored"
    assert torch.equal(result.restored, sharp)
    assert result.method == "made"
    assert result.receipt.reblur_psnr > 35
    assert result.receipt.kernel_length == pytest.approx(LENGTH, abs=1.5)
    assert reblurred(result).shape == blurry.shape
    assert float((reblurred(result) - blurry).abs().mean()) < 0.01


@pytest.mark.parametrize("angle", [0, 90, 45])
def test_the_kernel_of_a_line_is_a_line(space, angle):
    sharp, blurry = shaken(angle=angle)
    with torch.no_grad():
        kernel = mean_kernel(space, space.extract(sharp, blurry))
    assert kernel.shape[:2] == (1, 1)
    assert kernel.shape[-1] % 2 == 1
    assert float(kernel.min()) >= 0
    assert float(kernel.sum()) == pytest.approx(1)
    length, found = extent(kernel)
    assert length == pytest.approx(LENGTH, abs=1.5)
    assert abs((found - angle + 90) % 180 - 90) < 5
    middle = kernel.shape[-1] // 2
    assert float(kernel[..., middle, middle]) > 0.05


def test_the_kernel_of_no_blur_is_one_pixel(space):
    sharp, _ = shaken()
    assert torch.equal(mean_kernel(space, space.rest_code((128, 128))), torch.ones(1, 1, 1, 1))
    with torch.no_grad():
        assert mean_kernel(space, space.extract(sharp, sharp)).shape[-1] == 1


def test_what_is_faint_in_a_kernel_is_left_out(space):
    """The mean over the map, of which one cell alone has a faint blur."""
    code = space.rest_code((128, 128))
    weak, strong = code.clone(), code.clone()
    with torch.no_grad():
        sharp, blurry = shaken()
        found = space.extract(sharp, blurry).mean((2, 3), keepdim=True)
    weak[..., :1, :1] = 0.1 * found
    strong[:] = found
    assert mean_kernel(space, weak).shape[-1] == 1
    assert mean_kernel(space, strong).shape[-1] >= LENGTH


def test_a_network_that_makes_things_up_is_refused(space):
    sharp, blurry = shaken()
    for network in (lambda _: sharp.flip(-1), torch.zeros_like):
        result = deblurrer(network, space)(blurry)
        assert result.receipt.verdict == "refused"
        assert torch.equal(result.restored, blurry)


def test_the_identity_removes_a_blur_of_one_pixel(space):
    _, blurry = shaken()
    result = deblurrer(lambda picture: picture, space)(blurry)
    assert torch.equal(result.restored, blurry)
    assert result.receipt.change_psnr == math.inf
    assert result.receipt.kernel_length == 1


def test_a_sharp_photo_is_left_alone_and_the_network_not_asked(space):
    sharp, _ = shaken()
    asked = []
    result = deblurrer(asked.append, space)(sharp)
    assert (result.receipt.verdict, asked) == ("left alone", [])
    assert torch.equal(result.restored, sharp)
    assert result.kernel is None
    assert result.method == "made"


def test_grey_goes_in_as_rgb_and_comes_out_grey(space):
    sharp, blurry = shaken(1)
    asked = []

    def network(picture):
        asked.append(picture)
        return torch.cat((sharp - 0.04, sharp, sharp + 0.04), 1)

    result = deblurrer(network, space)(blurry)
    assert asked[0].shape == (1, 3, 128, 128)
    assert torch.equal(asked[0][:, 2:], blurry)
    assert result.restored.shape == reblurred(result).shape == (1, 1, 128, 128)
    torch.testing.assert_close(result.restored, sharp)
    assert result.receipt.verdict == "restored"


def test_the_result_is_clamped_and_may_be_worked_on():
    _, blurry = shaken()
    bright = restored(lambda picture: 3 * picture - 1, blurry)
    assert (float(bright.min()), float(bright.max())) == (0, 1)
    assert not bright.is_inference()
    assert not restored(lambda picture: picture, blurry[:, :1]).is_inference()
    seen = []
    restored(lambda picture: (seen.append(torch.is_grad_enabled()), picture)[1], blurry)
    assert seen == [False]


def test_the_noise_is_estimated_or_known(space):
    sharp, blurry = shaken(sigma=0.02)
    believed = deblurrer(lambda _: sharp, space)
    assert believed(blurry).receipt.sigma == pytest.approx(0.02, rel=0.3)
    assert believed(blurry, least_sigma=0.1).receipt.sigma == 0.1
    assert believed(sharp, least_sigma=0.1).receipt.sigma == 0.1
    far = deblurrer(lambda _: (sharp + 0.1 * torch.randn(sharp.shape, generator=again())).clamp(0, 1), space)
    assert far(blurry).receipt.verdict == "refused"


def again():
    return torch.Generator().manual_seed(1)


def test_a_restoration_passes_on_what_was_told(space):
    sharp, blurry = shaken()
    method = Method("told", finding(None, notes=("first", "second")), restoring(lambda _: sharp), space)
    result = deblur(Observed(blurry, least_sigma=0.03), [method], Run())
    assert (result.method, result.notes, result.receipt.sigma) == ("told", ("first", "second"), 0.03)
