"""Are AVIF, HEIC, camera RAW, CMYK and floating-point TIFF read right, as independent readers have it?"""

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as PillowImage
from PIL import ImageCms

from blurspace.errors import PictureError
from blurspace.io import cmyk, guarded
from blurspace.io.convert import converted
from blurspace.io.images import FORMATS, encode_and_tell, encode_photo, fitting_suffix, read_photo
from blurspace.io.raw import linear_profile
from blurspace.restore.origin import origin_of

from .heics import HEICS

ROWS, COLUMNS = np.mgrid[0:32, 0:48]
SMOOTH = np.stack((COLUMNS * 5, ROWS * 7, (ROWS + COLUMNS) * 3), -1).astype(np.uint8)
MARKED = PillowImage.Exif()
MARKED[0x010F] = "TestCam"


def saved(format, image=None, **options):
    written = io.BytesIO()
    (image or PillowImage.fromarray(SMOOTH)).save(written, format, **options)
    return written.getvalue()


def tiff(samples, **options):
    written = io.BytesIO()
    tifffile.imwrite(written, samples, metadata=None, **options)
    return written.getvalue()


def off(photo, wanted=SMOOTH):
    """How far its pixels are from those wanted, on average, in levels of 8 bits."""
    return float(np.abs(255 * photo.pixels[0].permute(1, 2, 0).numpy() - wanted).mean())


@pytest.mark.parametrize("alpha", [False, True])
def test_avif_in_and_out(alpha):
    image = PillowImage.fromarray(np.dstack((SMOOTH, SMOOTH[..., :1])) if alpha else SMOOTH)
    photo = read_photo(saved("AVIF", image, quality=95, exif=MARKED, xmp=b"<x/>", icc_profile=linear_profile()))
    assert (photo.format, photo.depth, photo.alpha is not None, photo.changes) == ("AVIF", 8, alpha, ())
    again = PillowImage.open(io.BytesIO(encode_photo(photo, photo.samples)))
    assert (again.format, again.mode) == ("AVIF", "RGBA" if alpha else "RGB")
    assert np.abs(np.asarray(again)[..., :3].astype(int) - SMOOTH).mean() < 2
    assert again.getexif()[0x010F] == "TestCam"
    assert (again.info["xmp"], again.info["icc_profile"]) == (b"<x/>", linear_profile())


def test_an_avif_keeps_how_it_is_turned():
    exif = PillowImage.Exif()
    exif[0x0112] = 6
    photo = read_photo(saved("AVIF", exif=exif))
    assert photo.samples.shape == (1, 3, 32, 48)
    again = PillowImage.open(io.BytesIO(encode_photo(photo, photo.samples)))
    assert (again.size, again.getexif()[0x0112]) == ((48, 32), 6)


def test_an_avif_that_calls_itself_a_picture_first():
    """Pillow's brands are avif, then avif, mif1, miaf and the like."""
    file = saved("AVIF")
    assert file[8:12] == b"avif"
    assert b"avif" in file[16:32]
    renamed = file[:8] + b"mif1" + file[12:]
    assert read_photo(renamed).format == "AVIF"


def test_coded_pixels_that_spell_a_size_refuse_no_heic():
    pixels = b"ispe" + bytes(4) + b"\x7f\xff\0\0" * 2
    box = (8 + len(pixels)).to_bytes(4, "big") + b"mdat" + pixels
    assert off(read_photo(HEICS["small"] + box)) < 4


