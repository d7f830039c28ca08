"""Is the fastest runtime found and remembered, and is it torch until somebody measured?"""

import sys

import pytest

from blurspace.errors import Cancelled, ModelError, UsageError
from blurspace.nets.restorer import Restorer
from blurspace.run import Run
from blurspace.runtimes import engines, tuned
from blurspace.runtimes.engines import check_runtime, missing, versioned
from blurspace.runtimes.kept import folder
from blurspace.runtimes.tuned import NAME, Speed, fastest, keep_choice, pick_runtime, speeds_of

from .tiny import tiny


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """A home of its own, where all three runtimes are installed."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(engines, "_is_here", lambda _: True)
    versions = {"torch": "torch 2", "onnx": "onnxruntime 1", "openvino": "openvino 3"}
    monkeypatch.setattr(tuned, "versioned", versions.get)
    return versions


def speeds(**seconds):
    return [Speed("trusting", "net", seconds)]


@pytest.mark.parametrize(
    ("onnx", "openvino", "best"),
    [(0.5, 0.8, "onnx"), (0.8, 0.5, "openvino"), (0.95, 0.99, "torch"), (2.0, 3.0, "torch")],
)
def test_the_fastest_wins_where_it_is_worth_it(onnx, openvino, best):
    assert fastest(speeds(torch=1.0, onnx=onnx, openvino=openvino)) == best


def test_parts_count_alike_however_long_they_take():
    long, short = {"torch": 10.0, "onnx": 11.0, "openvino": 20.0}, {"torch": 0.1, "onnx": 0.02, "openvino": 0.2}
    assert fastest([*speeds(**long), *speeds(**short)]) == "onnx"


def test_auto_is_torch_until_it_was_measured_and_after_an_update(here):
    assert pick_runtime() == "torch"
    assert keep_choice(speeds(torch=1.0, onnx=0.5, openvino=0.8), "onnx")
    assert pick_runtime() == "onnx"
    assert pick_runtime("torch") == "torch"
    assert pick_runtime("auto", "cuda") == "torch"
    here["onnx"] = "onnxruntime 2"
    assert pick_runtime() == "torch"


def test_a_choice_that_was_damaged_is_none():
    keep_choice(speeds(torch=1.0), "onnx")
    path = folder() / NAME
    path.write_bytes(path.read_bytes()[:-3])
    assert pick_runtime() == "torch"


def test_what_cannot_be_had_is_said(monkeypatch):
    with pytest.raises(UsageError, match="give one of auto, torch, onnx, openvino"):
        pick_runtime("tensorrt")
    with pytest.raises(UsageError, match="--device cpu"):
        pick_runtime("onnx", "cuda")
    monkeypatch.setattr(engines, "_is_here", lambda name: name != "openvino")
    assert check_runtime("onnx") == "onnx"
    with pytest.raises(
        ModelError, match=r'needs openvino, which is not here: in the folder of blurspace, pip install "\.\[openvino\]"'
    ):
        check_runtime("openvino")


def test_an_empty_folder_is_no_library(tmp_path, monkeypatch):
    monkeypatch.undo()
    (tmp_path / "openvino").mkdir()
    monkeypatch.setattr(sys, "path", [str(tmp_path)])
    monkeypatch.delitem(sys.modules, "openvino", raising=False)
    assert "openvino" in missing("openvino")


def test_torch_has_a_version():
    assert versioned("torch").startswith("torch 2.")
    assert "+" not in versioned("torch")


def test_every_runtime_gets_the_same_picture_in_turn(monkeypatch):
    asked = []
    monkeypatch.setattr(tuned, "_torch", lambda module, inputs: lambda: asked.append(("torch", inputs[0].shape)))
    monkeypatch.setattr(tuned, "_other", lambda _, __, name, inputs: lambda: asked.append((name, inputs[0].shape)))
    network = tiny(Restorer)
    (speed,) = speeds_of(network, "restorer", size=(64, 96), turns=2)
    assert speed.part == "unet"
    assert set(speed.seconds) == {"torch", "onnx", "openvino"}
    assert [name for name, _ in asked] == ["torch", "onnx", "openvino"] * 3
    assert {tuple(shape) for _, shape in asked} == {(1, 12, 32, 48)}
    with pytest.raises(Cancelled):
        speeds_of(network, "restorer", run=Run(cancelled=lambda: True))
