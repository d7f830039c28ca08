"""Which numbers are in a file of numbers, a .npy or a TIFF of floats? What it promises is checked before it is read.

Source: the NPY format of numpy, versions 1.0 to 3.0 (numpy.lib.format); TIFF 6.0, section 19.
"""

import io
import math

import numpy as np
import tifffile

from blurspace.errors import PictureError
from blurspace.io import tiff

MAGIC = b"\x93NUMPY"
NUMBERS = "biuf"  # the kinds of dtypes: truth values, whole numbers, floats


def numbers(data: bytes, *, most: int) -> np.ndarray | None:
    """The array in such a file as float64, of at most so many values; None for any other file.

    Raises PictureError (a sentence's end), ValueError (damaged).
    """
    if data.startswith(MAGIC):
        return _npy(data, most)
    if not tiff.matches(data):
        return None
    with tifffile.TiffFile(io.BytesIO(data)) as file:
        if file.pages.first.sampleformat != tiff.IEEE_FLOAT:
            return None
        if file.pages.first.size > most:
            raise PictureError(f"has more than {most} pixels: give the small grey picture of a kernel")
        return file.asarray().astype(np.float64)


def _npy(data: bytes, most: int) -> np.ndarray:
    stream = io.BytesIO(data)
    first = np.lib.format.read_magic(stream) == (1, 0)
    head = np.lib.format.read_array_header_1_0 if first else np.lib.format.read_array_header_2_0
    shape, _, kind = head(stream)
    count = math.prod(shape)
    if any(side < 0 for side in shape):
        raise ValueError("a negative side")
    if kind.kind not in NUMBERS:
        raise PictureError(f"holds values of the type {kind.kind}, where real numbers were wanted: save it as float32")
    if count > most:
        raise PictureError(f"says that its shape is {shape}, more than the limit of {most} values: give a smaller one")
    if count * kind.itemsize > len(data) - stream.tell():
        raise PictureError(f"is cut off: it is too short for its shape {shape}: copy or download it again")
    return np.load(io.BytesIO(data), allow_pickle=False).astype(np.float64)
