"""Is what a .npy file promises checked before any memory is taken for it?"""

import io

import numpy as np
import pytest

from blurspace.errors import PictureError
from blurspace.io.images import kernel_in, read_kernel


def promising(shape, kind="<f8", data=b""):
    """A .npy file that may say more of itself than it holds."""
    written = io.BytesIO()
    np.lib.format.write_array_header_1_0(written, {"descr": kind, "fortran_order": False, "shape": shape})
    return written.getvalue() + data


def never(*_, **__):
    pytest.fail("the file was read")


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (promising((99_999, 99_999)), "more than the limit of"),
        (promising((9_000, 9_000)), "cut off"),
        (promising((-5, 5), data=bytes(200)), "damaged"),
        (promising((-99_999, -5), data=bytes(200)), "damaged"),
        (promising((3, 3), "|O", bytes(72)), "type"),
        (promising((3, 3), "<c16", bytes(144)), "type"),
        (promising((3, 3), "|S1000000", bytes(9)), "type"),
        (promising((3, 3), data=bytes(71)), "cut off"),
    ],
)
def test_what_a_file_promises_is_checked_first(data, told, tmp_path, monkeypatch):
    monkeypatch.setattr(np, "load", never)
    path = tmp_path / "kernel.npy"
    path.write_bytes(data)
    with pytest.raises(PictureError, match=told) as caught:
        read_kernel(path)
    sentence = str(caught.value)
    assert sentence.isprintable()
    assert sentence.startswith(f"{path} ")
    assert ": " in sentence


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_every_version_is_read(version):
    written = io.BytesIO()
    np.lib.format.write_array(written, np.eye(3, dtype=np.uint8), version=version)
    assert kernel_in(written.getvalue(), name="it").flatten().argmax() == 0
