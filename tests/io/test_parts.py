"""Are films and gain maps behind a picture named, and does the new file's XMP claim nothing that is gone?"""

import io
import re
import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest
from PIL import Image as PillowImage

from blurspace.io.images import encode_and_tell, read_photo
from blurspace.io.parts import end_of_picture, further_parts, without_claims

NOISE = np.random.default_rng(0).integers(0, 256, (32, 40, 3), dtype=np.uint8)
FILM = b"\0\0\0\x18ftypmp42" + bytes(range(200))
SPACES = (
    'xmlns:Cam="http://ns.google.com/photos/1.0/camera/" xmlns:C="http://ns.google.com/photos/1.0/container/" '
    'xmlns:I="http://ns.google.com/photos/1.0/container/item/" xmlns:hdrgm="http://ns.adobe.com/hdr-gain-map/1.0/" '
    'xmlns:xmp="http://ns.adobe.com/xap/1.0/"'
)
PACKET = (
    '<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    f'<rdf:Description rdf:about="" {SPACES}\n  Cam:MotionPhoto="1" Cam:MicroVideoOffset=\'250\' xmp:Rating="4"'
    ' Cam:BurstID="7" hdrgm:Version="1.0"><C:Directory><rdf:Seq><rdf:li><C:Item I:Semantic="MotionPhoto"'
    ' I:Length="250"/></rdf:li>'
    "</rdf:Seq></C:Directory><xmp:Thumbnails><rdf:Alt/></xmp:Thumbnails><xmp:Label>good</xmp:Label>"
    "</rdf:Description></rdf:RDF></x:xmpmeta>"
).encode()
TRUE = (b'xmp:Rating="4"', b'Cam:BurstID="7"', b"<xmp:Label>good</xmp:Label>")
GONE = (b"MotionPhoto", b"MicroVideo", b"hdrgm:Version", b"Directory", b"Thumbnails>")


def jpeg(**options):
    written = io.BytesIO()
    PillowImage.fromarray(NOISE).save(written, "JPEG", **options)
    return written.getvalue()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"quality": 100}, {"restart_marker_blocks": 1}])
def test_the_end_of_a_picture(options):
    picture = jpeg(comment=b"\xff\xd9 is no end", **options)
    assert end_of_picture(picture) == len(picture)
    assert end_of_picture(picture + FILM) == len(picture)
    assert end_of_picture(picture[:-9]) == len(picture) - 9


@pytest.mark.parametrize(
    ("behind", "packet", "words"),
    [
        (FILM, PACKET, [f"its film, which made it a motion photo ({len(FILM)} bytes)"]),
        (jpeg(), PACKET, ["its gain map"]),
        (jpeg(), b"", ["any further pictures"]),
        (jpeg() + FILM, PACKET, ["its gain map", "its film"]),
        (b"something", b"", ["the 9 bytes behind its picture"]),
        (bytes(99), b"", []),
    ],
)
def test_parts_are_named_and_left_out(behind, packet, words):
    photo = read_photo(jpeg(**({"xmp": packet} if packet else {})) + behind)
    assert all(one.startswith(word) for one, word in zip(photo.changes, words, strict=True))
    data, told = encode_and_tell(photo, photo.samples)
    assert further_parts(data) == ()
    assert end_of_picture(data) == len(data)
    assert (told or "").count("left out") == len(words) + bool(packet)


def test_xmp_loses_the_claims_and_nothing_else():
    data, told = encode_and_tell(read_photo(jpeg(xmp=PACKET) + FILM), read_photo(jpeg()).samples)
    found = PillowImage.open(io.BytesIO(data)).info["xmp"]
    assert "what its XMP told of parts that are left out is removed" in told
    assert ElementTree.fromstring(found).tag == "{adobe:ns:meta/}xmpmeta"
    assert all(one in found for one in TRUE)
    assert not any(one in found for one in GONE)
    claims = rb"\s+Cam:Mo.*'250'|\shdrgm:Version=\"1.0\"|<C:.*</xmp:Thumbnails>"
    assert found == re.sub(claims, b"", PACKET, flags=re.DOTALL)


def test_other_xmp_stays_to_the_byte():
    plain = PACKET.replace(b"hdr-gain-map", b"other").replace(b"google.com", b"example.com")
    plain = re.sub(rb"<xmp:Thumbnails>.*</xmp:Thumbnails>", b"", plain)
    assert without_claims(plain) == plain
    data, told = encode_and_tell(read_photo(jpeg(xmp=plain)), read_photo(jpeg()).samples)
    assert (PillowImage.open(io.BytesIO(data)).info["xmp"], told) == (plain, None)


def test_the_segment_of_a_gain_map_is_not_copied():
    extra = b"\xff\xe2" + (2 + 32).to_bytes(2, "big") + b"urn:iso:std:iso:ts:21496:-1\0" + bytes(4)
    photo = read_photo(jpeg(extra=extra) + jpeg())
    assert "its gain map" in photo.changes[0]
    assert b"21496" not in encode_and_tell(photo, photo.samples)[0]
