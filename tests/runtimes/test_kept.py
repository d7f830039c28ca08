"""Does what is kept come back as it was, or not at all?"""

import sys

import pytest

from blurspace.runtimes.kept import folder, keep, kept


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_it_comes_back():
    assert kept("a.onnx") is None
    assert keep("a.onnx", b"first")
    assert keep("a.onnx", b"second")
    assert kept("a.onnx") == b"second"
    assert kept("b.onnx") is None
    assert [one.name for one in folder().iterdir()] == ["a.onnx"]


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: b"", lambda data: data[:-1] + b"?"])
def test_what_was_damaged_does_not(damage):
    keep("a.onnx", b"some bytes")
    path = folder() / "a.onnx"
    path.write_bytes(damage(path.read_bytes()))
    assert kept("a.onnx") is None


def test_where_nothing_can_be_kept_work_goes_on(home):
    (home / "blurspace").write_bytes(b"a file, where a folder was wanted")
    assert not keep("a.onnx", b"bytes")
    assert kept("a.onnx") is None


def test_it_is_where_programs_keep_such_things(monkeypatch, home):
    assert folder() == home / "blurspace"
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.delenv("LOCALAPPDATA", raising=False)
    monkeypatch.setattr("pathlib.Path.home", lambda: home)
    monkeypatch.setattr(sys, "platform", "linux")
    assert folder() == home / ".cache/blurspace"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert folder() == home / "Library/Caches/blurspace"
