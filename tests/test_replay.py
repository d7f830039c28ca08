"""Does a result say what made it, and does its sidecar make the same file again, or say why not?"""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from blurspace import cli
from blurspace.blur.kernels import line
from blurspace.io.images import read_photo, write_kernel

from .fakes import Fake


@pytest.fixture
def photo(tmp_path):
    (tmp_path / "photos").mkdir()
    path = tmp_path / "photos" / "photo.png"
    Pil.fromarray(np.random.default_rng(0).integers(0, 255, (40, 48, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def built(monkeypatch):
    """What was asked for; the deblurrer is a fake."""
    asked = []

    def build(method, **options):
        asked.append({"method": method, **options})
        return Fake()

    monkeypatch.setattr("blurspace.builders.build_deblurrer", build)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    return asked


@pytest.fixture
def run(capsys):
    def call(*arguments):
        code = cli.main([str(one) for one in arguments])
        return code, capsys.readouterr().err

    return call


def made(photo, run, *options):
    """The sidecar of a result in a folder beside the photo's."""
    target = photo.parent.parent / "out" / "sharp.jpg"
    target.parent.mkdir()
    assert run("deblur", photo, "-o", target, "--sidecar", *options)[0] == 0
    return target, target.with_name("sharp.jpg.json")


def test_the_result_says_what_made_it(photo, run, built):
    run("deblur", photo)
    xmp = read_photo(photo.with_name("photo.deblurred.png")).xmp.decode()
    for fact in ('Tool="blurspace"', 'Version="0.1.0"', 'Method="fake"', 'Verdict="restored"', 'BlurLengthPx="'):
        assert f"blurspace:{fact}" in xmp
    assert "WeightsSha256" not in xmp
    run("deblur", photo, "--no-provenance", "--overwrite")
    assert read_photo(photo.with_name("photo.deblurred.png")).xmp is None


def test_the_hash_of_given_weights(photo, run, built, tmp_path):
    (tmp_path / "mine").write_bytes(b"weights")
    run("deblur", photo, "--weights", tmp_path / "mine")
    found = read_photo(photo.with_name("photo.deblurred.png")).xmp.decode()
    assert f'WeightsSha256="{hashlib.sha256(b"weights").hexdigest()}"' in found


def test_the_same_file_again_also_where_all_was_moved(photo, run, built, tmp_path):
    kernel = tmp_path / "photos" / "k.tiff"
    write_kernel(kernel, line(5, 30.0), overwrite=False)
    options = ("--strength", "0.5", "--format", "jpg", "--response", "srgb")
    target, _ = made(photo, run, "--kernel", kernel, *options)
    first = target.read_bytes()
    moved = tmp_path / "moved"
    moved.mkdir()
    for name in ("photos", "out"):
        shutil.move(tmp_path / name, moved / name)
    (moved / "out" / "sharp.jpg").unlink()
    code, told = run("replay", moved / "out" / "sharp.jpg.json")
    assert (code, "the same, to the byte" in told) == (0, True)
    assert (moved / "out" / "sharp.jpg").read_bytes() == first
    one, threads, other = built
    assert threads == torch.get_num_threads()
    assert torch.equal(one.pop("kernel"), other.pop("kernel"))
    assert one == other


def test_the_sidecar_holds_the_record(photo, run, built):
    _, sidecar = made(photo, run)
    told = json.loads(sidecar.read_text())
    assert set(told) == {
        *("blurspace", "schema", "input", "output", "files", "settings", "room", "threads", "record"),
    }
    assert told["record"]["verdict"] == "restored"
    assert told["input"]["path"] == str(Path("..") / "photos" / "photo.png")
    assert str(photo.parent.parent) not in sidecar.read_text()


def test_another_result_is_told(photo, run, built, monkeypatch):
    target, sidecar = made(photo, run)
    monkeypatch.setattr("blurspace.builders.build_deblurrer", lambda *_, **__: Fake(change=lambda one: one * 0.4))
    code, told = run("replay", sidecar, "-o", target.with_name("again.jpg"))
    assert (code, "not the same: 0.1.0 made it" in told) == (1, True)


def test_the_result_is_not_replaced_unasked(photo, run, built):
    _, sidecar = made(photo, run)
    assert "exists already" in run("replay", sidecar)[1]
    code, told = run("replay", sidecar, "--overwrite")
    assert (code, "the same" in told) == (0, True)


@pytest.mark.parametrize("read", ["k.tiff", "region.png", "photos/photo.png", "out/sharp.jpg.json"])
def test_what_was_read_is_not_replaced(photo, run, built, tmp_path, read):
    write_kernel(tmp_path / "k.tiff", line(5, 30.0), overwrite=False)
    Pil.new("L", (48, 40), 255).save(tmp_path / "region.png")
    _, sidecar = made(photo, run, "--kernel", tmp_path / "k.tiff", "--region", tmp_path / "region.png")
    before = (tmp_path / read).read_bytes()
    code, told = run("replay", sidecar, "--overwrite", "-o", tmp_path / read)
    assert (code, "is an input" in told) == (1, True)
    assert (tmp_path / read).read_bytes() == before


@pytest.mark.parametrize("output", ["-", "out", "new", "new/"])
def test_an_output_that_is_no_file_is_refused_before_the_work(photo, run, built, tmp_path, output, monkeypatch):
    _, sidecar = made(photo, run)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    code, told = run("replay", sidecar, "--overwrite", "-o", output)
    assert (code, "give -o FILE" in told, sorted(tmp_path.rglob("*"))) == (2, True, before)


def test_a_changed_input_is_told_before_the_work(photo, run, built):
    _, sidecar = made(photo, run)
    Pil.new("RGB", (40, 40)).save(photo)
    code, told = run("replay", sidecar)
    assert (code, "is not what it was" in told) == (1, True)
    photo.unlink()
    assert "cannot be read" in run("replay", sidecar)[1]


@pytest.mark.parametrize("text", ["", "{}", "[1]", '{"schema": 1, "files": {"weights": 3}}', "\x00"])
def test_what_is_no_sidecar(run, tmp_path, text):
    (tmp_path / "no.json").write_text(text)
    code, told = run("replay", tmp_path / "no.json")
    assert (code, "no sidecar of blurspace" in told) == (1, True)


WRONG = [
    *((("settings",), {}), (("settings", "strength"), "much"), (("settings", "strength"), True)),
    *((("settings", "size"), [5]), (("settings", "method"), None), (("settings", "kernel"), 3)),
    *((("settings", "region"), ["x"]), (("settings", "max_pixels"), None), (("settings", "format"), "x")),
    *((("room",), float("inf")), (("room",), 0), (("threads",), 0), (("threads",), 10**30), (("threads",), True)),
]


@pytest.mark.parametrize(("place", "value"), WRONG, ids=str)
def test_what_was_changed_by_hand_is_named(photo, run, built, place, value):
    """The setting that is wrong, in one sentence, before any work."""
    target, sidecar = made(photo, run)
    told = json.loads(sidecar.read_text())
    *way, last = place
    within = told
    for name in way:
        within = within[name]
    within[last] = value
    sidecar.write_text(json.dumps(told))
    built.clear()
    code, said = run("replay", sidecar, "-o", target.with_name("again.jpg"))
    name = "method" if last == "settings" else last
    assert (code, built, said.count("\n")) == (1, [], 1)
    assert f"was changed, and its {name} is none that there can be" in said


@pytest.mark.parametrize(("name", "value"), [("device", "moon"), ("runtime", "moon")])
def test_a_device_or_runtime_that_is_not_here_is_one_sentence(photo, run, built, name, value):
    target, sidecar = made(photo, run)
    told = json.loads(sidecar.read_text())
    told["settings"][name] = value
    sidecar.write_text(json.dumps(told))
    code, said = run("replay", sidecar, "-o", target.with_name("again.jpg"))
    assert (code, f"the {name} moon is not known" in said) == (2, True)


def test_a_sidecar_that_is_a_cave(run, tmp_path):
    (tmp_path / "no.json").write_text("[" * 100_000)
    assert "no sidecar of blurspace" in run("replay", tmp_path / "no.json")[1]


def test_a_sidecar_of_another_schema(run, tmp_path):
    (tmp_path / "new.json").write_text('{"schema": 2, "blurspace": "9.0"}')
    assert "use blurspace 9.0" in run("replay", tmp_path / "new.json")[1]


def test_what_cannot_have_a_sidecar(photo, run, built):
    assert "time differs" in run("deblur", photo, "--sidecar", "--max-minutes", "1")[1]
    assert "standard output has not" in run("deblur", photo, "--sidecar", "-o", "-")[1]
