"""Are the many ways of storing a TIFF read alike, unturned, and are its tags kept?"""

import io

import cv2
import numpy as np
import pytest
import tifffile
from PIL import ExifTags
from PIL import Image as PillowImage

from blurspace.io.images import changes_on_write, encode_photo, read_photo
from blurspace.io.raster import rows_of

NOISE = np.random.default_rng(0).integers(0, 65536, (19, 23, 4), dtype=np.uint16)
SIDEWAYS = (274, 3, 1, 6, True)
XMP_SIDEWAYS = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><tiff:Orientation>6</tiff:Orientation></x:xmpmeta>'


def noise(depth, channels):
    samples = NOISE if depth == 16 else (NOISE >> 8).astype(np.uint8)
    return samples[..., 0] if channels == 1 else samples[..., :channels]


def tiff(samples, *, photometric=None, **options):
    written = io.BytesIO()
    kind = photometric or ("minisblack" if samples.ndim == 2 or samples.shape[-1] == 2 else "rgb")
    tifffile.imwrite(written, samples, photometric=kind, metadata=None, **options)
    return written.getvalue()


def read(file):
    """The photo, and its samples (h w c) without a last axis of one."""
    photo = read_photo(file)
    samples = rows_of(photo)
    return photo, samples[..., 0] if samples.shape[-1] == 1 else samples


def written_again(photo):
    return encode_photo(photo, photo.pixels)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("byteorder", ["<", ">"])
@pytest.mark.parametrize("layout", [{}, {"compression": "zlib"}, {"tile": (16, 16)}, {"rowsperstrip": 5}])
def test_layouts_are_read_alike(depth, channels, byteorder, layout):
    samples = noise(depth, channels)
    extra = {"extrasamples": [2], "planarconfig": "contig"} if channels in (2, 4) else {}
    photo, found = read(tiff(samples, byteorder=byteorder, extratags=[SIDEWAYS], **layout, **extra))
    np.testing.assert_array_equal(found, samples)
    file = written_again(photo)
    np.testing.assert_array_equal(read(file)[1], samples)
    with tifffile.TiffFile(io.BytesIO(file)) as again:
        assert again.byteorder == byteorder  # makers' notes depend on it
        np.testing.assert_array_equal(again.pages.first.asarray(), samples)


@pytest.mark.parametrize("depth", [8, 16])
def test_planes_one_after_the_other(depth):
    samples = noise(depth, 3)
    file = tiff(np.ascontiguousarray(np.moveaxis(samples, -1, 0)), planarconfig="separate", photometric="rgb")
    np.testing.assert_array_equal(read(file)[1], samples)


@pytest.mark.parametrize("depth", [8, 16])
def test_black_may_be_the_highest_number(depth):
    samples = noise(depth, 1)
    photo, found = read(tiff(samples, photometric="miniswhite"))
    np.testing.assert_array_equal(found, 2**depth - 1 - samples)
    np.testing.assert_array_equal(read(written_again(photo))[1], found)


@pytest.mark.parametrize("xmp", [None, XMP_SIDEWAYS])
@pytest.mark.parametrize("orientation", [None, 3, 6])
@pytest.mark.parametrize("depth", [8, 16])
def test_decoders_that_turn_pictures_upright_are_stopped(depth, orientation, xmp):
    image = PillowImage.fromarray(noise(depth, 1))
    tags = {tag: value for tag, value in ((274, orientation), (700, xmp)) if value}
    written = io.BytesIO()
    image.save(written, "TIFF", compression="tiff_lzw", tiffinfo=tags)
    photo, found = read(written.getvalue())
    np.testing.assert_array_equal(found, noise(depth, 1))
    assert photo.xmp == xmp
    again, found = read(written_again(photo))
    np.testing.assert_array_equal(found, noise(depth, 1))
    assert (again.exif, again.xmp) == (photo.exif, xmp)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [2, 4])
