"""Are the pairs of each source of the wanted size, aligned, and the same for the same seed?"""

import pytest
import torch

from blurspace.blur.cameras import CAMERAS, SceneCamera
from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_linear
from blurspace.blur.kernels import delta, line
from blurspace.data import sources
from blurspace.data.crops import SharpPhotos
from blurspace.data.layouts import PairFiles
from blurspace.data.pairs import PairPhotos
from blurspace.errors import NoInputError
from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.types import Pair, Photo

SIDE = 40
STILL = SceneCamera("linear", 5, (0, 0), 0.0, (0, 2), (0, 0))


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def write(path, pixels):
    write_bytes(path, encode_photo(Photo.of(pixels), pixels), overwrite=False)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for index in range(3):
        write(folder / f"{index}.png", torch.rand(1, 3, 80 + index, 90, generator=seeded(index)))
    return folder


@pytest.fixture(scope="module")
def photos(folder):
    return SharpPhotos(folder)


@pytest.fixture(scope="module")
def pairs(folder, tmp_path_factory):
    """Blurry is 1 - sharp."""
    others = tmp_path_factory.mktemp("others")
    sharp = (torch.rand(1, 3, 60, 60, generator=seeded(7)) * 255).round() / 255
    return PairPhotos([PairFiles(write(others / "a.png", sharp), write(others / "b.png", 1 - sharp), "one")])


def every_source(photos, pairs):
    return {
        "pairs": sources.from_pairs(pairs.pairs, side=SIDE),
        "shakes": sources.from_shakes(photos, side=SIDE, kernel_side=9, extents=(3, 9)),
        "kernels": sources.from_kernels(photos, [line(7, 30), line(5, 100)], side=SIDE),
        "hand": sources.from_scenes(photos, CAMERAS["hand"], side=SIDE),
        "wheel": sources.from_scenes(photos, CAMERAS["wheel"], side=SIDE),
        "mixed": sources.mixed(
            [sources.from_pairs(pairs.pairs, side=SIDE), sources.from_scenes(photos, STILL, side=SIDE)]
        ),
    }


@pytest.mark.parametrize("name", ["pairs", "shakes", "kernels", "hand", "wheel", "mixed"])
def test_size_range_and_the_same_for_the_same_seed(photos, pairs, name):
    draw = every_source(photos, pairs)[name]
    first, again, other = (draw(seeded(seed), 3) for seed in (1, 1, 2))
    for picture in (first.sharp, first.blurry):
        assert picture.shape == (3, 3, SIDE, SIDE)
        assert picture.dtype == torch.float32
        assert -1e-5 <= float(picture.min()) < float(picture.max()) <= 1 + 1e-5
    assert torch.equal(first.sharp, again.sharp)
    assert torch.equal(first.blurry, again.blurry)
    assert not torch.equal(first.sharp, other.sharp)
    assert (first.sharp - first.blurry).abs().mean() > 0.01


def test_pairs_stay_pairs(pairs):
    pair = sources.from_pairs(pairs.pairs, side=SIDE)(seeded(), 5)
    torch.testing.assert_close(pair.blurry, 1 - pair.sharp)


@pytest.mark.parametrize("response", ["linear", "srgb"])
def test_kernels_that_change_nothing_leave_the_pair_equal(photos, response):
    """To 8 bits, and where another kernel is bigger."""
    draw = sources.from_kernels(photos, [delta(1), delta(9)], side=SIDE, response=response)
    pair = draw(seeded(), 6)
    torch.testing.assert_close(pair.blurry, pair.sharp, atol=1e-6, rtol=0)


@pytest.mark.parametrize("response", ["linear", "srgb"])
def test_each_picture_is_blurred_by_one_of_the_kernels(photos, response):
    kernels = [line(7, 30, size=9), line(5, 100, size=5)]
    pair = sources.from_kernels(photos, kernels, side=SIDE, response=response)(seeded(), 8)
    sharp, blurry = (to_linear(one, response) for one in (pair.sharp, pair.blurry))
    wrong = torch.stack([(blur(sharp, kernel) - blurry)[..., 4:-4, 4:-4].abs().amax((1, 2, 3)) for kernel in kernels])
    assert (wrong.min(0).values < 3 / 255).all()
    assert (wrong.max(0).values > 20 / 255).all()
    assert set(wrong.argmin(0).tolist()) == {0, 1}


def test_what_is_beyond_the_crop_moves_in(photos):
    """The blurry crop's first column holds light of the photo's column before it, not of a repeated edge."""
    kernel = delta(3).roll(1, -1)
    pair = sources.from_kernels(photos, [kernel], side=SIDE)(seeded(), 2)
    torch.testing.assert_close(pair.blurry[..., 1:], pair.sharp[..., :-1], atol=1e-6, rtol=0)
    assert (pair.blurry[..., 0] - pair.sharp[..., 0]).abs().mean() > 0.1


def test_shakes_are_centred_and_noise_is_theirs(photos):
    pair = sources.from_shakes(photos, side=SIDE, kernel_side=9, extents=(1, 1))(seeded(), 3)
    torch.testing.assert_close(pair.blurry, pair.sharp, atol=1e-5, rtol=0)
    noisy = sources.from_shakes(photos, side=SIDE, kernel_side=9, extents=(1, 1), sigmas=(0.05, 0.05))(seeded(), 3)
    assert (noisy.blurry - noisy.sharp).std().item() == pytest.approx(0.05, rel=0.05)


def test_scenes_in_which_nothing_moves(photos):
    pair = sources.from_scenes(photos, STILL, side=SIDE)(seeded(), 4)
    assert (pair.blurry - pair.sharp).abs().max() < 0.5 / 255


@pytest.mark.parametrize("side", [8, 33, 48])
def test_scenes_are_as_big_as_wanted(photos, side):
    assert sources.from_scenes(photos, CAMERAS["wheel"], side=side)(seeded(), 1).sharp.shape == (1, 3, side, side)


def test_too_small_photos_are_refused(photos):
    room = 2 * sources.SCENE_MARGIN
    with pytest.raises(NoInputError, match=f"crops of {60 + room} px"):
        sources.from_scenes(photos, CAMERAS["wheel"], side=60)(seeded(), 1)
    with pytest.raises(NoInputError, match="crops of 86 px"):
        sources.from_kernels(photos, [delta(7)], side=80)(seeded(), 1)


def test_mixed_takes_each_source_alike():
    """Four sources, each of its own grey."""

    def grey(value):
        return lambda generator, count: Pair(*(torch.full((count, 3, 2, 2), value) for _ in range(2)))

    drawn = sources.mixed([grey(float(value)) for value in range(4)])(seeded(), 400)
    counts = drawn.sharp[:, 0, 0, 0].long().bincount()
    assert len(counts) == 4
    assert counts.min() > 75
    assert torch.equal(drawn.sharp, drawn.blurry)
