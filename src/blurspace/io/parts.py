"""Which further parts does a JPEG hold behind its picture, and what claims them? A film, a gain map, other pictures.

A file that is written again has none of them, so that its XMP must not promise them: phones would look for a film in
the picture's own bytes. Sources: Android's motion photo format 1.0, Ultra HDR 1.1, CIPA DC-007 (MPF), XMP part 1.
"""

import re

END = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")  # a marker within coded pixels that is no stuffing and no restart
START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
ALONE = frozenset({0x01, *range(0xD0, 0xD9)})  # markers without a length
PICTURE, FILM = b"\xff\xd8\xff", b"ftyp"  # how a JPEG begins; and an MP4, behind four bytes
GAIN_MAP = b"http://ns.adobe.com/hdr-gain-map/1.0/"
GAIN_MAPS = (GAIN_MAP, b"urn:iso:std:iso:ts:21496:-1", b"HDRGainMap")  # Ultra HDR, ISO 21496-1, Apple
# What XMP says of such parts and of its own thumbnails: the properties of a namespace, all of them where none is named.
CLAIMS = {
    b"http://ns.google.com/photos/1.0/camera/": rb"(?:MotionPhoto|MicroVideo)\w*",
    b"http://ns.google.com/photos/1.0/container/": rb"[\w]+",
    b"http://ns.google.com/photos/1.0/container/item/": rb"[\w]+",
    GAIN_MAP: rb"[\w]+",
    b"http://ns.apple.com/HDRGainMap/1.0/": rb"[\w]+",
    b"http://ns.adobe.com/xap/1.0/": rb"Thumbnails",
}


def further_parts(data: bytes) -> tuple[str, ...]:
    """What stands behind the picture in a JPEG and is not written again, a sentence each; nothing for zeros alone."""
    rest = data[end_of_picture(data) :]
    told = []
    film = rest.find(FILM)
    pictures, moving = (rest, b"") if film < 4 else (rest[: film - 4], rest[film - 4 :])
    if PICTURE in pictures and any(word in data for word in GAIN_MAPS):
        told.append(f"its gain map, which made lights brighter on some screens ({len(pictures)} bytes), is left out")
    elif PICTURE in pictures:
        told.append("any further pictures in it are left out")
    elif pictures.strip(b"\0"):
        told.append(f"the {len(pictures)} bytes behind its picture are left out")
    if moving:
        told.append(f"its film, which made it a motion photo ({len(moving)} bytes), is left out")
    return tuple(told)


def end_of_picture(data: bytes) -> int:
    """Where the first picture in a JPEG ends: behind its end marker, or at the end of the bytes."""
    at = 2
    while at + 4 <= len(data):
        if data[at] != 0xFF:  # damaged: nothing is known
            return len(data)
        kind = data[at + 1]
        if kind == END_OF_IMAGE:
            return at + 2
        if kind in ALONE or kind == 0xFF:
            at += 1 if kind == 0xFF else 2
            continue
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if kind == START_OF_SCAN:
            found = END.search(data, at)
            at = found.start() if found else len(data)
    return at + 2 if data[at : at + 2] == b"\xff\xd9" else len(data)


def without_claims(xmp: bytes) -> bytes:
    """XMP without what it says of parts and thumbnails that are gone; every other byte stays."""
    for space, names in CLAIMS.items():
        xmp = without_properties(xmp, space, names)
    return xmp


def without_properties(xmp: bytes, space: bytes, names: bytes = rb"[\w.-]+") -> bytes:
    """XMP without the properties of a namespace, as attributes and as elements; `names`: a pattern."""
    for prefix in prefixes(xmp, space):
        name = re.escape(prefix) + b":(?:" + names + b")"
        xmp = re.sub(rb"\s+" + name + rb"\s*=\s*(\"[^\"<]*\"|'[^'<]*')", b"", xmp)
        xmp = re.sub(rb"<(" + name + rb")(?:\s[^<>]*)?(?<!/)>.*?</\1\s*>", b"", xmp, flags=re.DOTALL)
        xmp = re.sub(rb"<" + name + rb"(?:\s[^<>]*)?/>", b"", xmp)
    return xmp


def prefixes(xmp: bytes, space: bytes) -> set[bytes]:
    """What stands for a namespace in XMP."""
    return set(re.findall(rb"xmlns:([\w.-]+)\s*=\s*[\"']" + re.escape(space) + rb"[\"']", xmp))