def test_a_channel_of_unknown_meaning_is_left_out_and_a_sentence_says_so(depth, channels):
    samples = noise(depth, channels)
    photo, found = read(tiff(samples, extrasamples=[0], planarconfig="contig"))
    np.testing.assert_array_equal(found.reshape(19, 23, -1), samples[..., :-1])
    assert "not known" in changes_on_write(photo)


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize("channels", [2, 4])
def test_colours_that_are_multiplied_by_alpha_are_divided(depth, channels):
    alpha = np.maximum(noise(depth, 4)[..., 3:] | 2 ** (depth - 1), 1)
    samples = np.concatenate((noise(depth, channels)[..., :-1] // 2, alpha), -1).astype(noise(depth, 4).dtype)
    photo, found = read(tiff(samples, extrasamples=[1], planarconfig="contig"))
    np.testing.assert_array_equal(found[..., -1:], alpha)
    np.testing.assert_allclose(found[..., :-1] * (alpha / (2**depth - 1)), samples[..., :-1], atol=1)
    assert "multiplied" in changes_on_write(photo)


def test_a_fourth_channel_that_is_not_declared_is_alpha():
    bgra = np.ascontiguousarray(noise(8, 4)[..., [2, 1, 0, 3]])
    np.testing.assert_array_equal(read(cv2.imencode(".tif", bgra)[1].tobytes())[1], noise(8, 4))


def test_the_camera_and_the_place_are_kept():
    exif = PillowImage.Exif()
    exif[ExifTags.Base.Artist] = "Ansel"
    exif[ExifTags.IFD.Exif] = {int(ExifTags.Base.ExposureTime): 0.125, int(ExifTags.Base.MakerNote): b"note"}
    exif[ExifTags.IFD.GPSInfo] = {1: "N", 2: (54.0, 19.0, 24.0)}
    written = io.BytesIO()
    PillowImage.fromarray(noise(8, 1)).save(written, "TIFF", exif=exif.tobytes(), dpi=(300, 300))
    photo = read_photo(written.getvalue())
    found = PillowImage.open(io.BytesIO(written_again(photo)))
    tags = found.getexif()
    assert (tags[ExifTags.Base.Artist], found.info["dpi"]) == ("Ansel", (300, 300))
    assert tags.get_ifd(ExifTags.IFD.Exif) == {ExifTags.Base.ExposureTime: 0.125, ExifTags.Base.MakerNote: b"note"}
    assert tags.get_ifd(ExifTags.IFD.GPSInfo) == {1: "N", 2: (54.0, 19.0, 24.0)}
    assert changes_on_write(photo) is None


def test_a_big_tiff_keeps_its_orientation_and_a_sentence_says_that_this_is_all():
    photo, found = read(tiff(noise(16, 3), bigtiff=True, extratags=[SIDEWAYS]))
    np.testing.assert_array_equal(found, noise(16, 3))
    assert "only the orientation" in changes_on_write(photo)
    with tifffile.TiffFile(io.BytesIO(written_again(photo))) as again:
        assert again.pages.first.tags.valueof(274) == 6


def test_a_preview_behind_the_picture_is_left_out_and_a_sentence_says_so():
    written = io.BytesIO()
    with tifffile.TiffWriter(written) as file:
        file.write(noise(8, 3), photometric="rgb", metadata=None)
        file.write(noise(8, 3)[::2, ::2], photometric="rgb", metadata=None, subfiletype=1)
    photo, found = read(written.getvalue())
    np.testing.assert_array_equal(found, noise(8, 3))
    assert "preview" in changes_on_write(photo)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_tiff_in_jpeg_is_read_and_written_without_further_loss(mode):
    written = io.BytesIO()
    PillowImage.fromarray(noise(8, 3)).convert(mode).save(written, "TIFF", compression="jpeg")
    photo, found = read(written.getvalue())
    np.testing.assert_array_equal(read(written_again(photo))[1], found)
    assert changes_on_write(photo) is None
