"""Which numbers are in a .npy file? What its header promises is checked before any memory is taken for it.

Source: the NPY format of numpy, versions 1.0 to 3.0 (numpy.lib.format).
"""

import io
import math

import numpy as np

from blurspace.errors import PictureError

MAGIC = b"\x93NUMPY"
NUMBERS = "biuf"  # the kinds of dtypes: truth values, whole numbers, floats


def matches(data: bytes) -> bool:
    """Whether it is one."""
    return data.startswith(MAGIC)


def decode(data: bytes, *, most: int) -> np.ndarray:
    """The array as float64, of at most so many values. Raises PictureError (a sentence's end), ValueError (damaged)."""
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