def test_modules_beside_the_photos_are_not_run(monkeypatch, tmp_path):
    (tmp_path / "pi_heif.py").write_text("raise SystemExit(9)", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert off(read_photo(HEICS["small"])) < 4


def test_heic():
    photo = read_photo(HEICS["small"])
    assert off(photo) < 4
    assert photo.source is None
    read = PillowImage.Exif()
    read.load(photo.exif)
    assert read[0x010F] == "TestCam"
    assert "it was a HEIC, which is not written" in encode_and_tell(photo, photo.samples)[1]


def test_heic_of_10_bits_and_with_alpha():
    deep = read_photo(HEICS["deep"])
    assert (deep.depth, off(deep) < 4) == (16, True)
    assert len(np.unique(deep.samples.numpy())) > 256
    alpha = read_photo(HEICS["alpha"])
    assert np.abs(alpha.alpha[0, 0].numpy().astype(int) - (255 - SMOOTH[..., 0])).max() < 9


def test_names_of_results(tmp_path):
    for name, data, wanted in (
        ("a.heic", HEICS["small"], ".jpg"),
        ("a.HIF", HEICS["small"], ".jpg"),
        ("a.avif", saved("AVIF"), ".avif"),
        ("a.heic", saved("AVIF"), ".avif"),
        ("a.dng", tiff(SMOOTH), ".tif"),
        ("a.cr3", b"\0\0\0\x18ftypcrx ", ".tif"),
        ("a.jpeg", saved("JPEG"), ".jpeg"),
    ):
        (tmp_path / name).write_bytes(data)
        assert fitting_suffix(tmp_path / name) == wanted


def test_the_library_is_missing(monkeypatch):
    def run(*_, **__):
        return subprocess.CompletedProcess((), 0, b'{"missing": true}\n', b"")

    monkeypatch.setattr(guarded.subprocess, "run", run)
    with pytest.raises(PictureError, match=r"pi_heif is not here, .*pip install \"\.\[heic\]\""):
        read_photo(HEICS["small"])


def test_a_decoder_that_hangs_is_stopped(monkeypatch):
    monkeypatch.setattr(guarded, "SECONDS", 1)
    monkeypatch.setattr(guarded, "PATIENCE", 0.1)
    real = subprocess.run
    monkeypatch.setattr(guarded.subprocess, "run", lambda _, **how: real(["sleep", "5"], **how))
    with pytest.raises(PictureError, match="takes longer than"):
        guarded.ask("RAW", "inspect", b"")


@pytest.mark.skipif(sys.platform != "linux", reason="the system has no such limit")
def test_memory_and_time_are_limited():
    code = "from blurspace.io import guarded; guarded._limit(7_000_000); import resource;"
    code += "print(resource.getrlimit(resource.RLIMIT_CPU)); bytearray(4 * 2**30)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False, text=True)
    assert (done.returncode, done.stdout) == (1, "(17, 17)\n")
    assert "MemoryError" in done.stderr


def dng(**more):
    """A raw picture that LibRaw reads: a mosaic of one grey, 64 x 48 px, half of white."""
    mosaic = np.full((48, 64), 2048, np.uint16)
    tags = {
        50706: (1, 4, b"\1\4\0\0"),
        50708: (2, 9, "Test Cam\0"),
        33421: (3, 2, (2, 2)),
        33422: (1, 4, b"\0\1\1\2"),
        50714: (4, 1, 0),
        50717: (4, 1, 4095),
        50721: (10, 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1)),
        50728: (5, 3, (1, 1, 1, 1, 1, 1)),
        271: (2, 8, "TestCam\0"),
    } | more
    extra = [(tag, kind, count, value, True) for tag, (kind, count, value) in tags.items()]
    return tiff(mosaic, photometric="cfa", extratags=extra)


def test_raw_becomes_light(tmp_path):
    (tmp_path / "photo.DNG").write_bytes(dng())
    photo = read_photo(tmp_path / "photo.DNG")
    assert (photo.format, photo.depth, photo.source) == ("TIFF", 16, None)
    assert photo.samples.shape == (1, 3, 48, 64)
    assert abs(float(photo.pixels[..., 8:-8, 8:-8].mean()) - 0.5) < 0.05  # no curve
    assert origin_of(photo).response == "linear"
    assert "developed from camera RAW" in photo.changes[0]
    with tifffile.TiffFile(io.BytesIO(encode_photo(photo, photo.samples))) as file:
        assert file.pages.first.bitspersample == 16
        assert file.pages.first.tags.valueof(271) == "TestCam"
        assert 50706 not in file.pages.first.tags  # it must not pass for a DNG


def test_the_profile_of_light_is_one():
    profile = ImageCms.ImageCmsProfile(io.BytesIO(linear_profile()))
    assert "Linear sRGB" in ImageCms.getProfileDescription(profile)
    grey = PillowImage.new("RGB", (2, 2), (55, 55, 55))
    shown = ImageCms.profileToProfile(grey, profile, ImageCms.createProfile("sRGB"))
    assert np.abs(np.asarray(shown).astype(int) - 128).max() <= 1  # sRGB's curve: (55 / 255) is shown as 128


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_without_a_profile(format):
    print_ = PillowImage.new("CMYK", (48, 32), (0, 255, 255, 0))  # red
    photo = read_photo(saved(format, print_))
    assert photo.changes == (cmyk.WITHOUT,)
    red, green, blue = photo.pixels.mean((0, 2, 3)).tolist()
    assert (red > 0.97, green < 0.03, blue < 0.03) == (True, True, True)
    again = PillowImage.open(io.BytesIO(encode_photo(photo, photo.samples)))
    assert (again.format, again.mode) == (format, "RGB")


