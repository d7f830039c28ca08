"""Are both pictures of a pair cut and turned alike, and do splits share no scene?"""

import pytest
import torch

from blurspace.data.layouts import PairFiles
from blurspace.data.pairs import PairPhotos, split_by_scene
from blurspace.errors import NoInputError, UsageError
from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.types import Photo


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def write(path, pixels):
    write_bytes(path, encode_photo(Photo.of(pixels), pixels), overwrite=False)
    return path


def pair_of(folder, name, sharp, blurry, scene="one"):
    return PairFiles(write(folder / f"{name}_sharp.png", sharp), write(folder / f"{name}_blurry.png", blurry), scene)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Blurry is 1 - sharp, so that a pair shows whether both pictures went the same way."""
    folder = tmp_path_factory.mktemp("pairs")
    sharps = [(torch.rand(1, 3, 24 + 4 * n, 32, generator=seeded(n)) * 255).round() / 255 for n in range(3)]
    sharps.append((torch.rand(1, 1, 20, 20, generator=seeded(9)) * 255).round() / 255)
    return [pair_of(folder, n, sharp, 1 - sharp, f"scene {n % 2}") for n, sharp in enumerate(sharps)]


@pytest.fixture(scope="module")
def photos(files):
    return PairPhotos(files)


def test_pairs_are_read(files, photos):
    assert len(photos) == 4
    assert photos.files == files
    assert photos.scenes == ["scene 0", "scene 1"]
    assert photos.skipped == ()
    assert all(pixels.dtype == torch.uint8 for pixels in photos.pairs)
    whole = photos.whole(1)
    assert whole.sharp.shape == whole.blurry.shape == (1, 3, 28, 32)
    torch.testing.assert_close(whole.blurry, 1 - whole.sharp)
    grey = photos.whole(3).sharp
    assert torch.equal(grey[:, :1].expand(-1, 3, -1, -1), grey)
    assert len(PairPhotos(files, limit=2)) == 2


def test_both_pictures_go_the_same_way(photos):
    pair = photos.draw(seeded(), count=64, side=13)
    assert pair.sharp.shape == pair.blurry.shape == (64, 3, 13, 13)
    assert pair.sharp.dtype == torch.float32
    assert 0 <= float(pair.sharp.min()) < float(pair.sharp.max()) <= 1
    torch.testing.assert_close(pair.blurry, 1 - pair.sharp)


def test_all_symmetries_and_nothing_else(tmp_path):
    sharp = (torch.rand(1, 3, 16, 16, generator=seeded()) * 255).round() / 255
    photos = PairPhotos([pair_of(tmp_path, "a", sharp, sharp)])
    pieces = photos.draw(seeded(), count=100, side=16).sharp
    turned = [torch.rot90(sharp[0], turns, (-2, -1)) for turns in range(4)]
    expected = {tuple(one.flatten().tolist()) for two in turned for one in (two, two.flip(-1))}
    assert {tuple(piece.flatten().tolist()) for piece in pieces} == expected


def test_same_seed_same_pairs(photos):
    first, again, other = (photos.draw(seeded(seed), count=8, side=16).sharp for seed in (1, 1, 2))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_small_pairs_are_left_out_of_big_crops(photos):
    assert photos.draw(seeded(), count=20, side=32).sharp.shape == (20, 3, 32, 32)
    with pytest.raises(NoInputError, match="crops of 33 px were wanted and the pairs have at most 32 px on"):
        photos.draw(seeded(), count=1, side=33)


def test_unreadable_files_are_skipped(files, tmp_path):
    (tmp_path / "empty.png").touch()
    photos = PairPhotos([PairFiles(files[0].sharp, tmp_path / "empty.png", "other"), *files])
    assert photos.files == files
    assert len(photos.skipped) == 1
    assert "empty.png is empty" in photos.skipped[0]
    with pytest.raises(NoInputError, match="none of 1 pairs can be read: give sharp and blurry photos"):
        PairPhotos([PairFiles(files[0].sharp, tmp_path / "none.png", "other")])


def test_sizes_differ(tmp_path):
    pair = pair_of(tmp_path, "a", torch.rand(1, 3, 16, 20), torch.rand(1, 3, 18, 20))
    says = r"a_sharp.png has 20 x 16 pixels and its partner \S+a_blurry.png has 20 x 18 pixels: give both in the same"
    with pytest.raises(UsageError, match=says):
        PairPhotos([pair])


def listed(*scenes):
    return [PairFiles(f"{scene}/{n}.png", f"{scene}/b{n}.png", scene) for scene in scenes for n in range(3)]


def test_split_shares_no_scene():
    files = listed(*(f"scene{n:03d}" for n in range(200)))
    train, held_out = split_by_scene(files)
    assert sorted([*train, *held_out], key=files.index) == files
    assert not {pair.scene for pair in train} & {pair.scene for pair in held_out}
    assert 0.05 < len(held_out) / len(files) < 0.15
    fewer = split_by_scene(files[: len(files) // 2])[1]
    assert set(fewer) <= set(held_out)  # a scene stays where it is when others come


@pytest.mark.parametrize("held_out", [0.001, 0.5, 0.999])
def test_each_side_gets_a_scene(held_out):
    train, rest = split_by_scene(listed("a", "b"), held_out=held_out)
    assert len(train) == len(rest) == 3


def test_one_scene_cannot_be_both():
    with pytest.raises(UsageError, match="all pairs are of one scene, shot1, which cannot be both trained on and held"):
        split_by_scene(listed("shot1"))
    with pytest.raises(UsageError, match=r"a share of 1.5 was to be held out: give a number between 0 and 1"):
        split_by_scene(listed("a", "b"), held_out=1.5)
    with pytest.raises(NoInputError, match="no pairs were given"):
        split_by_scene([])
