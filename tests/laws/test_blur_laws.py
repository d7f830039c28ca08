"""Which laws must every blur at every border, and every kernel, obey?"""

import numpy as np
import pytest
import torch
from scipy import ndimage

from blurspace.blur import kernels
from blurspace.blur.convolve import BORDERS, blur

# A new blur of pictures is one more row, called as (picture, kernel, border=...).
BLURS = {"convolve": blur}
# A new kernel is one more row.
KERNELS = {
    "shake 31": lambda generator: kernels.shake(31, generator=generator),
    "shake 3": lambda generator: kernels.shake(3, generator=generator),
    "big shake 85": lambda generator: kernels.shake(85, generator=generator, extent=85),
    "line": lambda generator: kernels.line(12.3, 33),
    "steep line": lambda generator: kernels.line(7, 100, size=21),
    "gaussian": lambda generator: kernels.gaussian(1.7),
    "narrow gaussian": lambda generator: kernels.gaussian(0.1),
    "disk": lambda generator: kernels.disk(3.4),
    "small disk": lambda generator: kernels.disk(0.2, size=5),
    "delta": lambda generator: kernels.delta(7),
}
SIDES = (3, 5, 7, 9)  # the direct way and the FFT way

every_blur = pytest.mark.parametrize("name", BLURS)
every_border = pytest.mark.parametrize("border", BORDERS)
every_side = pytest.mark.parametrize("side", SIDES)
every_kernel = pytest.mark.parametrize("kind", KERNELS)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*shape, seed=0, dtype=torch.float64):
    return torch.rand(shape, generator=seeded(seed), dtype=dtype)


def inner(picture, side, border):
    """The pixels that the border rule leaves."""
    reach = side // 2
    height, width = picture.shape[-2:]
    return picture[..., reach : height - reach, reach : width - reach] if border == "valid" else picture


@every_blur
@every_border
@every_side
def test_a_delta_changes_nothing(name, border, side):
    picture = random(1, 3, 15, 18, dtype=torch.float32)
    blurred = BLURS[name](picture, kernels.delta(side), border=border)
    torch.testing.assert_close(blurred, inner(picture, side, border), atol=1e-6, rtol=0)


@every_blur
@pytest.mark.parametrize("border", [border for border in BORDERS if border != "zero"])
@every_side
def test_constants_stay(name, border, side):
    picture = torch.full((1, 3, 15, 18), 0.4)
    blurred = BLURS[name](picture, kernels.normalise(random(1, 1, side, side).float()), border=border)
    torch.testing.assert_close(blurred, inner(picture, side, border), atol=1e-6, rtol=0)


@every_blur
@every_border
@every_side
def test_a_delta_right_of_the_centre_moves_the_picture_right(name, border, side):
    picture = torch.zeros(1, 1, 15, 18)
    picture[..., 7, 8] = 1
    kernel = kernels.delta(side).roll((-1, 1), (-2, -1))  # one up, one right
    blurred = BLURS[name](picture, kernel, border=border)
    wanted = inner(picture.roll((-1, 1), (-2, -1)), side, border)
    torch.testing.assert_close(blurred, wanted, atol=1e-6, rtol=0)


@every_blur
@every_border
@every_side
def test_a_batch_is_its_single_pictures(name, border, side):
    picture, kernel = random(3, 3, 15, 18), random(3, 1, side, side, seed=1)
    function = BLURS[name]
    together = function(picture, kernel, border=border)
    singles = [function(one, by, border=border) for one, by in zip(picture.split(1), kernel.split(1), strict=True)]
    torch.testing.assert_close(together, torch.cat(singles))
    shared = function(picture, kernel[:1], border=border)
    torch.testing.assert_close(shared, function(picture, kernel[:1].expand(3, -1, -1, -1), border=border))


@every_blur
@every_border
def test_the_input_is_untouched(name, border):
    picture, kernel = random(1, 3, 15, 18), random(1, 1, 7, 7)
    BLURS[name](picture, kernel, border=border)
    assert torch.equal(picture, random(1, 3, 15, 18))
    assert torch.equal(kernel, random(1, 1, 7, 7))


@every_kernel
def test_a_kernel_is_odd_positive_and_sums_to_1(kind):
    for seed in range(5):
        kernel = KERNELS[kind](seeded(seed))
        assert kernel.shape[:2] == (1, 1)
        assert kernel.shape[2] == kernel.shape[3]
        assert kernel.shape[3] % 2 == 1
        assert kernel.dtype == torch.float32
        assert kernel.min() >= 0
        assert kernel.double().sum().item() == pytest.approx(1, abs=1e-6)


@every_kernel
def test_a_kernel_is_centred(kind):
    for seed in range(5):
        kernel = KERNELS[kind](seeded(seed))[0, 0].double().numpy()
        np.testing.assert_allclose(ndimage.center_of_mass(kernel), len(kernel) // 2, atol=1e-5)


@every_kernel
def test_same_seed_same_kernel(kind):
    torch.manual_seed(1)
    first = KERNELS[kind](seeded(3))
    torch.manual_seed(2)
    assert torch.equal(first, KERNELS[kind](seeded(3)))
