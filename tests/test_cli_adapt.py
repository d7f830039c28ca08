"""Does `adapt` keep the contract: data on stdout, one sentence each, the right exit code, and a camera that works?"""

import json
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from blurspace import cli
from blurspace.blur import spectra
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.catalog import WEIGHTS
from blurspace.jobs.adapt_report import DEPLOY, KEEP, NEITHER

from .clips import make_clip
from .restore.scenes import made_scene

SIDE = 132
RECIPE = """
task = "translator"
judge_steps = 5
[loop]
steps = 3
[data]
side = 16
batch = 1
validation = 1
[translator]
widths = [4]
"""


def scene(seed, angle=None):
    """Rectangles and disks, under a line of 9 px at `angle`."""
    picture = made_scene(SIDE, seed=seed, channels=3)
    return picture if angle is None else blur(picture, line(9, angle)).clamp(0, 1)


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    Pil.fromarray(np.asarray((picture[0] * 255).round().to(torch.uint8).movedim(0, -1))).save(path)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cli")
    for seed in range(8):
        save(folder / "blurry" / f"b{seed}.png", scene(seed, 90))
        save(folder / "sharp" / f"s{seed}.png", scene(20 + seed))
    for seed in range(40, 42):
        save(folder / "known" / "sharp" / f"{seed}.png", scene(seed))
        save(folder / "known" / "blur" / f"{seed}.png", scene(seed, 0))
    save(folder / "photo.png", scene(60, 90))
    (folder / "there.html").write_text("a report", encoding="utf-8")
    for index in range(3):
        save(folder / "few" / f"{index}.png", scene(70 + index, 90))
    (folder / "recipe.toml").write_text(RECIPE)
    (folder / "bad.toml").write_text(RECIPE.replace("steps", "stepps"))
    return folder


@pytest.fixture
def run(capfd, home, monkeypatch):
    monkeypatch.chdir(home)
    monkeypatch.setattr(spectra, "LONGEST", (5, 7, 9, 11))

    def call(line):
        code = cli.main(line.split())
        out, err = capfd.readouterr()
        return SimpleNamespace(code=code, out=out, err=err)

    return call


PILES = "--blurry blurry --sharp sharp"
KNOWN = "--known known --deblurrer belt"


@pytest.fixture
def camera(run, home):
    """Trained once, out of one mixed pile, and what was written then."""
    if not (home / "camera.safetensors").exists():
        line = f"adapt --mixed blurry --mixed sharp {KNOWN} --recipe recipe.toml -o camera.safetensors --json"
        result = run(line)
        (home / "told.json").write_text(json.dumps(vars(result)))
    return SimpleNamespace(**json.loads((home / "told.json").read_text()))


def test_adapt_writes_a_camera_and_tells_its_record(camera, home):
    assert camera.code == 0
    (record,) = [json.loads(line, parse_constant=pytest.fail) for line in camera.out.splitlines()]
    assert record["camera"] == "camera.safetensors"
    assert record["report"] == "camera.html"
    assert record["verdict"] in (KEEP, DEPLOY, NEITHER)
    assert record["truth"] == "pairs made up from a guess at its blur"
    assert set(record["judges"]) == {"independent classifier"}  # the critic never learnt anything
    assert record["steps"] == 3
    assert camera.err.splitlines()[-1] == f"{record['verdict']}: {record['reason']}"
    assert "sorted into" in camera.err
    saved = json.loads((home / "camera.json").read_text())
    assert saved["verdict"] == record["verdict"]
    assert (home / "camera.html").read_text().startswith("<!doctype html>")


def test_the_camera_deblurs(camera, run, home):
    result = run("deblur photo.png --camera camera.safetensors -o deblurred.png --json")
    assert result.code == 0
    record = json.loads(result.out)
    assert record["verdict"] in ("restored", "left alone", "refused")
    assert record["method"].startswith("translated, ")
    assert (home / "deblurred.png").is_file() == (record["output"] is not None)


