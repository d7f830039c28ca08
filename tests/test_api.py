"""Does one call deblur, diagnose or transfer whatever a picture may be, and give the like back?"""

from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import numpy as np
import PIL.Image
import pytest
import torch

import blurspace
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.errors import Cancelled, OutputError, PictureError, UsageError
from blurspace.io.images import read_photo
from blurspace.levels import to_levels
from blurspace.run import Run

from .restore.scenes import made_scene

KERNEL = line(7, 30.0)
SCENE = made_scene(110, seed=3, channels=3)
BLURRY = to_levels(blur(SCENE, KERNEL, border="valid"))[0]  # (3 h w) uint8


def deblurred(what, **options):
    return blurspace.deblur(what, method="classical", kernel=KERNEL, device="cpu", response="linear", **options)


def as_array(channels=3):
    return BLURRY.permute(1, 2, 0).numpy()[..., :channels].copy()


def as_file(format="PNG"):
    file = BytesIO()
    PIL.Image.fromarray(as_array()).save(file, format)
    return file.getvalue()


KINDS = {
    "array of levels": as_array,
    "array of 16 bits": lambda: as_array().astype(np.uint16) * 257,
    "array of floats": lambda: as_array().astype(np.float64) / 255,
    "array turned round": lambda: as_array()[::-1, ::-1],
    "grey array": lambda: as_array(1)[..., 0],
    "tensor": lambda: BLURRY[None],
    "tensor without a batch": lambda: BLURRY.float() / 255,
    "grey tensor": lambda: BLURRY[0],
    "pillow": lambda: PIL.Image.fromarray(as_array()),
    "pillow with alpha": lambda: PIL.Image.fromarray(as_array()).convert("RGBA"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_the_like_comes_back_restored(kind):
    what = KINDS[kind]()
    result = deblurred(what)
    assert result.verdict == "restored", result.reason
    assert type(result.image) is type(what)
    before, after = np.asarray(what, dtype=float), np.asarray(result.image, dtype=float)
    assert before.shape == after.shape
    assert not np.array_equal(before, after)
    assert getattr(result.image, "dtype", None) == getattr(what, "dtype", None)
    if isinstance(what, PIL.Image.Image):
        assert result.image.mode == what.mode


def test_all_kinds_of_one_picture_are_restored_alike():
    first = deblurred(KINDS["array of levels"]()).image
    assert np.array_equal(first, deblurred(as_file()).image)
    assert np.array_equal(first, np.asarray(deblurred(KINDS["pillow"]()).image))
    floats = deblurred(KINDS["array of floats"]()).image
    assert np.abs(floats * 255 - first).max() <= 0.51


def test_a_path_and_what_the_result_tells(tmp_path):
    (tmp_path / "photo.png").write_bytes(as_file())
    result = deblurred(tmp_path / "photo.png")
    assert result.receipt.kernel_length == pytest.approx(7, abs=1)
    assert result.blur.length_angle()[0] == pytest.approx(7, abs=1)
    assert "px" in repr(result.blur)
    assert result.save(tmp_path / "sharp.png") == tmp_path / "sharp.png"
    assert np.array_equal(read_photo(tmp_path / "sharp.png").samples[0].permute(1, 2, 0), result.image)
    with pytest.raises(OutputError, match="exists"):
        result.save(tmp_path / "sharp.png")


@pytest.mark.parametrize("suffix", [".png", ".jpg", ".tif", ".webp"])
def test_arrays_are_saved_in_the_format_of_the_suffix(tmp_path, suffix):
    path = deblurred(as_array()).save(tmp_path / f"sharp{suffix}")
    assert read_photo(path).samples.shape == BLURRY[None].shape
    with pytest.raises(OutputError, match="names no format"):
        deblurred(as_array()).save(tmp_path / "sharp.xyz")


def test_sharp_is_saved_as_it_was_and_refused_not_at_all(tmp_path):
    sharp = BytesIO()
    PIL.Image.fromarray(to_levels(SCENE)[0].permute(1, 2, 0).numpy()).save(sharp, "PNG")
    result = blurspace.deblur(sharp.getvalue(), device="cpu")
    assert (result.verdict, result.blur) == ("left alone", None)
    assert result.save(tmp_path / "same.png").read_bytes() == sharp.getvalue()
    refused = blurspace.deblur(as_array(), kernel=line(31, 120.0), method="classical", device="cpu")
    assert refused.verdict == "refused"
    assert np.array_equal(refused.image, as_array())
    with pytest.raises(OutputError, match="refused"):
        refused.save(tmp_path / "no.png")


def cut_off():
    """A Pillow image of half a file, which Pillow opens and cannot decode."""
    data = as_file()
    return PIL.Image.open(BytesIO(data[: len(data) // 2]))


@pytest.mark.parametrize(
    "option",
    [
        {"strength": "x"},
        {"method": None},
        {"weights": 3},
        {"weights": [3]},
        {"run": 3},
        {"size": 4.5},
        {"minutes": "x"},
        {"seed": 1.5},
        {"generator": 3},
        {"device": None},
        {"runtime": None},
        {"response": 3},
    ],
)
def test_an_option_of_another_kind_is_told_in_a_sentence(option):
    with pytest.raises(UsageError, match=str(*option.values()).replace("[", "").replace("]", "")):
        blurspace.deblur(as_array(), **option)


@pytest.mark.parametrize(
    ("what", "error", "words"),
    [
        ("nowhere.jpg", PictureError, "does not exist"),
        (b"text", PictureError, "not a PNG"),
        (7, UsageError, "give a path"),
        (np.zeros((4, 4, 4, 4)), UsageError, "shape"),
        (np.zeros((40, 40, 7)), UsageError, "channels"),
        (np.zeros((40, 40), np.int32), UsageError, "int32"),
        (np.full((40, 40), 2.0), UsageError, "outside"),
        (np.full((40, 40), np.nan), UsageError, "outside"),
        (torch.zeros(2, 3, 40, 40), UsageError, "shape"),
        (PIL.Image.new("CMYK", (40, 40)), UsageError, "CMYK"),
        (cut_off(), PictureError, "cannot be decoded"),
        (np.zeros((40, 40)).view(np.matrix), UsageError, "matrix"),
        (np.ma.masked_array(np.zeros((40, 40), np.uint8)), UsageError, "MaskedArray"),
    ],
)
def test_what_is_no_picture_is_told_in_a_sentence(what, error, words):
    with pytest.raises(error, match=words):
        deblurred(what)


def test_a_run_may_be_watched_and_stopped():
    stages = []
    deblurred(as_array(), run=Run(on_step=lambda stage, done, total: stages.append((stage, done, total))))
    assert stages[-1] == ("restoring", 1, 1)
    with pytest.raises(Cancelled):
        deblurred(as_array(), run=Run(cancelled=lambda: True))


def test_threads_do_not_disturb_each_other():
    wanted = deblurred(as_array()).image
    with ThreadPoolExecutor(2) as pool:
        for found in pool.map(lambda _: deblurred(as_array()).image, range(4)):
            assert np.array_equal(found, wanted)


def test_diagnosis_and_transfer():
    assert blurspace.diagnose(as_array()).blurry
    assert not blurspace.diagnose(SCENE).blurry
    sharp = to_levels(SCENE[..., 3:-3, 3:-3])[0]
    moved = blurspace.transfer((sharp, BLURRY), sharp)
    assert moved.shape == sharp.shape
    assert moved.dtype == torch.uint8
    assert (moved.float() - BLURRY.float()).abs().mean() < (sharp.float() - BLURRY.float()).abs().mean() / 2


def test_a_pillow_image_keeps_what_is_beside_its_pixels(tmp_path):
    image = PIL.Image.fromarray(as_array())
    exif = PIL.Image.Exif()
    exif[0x0112] = 6  # on its side
    file = BytesIO()
    image.save(file, "JPEG", quality=95, exif=exif, icc_profile=b"profile")
    result = deblurred(PIL.Image.open(file))
    assert result.image.info["icc_profile"] == b"profile"
    with PIL.Image.open(result.save(tmp_path / "sharp.png")) as saved:
        assert saved.format == "PNG"
        assert saved.getexif()[0x0112] == 6
        assert saved.info["icc_profile"] == b"profile"


@pytest.mark.parametrize("format", ["PNG", "JPEG"])
def test_a_file_is_saved_in_the_format_that_its_new_name_says(tmp_path, format):
    for suffix, wanted in ((".png", "PNG"), (".jpg", "JPEG"), (".tif", "TIFF")):
        with PIL.Image.open(deblurred(as_file(format)).save(tmp_path / f"{format}{suffix}")) as saved:
            assert saved.format == wanted


def test_odd_arrays_and_kernels():
    wanted = deblurred(as_array()).image
    locked = as_array()
    locked.flags.writeable = False
    assert np.array_equal(deblurred(locked).image, wanted)
    assert deblurred((as_array().astype(np.uint16) * 257).astype(">u2")).image.dtype == np.dtype(">u2")
    grey16 = PIL.Image.fromarray(as_array(1)[..., 0].astype(np.uint16) * 257)
    assert deblurred(grey16).image.mode == grey16.mode == "I;16"
    more = blurspace.deblur(as_array(), method="classical", kernel=KERNEL[0, 0].numpy() * 25, device="cpu")
    assert np.array_equal(more.image, wanted)


@pytest.mark.parametrize(
    "what",
    [
        np.zeros((2, 2), np.uint8),
        np.zeros((0, 50, 3), np.uint8),
        np.zeros((40, 40), complex),
        np.full((40, 40), "x"),
        torch.zeros(40, 40).to_sparse(),
        torch.zeros(40, 40, device="meta"),
    ],
)
def test_what_looks_like_a_picture_and_is_none(what):
    with pytest.raises(UsageError):
        deblurred(what)


def test_a_region_may_be_any_grey_picture(tmp_path):
    where = np.zeros(as_array().shape[:2], bool)
    where[:, :60] = True
    PIL.Image.fromarray(where).save(tmp_path / "mask.png")
    kinds = where, torch.from_numpy(where), where * 1.0, PIL.Image.fromarray(where).convert("L"), tmp_path / "mask.png"
    first, *others = (deblurred(as_array(), region=kind).image for kind in kinds)
    assert np.array_equal(first[:, 60:], as_array()[:, 60:])
    assert not np.array_equal(first, as_array())
    assert all(np.array_equal(first, other) for other in others)
    with pytest.raises(UsageError, match="photo of"):
        deblurred(as_array(), region=where[:, :50])


def test_what_is_left_alone_is_the_same_to_the_last_bit():
    sharp = SCENE[0].permute(1, 2, 0).double().numpy() / 1.7
    result = blurspace.deblur(sharp, device="cpu")
    assert result.verdict == "left alone"
    assert np.array_equal(result.image, sharp)
    assert result.image is not sharp
