"""Does the thumbnail show the new picture, and does every other byte of the EXIF block stay?"""

import io
import struct

import numpy as np
import pytest
import tifffile
import torch
from PIL import ExifTags
from PIL import Image as PillowImage

from blurspace.io import thumbnail
from blurspace.io.convert import converted
from blurspace.io.images import FORMATS, encode_and_tell, read_photo
from blurspace.io.thumbnail import with_new_thumbnail, without_photoshops
from blurspace.types import Photo

NOTE = b"maker's note \0\xff with offsets"
DARK, LIGHT = (torch.full((1, 3, 96, 128), level, dtype=torch.uint8) for level in (0, 200))


def small(level, size=(40, 30)):
    written = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 9, (size[1], size[0], 3))
    PillowImage.fromarray((noise + level).astype(np.uint8)).save(written, "JPEG", quality=95)
    return written.getvalue()


def exif_with(old, order="<", strips=False):
    """An EXIF block of one maker's note, and a second directory with the thumbnail."""
    first, second = 8, 8 + 2 + 12 * 2 + 4
    behind = second + 2 + 12 * 2 + 4
    tags = (0x0111, 0x0117) if strips else (0x0201, 0x0202)
    block = {"<": b"II", ">": b"MM"}[order] + struct.pack(order + "HI", 42, first)
    block += struct.pack(order + "HHHII", 2, 0x0112, 3, 1, 6 if order == "<" else 6 << 16)
    block += struct.pack(order + "HHII", 0x927C, 7, len(NOTE), behind + len(old)) + struct.pack(order + "I", second)
    block += struct.pack(order + "HHHII", 2, tags[0], 4, 1, behind)
    block += struct.pack(order + "HHII", tags[1], 4, 1, len(old)) + struct.pack(order + "I", 0)
    return block + old + NOTE


def shown(exif):
    """What an independent reader finds as a thumbnail."""
    found = PillowImage.Exif()
    found.load(exif)
    second = found.get_ifd(ExifTags.IFD.IFD1)
    if 0x0201 not in second:
        return None
    start, length = second[0x0201], second[0x0202]
    return np.asarray(PillowImage.open(io.BytesIO(exif[start : start + length])).convert("RGB"))


@pytest.mark.parametrize("order", ["<", ">"])
def test_it_is_made_anew_in_its_place(order):
    old = small(10)
    exif = exif_with(old, order)
    new, told = with_new_thumbnail(Photo(LIGHT, exif=exif))
    assert told == "its thumbnail is made anew"
    assert shown(new).shape == (30, 40, 3)
    assert abs(shown(new).astype(int) - 200).max() < 3
    start = exif.index(old)
    changed = [place for place in range(len(exif)) if exif[place] != new[place]]
    length = start - 8  # where the second directory's last entry holds how long it is
    assert len(new) == len(exif)
    assert all(start <= place < start + len(old) or length <= place < length + 4 for place in changed)
    assert new.endswith(NOTE)


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP"])
def test_files_of_all_formats_have_the_new_one(format):
    photo = Photo(DARK, coding=FORMATS[format].coding(), exif=exif_with(small(200)))
    data, told = encode_and_tell(photo, LIGHT)
    assert told == "its thumbnail is made anew"
    exif = PillowImage.open(io.BytesIO(data)).getexif()
    assert exif[0x0112] == 6
    assert exif[0x927C] == NOTE
    assert abs(shown(read_photo(data).exif).astype(int) - 200).max() < 3


def test_one_of_16_bits_and_of_another_shape():
    photo = Photo(torch.full((1, 1, 64, 64), 65535, dtype=torch.uint16), exif=exif_with(small(10)))
    seen = shown(with_new_thumbnail(photo)[0])
    assert seen[:, 8:32].min() > 250
    assert seen[:, :3].max() < 5  # a bar


@pytest.mark.parametrize("old", [b"no JPEG at all", b"\xff\xd8\xff" + bytes(300)])
def test_what_is_no_jpeg_is_removed(old):
    new, told = with_new_thumbnail(Photo(LIGHT, exif=exif_with(old)))
    assert told == thumbnail.REMOVED
    assert (shown(new), old in new) == (None, False)
    assert new.endswith(NOTE)


def test_one_that_is_not_compressed_is_removed():
    pixels = bytes(range(1, 200))
    new, told = with_new_thumbnail(Photo(LIGHT, exif=exif_with(pixels, strips=True)))
    assert (told, shown(new), pixels in new) == (thumbnail.REMOVED, None, False)


def test_one_that_does_not_fit_is_removed(monkeypatch):
    monkeypatch.setattr(thumbnail, "QUALITIES", (100,))
    noise = torch.randint(0, 256, (1, 3, 96, 128), generator=torch.Generator().manual_seed(0)).to(torch.uint8)
    assert with_new_thumbnail(Photo(noise, exif=exif_with(small(10, (128, 96))[:-1] + b"\xd9")))[1] == thumbnail.REMOVED


@pytest.mark.parametrize("exif", [None, b"", b"II*\0", b"XX*\0" + bytes(20), b"II*\0\xff\xff\xff\xff", bytes(40)])
def test_damaged_blocks_stay(exif):
    assert with_new_thumbnail(Photo(LIGHT, exif=exif)) == (exif, None)


def test_every_cut_of_a_block_ends_well():
    exif = exif_with(small(10))
    for length in range(0, len(exif), 3):
        assert len(with_new_thumbnail(Photo(LIGHT, exif=exif[:length]))[0]) == length


def test_a_tiff_has_none():
    photo = converted(Photo(DARK, exif=exif_with(small(200))), FORMATS["TIFF"].coding())
    data, told = encode_and_tell(photo, LIGHT)
    assert told == thumbnail.REMOVED
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        assert len(file.pages) == 1


def test_photoshops_thumbnail_goes_and_its_iptc_stays():
    def resource(number, body, name=b"\0\0"):
        return (
            b"8BIM" + struct.pack(">H", number) + name + struct.pack(">I", len(body)) + body + b"\0" * (len(body) % 2)
        )

    iptc, thumb = resource(0x0404, b"\x1c\x02\x78\0\x05words", b"\x03abc"), resource(1036, b"odd pixels!")
    head = b"Photoshop 3.0\0"
    assert without_photoshops(head + iptc + thumb + iptc) == head + iptc + iptc
    assert without_photoshops(head + iptc) == head + iptc
    for length in range(len(head + thumb)):
        without_photoshops((head + thumb)[:length])  # no error, whatever is cut off
    file = io.BytesIO()
    segment = b"\xff\xed" + struct.pack(">H", 2 + len(head + iptc + thumb)) + head + iptc + thumb
    PillowImage.new("RGB", (32, 32)).save(file, "JPEG", extra=segment)
    photo = read_photo(file.getvalue())
    data, _ = encode_and_tell(photo, photo.samples)
    assert ("APP13", head + iptc) in PillowImage.open(io.BytesIO(data)).applist
