"""Is every kind of blur drawn by its seed, through the right camera, into a file that keeps what it had?"""

import io

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as Pil

from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import disk, gaussian, line
from blurspace.codes import BlurBank, write_bank
from blurspace.errors import ModelError, NoInputError, PictureError, UsageError
from blurspace.io.images import read_kernel, read_photo, write_kernel
from blurspace.io.weights import write_weights
from blurspace.jobs.blur import blur_files, find_sharp
from blurspace.jobs.kinds import KERNELS, KINDS, Options, plan_blur
from blurspace.nets.kernel_space import BasisSpace

FLAT = {"shake": 5, "line": 5, "disk": 2, "gaussian": 1, "rotation": 5, "scene": "hand"}


@pytest.fixture
def photo(tmp_path):
    return save(tmp_path / "photo.png")


@pytest.fixture
def shapes(tmp_path):
    """Weights of a tiny kernel space, and a bank of two of its codes."""
    torch.manual_seed(0)
    weights, bank = tmp_path / "space.safetensors", tmp_path / "bank.safetensors"
    size = {"count": 4, "side": 5, "stride": 8, "latent": 3}
    space = BasisSpace(**size)
    write_weights(weights, {"space": space}, about={"architecture": {"space": size}})
    codes = tuple(0.2 * torch.randn(1, 5, 2, 3) for _ in range(2))
    write_bank(bank, BlurBank(codes, ("a", "b"), space.fingerprint()))
    return weights, bank


def save(path, *, seed=0, shape=(40, 48, 3)):
    smooth = np.random.default_rng(seed).integers(0, 255, (shape[0] // 4, shape[1] // 4, *shape[2:]), dtype=np.uint8)
    Pil.fromarray(smooth.repeat(4, 0).repeat(4, 1)).save(path)
    return path


def run(*paths, options=None, **more):
    return list(blur_files(find_sharp([str(path) for path in paths]), options or plan_blur("shake", 5), **more))


def pixels(path):
    return read_photo(path).pixels


def plan(kind, shapes=(None, None), **options):
    weights, bank = shapes
    if kind in ("code", "sample"):
        return plan_blur(kind, str(bank) if kind == "code" else 0.0, space=weights, **options)
    return plan_blur(kind, FLAT[kind], **options)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "kernel"])
def test_same_seed_same_bytes(photo, shapes, kind):
    result = photo.with_name("photo.blurred.png")
    options = plan(kind, shapes)
    (done,) = run(photo, options=options)
    first = result.read_bytes()
    assert (done.reason, done.output, done.kind) == (None, str(result), kind)
    assert (done.kernel is not None) == (kind in KERNELS)
    assert not torch.equal(pixels(result), pixels(photo))
    assert (pixels(result) - pixels(photo)).mean().abs() < 0.1
    run(photo, options=options, overwrite=True)
    assert result.read_bytes() == first
    run(photo, options=options, seed=1, overwrite=True)
    if kind in ("shake", "rotation", "scene", "sample"):
        assert result.read_bytes() != first


def test_without_an_index_it_is_any_code_of_the_bank(photo, shapes):
    found = set()
    for seed in range(8):
        (done,) = run(photo, options=plan("code", shapes), seed=seed, overwrite=True)
        found.add(photo.with_name("photo.blurred.png").read_bytes())
        assert done.seed == seed
    codes = [run(photo, options=plan("code", shapes, index=index), overwrite=True, output="-") for index in (0, 1)]
    assert len(found) == 2
    assert {done.data for (done,) in codes} == found


def test_pictures_of_a_batch_differ_and_do_not_depend_on_a_bad_one(photo, tmp_path):
    same = tmp_path / "same.png"
    same.write_bytes(photo.read_bytes())
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"text")
    run(photo, bad, same)
    first = (tmp_path / "photo.blurred.png").read_bytes()
    third = (tmp_path / "same.blurred.png").read_bytes()
    assert first != third
    save(bad)
    done = run(photo, bad, same, overwrite=True)
    assert [one.exit_code for one in done] == [0, 0, 0]
    assert (tmp_path / "same.blurred.png").read_bytes() == third


