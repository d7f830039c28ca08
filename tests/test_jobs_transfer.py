"""Is what `transfer` writes a data set of aligned pairs, the same for the same seed, and honest about what failed?"""

import csv
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as Pil

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import extent, line
from blurspace.builders import build_space
from blurspace.codes import BlurBank, read_bank, write_bank
from blurspace.data.layouts import PairFiles, find_pairs
from blurspace.errors import ModelError, NoInputError, OutputError, PictureError, UsageError
from blurspace.io.images import read_kernel, read_photo
from blurspace.io.weights import write_weights
from blurspace.jobs.each import picture_bytes
from blurspace.jobs.files import Source, find_sources
from blurspace.jobs.pairs import inspect_pair, read_pair
from blurspace.jobs.transfer import Draw, extract_bank, plan_names, transfer_files
from blurspace.nets.kernel_space import BasisSpace
from blurspace.restore.blurs import CodeBlur

from .restore.scenes import made_scene

SHAPE = {"count": 4, "side": 5, "stride": 8}
BOX = torch.full((1, 1, 1, 5), 0.2)


@pytest.fixture(scope="module")
def space():
    torch.manual_seed(0)
    return BasisSpace(**SHAPE).requires_grad_(False)


@pytest.fixture
def pair(tmp_path):
    return save_pair(tmp_path / "pair", size=(40, 48))


def save(path, *, seed=0, size=(32, 40), mode="RGB"):
    shape = size if mode == "L" else (*size, len(mode))
    path.parent.mkdir(exist_ok=True)
    Pil.fromarray(np.random.default_rng(seed).integers(0, 255, shape, dtype=np.uint8)).save(path)
    return path


def save_pair(folder, *, seed=0, size):
    """A picture, and the same moved to the side by the mean of five shifts."""
    sharp = save(folder / "s.png", seed=seed, size=size)
    with Pil.open(sharp) as picture:
        values = np.asarray(picture).astype(float)
    blurry = np.mean([np.roll(values, step, axis=1) for step in range(-2, 3)], axis=0)
    Pil.fromarray(blurry.round().astype(np.uint8)).save(folder / "b.png")
    return PairFiles(sharp, folder / "b.png", "")


def bank_of(space, *pairs):
    return extract_bank(pairs, space=space)


def give(space, bank, sources, output, *, overwrite=False, inputs=(), **options):
    draw = Draw(bank, space, **options)
    found = find_sources([str(path) for path in sources])
    return list(transfer_files(found, draw=draw, output=output, overwrite=overwrite, inputs=inputs))


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_output_is_a_data_set_that_layouts_read_back(space, pair, tmp_path):
    photos = [save(tmp_path / "a.png"), save(tmp_path / "wide.png", seed=1, size=(17, 60))]
    made = give(space, bank_of(space, pair), photos, tmp_path / "out", copies=2)
    assert [one.reason for one in made] == [None] * 4
    assert {len(find_pairs(path)) for path in (tmp_path / "out", tmp_path / "out" / "manifest.csv")} == {4}
    files = find_pairs(tmp_path / "out" / "manifest.csv", layout="manifest")
    assert [(one.sharp.name, one.scene) for one in files] == [
        *(("a-2.png", "a"), ("a.png", "a")),  # copies of a picture are one scene
        *(("wide-2.png", "wide"), ("wide.png", "wide")),
    ]
    for one in files:
        both = read_pair(one.sharp, one.blurry)
        assert both.sharp.shape == both.blurry.shape
        assert not torch.equal(both.sharp, both.blurry)
    assert torch.equal(read_photo(tmp_path / "out" / "sharp" / "a.png").pixels, read_photo(photos[0]).pixels)
    rows = list(csv.DictReader((tmp_path / "out" / "manifest.csv").read_text().splitlines()))
    assert list(rows[0]) == ["sharp", "blurry", "scene", "source", "code"]
    assert (rows[0]["source"], rows[0]["code"]) == (f"{pair.sharp} -> {pair.blurry}", "0")


