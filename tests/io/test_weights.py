"""Do weights survive a file, and is a wrong file refused in one sentence?"""

import pytest
import torch
from safetensors.torch import save
from torch import nn

from blurspace.errors import ModelError, OutputError
from blurspace.io.weights import load_into, read_weights, write_weights


def nets():
    return {"a": nn.Conv2d(2, 3, 3), "b": nn.Sequential(nn.Linear(4, 2), nn.BatchNorm1d(2))}


@pytest.fixture
def file(tmp_path):
    networks = nets()
    write_weights(tmp_path / "w.safetensors", networks, about={"steps": 7, "network": {"width": 3}})
    return tmp_path / "w.safetensors", networks


def test_round_trip(file):
    path, networks = file
    tensors, about = read_weights(path)
    assert about == {"steps": 7, "network": {"width": 3}}
    assert set(tensors) >= {"a.weight", "b.0.bias", "b.1.running_mean"}
    copies = nets()
    load_into(copies, tensors)
    for name, network in networks.items():
        for key, tensor in network.state_dict().items():
            assert torch.equal(copies[name].state_dict()[key], tensor)
    assert torch.equal(read_weights(path.read_bytes())[0]["a.weight"], tensors["a.weight"])


def test_half_is_half_and_is_widened(tmp_path, file):
    networks = file[1]
    write_weights(tmp_path / "h.safetensors", networks, about={}, half=True)
    tensors, _ = read_weights(tmp_path / "h.safetensors")
    assert tensors["a.weight"].dtype == torch.float32
    assert torch.equal(tensors["a.weight"], networks["a"].weight.half().float())
    assert tensors["b.1.num_batches_tracked"].dtype == torch.int64


def test_same_weights_same_bytes_and_shared_memory_is_fine(tmp_path):
    one = nn.Linear(2, 2)
    for name in ("x", "y"):
        write_weights(tmp_path / name, {"one": one, "two": one}, about={"b": 1, "a": 2})
    assert (tmp_path / "x").read_bytes() == (tmp_path / "y").read_bytes()


@pytest.mark.parametrize("keep", [0, 5, 60, 400, -1])
def test_cut_off(file, keep):
    with pytest.raises(ModelError, match=r"^the weights given as bytes is no weights file .* cut off"):
        read_weights(file[0].read_bytes()[:keep])


def test_tampered_weight_and_tampered_about(file):
    data = file[0].read_bytes()
    changed = data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]
    for tampered in (changed, data.replace(b"steps", b"stepz")):
        assert tampered != data
        with pytest.raises(ModelError, match=r"was changed after it was written"):
            read_weights(tampered)


def test_foreign_missing_folder_and_not_finite(tmp_path):
    (tmp_path / "foreign").write_bytes(save({"x": torch.ones(2)}))
    (tmp_path / "text").write_text("hello")
    for name, words in (("foreign", "no weights file"), ("text", "no weights file"), ("none", "does not exist")):
        with pytest.raises(ModelError, match=words):
            read_weights(tmp_path / name)
    with pytest.raises(ModelError, match="cannot be read"):
        read_weights(tmp_path)
    bad = nn.Linear(1, 1)
    nn.init.constant_(bad.weight, float("nan"))
    write_weights(tmp_path / "nan", {"bad": bad}, about={})
    with pytest.raises(ModelError, match="not finite"):
        read_weights(tmp_path / "nan")
    with pytest.raises(OutputError):
        write_weights(tmp_path / "no" / "folder", {"bad": bad}, about={})


def test_first_mismatch_is_named_and_nothing_is_copied(file):
    tensors, _ = read_weights(file[0])
    target = nets()
    before = target["a"].weight.clone()
    with pytest.raises(ModelError, match=r"lack b\.0\.bias"):
        load_into(target, {name: one for name, one in tensors.items() if name != "b.0.bias"})
    with pytest.raises(ModelError, match=r"b\.0\.weight has shape \(1, 4\) in the weights and \(2, 4\)"):
        load_into(target, tensors | {"b.0.weight": torch.zeros(1, 4)})
    with pytest.raises(ModelError, match=r"hold c\.x, which the network lacks"):
        load_into(target, tensors | {"c.x": torch.zeros(1)})
    assert torch.equal(target["a"].weight, before)
