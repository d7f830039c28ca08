"""Are the triplets what the formula says, and the photos those of the folder?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.data.crops import SharpPhotos
from blurspace.data.triplets import draw_kernels, draw_triplets
from blurspace.errors import NoInputError, UsageError
from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.types import Photo


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def write(path, pixels):
    write_bytes(path, encode_photo(Photo.of(pixels), pixels), overwrite=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    for index in range(5):
        write(folder / f"{index}.png", torch.rand(1, 3, 90 + index, 100, generator=seeded(index)))
    write(folder / "grey.png", torch.rand(1, 1, 40, 40, generator=seeded(9)))
    return folder


@pytest.fixture(scope="module")
def photos(folder):
    return SharpPhotos(folder)


def draw(photos, seed=0, **changes):
    settings = {"count": 4, "side": 48, "kernel_side": 15, "extents": (3, 15), "sigmas": (0.0, 0.0)} | changes
    return draw_triplets(photos, seeded(seed), **settings)


@pytest.mark.parametrize("other_share", [0.0, 1.0])
def test_plain_is_the_formula(photos, other_share):
    found = draw(photos, other_share=other_share, count=8)
    assert found.sharp.shape == found.blurry.shape == (8, 3, 48, 48)
    assert found.kernel.shape == (8, 1, 15, 15)
    inner = blur(found.sharp, found.kernel, border="valid")
    torch.testing.assert_close(found.blurry[..., 7:-7, 7:-7], inner, atol=1e-5, rtol=0)
    assert float(found.sharp.min()) >= 0 and float(found.sharp.max()) <= 1  # noqa: PT018


def test_nothing_is_made_up_beyond_the_frame(tmp_path):
    """A constant photo stays constant up to the edge, and a crop with all of its kernel needs more than its side."""
    for name in "ab":
        write(tmp_path / f"{name}.png", torch.full((1, 3, 62, 62), 0.4))
    found = draw(SharpPhotos(tmp_path))
    torch.testing.assert_close(found.blurry, torch.full_like(found.blurry, 0.4), atol=1e-5, rtol=0)
    with pytest.raises(NoInputError, match=r"crops of 63 px were wanted .* at most 62 px"):
        draw(SharpPhotos(tmp_path), side=49)


def test_noise_is_sigma(photos):
    clean, noisy = draw(photos), draw(photos, sigmas=(0.02, 0.1))
    measured = (noisy.blurry - clean.blurry).std((1, 2, 3))
    torch.testing.assert_close(measured, noisy.sigma, rtol=0.05, atol=0)
    assert 0.02 <= float(noisy.sigma.min()) < float(noisy.sigma.max()) <= 0.1


def test_rich_has_a_response_saturates_and_has_8_bits(photos):
    found = draw(photos, camera="rich", count=16)
    assert float((found.blurry * 255 - (found.blurry * 255).round()).abs().max()) < 1e-4
    assert 0.01 < float((found.sharp == 1).float().mean()) < 0.5
    # Where nothing saturates the blur happened in linear light.
    errors = []
    for response in ("srgb", "gamma 2.2"):
        reblurred = to_display(blur(to_linear(found.sharp, response), found.kernel, border="valid"), response)
        dark = found.sharp.amax((1, 2, 3)) < 1
        errors.append(float((reblurred - found.blurry[..., 7:-7, 7:-7])[dark].abs().max()))
    assert bool(dark.any())
    assert min(errors) < 1.5 / 255
    noisy = draw(photos, camera="rich", count=16, sigmas=(0.03, 0.03))
    assert 0.01 < float((noisy.blurry - found.blurry).std()) < 0.06


def test_same_seed_same_triplets(photos):
    one, other, third = draw(photos, camera="rich"), draw(photos, camera="rich"), draw(photos, seed=1)
    assert torch.equal(one.blurry, other.blurry)
    assert not torch.equal(one.kernel, third.kernel)


def test_split_and_to(photos):
    whole = draw(photos)
    pieces = whole.to("cpu").split(3)
    assert [len(piece.sigma) for piece in pieces] == [3, 1]
    assert torch.equal(torch.cat([piece.kernel for piece in pieces]), whole.kernel)


@pytest.mark.parametrize("other_share", [0.0, 1.0])
def test_kernels_are_kernels_centred_and_as_wide_as_asked(other_share):
    kernels = draw_kernels(seeded(), count=60, kernel_side=31, extents=(5, 9), other_share=other_share)
    assert kernels.shape == (60, 1, 31, 31)
    assert float(kernels.min()) >= 0
    torch.testing.assert_close(kernels.sum((1, 2, 3)), torch.ones(60))
    steps = torch.arange(31.0) - 15
    assert float((kernels.sum(2) * steps).sum(-1).abs().max()) < 1e-4
    assert float(kernels[..., :10].abs().max()) == 0
    assert float(draw_kernels(seeded(), count=9, kernel_side=5, extents=(1, 1), other_share=1)[..., 2, 2].min()) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"extents": (3, 17)}, "extents are"),
        ({"extents": (9, 3)}, "extents are"),
        ({"kernel_side": 14}, "odd"),
        ({"count": 0}, "1 or more"),
        ({"sigmas": (0.1, 0.0)}, "sigmas are"),
    ],
)
def test_impossible_numbers(photos, wrong, words):
    with pytest.raises(UsageError, match=words):
        draw(photos, **wrong)


def test_photos_are_read_once_as_bytes(photos):
    assert len(photos.photos) == 6
    assert all(photo.dtype == torch.uint8 and photo.shape[0] == 3 for photo in photos.photos)
    crop = photos.crop(seeded(), side=40)
    assert crop.shape == (1, 3, 40, 40)
    assert 0 <= float(crop.min()) < float(crop.max()) <= 1


def test_crops_are_pieces_turned_all_eight_ways(tmp_path):
    pixels = torch.arange(16 * 16 * 3).view(1, 3, 16, 16) % 251 / 255
    write(tmp_path / "one.png", pixels)
    photos, generator = SharpPhotos(tmp_path), seeded()
    whole = {tuple((photos.crop(generator, side=16) * 255).round().flatten().tolist()) for _ in range(100)}
    assert len(whole) == 8
    assert tuple((pixels * 255).round().flatten().tolist()) in whole


def test_the_parts_share_no_photo(folder):
    training, held_out = SharpPhotos(folder, part="train"), SharpPhotos(folder, part="held out")
    assert len(training.photos) + len(held_out.photos) == 6
    assert len(held_out.photos) >= 1
    for one in held_out.photos:
        assert not any(torch.equal(one, other) for other in training.photos)
    assert len(SharpPhotos(folder, limit=2).photos) == 2


def test_folders_that_do_not_serve(tmp_path):
    with pytest.raises(NoInputError, match="no picture was found"):
        SharpPhotos(tmp_path)
    with pytest.raises(NoInputError, match="not a folder"):
        SharpPhotos(tmp_path / "none")
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    with pytest.raises(NoInputError, match="can be read"):
        SharpPhotos(tmp_path)
    with pytest.raises(NoInputError, match="give two or more"):
        SharpPhotos(tmp_path, part="train")
    write(tmp_path / "good.png", torch.rand(1, 3, 20, 20))
    photos = SharpPhotos(tmp_path)
    assert len(photos.photos) == 1
    assert "bad.png" in photos.skipped[0]
    with pytest.raises(NoInputError, match=r"crops of 30 px .* at most 20 px"):
        photos.crop(seeded(), side=30)