def test_the_camera_deblurs_videos(camera, run, home):
    pytest.importorskip("av")
    views = [np.asarray(Pil.open(home / "photo.png"))[:128, :128]] * 2
    make_clip(home / "clip.mp4", [np.ascontiguousarray(one) for one in views], options={"crf": "4"})
    result = run("deblur clip.mp4 --all --camera camera.safetensors -o new.mp4 --json")
    assert result.code == 0, (camera.err, result.err)
    record = json.loads(result.out)
    tried = record["per_frame"]
    assert [one["frame"] for one in tried] == [0, 1]
    assert all(one["method"].startswith("translated, ") for one in tried)
    assert (home / "new.mp4").is_file() == (record["output"] is not None)


@pytest.mark.parametrize(
    ("line", "code", "told"),
    [
        (f"{PILES}", 2, "give -o camera.safetensors"),
        ("-o out.safetensors", 2, "give --blurry and --sharp"),
        ("--blurry blurry -o out.safetensors", 2, "give --blurry and --sharp"),
        (f"--mixed blurry {PILES} -o out.safetensors", 2, "or one --mixed pile"),
        ("--mixed blurry --blurry blurry -o out.safetensors", 2, "or one --mixed pile"),
        ("--blurry few --sharp sharp -o out.safetensors", 2, "3 blurry pictures are there, where 8"),
        ("--blurry blurry --sharp few -o out.safetensors", 2, "3 sharp pictures are there, where 8"),
        ("--blurry sharp --sharp blurry -o out.safetensors", 2, "swap the piles"),
        ("--mixed sharp -o out.safetensors", 2, "look all sharp"),
        ("--mixed blurry -o out.safetensors", 2, "look all blurry"),
        ("--blurry none --sharp sharp -o out.safetensors", 3, "none"),
        (f"{PILES} -o photo.png", 2, "photo.png would not end in .safetensors"),
        (f"{PILES} -o there.safetensors", 1, "there.html exists already"),
        (f"{PILES} -o out.safetensors --every 0", 2, "give 1 or more"),
        (f"{PILES} -o out.safetensors --pairs none", 3, "none does not exist"),
        (f"{PILES} -o out.safetensors --recipe none.toml", 2, "none.toml does not exist"),
        (f"{PILES} -o out.safetensors --recipe bad.toml", 2, "did you mean"),
        (f"{PILES} photo.png -o out.safetensors", 2, "photo.png"),
    ],
)
def test_what_is_wrong_is_one_sentence_before_any_training(run, home, line, code, told):
    before = sorted(home.rglob("*"))
    result = run(f"adapt {line}")
    assert (result.code, result.out) == (code, "")
    assert told in result.err.splitlines()[-1]
    assert [line for line in result.err.splitlines() if line.startswith("blurspace: ")] == result.err.splitlines()[-1:]
    assert sorted(home.rglob("*")) == before


def test_a_recipe_of_another_task(run, home):
    text = 'task = "deblurrer"\n[loop]\nsteps = 1\n[adam]\nlearning_rate = 1e-3\n[data]\n'
    text += 'kinds = ["shakes"]\nside = 32\nbatch = 1\nextents = [3, 5]\nkernel_side = 5\n'
    (home / "other.toml").write_text(text)
    result = run(f"adapt {PILES} -o out.safetensors --recipe other.toml")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "other.toml is a recipe of task deblurrer: give one of task translator" in result.err


@pytest.mark.parametrize("option", ["--method classical", "--size 31", "--strength 0.5", "--response srgb"])
def test_a_camera_brings_its_own_method(run, home, option):
    result = run(f"deblur photo.png --camera camera.safetensors {option}")
    assert (result.code, result.out, result.err.count("\n")) == (2, "", 1)
    assert "--camera brings its own method" in result.err


def test_files_that_are_no_camera(run, home):
    for file, told in (
        ("none", "does not exist"),
        ("photo.png", "no weights file"),
        (WEIGHTS / "belt.safetensors", "is no camera: give a file that `blurspace adapt` wrote"),
    ):
        result = run(f"deblur photo.png --camera {file}")
        assert (result.code, result.out, result.err.count("\n")) == (4, "", 1)
        assert told in result.err
    assert not list(home.glob("photo.deblurred*"))