@pytest.mark.parametrize("kind", ["shake", "line", "rotation"])
def test_one_pixel_is_no_blur(photo, kind):
    run(photo, options=plan_blur(kind, 1.0))
    assert (pixels(photo.with_name("photo.blurred.png")) - pixels(photo)).abs().max() <= 1.01 / 255


@pytest.mark.parametrize(
    ("kind", "value", "more", "kernel"),
    [("line", 4, {"angle": 30.0}, line(4, 30)), ("disk", 2.5, {}, disk(2.5)), ("gaussian", 1.2, {}, gaussian(1.2))],
)
def test_given_kernels_are_what_they_are_called(photo, tmp_path, kind, value, more, kernel):
    (done,) = run(photo, options=plan_blur(kind, value, **more), save_kernel=tmp_path / "k.tiff")
    assert torch.allclose(read_kernel(tmp_path / "k.tiff"), kernel)
    assert done.kernel["size"] == kernel.shape[-1]
    assert done.kernel["confidence"] is None


@pytest.mark.parametrize("response", ["srgb", "linear"])
def test_a_kernel_file_is_photographed(photo, tmp_path, response):
    write_kernel(tmp_path / "k.tiff", line(5, 20), overwrite=False)
    options = plan_blur("kernel", str(tmp_path / "k.tiff"), response=response)
    run(photo, options=options)
    expected = photograph(pixels(photo), read_kernel(tmp_path / "k.tiff"), response=response)
    assert (pixels(photo.with_name("photo.blurred.png")) - expected).abs().max() < 0.51 / 255


def test_saved_shake_is_the_one_that_blurred(photo, tmp_path):
    (done,) = run(photo, save_kernel=tmp_path / "k.tiff")
    kernel = read_kernel(tmp_path / "k.tiff")
    assert done.kernel["size"] == kernel.shape[-1] == 5
    expected = photograph(pixels(photo), kernel)
    assert (pixels(photo.with_name("photo.blurred.png")) - expected).abs().max() < 0.51 / 255


@pytest.mark.parametrize("kind", ["disk", "rotation", "scene", "code"])
def test_noise_and_jpeg(photo, shapes, kind):
    result = photo.with_name("photo.blurred.png")
    made = []
    for options in ({}, {"sigma": 0.05}, {"quality": 10}):
        (done,) = run(photo, options=plan(kind, shapes, **options), overwrite=True)
        assert done.reason is None
        made.append(pixels(result))
    assert 0.02 < (made[1] - made[0]).std() < 0.2
    assert 0.002 < (made[2] - made[0]).std() < 0.2


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "kernel"])
def test_grey_stays_grey(tmp_path, shapes, kind):
    photo = save(tmp_path / "grey.png", shape=(24, 20))
    (done,) = run(photo, options=plan(kind, shapes))
    assert done.reason is None
    assert pixels(tmp_path / "grey.blurred.png").shape == (1, 1, 24, 20)


def test_alpha_and_profile_are_kept(tmp_path):
    values = np.random.default_rng(0).integers(0, 255, (24, 20, 4), dtype=np.uint8)
    Pil.fromarray(values).save(tmp_path / "clear.png", icc_profile=b"a profile")
    run(tmp_path / "clear.png")
    with Pil.open(tmp_path / "clear.blurred.png") as picture:
        assert picture.info["icc_profile"] == b"a profile"
        made = np.array(picture)
    assert (made[..., 3] == values[..., 3]).all()
    assert (made[..., :3] != values[..., :3]).any()


def test_exif_of_a_jpeg_is_kept(tmp_path):
    exif = Pil.Exif()
    exif[0x0110] = "a camera"
    Pil.new("RGB", (24, 20), (9, 99, 199)).save(tmp_path / "photo.jpg", exif=exif)
    run(tmp_path / "photo.jpg")
    with Pil.open(tmp_path / "photo.blurred.jpg") as picture:
        assert picture.getexif()[0x0110] == "a camera"


def test_16_bit_stays_fine(tmp_path):
    ramp = np.arange(32 * 32 * 3, dtype=np.uint16).reshape(32, 32, 3) * 20
    tifffile.imwrite(tmp_path / "deep.tiff", ramp, photometric="rgb")
    run(tmp_path / "deep.tiff", options=plan_blur("disk", 2.0))
    made = tifffile.imread(tmp_path / "deep.blurred.tiff")
    assert made.dtype == np.uint16
    assert len(np.unique(made)) > 300


