"""Does a restored photo say all that is still true of it, byte for byte, and nothing that is not?

Read by Pillow and tifffile, which had no part in writing what is looked at here.
"""

import io
import re

import numpy as np
import pytest
import tifffile
from PIL import ExifTags, PngImagePlugin
from PIL import Image as Pil
from PIL.TiffImagePlugin import IFDRational

from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.files import find_sources
from blurspace.jobs.wishes import Wishes

from .fakes import Fake

NOISE = np.random.default_rng(0).integers(0, 256, (40, 56, 3), dtype=np.uint8)
XMP = (
    b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    b'<rdf:Description rdf:about="" xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4" xmp:Label="good"'
    b' xmlns:G="http://ns.google.com/photos/1.0/camera/" G:MotionPhoto="1" G:BurstID="7"/></rdf:RDF></x:xmpmeta>'
)
UNTRUE = (b'G:MotionPhoto="1"',)
FILM = b"\0\0\0\x18ftypmp42" + bytes(range(200))
PLACE = {1: "N", 2: (54.0, 19.0, 24.5), 3: "E", 4: (10.0, 8.0, 7.25), 29: "2026:11:29"}
SHOT = {
    ExifTags.Base.ExposureTime: 0.125,
    ExifTags.Base.FNumber: 2.8,
    ExifTags.Base.ISOSpeedRatings: 800,
    ExifTags.Base.DateTimeOriginal: "2026:11:29 14:00:00",
    ExifTags.Base.OffsetTimeOriginal: "+01:00",
    ExifTags.Base.MakerNote: b"maker's note \0\xff" + bytes(range(99)),
    ExifTags.Base.UserComment: b"ASCII\0\0\0shaken",
    ExifTags.Base.LensModel: "50mm",
    ExifTags.Base.ImageUniqueID: "0123456789abcdef",
}
FIRST = {
    ExifTags.Base.Make: "Maker",
    ExifTags.Base.Model: "Model 7",
    ExifTags.Base.Orientation: 6,
    ExifTags.Base.Software: "Firmware 1.2",
    ExifTags.Base.DateTime: "2026:11:29 14:00:01",
    ExifTags.Base.Artist: "Somebody",
    ExifTags.Base.Copyright: "© Somebody".encode(),
    ExifTags.Base.ImageDescription: "Straße".encode(),
}
POINTS = (ExifTags.Base.ExifOffset, ExifTags.Base.GPSInfo)  # where directories stand, not what they say


def exif():
    tags = Pil.Exif()
    tags.update(FIRST)
    tags.get_ifd(ExifTags.IFD.Exif).update(SHOT)
    tags.get_ifd(ExifTags.IFD.GPSInfo).update(PLACE)
    return tags.tobytes()


def png():
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("Title", "a title")
    chunks.add_itxt("Comment", "ein Märchen", lang="de")
    chunks.add_text("Long", "z" * 999, zip=True)
    chunks.add_itxt("XML:com.adobe.xmp", XMP.decode())
    chunks.add(b"tIME", b"\x07\xea\x0b\x1d\x0e\0\0")
    return {"pnginfo": chunks, "dpi": (300, 300)}


OPTIONS = {
    "JPEG": {"quality": 90, "dpi": (300, 300), "comment": b"a comment"},
    "PNG": png(),
    "WEBP": {"quality": 90},
    "AVIF": {"quality": 90},
    "TIFF": {},
}


def photo(format):
    """A file that says much."""
    written = io.BytesIO()
    if format == "TIFF":
        tags = [(274, 3, 1, 6, True), (271, 2, 0, "Maker", True), (700, 1, len(XMP), XMP, True)]
        tags += [
            (33432, 2, 0, "Somebody", True),
            (34675, 7, 9, b"a profile", True),
            (33723, 7, 12, b"\x1c\x02\x05\0\x07a title", True),
        ]
        how = {"resolution": (300, 300), "resolutionunit": "INCH", "description": "a text", "software": "scanner"}
        tifffile.imwrite(written, NOISE, photometric="rgb", extratags=tags, metadata=None, **how)
        return written.getvalue()
    blocks = {"exif": exif(), "icc_profile": b"a profile", "xmp": XMP}
    Pil.fromarray(NOISE).save(written, format, **blocks, **OPTIONS[format])
    return written.getvalue() + (FILM if format == "JPEG" else b"")


def fields(data, format):
    """All that a file says of its picture: what Pillow and tifffile find, by name."""
    if format == "TIFF":
        with tifffile.TiffFile(io.BytesIO(data)) as file:
            tags = {tag.code: tag.value for tag in file.pages[0].tags}
        made = (259, 273, 278, 279, 284, 317)  # strips and their coding
        return {code: value for code, value in tags.items() if code not in made}
    image = Pil.open(io.BytesIO(data))
    image.load()
    info = {name: value for name, value in image.info.items() if name not in ("exif", "Raw profile type exif")}
    tags = image.getexif()
    for name, found in (("0", tags), *((one.name, tags.get_ifd(one)) for one in ExifTags.IFD)):
        info |= {f"{name}:{tag}": plain(value) for tag, value in found.items() if tag not in POINTS}
    return info


def plain(value):
    """A fraction as its two numbers, for one of 0/0 is no other's equal."""
    if isinstance(value, tuple):
        return tuple(map(plain, value))
    return (value.numerator, value.denominator) if isinstance(value, IFDRational) else value


def packet(found, format):
    """The XMP among the fields; a PNG's stands there twice."""
    names = {"TIFF": (700,), "PNG": ("XML:com.adobe.xmp", "xmp")}.get(format, ("xmp",))
    packets = [found.pop(name) for name in names if name in found]
    return packets[-1].encode() if isinstance(packets[-1], str) else bytes(packets[-1])


@pytest.mark.parametrize("format", list(OPTIONS))
def test_what_is_true_stays_and_what_is_not_goes(format, tmp_path):
    path = tmp_path / f"photo.{format.lower()}"
    path.write_bytes(photo(format))
    (one,) = deblur_files(find_sources([str(path)]), deblurrer=Fake(), wishes=Wishes())
    assert one.verdict == "restored", one.reason
    new = (tmp_path / f"photo.deblurred.{format.lower()}").read_bytes()
    before, after = fields(path.read_bytes(), format), fields(new, format)
    old, told = packet(before, format), packet(after, format)
    assert after == before
    assert len(before) > 9
    for true in (b'xmp:Rating="4"', b'xmp:Label="good"', b'G:BurstID="7"'):
        assert true in old
        assert true in told
    assert re.search(rb"Verdict\W+restored", told)
    if format == "JPEG":  # the only one that had a film
        assert not any(claim in told for claim in UNTRUE)
        assert FILM not in new
        assert any("film" in note for note in one.notes)
