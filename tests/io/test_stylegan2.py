"""Is a checkpoint of StyleGAN2 read as training wrote it, and anything else refused without running it?"""

import hashlib
import pickle
from argparse import Namespace

import pytest
import torch

from blurspace.errors import ModelError
from blurspace.io.stylegan2 import read_stylegan2_state

STATE = {"input.input": torch.ones(1, 2, 4, 4), "style.1.bias": torch.arange(3).half()}


@pytest.mark.parametrize(
    "held", [STATE, {"g_ema": STATE, "latent_avg": torch.zeros(3)}, {"g_ema": STATE, "g": {}, "args": Namespace(lr=1)}]
)
def test_reads_what_training_writes(tmp_path, held):
    torch.save(held, tmp_path / "faces.pt")
    check(read_stylegan2_state(tmp_path / "faces.pt"))


def check(read):
    assert read.keys() == STATE.keys()
    assert all(torch.equal(one, STATE[name].float()) and one.dtype == torch.float32 for name, one in read.items())


def test_the_hash_is_checked_where_it_is_known(tmp_path):
    path = tmp_path / "faces.pt"
    torch.save(STATE, path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    check(read_stylegan2_state(path, sha256=digest[:8].upper()))
    with pytest.raises(ModelError, match=rf"is not the file that was wanted \(SHA-256 {digest}\): give"):
        read_stylegan2_state(path, sha256="0" * 64)


class Code:
    def __reduce__(self):
        return (print, ("this ran",))


@pytest.mark.parametrize(
    "content",
    [b"no weights", pickle.dumps(Code()), pickle.dumps([1, 2]), pickle.dumps({"g_ema": 3})],
    ids=["text", "code", "list", "number"],
)
def test_what_holds_something_else(tmp_path, capsys, content):
    path = tmp_path / "faces.pt"
    path.write_bytes(content)
    with pytest.raises(ModelError, match="holds no weights by name: give") as caught:
        read_stylegan2_state(path)
    assert "\n" not in str(caught.value)
    assert capsys.readouterr().out == ""


def test_missing_and_not_finite(tmp_path):
    with pytest.raises(ModelError, match="does not exist: give"):
        read_stylegan2_state(tmp_path / "none.pt")
    torch.save({"input.input": torch.tensor([float("nan")])}, tmp_path / "nan.pt")
    with pytest.raises(ModelError, match="not finite: give"):
        read_stylegan2_state(tmp_path / "nan.pt")
