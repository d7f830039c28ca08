"""Where in an EXIF block does which entry stand? For changes in place: makers' notes hold offsets, so nothing may move.

An EXIF block is a small TIFF: directories of entries of 12 bytes (Exif 2.32, 4.6). What is damaged raises DAMAGED.
"""

import struct

ORIENTATION, UPRIGHT = 0x0112, 1
SHORT = 3  # the type of numbers of 16 bits
DAMAGED = (struct.error, IndexError, KeyError, ValueError)


def order(exif: bytes) -> str:
    """The byte order, as struct has it."""
    return {b"II": "<", b"MM": ">"}[exif[:2]]


def first(exif: bytes) -> int:
    """Where the first directory begins."""
    return int(struct.unpack_from(order(exif) + "I", exif, 4)[0])


def second(exif: bytes) -> tuple[int, int]:
    """Where the first directory says where the second one begins, and what it says: 0 for none."""
    link = first(exif) + 2 + 12 * struct.unpack_from(order(exif) + "H", exif, first(exif))[0]
    return link, struct.unpack_from(order(exif) + "I", exif, link)[0]


def entries(exif: bytes, start: int) -> dict[int, int]:
    """Where each tag of a directory has its entry."""
    count = struct.unpack_from(order(exif) + "H", exif, start)[0]
    places = range(start + 2, start + 2 + 12 * count, 12)
    return {struct.unpack_from(order(exif) + "H", exif, place)[0]: place for place in places}


def value(exif: bytes, entry: int) -> int:
    """The one number, of 16 or 32 bits, in an entry. Raises ValueError on one that lies outside of the block."""
    kind = struct.unpack_from(order(exif) + "H", exif, entry + 2)[0]
    number = struct.unpack_from(order(exif) + ("H" if kind == SHORT else "I"), exif, entry + 8)[0]
    if number > len(exif):
        raise ValueError("an offset leads out of the block")
    return int(number)


def upright(exif: bytes | None) -> bytes | None:
    """The block of a picture that was turned upright: its orientation says so, and all else stays."""
    if exif is None:
        return None
    try:
        block, entry = bytearray(exif), entries(exif, first(exif)).get(ORIENTATION)
        if entry is not None:
            struct.pack_into(order(exif) + "HIHH", block, entry + 2, SHORT, 1, UPRIGHT, 0)
        return bytes(block)
    except DAMAGED:
        return exif


def orientation(exif: bytes | None) -> int:
    """How the picture is to be turned and mirrored to stand upright, 1 to 8 (Exif 2.32, 4.6.4); 1 where nobody says."""
    try:
        entry = entries(exif, first(exif)).get(ORIENTATION) if exif else None
        told = UPRIGHT if exif is None or entry is None else value(exif, entry)
    except DAMAGED:
        return UPRIGHT
    return told if told in range(1, 9) else UPRIGHT
