"""Does a JPEG keep its tables, however they are numbered, and the header blocks that nobody understands?"""

import io

import numpy as np
import pytest
from PIL import Image as PillowImage

from blurspace.errors import OutputError
from blurspace.io import jpeg
from blurspace.io.images import changes_on_write, encode_photo, read_photo
from blurspace.types import Photo

NOISE = PillowImage.fromarray(np.random.default_rng(0).integers(0, 256, (24, 40, 3), dtype=np.uint8))
IPTC = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\0"
EXTENDED_XMP = b"http://ns.adobe.com/xmp/extension/\0" + b"0" * 40 + b"<more/>"


def saved(image=NOISE, format="JPEG", **options):
    written = io.BytesIO()
    image.save(written, format, **options)
    return written.getvalue()


def segment(marker, body):
    return bytes((0xFF, marker)) + (len(body) + 2).to_bytes(2, "big") + body


def written_again(file):
    photo = read_photo(file)
    return PillowImage.open(io.BytesIO(encode_photo(photo, photo.pixels)))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_the_tables_are_kept_whatever_their_number(count):
    tables = [list(range(1, 65)), list(range(65, 1, -1)), [7] * 64][:count]
    found = written_again(saved(qtables=tables, subsampling=0))
    assert list(found.quantization.values()) == tables
    assert [component[3] for component in found.layer] == [0, min(1, count - 1), count - 1]


def test_the_tables_are_kept_when_a_file_numbers_them_backwards():
    tables = [[3] * 64, [9] * 64]
    found = written_again(renumbered(saved(qtables=tables)))
    assert [found.quantization[component[3]] for component in found.layer] == [tables[0], tables[1], tables[1]]


def renumbered(file):
    """The same JPEG with its tables 0 and 1 called 1 and 0."""
    changed = bytearray(file)
    for number in (0, 1):
        start = file.index(b"\xff\xdb\0\x43" + bytes((number,)))
        changed[start + 4] = 1 - number
    frame = file.index(b"\xff\xc0")
    for component in range(3):
        at = frame + 12 + 3 * component
        changed[at] = 1 - changed[at]
    return bytes(changed)


def test_a_second_generation_at_the_same_tables_loses_little():
    smooth = PillowImage.fromarray(np.linspace(0, 255, 64 * 64 * 3).reshape(64, 64, 3).astype(np.uint8))
    photo = read_photo(saved(smooth, quality=90))
    again = read_photo(encode_photo(photo, photo.pixels))
    assert float((again.pixels - photo.pixels).abs().max()) < 4 / 255


def test_density_comments_and_unknown_segments_are_kept():
    added = segment(0xED, IPTC) + segment(0xE1, EXTENDED_XMP) + segment(0xEB, b"whatever")
    found = written_again(saved(dpi=(300, 150), comment=b"by hand", extra=added))
    assert found.info["dpi"] == (300, 150)
    assert found.info["comment"] == b"by hand"
    for kept in (("APP13", IPTC), ("APP1", EXTENDED_XMP), ("APP11", b"whatever")):
        assert found.applist.count(kept) == 1


def test_content_credentials_of_the_old_pixels_are_left_out_and_a_sentence_says_so():
    photo = read_photo(saved(extra=segment(0xEB, b"JP\0\1" + bytes(4) + b"\0\0\0\x20jumb" + b"signed" * 4)))
    assert "content credentials" in changes_on_write(photo)
    assert b"signed" not in encode_photo(photo, photo.pixels)


def test_the_old_colour_coding_is_not_copied():
    """An RGB JPEG says so in an Adobe segment, which would be a lie on the YCbCr that we write."""
    file = saved(keep_rgb=True, quality=100, subsampling=0)
    photo = read_photo(file)
    again = encode_photo(photo, photo.pixels)
    assert float((read_photo(again).pixels - photo.pixels).abs().max()) < 4 / 255


def test_further_pictures_are_left_out_and_a_sentence_says_so():
    file = saved(format="MPO", save_all=True, append_images=[NOISE])
    photo = read_photo(file)
    assert photo.format == "JPEG"
    assert "further pictures" in changes_on_write(photo)
    again = read_photo(encode_photo(photo, photo.pixels))
    assert changes_on_write(again) is None


def test_metadata_that_no_jpeg_can_hold_is_refused_in_a_sentence():
    photo = read_photo(saved())
    too_long = Photo(photo.samples, coding=jpeg.Coding(), xmp=b"x" * 70000)
    with pytest.raises(OutputError, match="cannot be written as JPEG") as caught:
        encode_photo(too_long, photo.pixels)
    assert len(str(caught.value).splitlines()) == 1


def test_a_new_photo_may_become_a_jpeg_too():
    photo = read_photo(saved())
    new = encode_photo(Photo(photo.samples, coding=jpeg.Coding()), photo.pixels)
    assert read_photo(new).coding.subsampling == 0
