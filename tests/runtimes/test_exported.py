"""Does an ONNX file say what torch says, at any size, and when is it made anew?"""

import sys
from pathlib import Path

import pytest
import torch

import blurspace
from blurspace.errors import ModelError
from blurspace.nets.analysis import Extract
from blurspace.nets.restormer import Restormer
from blurspace.nets.synthesis import Synthesis
from blurspace.nets.unet import UNet
from blurspace.runtimes import exported
from blurspace.runtimes.exported import TOLERANCE, check, code_of, export, fingerprint, onnx_of, plain
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


@pytest.mark.parametrize(
    ("network", "needed"),
    [(Extract, ["nets/analysis.py", "blur/convolve.py"]), (Restormer, ["nets/restormer.py", "nets/nafnet.py"])],
)
def test_a_fingerprint_hangs_on_every_file_that_says_what_is_computed(monkeypatch, tmp_path, network, needed):
    module, package = tiny(network), Path(blurspace.__file__).parent
    files = {path.relative_to(package).as_posix(): path for path in code_of(module)}
    assert files.keys() >= {*needed, "runtimes/parts.py", "runtimes/exported.py"}
    assert "nets/printer.py" not in files
    before, changed = fingerprint(module), tmp_path / "changed.py"
    changed.write_bytes(files[needed[1]].read_bytes() + b"# changed")
    others = [path for name, path in files.items() if name != needed[1]]
    monkeypatch.setattr(exported, "code_of", lambda _: [*others, changed])
    assert fingerprint(module) != before


def test_what_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(ModelError, match=r'pip install "\.\[onnx\]"'):
        export(tiny(UNet), PARTS[UNet])
