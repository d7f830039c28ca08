"""Are baselines' pictures spoilt as published: lines of 3 to 7 px, shuffled degradations, light that saturates?"""

import math

import pytest
import torch

from blurspace.blur.exposure import to_linear
from blurspace.blur.kernels import extent
from blurspace.data import degradations
from blurspace.data.crops import SharpPhotos
from blurspace.errors import NoInputError
from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.types import Photo

SIDE = 32
SOURCES = {
    "lines": degradations.from_lines,
    "practical": degradations.from_practical_degradation,
    "realistic": degradations.from_realistic_synthesis,
}


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def folder_of(folder, *pictures):
    for index, picture in enumerate(pictures):
        write_bytes(folder / f"{index}.png", encode_photo(Photo.of(picture), picture), overwrite=False)
    return SharpPhotos(folder)


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    blocks = [torch.rand(1, 3, 16, 16, generator=seeded(seed)).repeat_interleave(6, 2) for seed in range(3)]
    return folder_of(tmp_path_factory.mktemp("photos"), *(one.repeat_interleave(6, 3) for one in blocks))


@pytest.mark.parametrize("name", SOURCES)
def test_size_range_and_the_same_for_the_same_seed(photos, name):
    draw = SOURCES[name](photos, side=SIDE)
    first, again, other = (draw(seeded(seed), 3) for seed in (1, 1, 2))
    for picture in (first.sharp, first.blurry):
        assert picture.shape == (3, 3, SIDE, SIDE)
        assert picture.dtype == torch.float32
        assert 0 <= float(picture.min()) < float(picture.max()) <= 1
    assert torch.equal(first.sharp, again.sharp)
    assert torch.equal(first.blurry, again.blurry)
    assert not torch.equal(first.blurry, other.blurry)


@pytest.mark.parametrize("name", SOURCES)
def test_pictures_change_keep_their_mean_and_have_8_bits(photos, name):
    pair = SOURCES[name](photos, side=SIDE)(seeded(), 12)
    assert ((pair.sharp - pair.blurry).abs().mean((1, 2, 3)) > 0.005).all()
    response = "srgb" if name == "realistic" else "linear"  # in what the blur is a mean
    sharp, blurry = (to_linear(one, response).mean((1, 2, 3)) for one in (pair.sharp, pair.blurry))
    assert (sharp - blurry).abs().mean() < 0.02
    torch.testing.assert_close(pair.blurry * 255, (pair.blurry * 255).round(), atol=1e-4, rtol=0)


@pytest.mark.parametrize("name", SOURCES)
def test_photos_that_are_too_small_are_refused(photos, name):
    with pytest.raises(NoInputError, match="crops of"):
        SOURCES[name](photos, side=95)(seeded(), 1)


def test_lines_are_3_to_7_px_long_at_any_angle(tmp_path):
    """What a single bright pixel becomes is the kernel."""
    point = torch.zeros(1, 3, 39, 39)
    point[..., 19, 19] = 1
    pair = degradations.from_lines(folder_of(tmp_path, point), side=33)(seeded(), 60)
    kernels = [one[None, :1] for one in pair.blurry if float(one.sum()) > 2.9]  # all of its light is in the crop
    found = [extent(kernel) for kernel in kernels]
    assert len(found) > 30
    lengths = sorted(length for length, _ in found)
    assert 2.5 < lengths[0] < 3.8
    assert 6.2 < lengths[-1] < 8
    assert len({int(angle // 45) for _, angle in found}) == 4


def test_a_gaussian_has_its_variances_and_its_angle():
    kernel = degradations.gaussian_kernel(41, (9.0, 1.0), angle=30)
    assert kernel.sum().item() == pytest.approx(1)
    steps = torch.arange(41.0) - 20
    wide, tall = (kernel[0, 0].sum(axis) @ steps**2 for axis in (0, 1))
    assert wide.item() == pytest.approx(9 * 0.75 + 1 * 0.25, rel=0.01)
    assert tall.item() == pytest.approx(9 * 0.25 + 1 * 0.75, rel=0.01)
    assert extent(kernel)[1] == pytest.approx(30, abs=0.1)


def test_a_narrow_gaussian_is_no_blur():
    kernel = degradations.gaussian_kernel(7, (0.01, 0.01), angle=0)
    assert kernel[0, 0, 3, 3] == pytest.approx(1)


def test_the_noise_has_the_published_deviations_and_correlations():
    grey = torch.full((1, 3, 64, 64), 0.5)
    generator, kinds = seeded(), {"full": 0, "none": 0, "some": 0}
    for _ in range(60):
        noise = (degradations._noisy(grey, generator) - grey)[0].flatten(1)
        assert 0.9 < float(noise.std()) * 255 < 25 * 1.1
        most = float((noise.corrcoef() - torch.eye(3)).abs().max())
        kinds["full" if most > 0.9999 else "none" if most < 0.06 else "some"] += 1
    assert kinds["full"] > 12
    assert kinds["none"] > 12
    assert 3 < kinds["some"] < 25


def test_steps_of_the_practical_degradation_keep_the_size_and_differ():
    picture = torch.rand(1, 3, 48, 40, generator=seeded())
    for step in degradations.PRACTICAL_STEPS:
        made = [step(picture, seeded(seed)) for seed in range(8)]
        assert {one.shape for one in made} == {picture.shape}
        assert sum(not torch.equal(one, picture) for one in made) > 3


def test_every_order_comes(photos):
    """Two steps that do not commute."""
    steps = (lambda picture, _: picture * 0.5, lambda picture, _: picture * 0 + 0.8)
    pair = degradations.from_practical_degradation(photos, side=SIDE, steps=steps)(seeded(), 20)
    levels = {round(float(one.mean()), 1) for one in pair.blurry}
    assert levels == {0.4, 0.8}


def test_saturated_light_spreads_further_than_its_clipped_value(tmp_path):
    """Beside white, a blurred edge is brighter than the mean of what the photo shows."""
    silent = degradations.Sensor(shot=(1e-9, 1e-9))
    means = []
    for name, white in (("white", 1.0), ("nearly", 254 / 255)):
        (tmp_path / name).mkdir()
        stripes = torch.zeros(1, 3, 72, 72)
        stripes[..., (torch.arange(72) // 6) % 2 == 0] = white
        folder = folder_of(tmp_path / name, stripes)
        pair = degradations.from_realistic_synthesis(folder, side=40, sensor=silent)(seeded(), 6)
        assert pair.sharp.max() == pytest.approx(white, abs=1e-5)
        means.append(float(to_linear(pair.blurry).mean() - to_linear(pair.sharp).mean()))
    assert abs(means[1]) < 0.02
    assert means[0] > 0.05


def test_sensor_noise_follows_the_line_of_its_source():
    for shot in (1e-4, 0.012):
        sensor = degradations.Sensor(shot=(shot, shot), spread=0.0)
        read = math.exp(2.18 * math.log(shot) + 1.20)
        for light in (0.0, 0.5):
            noisy = sensor.noisy(torch.full((1, 3, 128, 128), light), seeded())
            assert float(noisy.std()) == pytest.approx(math.sqrt(read + shot * light), rel=0.03)
