"""Does `blur` keep the contract of the doors: data on stdout, words on stderr, and the right exit code?"""

import io
import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from blurspace import cli
from blurspace.blur.kernels import disk
from blurspace.cli.blurs import BELONGS
from blurspace.codes import BlurBank, write_bank
from blurspace.io.images import read_kernel, read_photo, write_kernel
from blurspace.io.weights import write_weights
from blurspace.jobs.kinds import KINDS
from blurspace.nets.kernel_space import BasisSpace


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Pil.fromarray(np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def run(capfdbinary):
    def call(*arguments):
        code = cli.main(["blur", *(str(one) for one in arguments)])
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(code=code, raw=out, out=out.decode(errors="replace"), err=err.decode())

    return call


def test_a_bank_is_never_overwritten_by_what_it_blurs(run, photo, options):
    bank = options["code"][1]
    before = bank.read_bytes()
    result = run(photo, *options["code"], "-o", bank, "--overwrite")
    assert (result.code, bank.read_bytes()) == (1, before)
    assert "inputs are never overwritten" in result.err


@pytest.fixture
def options(tmp_path):
    """The arguments of every kind of blur."""
    size = {"count": 4, "side": 5, "stride": 8, "latent": 3}
    weights, bank = tmp_path / "space.safetensors", tmp_path / "bank.safetensors"
    space = BasisSpace(**size)
    write_weights(weights, {"space": space}, about={"architecture": {"space": size}})
    code = torch.full((1, 5, 3, 4), 0.05)
    write_bank(bank, BlurBank((code, 2 * code), ("a", "b"), space.fingerprint()))
    write_kernel(tmp_path / "k.tiff", disk(2.0), overwrite=False)
    return {
        "shake": ("--shake", 5),
        "line": ("--line", 5, "--angle", -30, "--response", "gamma 2.2"),
        "disk": ("--disk", 2.5, "--sigma", 0.01),
        "gaussian": ("--gaussian", 1, "--jpeg", 80),
        "rotation": ("--rotation", 5, "--response", "linear"),
        "scene": ("--scene", "wheel", "--sigma", 0),
        "kernel": ("--kernel", tmp_path / "k.tiff"),
        "code": ("--code", bank, "--index", 1, "--space", weights),
        "sample": ("--sample", "--weights", weights),
    }


def test_prints_the_path_alone(run, photo):
    result = run(photo)
    assert (result.code, result.out) == (0, f"{photo.with_name('photo.blurred.png')}\n")
    assert result.err.startswith(f"{photo}: blurred: shake, ")
    assert result.err.count("\n") == 1
    assert run(photo, "-q", "--overwrite").err == ""


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind(run, photo, options, kind):
    result = run(photo, *options[kind], "--json", "--seed", 7)
    record = json.loads(result.out)
    assert (result.code, record["kind"], record["seed"]) == (0, kind, 7)
    assert (record["input"], record["output"]) == (str(photo), str(photo.with_name("photo.blurred.png")))
    assert record["reason"] is None
    assert record["seconds"] >= 0
    assert record["kernel"] is None or set(record["kernel"]) == {"size", "length_px", "angle_deg", "confidence"}
    assert read_photo(photo.with_name("photo.blurred.png")).pixels.shape == (1, 3, 24, 32)


def test_the_default_is_a_shake_of_15_px(run, photo):
    asked, usual = run(photo, "-o", "-", "--shake", 15), run(photo, "-o", "-")
    assert asked.raw == usual.raw
    assert json.loads(run(photo, "--json").out)["kernel"]["size"] == 15


def test_a_batch_goes_on_after_a_bad_file(run, photo, tmp_path):
    (tmp_path / "bad.jpg").write_text("text")
    result = run(tmp_path / "bad.jpg", tmp_path / "none.png", photo, "--json", "--disk", 2)
    records = [json.loads(line) for line in result.out.splitlines()]
    assert [record["output"] is None for record in records] == [True, True, False]
    assert "bad.jpg" in records[0]["reason"]
    assert "none.png" in records[1]["reason"]
    assert result.code == 1
    assert result.err.splitlines()[-1] == "1 blurred, 2 failed"


def test_standard_input_and_output(run, photo, monkeypatch):
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(photo.read_bytes())))
    result = run("-", "--disk", 2)
    assert (result.code, result.raw) == (0, run(photo, "--disk", 2, "-o", "-").raw)
    assert run(photo, "--json", "-o", "-").code == 2


def test_save_kernel(run, photo, tmp_path, options):
    target = tmp_path / "drawn.tiff"
    assert run(photo, "--line", 5, "--save-kernel", target).code == 0
    assert torch.allclose(read_kernel(target)[0, 0, 2], torch.full((5,), 0.2))
    assert "exists already" in run(photo, "--save-kernel", target, "-o", tmp_path / "other.png").err
    assert not (tmp_path / "other.png").exists()
    assert run(photo, *options["rotation"], "--save-kernel", tmp_path / "no.tiff").code == 2


@pytest.mark.parametrize(
    "arguments",
    [
        ("--line", 5, "--disk", 2),
        ("--shake", 5, "--scene", "hand"),
        ("--angle", 20),
        ("--line", 5, "--angle", 400),
        ("--disk", 2, "--index", 0),
        ("--kernel", "k.tiff", "--space", "x"),
        ("--scene", "hand", "--response", "srgb"),
        ("--code", "bank", "--response", "srgb"),
        ("--scene", "phone"),
        ("--response", "film"),
        ("--sigma", -1),
        ("--jpeg", 0),
        ("--disk", 0),
        ("--shake", "nan"),
        ("--shake", "far"),
    ],
)
def test_wrong_options_are_refused_in_a_sentence(run, photo, arguments):
    result = run(photo, *arguments)
    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("blurspace: ")
    assert result.err.count("\n") == 1
    assert [path.name for path in photo.parent.iterdir()] == ["photo.png"]


def test_other_exit_codes(run, photo, tmp_path):
    assert run(tmp_path / "none.png").code == 3
    weights = tmp_path / "none.safetensors"
    assert run(photo, "--sample", "--space", weights).code == 4
    assert run(photo, "--kernel", tmp_path / "none.tiff").code == 1
    assert run(photo, "-o", photo, "--overwrite").code == 1


def test_belonging_names_kinds_that_there_are():
    assert {kind for kinds in BELONGS.values() for kind in kinds} <= set(KINDS)