def test_standard_output(photo):
    (done,) = run(photo, output="-")
    assert done.output == "-"
    with Pil.open(io.BytesIO(done.data)) as picture:
        assert picture.size == (48, 40)
    assert "data" not in done.record()


def test_names_of_results(photo, tmp_path):
    assert run(photo, output=str(tmp_path / "mine.png"))[0].output == str(tmp_path / "mine.png")
    assert run(photo, output=f"{tmp_path}/out/")[0].output == str(tmp_path / "out" / "photo.blurred.png")


def test_existing_and_own_files_are_safe(photo, tmp_path):
    before = photo.read_bytes()
    assert "never overwritten" in run(photo, output=str(photo), overwrite=True)[0].reason
    run(photo)
    (again,) = run(photo)
    assert (again.output, again.exit_code) == (None, 1)
    assert "exists already" in again.reason
    assert photo.read_bytes() == before
    (kept,) = run(photo, save_kernel=photo, overwrite=True)
    assert "never overwritten" in kept.reason
    (both,) = run(photo, save_kernel=tmp_path / "x.png", output=str(tmp_path / "x.png"))
    assert "twice" in both.reason
    assert not (tmp_path / "x.png").exists()


def test_folders_skip_our_own_results(photo):
    run(photo)
    assert [source.name for source in find_sharp([str(photo.parent)])] == [str(photo)]
    result = photo.with_name("photo.blurred.png")
    assert [source.name for source in find_sharp([str(result)])] == [str(result)]
    photo.unlink()
    with pytest.raises(NoInputError, match="blurred ones"):
        find_sharp([str(photo.parent)])


def test_same_names_do_not_collide(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        save(tmp_path / name / "photo.png")
    done = run(tmp_path / "a", tmp_path / "b", output=str(tmp_path / "out"), overwrite=True)
    assert [one.exit_code for one in done] == [0, 1]


def test_the_format_follows_the_name(photo, tmp_path):
    (done,) = run(photo, output=str(tmp_path / "out.jpg"))
    assert read_photo(done.output).format == "JPEG"
    (done,) = run(photo, output=str(tmp_path / "out.gif"))
    assert done.exit_code == 2
    assert "no format that can be written" in done.reason


@pytest.mark.parametrize(
    ("kind", "value", "options"),
    [
        ("paint", 3, {}),
        ("shake", 0.5, {}),
        ("shake", 301, {}),
        ("line", float("nan"), {}),
        ("disk", 0, {}),
        ("gaussian", -1, {}),
        ("rotation", float("inf"), {}),
        ("scene", "phone", {}),
        ("shake", 5, {"response": "film"}),
    ],
)
def test_impossible_blurs_are_refused_at_once(kind, value, options):
    with pytest.raises(UsageError, match=r"^[^\n]*: (give|choose) "):
        plan_blur(kind, value, **options)


def test_wrong_banks_and_kernels(shapes, tmp_path):
    weights, bank = shapes
    for index in (-1, 2):
        with pytest.raises(UsageError, match="2 codes"):
            plan_blur("code", str(bank), index=index, space=weights)
    size = {"count": 4, "side": 3, "stride": 8}
    other = tmp_path / "other.safetensors"
    write_weights(other, {"space": BasisSpace(**size)}, about={"architecture": {"space": size}})
    with pytest.raises(ModelError, match="another kernel space"):
        plan_blur("code", str(bank), space=other)
    with pytest.raises(ModelError, match="no blur bank"):
        plan_blur("code", str(weights), space=weights)
    with pytest.raises(ModelError):
        plan_blur("code", str(tmp_path / "none"), space=weights)
    with pytest.raises(PictureError):
        plan_blur("kernel", str(tmp_path / "none"))


def test_a_code_needs_its_space(photo):
    (done,) = run(photo, options=Options("code"))
    assert done.exit_code == 2


def test_saving_a_kernel_needs_one_photo_and_one_kernel(photo, tmp_path):
    with pytest.raises(UsageError, match="2 inputs"):
        run(photo, save(tmp_path / "b.png"), save_kernel=tmp_path / "k.tiff")
    with pytest.raises(UsageError, match="no single kernel"):
        run(photo, options=plan("scene"), save_kernel=tmp_path / "k.tiff")