def test_blur_is_that_of_the_pair(space, pair, tmp_path):
    """Onto the pair's own sharp picture it makes what the space explains of the blurry one."""
    give(space, bank_of(space, pair), [pair.sharp], tmp_path / "out")
    known = read_pair(pair.sharp, pair.blurry)
    expected = space.reblur(known.sharp, space.extract(known.sharp, known.blurry)).clamp(0, 1)
    found = read_photo(tmp_path / "out" / "blur" / "s.png").pixels
    assert (found - expected).abs().max() < 2 / 255  # rounding, and float16 codes


def test_two_equal_pictures_change_nothing(space, pair, tmp_path):
    bank = bank_of(space, PairFiles(pair.sharp, pair.sharp, ""))
    (made,) = give(space, bank, [save(tmp_path / "a.png", seed=3)], tmp_path / "out")
    blurry, sharp = read_photo(made.output).pixels, read_photo(made.sharp).pixels
    assert (blurry - sharp).abs().max() <= 1 / 255 + 1e-6


def test_same_seed_same_bytes_another_seed_another_blur(space, tmp_path):
    pairs = [save_pair(tmp_path / str(index), seed=index, size=(64, 64)) for index in range(3)]
    bank, photo = bank_of(space, *pairs), save(tmp_path / "a.png", seed=9)
    folders = [tmp_path / name for name in ("one", "two", "other")]
    wanted = zip(folders, (1, 1, 2), strict=True)
    made = [give(space, bank, [photo], folder, seed=seed, copies=2) for folder, seed in wanted]
    first, again, other = map(contents, folders)
    assert first == again
    assert first["sharp/a.png"] == other["sharp/a.png"]
    assert first["blur/a.png"] != other["blur/a.png"]
    assert len({one.code for one in made[0]}) == 2  # copies get different blurs


def test_copies_beyond_the_bank_repeat_its_blurs_elsewhere(space, pair, tmp_path):
    made = give(space, bank_of(space, pair), [save(tmp_path / "a.png", size=(16, 16))], tmp_path / "out", copies=3)
    assert [one.code for one in made] == [0, 0, 0]
    assert len({Path(one.output).read_bytes() for one in made}) > 1


def test_centred_blur_moves_nothing(space, pair, tmp_path):
    bank = bank_of(space, pair)
    moved = BlurBank(tuple(code + 0.3 for code in bank.codes), bank.sources, bank.space)
    ((_, plain),) = Draw(moved, space).blurred(read_photo(pair.sharp).pixels, 0)
    ((_, centred),) = Draw(moved, space, centred=True).blurred(read_photo(pair.sharp).pixels, 0)
    assert not torch.equal(plain, centred)
    kernel = space.kernels(space.centred(moved.codes[0].float())[:, :-1].mean((2, 3), keepdim=True))[0, 0, 0]
    steps = torch.arange(5.0) - 2
    assert float((kernel.sum(0) @ steps).abs()) < 1e-4
    assert float((kernel.sum(1) @ steps).abs()) < 1e-4


def test_grey_and_16_bits_stay_and_alpha_is_told(space, pair, tmp_path):
    deep = tmp_path / "deep.tif"
    tifffile.imwrite(deep, np.random.default_rng(0).integers(0, 65535, (20, 20, 3), dtype=np.uint16), photometric="rgb")
    photos = [save(tmp_path / "grey.png", mode="L"), save(tmp_path / "alpha.png", mode="RGBA"), deep]
    made = give(space, bank_of(space, pair), photos, tmp_path / "out")
    assert [one.left_out for one in made] == [(), ("alpha",), ("EXIF",)]
    read = [read_photo(one.output) for one in made]
    assert [(one.pixels.shape[1], one.alpha, one.depth) for one in read] == [(1, None, 8), (3, None, 8), (3, None, 16)]
    assert torch.equal(read_photo(made[2].sharp).pixels, read_photo(deep).pixels)