@pytest.mark.parametrize("format", ["JPEG", "TIFF"])
def test_cmyk_by_way_of_its_profile(format, monkeypatch):
    asked = []

    class Way:
        def apply(self, image):
            return PillowImage.new("RGB", image.size, (10, 20, 30))

    monkeypatch.setattr(cmyk.ImageCms, "ImageCmsProfile", lambda file: asked.append(file.getvalue()) or file)
    monkeypatch.setattr(cmyk.ImageCms, "buildTransform", lambda *_: Way())
    photo = read_photo(saved(format, PillowImage.new("CMYK", (48, 32)), icc_profile=b"of a press"))
    assert (asked, photo.changes, photo.icc) == ([b"of a press"], (cmyk.BY_PROFILE,), None)
    assert photo.samples[0, :, 0, 0].tolist() == [10, 20, 30]


def test_a_damaged_profile_counts_as_none():
    photo = read_photo(saved("TIFF", PillowImage.new("CMYK", (48, 32)), icc_profile=b"nonsense"))
    assert photo.changes == (cmyk.WITHOUT,)


LIGHT = (SMOOTH / 255).astype(np.float32)
BIG = [("", {}), ("deflate", {"compression": "zlib"})]


@pytest.mark.parametrize("channels", [1, 3, 4])
@pytest.mark.parametrize("scale", [1.0, 6.5])
def test_floats_in_and_out(channels, scale):
    samples = np.dstack((LIGHT * np.float32(scale), LIGHT[..., 0]))[..., :channels].squeeze()
    options = {"extrasamples": ["unassalpha"]} if channels == 4 else {}
    data = tiff(samples, photometric="rgb" if channels > 1 else "minisblack", **options)
    photo = read_photo(data)
    assert (photo.depth, photo.changes) == (32, ())
    assert float(photo.pixels.max()) <= 1
    again = tifffile.imread(io.BytesIO(encode_photo(photo, photo.samples)))
    assert again.dtype == np.float32
    assert np.allclose(again, samples, rtol=1e-6)
    half = tifffile.imread(io.BytesIO(encode_photo(photo, photo.pixels / 2)))
    assert np.allclose(half[..., :3], samples[..., :3] / 2, rtol=1e-6)


@pytest.mark.parametrize("kind", [np.float16, np.float64])
def test_other_floats_become_32_bits(kind):
    photo = read_photo(tiff(LIGHT.astype(kind), photometric="rgb"))
    assert "become 32-bit ones" in photo.changes[0]
    assert np.allclose(photo.pixels[0].permute(1, 2, 0), LIGHT, atol=1e-3)


def test_floats_below_0_are_told():
    photo = read_photo(tiff(LIGHT - np.float32(0.25), photometric="rgb"))
    assert photo.changes == ("its values below 0 become 0",)
    assert float(photo.pixels.min()) == 0


def test_floats_that_are_compressed_by_another(tmp_path):
    PillowImage.fromarray(LIGHT[..., 0]).save(tmp_path / "a.tif", compression="tiff_lzw")
    assert np.allclose(read_photo(tmp_path / "a.tif").pixels[0, 0], LIGHT[..., 0])


@pytest.mark.parametrize(("format", "depth"), [("PNG", 16), ("JPEG", 8)])
def test_floats_become_levels_elsewhere(format, depth):
    photo = converted(read_photo(tiff(2 * LIGHT, photometric="rgb")), FORMATS[format].coding())
    assert any("32 bits a channel become" in told for told in photo.changes)
    assert any("divided by the highest" in told for told in photo.changes)
    again = read_photo(encode_photo(photo, photo.samples))
    assert (again.format, again.depth) == (format, depth)
    assert float((again.pixels - torch.from_numpy(LIGHT / LIGHT.max()).permute(2, 0, 1)).abs().mean()) < 0.05


def test_the_process_knows_no_torch():
    code = "import sys; import blurspace.io.guarded; print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    assert Path(guarded.__file__).name == "guarded.py"
