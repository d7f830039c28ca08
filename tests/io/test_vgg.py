"""Are torchvision's VGG19 weights read, and is any other file refused with the address of the right one?"""

import hashlib
import pickle

import pytest
import torch

from blurspace.errors import ModelError
from blurspace.io import vgg


@pytest.fixture(params=[True, False], ids=["zip", "as in 2017"])
def file(request, tmp_path, monkeypatch):
    """A small file in torchvision's form, whose hash counts as the right one. The real one has the old format."""
    path = tmp_path / "vgg19.pth"
    state = {"features.0.weight": torch.ones(2, 3, 3, 3), "features.0.bias": torch.arange(2.0)}
    more = {"classifier.0.weight": torch.ones(4, 4)}
    torch.save(state | more, path, _use_new_zipfile_serialization=request.param)
    trust(path, monkeypatch)
    return path, state


def trust(path, monkeypatch):
    monkeypatch.setattr(vgg, "HASH_START", hashlib.sha256(path.read_bytes()).hexdigest()[:8])


def test_reads_the_convolutions_only(file):
    path, state = file
    read = vgg.read_vgg19_state(path)
    assert read.keys() == state.keys()
    assert all(torch.equal(read[name], tensor) for name, tensor in state.items())
    assert not any(tensor.requires_grad for tensor in read.values())


def test_a_changed_byte(file):
    path, _ = file
    data = path.read_bytes()
    path.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    with pytest.raises(ModelError, match=rf"is not torchvision's VGG19 \({len(data)} bytes, SHA-256 .*: download"):
        vgg.read_vgg19_state(str(path))


@pytest.mark.parametrize("name", ["missing.pth", "", "a\0b"])
def test_a_missing_file_says_where_to_get_it(tmp_path, name):
    with pytest.raises(ModelError) as caught:
        vgg.read_vgg19_state(tmp_path / name)
    message = str(caught.value)
    assert "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth (574673361 bytes, SHA-256 dcbb9e9d...)" in message
    assert "\n" not in message


class Code:
    def __reduce__(self):
        return (print, ("this ran",))


@pytest.mark.parametrize(
    "content", [b"no weights", pickle.dumps(Code()), pickle.dumps([1, 2])], ids=["text", "code", "list"]
)
def test_a_file_of_the_right_hash_that_holds_something_else(tmp_path, monkeypatch, capsys, content):
    path = tmp_path / "vgg19.pth"
    path.write_bytes(content)
    trust(path, monkeypatch)
    with pytest.raises(ModelError, match="holds no weights by name: download"):
        vgg.read_vgg19_state(path)
    assert capsys.readouterr().out == ""


def test_weights_that_are_no_tensors(tmp_path, monkeypatch):
    path = tmp_path / "vgg19.pth"
    torch.save({"features.0.weight": 3}, path)
    trust(path, monkeypatch)
    with pytest.raises(ModelError, match="holds no weights by name: download"):
        vgg.read_vgg19_state(path)
