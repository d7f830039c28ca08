"""Does a file say that a generator made its picture, and keep what else it says?"""

import io

import PIL.Image
import pytest
import torch
from PIL import ExifTags

from blurspace.io.images import encode_photo, read_photo
from blurspace.io.labels import MADE, labelled
from blurspace.types import Photo

PIXELS = torch.full((1, 3, 32, 32), 0.5)


def written(tmp_path, suffix, **known):
    path = tmp_path / f"photo.{suffix}"
    PIL.Image.new("RGB", (32, 32)).save(path, **known)
    return read_photo(path)


def told(photo):
    picture = PIL.Image.open(io.BytesIO(encode_photo(photo, PIXELS)))
    return dict(picture.getexif())


@pytest.mark.parametrize("suffix", ["jpg", "png", "webp"])
def test_the_file_says_so(tmp_path, suffix):
    assert told(labelled(written(tmp_path, suffix)))[ExifTags.Base.ImageDescription] == MADE


def test_what_was_there_stays(tmp_path):
    exif = PIL.Image.Exif()
    exif[ExifTags.Base.ImageDescription], exif[ExifTags.Base.Make] = "a plate", "Camera"
    once = labelled(written(tmp_path, "jpg", exif=exif))
    assert told(once)[ExifTags.Base.ImageDescription] == f"a plate ({MADE})"
    assert told(once)[ExifTags.Base.Make] == "Camera"
    assert labelled(once) == once


def test_texts_keep_their_bytes(tmp_path):
    exif = PIL.Image.Exif()
    exif[ExifTags.Base.ImageDescription], exif[ExifTags.Base.Copyright] = "Straße äö".encode(), "© Müller".encode()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"ASCII\0\0\0shaken"
    photo = encode_photo(labelled(written(tmp_path, "jpg", exif=exif)), PIXELS)
    assert f"Straße äö ({MADE})".encode() in photo
    assert "© Müller".encode() in photo
    assert b"ASCII\0\0\0shaken" in photo


def test_damaged_metadata_is_replaced():
    photo = Photo.of(PIXELS)
    broken = labelled(Photo(photo.samples, photo.alpha, photo.coding, exif=b"II*\0\xff\xff\xff\xff"))
    assert told(broken)[ExifTags.Base.ImageDescription] == MADE
