"""Does a photo become a file of another format, and is all that it loses told?"""

import io

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage
from PIL.PngImagePlugin import PngInfo

from blurspace.errors import UsageError
from blurspace.io.convert import HOLDS, converted
from blurspace.io.images import FORMATS, changes_on_write, encode_photo, format_of, read_photo
from blurspace.types import Photo

NOISE = np.random.default_rng(0).integers(0, 256, (24, 32, 4), dtype=np.uint8)
SAMPLES = torch.from_numpy(NOISE[..., :3]).permute(2, 0, 1)[None]
ALPHA = torch.from_numpy(NOISE[..., 3:]).permute(2, 0, 1)[None]
MARKED = PillowImage.Exif()
MARKED[0x010F] = "TestCam"
EXIF = MARKED.tobytes().removeprefix(b"Exif\0\0")
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'
every_format = pytest.mark.parametrize("format", HOLDS)


def written(photo, format):
    """The file that it becomes, as an independent reader sees it, and what was said."""
    changed = converted(photo, FORMATS[format].coding())
    return PillowImage.open(io.BytesIO(encode_photo(changed, photo.samples))), changes_on_write(changed)


def test_every_format_says_what_it_holds():
    assert set(HOLDS) == {name for name, format in FORMATS.items() if format.coding().format == name}


@every_format
def test_metadata_goes_along_and_nothing_is_said_where_nothing_is_lost(format):
    image, told = written(Photo(SAMPLES, exif=EXIF, xmp=XMP, icc=b"a profile"), format)
    assert (image.format, told) == (format, None)
    assert image.getexif()[0x010F] == "TestCam"
    assert image.info["icc_profile"] == b"a profile"
    assert bytes(image.info["xmp"]).rstrip(b"\0") == XMP
    assert np.abs(np.asarray(image).astype(int) - NOISE[..., :3]).mean() < 20


@pytest.mark.parametrize(("gamma", "words"), [(1.0, "gamma and colours"), (1 / 2.2, None)])
def test_another_gamma_than_srgbs_is_told_where_it_is_lost(gamma, words):
    chunks = PngInfo()
    chunks.add(b"gAMA", round(100_000 * gamma).to_bytes(4, "big"))
    file = io.BytesIO()
    PillowImage.fromarray(NOISE[..., :3]).save(file, "PNG", pnginfo=chunks)
    told = written(read_photo(file.getvalue()), "JPEG")[1]
    assert (told is None) if words is None else (words in told)


@every_format
def test_alpha_stays_or_is_laid_upon_white(format):
    image, told = written(Photo(SAMPLES, ALPHA), format)
    if HOLDS[format].alpha:
        assert (image.mode, told) == ("RGBA", None)
        lossy = 9 if format == "AVIF" else 0
        assert np.abs(np.asarray(image)[..., 3].astype(int) - NOISE[..., 3]).max() <= lossy
        return
    assert (image.mode, "white" in told) == ("RGB", True)
    share = NOISE[..., 3:] / 255
    laid = NOISE[..., :3] * share + 255 * (1 - share)
    assert abs(float(np.asarray(image).mean() - laid.mean())) < 2


@every_format
def test_depth_stays_or_is_told(format):
    deep = Photo(SAMPLES.to(torch.uint16) * 257)
    image, told = written(deep, format)
    again = read_photo(encode_photo(converted(deep, FORMATS[format].coding()), deep.samples))
    assert image.size == (32, 24)
    assert again.depth == min(HOLDS[format].depth, 16)
    assert told == (None if again.depth == 16 else f"its 16 bits a channel become 8, for a {format} has no more")


def test_blocks_that_are_too_long_are_left_out_and_told():
    image, told = written(Photo(SAMPLES, exif=EXIF + bytes(70_000), xmp=XMP + b" " * 70_000), "JPEG")
    assert {"exif", "xmp"}.isdisjoint(image.info)
    assert told.count("too long for a JPEG") == 2


def test_what_only_the_old_format_has_is_told():
    plain = io.BytesIO()
    PillowImage.fromarray(NOISE[..., :3]).save(plain, "JPEG", comment=b"mine")
    _, told = written(read_photo(plain.getvalue()), "PNG")
    assert told == "its comments, IPTC and other blocks of a JPEG are left out"
    plain = io.BytesIO()
    PillowImage.fromarray(NOISE[..., :3]).save(plain, "PNG", dpi=(300, 300))
    _, told = written(read_photo(plain.getvalue()), "TIFF")
    assert told == "its texts, size on paper and other chunks of a PNG are left out"


@pytest.mark.parametrize(("word", "format"), [("jpg", "JPEG"), ("TIF", "TIFF"), (".png", "PNG"), ("webp", "WEBP")])
def test_words_for_formats(word, format):
    assert format_of(word) == format


def test_a_word_that_is_none():
    with pytest.raises(UsageError, match="no format that can be written"):
        format_of("gif")
