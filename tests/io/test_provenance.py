"""Does a file say what made it, and does all else in its XMP stay?"""

import io
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image as PillowImage

from blurspace.io.convert import HOLDS, converted
from blurspace.io.images import FORMATS, encode_photo, read_photo
from blurspace.io.provenance import NO_ROOM, RDF, SPACE, stamped
from blurspace.types import Photo

NOISE = np.random.default_rng(0).integers(0, 256, (24, 32, 3), dtype=np.uint8)
FACTS = {"Tool": "blurspace", "Method": 'a <b> & "c"', "WeightsSha256": None, "BlurLengthPx": 7.25}
RATED = (
    f'<?xpacket begin=""?><x:xmpmeta xmlns:x="adobe:ns:meta/"><r:RDF xmlns:r="{RDF}"><r:Description r:about="" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/" xmp:Rating="4"/></r:RDF></x:xmpmeta><?xpacket end="w"?>'
).encode()


def photo(xmp=None):
    written = io.BytesIO()
    PillowImage.fromarray(NOISE).save(written, "PNG")
    plain = read_photo(written.getvalue())
    return Photo(plain.samples, xmp=xmp)


def told(xmp):
    """The facts, as a reader of XML finds them."""
    found = ElementTree.fromstring(xmp).iterfind(f".//{{{RDF}}}Description")
    return [
        {name.removeprefix(f"{{{SPACE}}}"): value for name, value in one.attrib.items() if SPACE in name}
        for one in found
        if any(SPACE in name for name in one.attrib)
    ]


@pytest.mark.parametrize("format", HOLDS)
def test_every_format_tells_it(format):
    marked = stamped(converted(photo(), FORMATS[format].coding()), FACTS)
    xmp = PillowImage.open(io.BytesIO(encode_photo(marked, marked.samples))).info["xmp"]
    assert told(xmp) == [{"Tool": "blurspace", "Method": 'a <b> & "c"', "BlurLengthPx": "7.25"}]


def test_what_was_there_stays_and_an_earlier_run_is_replaced():
    once = stamped(photo(RATED), FACTS)
    assert told(once.xmp)[0]["Tool"] == "blurspace"
    start, end = RATED.split(b"</r:RDF>")
    assert once.xmp.startswith(start)
    assert once.xmp.endswith(b"</r:RDF>" + end)
    again = stamped(once, FACTS | {"Method": "another"})
    assert [one["Method"] for one in told(again.xmp)] == ["another"]
    assert stamped(again, FACTS).xmp == once.xmp


@pytest.mark.parametrize("xmp", [b"nonsense", b"<x:xmpmeta", RATED.decode().encode("utf-16")])
def test_what_cannot_be_understood_stays(xmp):
    marked = stamped(photo(xmp), FACTS)
    assert (marked.xmp, marked.changes) == (xmp, (NO_ROOM,))


def test_a_jpeg_that_has_no_room():
    full = RATED.replace(b"</r:RDF>", b" " * 65_200 + b"</r:RDF>")
    marked = stamped(converted(photo(full), FORMATS["JPEG"].coding()), FACTS)
    assert (marked.xmp, marked.changes) == (full, (NO_ROOM,))


def test_what_an_editor_laid_together_with_its_own_is_replaced_and_its_own_stays():
    ours = f'xmlns:blurspace="{SPACE}" blurspace:Tool="old" blurspace:Method="old"'
    attributes = RATED.replace(b' xmp:Rating="4"/>', f' {ours} xmp:Rating="4"/>'.encode())
    element = f'<b:Tool xmlns:b="{SPACE}">old</b:Tool><xmp:Label>good</xmp:Label></r:Description>'.encode()
    elements = RATED.replace(b' xmp:Rating="4"/>', b' xmp:Rating="4">' + element)
    for xmp in (attributes, elements):
        marked = stamped(photo(xmp), FACTS).xmp
        assert b"old" not in marked
        assert b'xmp:Rating="4"' in marked
        assert [one["Tool"] for one in told(marked)] == ["blurspace"]
    assert b"<xmp:Label>good</xmp:Label>" in marked
