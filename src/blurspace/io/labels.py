"""How does a file say that a generator made its picture?"""

from dataclasses import replace

from PIL import ExifTags
from PIL.Image import Exif

from blurspace.types import Photo

READ_AS = "latin-1"  # how Pillow reads the bytes of texts, whatever they are
MADE = "made by a generator: plausible, not evidence"


def labelled(photo: Photo) -> Photo:
    """The photo with MADE in the EXIF description of its file, behind what stood there; the preview is left out.

    What cannot be understood of its EXIF block is replaced: the label matters more.
    """
    exif = Exif()
    try:
        exif.load(photo.exif or b"")
        described = str(exif.get(ExifTags.Base.ImageDescription, "")).strip("\0 ")
    except Exception:  # damaged metadata raises what it likes
        exif, described = Exif(), ""
    if MADE in described:
        return photo
    exif[ExifTags.Base.ImageDescription] = f"{described} ({MADE})" if described else MADE
    for held in (exif, *map(exif.get_ifd, (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo))):
        for tag, value in held.items():
            if isinstance(value, str):  # which would be written as ASCII, with question marks for all else
                held[tag] = value.encode(READ_AS)
    return replace(photo, exif=exif.tobytes().removeprefix(b"Exif\0\0"))
