"""Is the guess at a camera's blur right about its axis and noise, and does it photograph as it says?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.curve import from_light, to_light
from blurspace.blur.kernels import gaussian, line
from blurspace.blur.spectra import KernelMixture, mean_power, power_ratio
from blurspace.chance import chance
from blurspace.errors import UsageError
from blurspace.train import unknown
from blurspace.train.unknown import CameraGuess, asymmetry, guess_camera

NOISE = 0.02


def textures(count, seed, side=160):
    noise = torch.randn(count, 1, side, side, generator=torch.Generator().manual_seed(seed))
    return (0.5 + 1.2 * blur(noise, gaussian(1.0))).expand(-1, 3, -1, -1)


def as_bytes(pictures):
    return list((pictures.clamp(0, 1) * 255).round().to(torch.uint8))


def blurred(angle, *, sigma=0.0):
    pictures = blur(textures(20, 1), line(7, angle), border="circular")
    return as_bytes(pictures + sigma * torch.randn(pictures.shape, generator=torch.Generator().manual_seed(5)))


def spread(kernel):
    """Variance along the rows and the columns, px squared."""
    place = torch.arange(kernel.shape[-1]) - kernel.shape[-1] // 2
    return [float((kernel[0, 0].sum(axis) * place.square()).sum()) for axis in (0, 1)]


def scenes(count, seed, side=160):
    """Random rectangles, of any brightness."""
    generator = torch.Generator().manual_seed(seed)
    pictures = torch.full((count, 3, side, side), 0.5)
    for picture in pictures:
        for _ in range(120):
            top, left, high, wide = torch.randint(2, side, (4,), generator=generator).tolist()
            picture[:, top : top + high // 5, left : left + wide // 5] = torch.rand((), generator=generator)
    return pictures


@pytest.fixture(scope="module")
def sharp():
    return as_bytes(textures(20, 0))


@pytest.fixture(scope="module")
def guess(sharp):
    return guess_camera(blurred(90, sigma=NOISE), sharp)


def made(kernels, *, weights=None, sigma=0.0):
    weights = torch.ones(len(kernels)) if weights is None else weights
    return CameraGuess(KernelMixture(kernels, weights / weights.sum(), 0.0), sigma, torch.ones(128, 65))


def test_the_axis_of_the_blur_is_found(sharp, guess):
    along_rows, along_columns = spread(guess.mixture.mean())
    assert along_columns == pytest.approx(49 / 12, rel=0.35)  # a line of length L has variance L^2 / 12
    assert along_rows < 0.5
    wanted = power_ratio(
        *(mean_power(one[None].float() / 255 for one in pile) for pile in (blurred(90, sigma=NOISE), sharp))
    )
    assert torch.equal(guess.ratio, wanted)


def test_the_noise_is_that_of_the_blurry_pictures(guess):
    assert guess.sigma == pytest.approx(NOISE, rel=0.15)


def test_small_pictures_are_refused(sharp):
    with pytest.raises(UsageError, match="128 px"):
        guess_camera([picture[:, :100] for picture in blurred(0)], sharp)


def test_one_picture_is_refused(sharp):
    with pytest.raises(UsageError, match="1 blurry and 20 sharp pictures"):
        guess_camera(blurred(0)[:1], sharp)


def test_the_exponent_of_the_light_is_told_from_unpaired_pictures():
    """Bright and dark things by chance, so that nothing but the blur makes pictures asymmetric."""
    middles = []
    for exponent in (1.0, 3.0):
        light = torch.tensor(exponent)
        blurry = from_light(blur(to_light(scenes(40, 1), light), line(9, 0), border="circular"), light)
        low, high = guess_camera(as_bytes(blurry), as_bytes(scenes(40, 2))).exponents
        assert 0 < high - low < 1.5  # it could be anything from 1 to 3
        middles.append((low + high) / 2)
    assert middles[0] < 1.5
    assert middles[1] > 2


def test_asymmetry_is_the_valleys_less_the_ridges():
    ridge = torch.zeros(1, 1, 9, 9)
    ridge[..., 4, 4] = 1
    powers = (16, 4)  # of the peak's Laplacian, -4, and of its four neighbours', 1
    assert asymmetry(ridge) == pytest.approx((powers[1] - powers[0]) / sum(powers))
    assert asymmetry(1 - ridge) == -asymmetry(ridge)
    assert asymmetry(torch.full((1, 3, 9, 9), 0.5)) == 0.0


@pytest.mark.parametrize(
    ("wanted", "found"), [(-1.0, 1.0), (0.0, 1.0), (0.1, 1.25), (0.2, 1.5), (0.25, 2.25), (9.0, 3.0)]
)
def test_the_crossing_is_where_the_means_reach_it(wanted, found):
    assert unknown._crossing([0.0, 0.2, 0.2, 0.3, 0.3], wanted) == pytest.approx(found)


def test_photographs_have_shape_range_and_chance(guess):
    roomy = textures(3, 7, side=40 + 2 * guess.reach).clamp(0, 1)
    photos = guess.photograph(roomy, chance(0, 0))
    assert photos.shape == (3, 3, 40, 40)
    assert float(photos.min()) >= 0
    assert float(photos.max()) <= 1
    torch.testing.assert_close(photos * 255, (photos * 255).round(), atol=1e-3, rtol=0)  # 8 bits, coded or not
    assert torch.equal(guess.photograph(roomy, chance(0, 0)), photos)
    assert not torch.equal(guess.photograph(roomy, chance(0, 1)), photos)


def test_the_margin_is_half_of_the_largest_kernel_and_content_stays_in_place():
    moves = made((line(9, 0), line(5, 90)))
    assert moves.reach == 4
    assert made((line(1, 0),)).reach == 0
    ramp = torch.linspace(0.2, 0.8, 68)[None, None, None].expand(1, 3, 48, 68)
    for step in range(8):
        photo = moves.photograph(ramp, chance(0, step))
        assert photo.shape == (1, 3, 40, 60)
        torch.testing.assert_close(photo, ramp[..., 4:-4, 4:-4], atol=0.02, rtol=0)  # no edge is repeated into it


def test_what_is_outside_comes_into_the_picture():
    camera = made((line(9, 0),))
    white_margin = torch.zeros(1, 3, 48, 48)
    white_margin[..., :4] = 1
    photo = camera.photograph(white_margin, chance(0, 0))
    assert float(photo[..., 0].mean()) > 0.15
    assert float(photo[..., 10:].mean()) < 0.02


def test_every_picture_of_a_batch_has_its_own_blur_as_often_as_the_camera():
    camera = made((line(1, 0), line(9, 0)), weights=torch.tensor([0.25, 0.75]))
    point = torch.zeros(1, 3, 25, 25)
    point[..., 12, 12] = 1
    photos = camera.photograph(point.expand(120, -1, -1, -1), chance(0, 0))
    long = sum(float(photo[..., 8, 4:13].min()) > 0.02 for photo in photos)
    assert long / 120 == pytest.approx(0.75, abs=0.12)


def test_noise_is_drawn_about_its_estimate():
    camera = made((line(1, 0),), sigma=NOISE)
    photos = camera.photograph(torch.full((40, 3, 32, 32), 0.5), chance(0, 0))
    deviations = photos.std((1, 2, 3))
    assert float(deviations.max()) == pytest.approx(1.5 * NOISE, rel=0.1)
    assert float(deviations.max()) > 2 * float(deviations.min())
    silent = made((line(1, 0),)).photograph(torch.full((6, 3, 32, 32), 0.5), chance(0, 0))
    assert float(silent.std()) < 0.003


def test_half_of_the_pictures_are_coded_as_jpeg():
    """Blocks of random greys are no multiple of 8 px, so that coding shows; nothing else changes them."""
    generator = torch.Generator().manual_seed(3)
    blocks = (torch.rand(1, 3, 8, 8, generator=generator) * 255).round() / 255
    picture = blocks.repeat_interleave(5, 2).repeat_interleave(5, 3)
    photos = made((line(1, 0),)).photograph(picture.expand(60, -1, -1, -1), chance(0, 0))
    same = sum(bool((photo - picture[0]).abs().max() < 1e-3) for photo in photos)
    assert 18 <= same <= 42
