"""Does an ONNX file say what torch says, at any size, and when is it made anew?"""

import sys

import pytest
import torch

from blurspace.errors import ModelError
from blurspace.nets.synthesis import Synthesis
from blurspace.nets.unet import UNet
from blurspace.runtimes import exported
from blurspace.runtimes.exported import TOLERANCE, check, export, fingerprint, onnx_of, plain
from blurspace.runtimes.kept import folder
from blurspace.runtimes.parts import PARTS

from .tiny import tiny


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


@pytest.mark.parametrize(
    "wrong",
    [
        lambda found: found + 2 * TOLERANCE,
        lambda found: found * torch.nan,
        lambda found: found[..., 1:],
    ],
)
def test_a_runtime_that_says_something_else_is_not_believed(wrong):
    module, part = tiny(UNet), PARTS[UNet]
    assert check(module, part, lambda inputs: [module(*inputs)]) == 0
    assert check(module, part, lambda inputs: [module(*inputs) + TOLERANCE / 2]) == pytest.approx(
        TOLERANCE / 2, rel=0.1
    )
    with pytest.raises(ModelError, match="differs from torch"):
        check(module, part, lambda inputs: [wrong(module(*inputs))])


def test_a_file_is_made_once_and_again_where_it_was_damaged_or_the_weights_changed(monkeypatch):
    made = []
    monkeypatch.setattr(exported, "export", lambda module, part: made.append(module) or b"as if it were onnx")
    module, part = tiny(UNet), PARTS[UNet]
    assert onnx_of(module, part) == onnx_of(module, part) == b"as if it were onnx"
    assert len(made) == 1
    (path,) = folder().iterdir()
    path.write_bytes(path.read_bytes()[:-1])
    assert onnx_of(module, part) == b"as if it were onnx"
    assert len(made) == 2
    module.leave.bias += 1
    onnx_of(module, part)
    assert len(made) == 3


def test_a_fingerprint_tells_networks_apart():
    module = tiny(UNet)
    assert fingerprint(module) == fingerprint(tiny(UNet))
    assert fingerprint(module) != fingerprint(tiny(Synthesis))
    module.forward = len  # served by something
    assert fingerprint(module) == fingerprint(tiny(UNet))
    assert plain(module).forward.__func__ is UNet.forward
    module.leave.weight[0, 0, 0, 0] += 1
    assert fingerprint(module) != fingerprint(tiny(UNet))


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModelError, match=r'pip install "blurspace\[onnx\]"'):
        export(tiny(UNet), PARTS[UNet])