def test_bank_round_trip_gives_the_same_bytes(space, pair, tmp_path):
    weights = tmp_path / "space.safetensors"
    write_weights(weights, {"space": space}, about={"architecture": {"space": SHAPE}})
    bank = extract_bank([pair], space=space)
    write_bank(tmp_path / "bank", bank)
    again = read_bank(tmp_path / "bank").of(space)
    photo = save(tmp_path / "a.png")
    give(space, bank, [photo], tmp_path / "one")
    give(space, again, [photo], tmp_path / "two")
    assert contents(tmp_path / "one") == contents(tmp_path / "two")
    with pytest.raises(ModelError, match="another kernel space"):
        again.of(BasisSpace(**SHAPE))
    with pytest.raises(ModelError, match="no blur bank"):
        read_bank(weights)


def test_names_are_unique_whatever_the_inputs_are_called():
    names = ["x/a.png", "y/A.jpg", "a-2.png", "-", ".hidden.png", "line\nbreak.png"]
    plan = plan_names([Source(name) for name in names], 2)
    flat = [name.casefold() for own in plan for name in own]
    assert len(set(flat)) == len(flat) == 12
    assert plan[0] == ["a.png", "a-2.png"]
    assert [own[0] for own in plan[3:]] == ["picture.png", "hidden.png", "line_break.png"]


def test_a_bad_file_stops_nothing_and_keeps_the_others_blurs(space, pair, tmp_path):
    good = [save(tmp_path / "a.png"), save(tmp_path / "c.png", seed=2)]
    bad = tmp_path / "b.png"
    bad.write_bytes(b"")
    bank = bank_of(space, pair)
    made = give(space, bank, [good[0], bad, good[1]], tmp_path / "out")
    assert [one.exit_code for one in made] == [0, 1, 0]
    assert "empty" in made[1].reason
    assert made[1].output is None
    save(bad)
    assert give(space, bank, [good[0], bad, good[1]], tmp_path / "all")[2].code is not None
    assert contents(tmp_path / "all")["blur/c.png"] == contents(tmp_path / "out")["blur/c.png"]


def test_nothing_is_left_where_nothing_was_made(space, pair, tmp_path):
    bad = tmp_path / "b.png"
    bad.write_text("text")
    assert give(space, bank_of(space, pair), [bad], tmp_path / "out")[0].exit_code == 1
    assert not (tmp_path / "out").exists()


def test_half_a_pair_is_never_left(space, pair, tmp_path, monkeypatch):
    from blurspace.jobs import files

    real = files.write_bytes

    def write(path, data, *, overwrite):
        if path.parent.name == "blur":
            raise OutputError("the disk is full")
        real(path, data, overwrite=overwrite)

    monkeypatch.setattr(files, "write_bytes", write)
    (made,) = give(space, bank_of(space, pair), [save(tmp_path / "a.png")], tmp_path / "out")
    assert made.reason == "the disk is full"
    assert not (tmp_path / "out").exists()


def test_interrupted_work_leaves_a_manifest(space, pair, tmp_path):
    photos = find_sources([str(save(tmp_path / name)) for name in ("a.png", "b.png")])
    work = transfer_files(photos, draw=Draw(bank_of(space, pair), space), output=tmp_path / "out")
    next(work)
    work.close()
    assert [one.sharp.name for one in find_pairs(tmp_path / "out" / "manifest.csv")] == ["a.png"]


