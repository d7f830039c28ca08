"""What does a photo's file say of its light, and what does that change?"""

import struct
from dataclasses import replace
from io import BytesIO

import PIL.Image
import PIL.ImageCms
import PIL.PngImagePlugin
import pytest
import torch
from PIL import ExifTags

from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import disk, line
from blurspace.builders import build_deblurrer
from blurspace.io.images import read_photo
from blurspace.jobs.develop import develop
from blurspace.jobs.each import picture_bytes
from blurspace.restore.light import CAMERAS, TAKEN, before, decide
from blurspace.restore.observed import Observed
from blurspace.restore.origin import UNKNOWN, Origin, origin_of
from blurspace.types import Photo

from .scenes import made_scene

PICTURE = PIL.Image.new("RGB", (20, 20), (90, 120, 150))


def origin(format="PNG", **told):
    file = BytesIO()
    PICTURE.save(file, format, **told)
    return origin_of(read_photo(file.getvalue()))


def chunk(name, body):
    told = PIL.PngImagePlugin.PngInfo()
    told.add(name, body)
    return {"pnginfo": told}


def profile(curve):
    """An ICC profile that has no more than a curve of green."""
    return bytes(128) + struct.pack(">I4sII", 1, b"gTRC", 144, len(curve)) + curve


def power(exponent):
    return profile(b"curv" + struct.pack(">IIH", 0, 1, round(256 * exponent)))


def table(values):
    return profile(b"curv" + struct.pack(f">II{len(values)}H", 0, len(values), *values))


def parametric(kind, *numbers):
    return profile(b"para" + struct.pack(f">IHH{len(numbers)}i", 0, kind, 0, *(round(65536 * one) for one in numbers)))


SRGB = 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045


@pytest.mark.parametrize(
    ("icc", "response"),
    [
        (profile(b"curv" + bytes(8)), "linear"),
        (power(1.0), "linear"),
        (power(563 / 256), "gamma 2.2"),
        (power(1.8), None),
        (table([0, 65535]), "linear"),
        (table([round(65535 * (step / 40) ** 2.2) for step in range(41)]), "gamma 2.2"),
        (parametric(0, 1.0), "linear"),
        (parametric(3, *SRGB), "srgb"),
        (parametric(4, *SRGB, 0.0, 0.0), "srgb"),
        (parametric(1, 2.2, 1.0, 0.0), "gamma 2.2"),
        (parametric(2, 1.0, 0.7, 0.0, 0.3), None),
        (PIL.ImageCms.ImageCmsProfile(PIL.ImageCms.createProfile("sRGB")).tobytes(), "srgb"),
        (profile(b"mft2" + bytes(40)), None),
        (power(1.0)[:140], None),
        (b"no profile", None),
    ],
)
def test_the_curve_of_a_profile(icc, response):
    assert origin_of(Photo.of(torch.zeros(1, 3, 20, 20), icc=icc)).response == response


def test_chunks_of_a_png():
    assert origin() == UNKNOWN
    assert origin(**chunk(b"gAMA", struct.pack(">I", 100_000))).response == "linear"
    assert origin(**chunk(b"gAMA", struct.pack(">I", 45_455))).response == "gamma 2.2"
    assert origin(**chunk(b"gAMA", struct.pack(">I", 0))) == UNKNOWN
    assert origin(**chunk(b"sRGB", b"\0")).response == "srgb"
    both = chunk(b"gAMA", struct.pack(">I", 100_000))
    both["pnginfo"].add(b"sRGB", b"\0")
    assert origin(**both).response == "srgb"
    assert origin(**chunk(b"gAMA", struct.pack(">I", 100_000)), icc_profile=parametric(3, *SRGB)).response == "srgb"


def exif(**told):
    tags = PIL.Image.Exif()
    tags[ExifTags.Base.Model] = told.pop("Model", "")
    tags.get_ifd(ExifTags.IFD.Exif).update({ExifTags.Base[name]: value for name, value in told.items()})
    return tags.tobytes()  # as tags, Pillow leaves the directory out of a TIFF


@pytest.mark.parametrize("format", ["JPEG", "PNG", "TIFF", "WEBP"])
def test_what_exif_says(format):
    assert origin(format, exif=exif(Model="X100", ExposureTime=0.125)) == Origin(None, taken=True)
    assert origin(format, exif=exif(Model="a scanner")) == UNKNOWN
    assert origin(format, exif=exif(ColorSpace=1)).response == "srgb"
    assert origin(format, exif=exif(ColorSpace=2)).response == "gamma 2.2"
    assert origin(format, exif=exif(ColorSpace=65535)).response is None
    assert origin(format, exif=exif(Gamma=1.0, ColorSpace=1)).response == "linear"


def test_damaged_exif_says_nothing():
    photo = Photo.of(torch.zeros(1, 1, 20, 20), exif=b"II*\0\xff\xff\xff\0")
    assert origin_of(photo) == UNKNOWN


def test_facts_become_odds():
    assert before(UNKNOWN) == CAMERAS
    assert before(Origin(taken=True)) == TAKEN > CAMERAS
    display = photograph(made_scene(256, seed=0, channels=3), disk(4.0), response="srgb")
    trust = torch.ones(1, 1, 256, 256)
    plain, taken = (decide(display, trust, disk(4.0), known=True, origin=one) for one in (UNKNOWN, Origin(taken=True)))
    assert (plain.response, taken.response) == ("srgb", "srgb")
    assert taken.confidence > plain.confidence
    assert "camera" in taken.reason
    assert "camera" not in plain.reason
    assert decide(display, trust, disk(4.0), known=True, origin=Origin("gamma 2.2")).response == "gamma 2.2"


def test_stored_light_is_light_unless_the_user_knows_better():
    pixels = torch.rand(1, 1, 64, 64)
    seen = Observed(pixels, origin=Origin("linear"))
    assert not seen.settle(line(5, 0.0))
    assert (seen.response, seen.lit.name) == ("linear", "stored values")
    assert "file" in seen.note
    assert Observed(pixels, origin=Origin("linear"), response="srgb").response == "srgb"


def test_a_file_of_light_is_restored_in_it_and_the_record_says_so():
    scene, kernel = made_scene(120, seed=2), line(9, 30.0)
    photo = read_photo(picture_bytes(photograph(scene, kernel, response="linear")))
    light = replace(photo, icc=power(1.0))
    record = develop(light, deblurrer := build_deblurrer("classical", kernel=kernel), deblurrer.run()).record
    assert (record["light"], record["light_confidence"]) == ("stored values", 0.99)
    assert any("the file says" in note for note in record["notes"])