def test_folder_that_is_not_empty_and_inputs_are_safe(space, pair, tmp_path):
    bank, out = bank_of(space, pair), tmp_path / "out"
    photo = save(tmp_path / "a.png")
    give(space, bank, [photo], out)
    with pytest.raises(OutputError, match="not empty"):
        give(space, bank, [photo], out)
    with pytest.raises(OutputError, match="is a file"):
        give(space, bank, [photo], photo)
    before = contents(out)
    assert give(space, bank, [photo], out, overwrite=True)[0].reason is None
    assert contents(out) == before
    (refused,) = give(space, bank, [out / "sharp" / "a.png"], out, overwrite=True)
    assert "never overwritten" in refused.reason
    with pytest.raises(OutputError, match="never overwritten"):
        give(space, bank, [photo], out, overwrite=True, inputs=[out / "manifest.csv"])
    assert contents(out) == before


def test_bad_pairs_are_refused_in_a_sentence(space, pair, tmp_path):
    other = save(tmp_path / "other.png", size=(40, 47))
    (tmp_path / "bad.png").write_bytes(b"")
    with pytest.raises(UsageError, match=r"s\.png has 48 x 40 pixels and its partner .*other\.png has 47 x 40"):
        bank_of(space, PairFiles(pair.sharp, other, ""))
    with pytest.raises(NoInputError, match="does not exist"):
        bank_of(space, PairFiles(pair.sharp, tmp_path / "none.png", ""))
    with pytest.raises(PictureError, match="empty"):
        bank_of(space, PairFiles(tmp_path / "bad.png", pair.blurry, ""))


def test_a_grey_partner_gets_equal_channels(pair, tmp_path):
    grey = save(tmp_path / "grey.png", size=(40, 48), mode="L")
    both = read_pair(pair.sharp, grey)
    assert both.blurry.shape == both.sharp.shape
    assert torch.equal(both.blurry[:, 0], both.blurry[:, 2])


@pytest.mark.parametrize("size", [(16, 200), (40, 48)])
def test_inspect_pair(space, tmp_path, size):
    pair = save_pair(tmp_path / "pair", size=size)
    files = {"save": tmp_path / "k.tiff", "plot": tmp_path / "k.png"}
    record = inspect_pair(pair.sharp, pair.blurry, space=space, **files)
    assert record["cells"] == [-(-size[0] // 8), -(-size[1] // 8)]
    assert record["reblur_psnr"] > record["sharp_psnr"]
    assert record["exponent"] >= 1
    assert record["size"] == 5
    kernel = read_kernel(tmp_path / "k.tiff")
    both = read_pair(pair.sharp, pair.blurry)
    assert torch.allclose(kernel, CodeBlur(space.extract(both.sharp, both.blurry), space).kernel, atol=1e-6)
    with Pil.open(tmp_path / "k.png") as picture:
        assert picture.size == (2 * max(64, size[1]), max(64, size[0]))
    with pytest.raises(OutputError, match="exists already"):
        inspect_pair(pair.sharp, pair.blurry, space=space, **files)
    with pytest.raises(OutputError, match="never overwritten"):
        inspect_pair(pair.sharp, pair.blurry, space=space, plot=pair.sharp, overwrite=True)


@pytest.mark.parametrize("length", [7, 15])
def test_a_line_is_told_as_long_as_it_is(tmp_path, length):
    sharp, blurry = tmp_path / "s.png", tmp_path / "b.png"
    picture = made_scene(128, seed=0, channels=3)
    for path, pixels in ((sharp, picture), (blurry, blur(picture, line(length, 20.0)).clamp(0, 1))):
        path.write_bytes(picture_bytes(pixels))
    record = inspect_pair(sharp, blurry, space=build_space(), save=tmp_path / "k.tiff")
    assert record["length_px"] == pytest.approx(length, abs=1.5)
    assert extent(read_kernel(tmp_path / "k.tiff"))[0] == pytest.approx(length, abs=1.5)


def test_inspect_two_equal_pictures(space, pair):
    record = inspect_pair(pair.sharp, pair.sharp, space=space)
    assert record["sharp_psnr"] is None  # infinite
    assert (record["length_px"], record["exponent"]) == (1.0, 1.0)
