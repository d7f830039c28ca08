"""Does the command line keep its contract: data on stdout, words on stderr, and the right exit code?"""

import importlib
import io
import json
import math
import os
import struct
import subprocess
import sys
import zlib
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import tifffile
import torch
from PIL import Image as Pil

import blurspace.train
from blurspace import __main__ as door
from blurspace import cli
from blurspace.bench.protocols import PROTOCOLS
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import disk, line
from blurspace.catalog import CARDS
from blurspace.errors import ModelError
from blurspace.io.images import write_kernel
from blurspace.jobs.each import picture_bytes

from .fakes import Fake
from .restore.scenes import made_scene


@pytest.fixture
def verdict(monkeypatch):
    """Replace the slow deblurrer; a test may change the verdict, or make it raise."""
    wish = SimpleNamespace(verdict="restored", error=None, options=None)

    def build(method, **options):
        wish.options = {"method": method, **options}
        return Fake(wish.verdict, error=wish.error)

    monkeypatch.setattr("blurspace.builders.build_deblurrer", build)
    return wish


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Pil.fromarray(np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def run(capfdbinary):
    def call(*arguments):
        code = cli.main([str(one) for one in arguments])
        out, err = capfdbinary.readouterr()
        return SimpleNamespace(code=code, raw=out, out=out.decode(errors="replace"), err=err.decode())

    return call


def test_deblur_prints_the_path_alone(run, photo, verdict):
    result = run("deblur", photo)
    assert (result.code, result.out) == (0, f"{photo.with_name('photo.deblurred.png')}\n")
    assert result.err == f"{photo}: restored: because of the test\n"


def test_quiet_and_verbose(run, photo, verdict):
    assert run("deblur", "-q", photo).err == ""
    assert "worked quickly" in run("deblur", "-v", "--overwrite", photo).err


def test_libraries_say_nothing_of_damaged_files(run, tmp_path, verdict):
    """LibTIFF writes to stderr itself; only -v shows that."""
    path = tmp_path / "damaged.tif"
    Pil.fromarray(np.random.default_rng(0).integers(0, 255, (24, 32, 3), dtype=np.uint8)).save(
        path, compression="tiff_lzw"
    )
    data = bytearray(path.read_bytes())
    data[48:68] = (255 - level for level in data[48:68])  # codes, behind a header of 8 bytes
    path.write_bytes(data)
    quiet, told = run("deblur", path), run("deblur", "-v", path)
    assert (quiet.code, len(quiet.err.splitlines())) == (1, 1)
    assert "code not yet in table" in told.err


def test_json_is_one_object_a_line(run, photo, verdict, tmp_path):
    (tmp_path / "bad.jpg").write_text("text")
    result = run("deblur", "--json", photo, tmp_path / "bad.jpg")
    records = [json.loads(line) for line in result.out.splitlines()]
    assert [record["verdict"] for record in records] == ["restored", "failed"]
    assert records[1]["output"] is None
    assert result.code == 1
    assert result.err.splitlines()[-1] == "1 restored, 1 failed"


def test_standard_input_and_output(run, photo, verdict, monkeypatch):
    verdict.verdict = "left alone"
    monkeypatch.setattr(sys, "stdin", SimpleNamespace(buffer=io.BytesIO(photo.read_bytes())))
    result = run("deblur", "-")
    assert (result.code, result.raw) == (0, photo.read_bytes())


def test_json_and_picture_cannot_share_stdout(run, photo, verdict):
    assert run("deblur", "--json", "-o", "-", photo).code == 2


@pytest.mark.parametrize("option", ["--kernel", "--weights"])
def test_what_an_option_names_is_never_overwritten(run, photo, verdict, tmp_path, option):
    other = tmp_path / "other.png"
    other.write_bytes(picture_bytes(disk(2.0)))
    before = other.read_bytes()
    result = run("deblur", photo, option, other, "-o", other, "--overwrite")
    assert (result.code, other.read_bytes()) == (1, before)
    assert "inputs are never overwritten" in result.err


@pytest.mark.parametrize("verb", ["deblur", "blur", "diagnose", "kernel"])
def test_an_empty_name_is_not_this_folder(run, photo, verdict, verb):
    result = run(verb, "")
    assert (result.code, result.err.count("\n")) == (2, 1)
    assert "empty name" in result.err


@pytest.mark.parametrize("verb", ["deblur", "blur"])
def test_an_empty_output_is_not_this_folder(run, photo, verdict, verb):
    result = run(verb, photo, "-o", "")
    assert (result.code, result.err.count("\n")) == (2, 1)


@pytest.fixture
def odd(tmp_path, photo):
    """Photos whose names are not UTF-8, not ASCII, and more than a line."""
    names = [os.fsencode(tmp_path) + b"/" + name for name in (b"bad\xff.png", "é.png".encode(), b"two\n\x1b[2J.png")]
    for name in names:
        Path(os.fsdecode(name)).write_bytes(photo.read_bytes())
    return names


def assert_told(names, out, *, as_json):
    """Standard output has the names of the results, in their own bytes or as JSON."""
    targets = [name.replace(b".png", b".blurred.png") for name in names]
    if as_json:
        assert [os.fsencode(json.loads(line)["output"]) for line in out.splitlines()] == targets
    else:
        assert out == b"".join(target + b"\n" for target in targets)


@pytest.mark.parametrize("encoding", ["utf-8", "ascii"])
@pytest.mark.parametrize("as_json", [True, False])
def test_any_name_and_any_encoding_of_the_output_ends_well(odd, encoding, as_json, monkeypatch):
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding, errors) for errors in ("strict", "backslashreplace"))
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    assert cli.main(["blur", *map(os.fsdecode, odd), *(["--json"] if as_json else [])]) == 0
    told, said = (stream.detach().getvalue() for stream in (out, err))
    assert (said.count(b"\n"), said.count(b"\x1b")) == (4, 0)
    assert_told(odd, told, as_json=as_json)


def test_any_name_ends_well_in_a_process_of_ascii(odd):
    """Whose own streams are what the test above makes."""
    command = [sys.executable, "-m", "blurspace", "blur", *odd]
    done = subprocess.run(command, capture_output=True, env=os.environ | {"PYTHONIOENCODING": "ascii"}, check=False)
    assert (done.returncode, done.stderr.count(b"\n"), done.stderr.count(b"\x1b")) == (0, 4, 0)
    assert_told(odd, done.stdout, as_json=False)


full_device = pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no full device")


@full_device
@pytest.mark.parametrize("options", [["--json"], [], ["-o", "-"]])
def test_a_full_disk_is_one_sentence(photo, options, monkeypatch, capfd):
    full = Path("/dev/full").open("w")  # noqa: SIM115
    monkeypatch.setattr(sys, "stdout", full)
    code = cli.main(["blur", str(photo), *options])
    said = capfd.readouterr().err.splitlines()
    assert (code, len(said)) == (1, 2)
    assert said[-1].startswith("blurspace: standard output cannot be written (No space left")
    with pytest.raises(OSError, match="No space left"):
        full.close()


@full_device
def test_a_process_on_a_full_disk_says_no_more_at_its_end(photo):
    """Python would try to write once more, and say so."""
    command = [sys.executable, "-m", "blurspace", "blur", photo]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, check=False)
    assert (done.returncode, done.stderr.count(b"\n")) == (1, 2)
    assert done.stderr.splitlines()[-1].startswith(b"blurspace: standard output cannot be written (No space left")


@pytest.mark.parametrize("verb", ["deblur", "blur", "diagnose"])
def test_where_nothing_is_found_each_name_has_a_record(run, tmp_path, verdict, verb):
    names = [str(tmp_path / name) for name in ("a.png", "b.png")]
    result = run(verb, *names, "--json")
    records = [json.loads(line) for line in result.out.splitlines()]
    assert (result.code, result.err.count("\n"), [record["input"] for record in records]) == (3, 1, names)
    assert all(f"{record['input']} does not exist" in record["reason"] for record in records)
    assert run(verb, *names).out == ""


def test_strict_refusal_is_exit_6(run, photo, verdict):
    verdict.verdict = "refused"
    assert (run("deblur", photo).code, run("deblur", "--strict", photo).code) == (0, 6)


def test_an_empty_standard_output_is_exit_6(run, photo, verdict):
    verdict.verdict = "refused"
    result = run("deblur", "-o", "-", photo)
    assert (result.code, result.raw) == (6, b"")


def test_nothing_found_is_exit_3(run, tmp_path, verdict):
    result = run("deblur", tmp_path / "missing.png")
    assert result.code == 3
    assert result.err.count("\n") == 1


def test_memory_is_exit_5(run, photo, verdict):
    verdict.error = MemoryError()
    assert run("deblur", photo).code == 5


def test_interrupt_is_exit_130(run, photo, verdict):
    verdict.error = KeyboardInterrupt()
    result = run("deblur", photo)
    assert (result.code, result.err) == (130, "blurspace: interrupted\n")


def test_an_interrupt_while_models_load_ends_with_a_summary(run, photo, tmp_path, monkeypatch):
    def interrupted(settings):
        raise KeyboardInterrupt

    (tmp_path / "b.png").write_bytes(photo.read_bytes())
    monkeypatch.setattr("blurspace.cli.photos.deblurrer_of", interrupted)
    result = run("deblur", tmp_path)
    assert (result.code, result.err) == (130, "2 not done\nblurspace: interrupted\n")


@pytest.mark.parametrize("when", ["typer.core.TyperGroup.make_context", "blurspace.cli.main"])
def test_an_interrupt_before_a_verb_begins_is_one_line(capfd, monkeypatch, when):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    if when == "blurspace.cli.main":
        monkeypatch.setitem(sys.modules, "blurspace.cli", Interrupting("blurspace.cli"))
    else:
        monkeypatch.setattr(when, interrupted)
        monkeypatch.setattr(sys, "argv", ["blurspace", "models"])
    assert (door.main(), capfd.readouterr().err) == (130, "blurspace: interrupted\n")


class Interrupting(ModuleType):
    """A module that is interrupted while it is imported."""

    def __getattr__(self, name):
        raise KeyboardInterrupt


def test_traceback_only_with_verbose(run, photo, verdict):
    verdict.error = ZeroDivisionError("oh")
    plain, verbose = run("deblur", photo), run("deblur", "-v", photo)
    assert plain.code == verbose.code == 1
    assert plain.err.count("\n") == 1
    assert "Traceback" in verbose.err


def test_options_reach_the_deblurrer(run, photo, verdict, tmp_path):
    usual = {"kernel": None, "size": None, "response": None, "strength": 1.0, "device": "cpu", "weights": ()}
    usual |= {"force": False, "region": None, "minutes": None, "seed": None, "generator": None, "runtime": "torch"}
    run("deblur", photo, "--size", 31, "--response", "gamma 2.2")
    assert verdict.options == usual | {"method": "auto", "size": 31, "response": "gamma 2.2"}
    run("deblur", photo, "--overwrite", "--method", "classical", "--strength", 0.5)
    assert verdict.options == usual | {"method": "classical", "strength": 0.5}
    run("deblur", photo, "--overwrite", "--fast")
    assert verdict.options == usual | {"method": "fast"}
    run("deblur", photo, "--overwrite", "--weights", "a", "--weights", "b", "--device", "cpu")
    assert verdict.options == usual | {"method": "auto", "weights": (Path("a"), Path("b"))}
    write_kernel(tmp_path / "k.tiff", disk(2.0), overwrite=False)
    run("deblur", photo, "--overwrite", "--kernel", tmp_path / "k.tiff")
    assert verdict.options["kernel"].shape == (1, 1, 5, 5)
    assert run("deblur", photo, "--kernel", tmp_path / "k.tiff", "--size", 31).code == 2
    run("deblur", photo, "--overwrite", "--kernel", tmp_path / "k.tiff", "--force")
    assert verdict.options["force"] is True
    run("deblur", photo, "--overwrite", "--max-minutes", 2, "--seed", 5, "--generator", "printer")
    assert [verdict.options[name] for name in ("minutes", "seed", "generator")] == [2, 5, "printer"]
    run("deblur", photo, "--overwrite", "--region", "auto")
    assert verdict.options["region"] == "auto"
    Pil.fromarray(np.eye(24, 32, dtype=np.uint8) * 255).save(tmp_path / "mask.png")
    run("deblur", photo, "--overwrite", "--region", tmp_path / "mask.png")
    assert torch.equal(verdict.options["region"][0, 0], torch.eye(24, 32, dtype=torch.uint8) * 255)


@pytest.mark.parametrize(
    ("options", "codes", "told"),
    [
        (["--method", "paint"], (2, 4), "classical"),
        (["--method", "classical", "--fast"], (2,), "--fast"),
        (["--method", "classical", "--strength", 0], (2,), "0"),
        (["--method", "classical", "--strength", 1.1], (2,), "1.1"),
        (["--method", "classical", "--strength", "nan"], (2,), "nan"),
        (["--region", "nothing.png"], (2,), "nothing.png"),
        (["--kernel", "nothing.png"], (2,), "nothing.png"),
    ],
)
def test_wrong_ways_to_deblur_are_refused_in_a_sentence(run, photo, options, codes, told):
    result = run("deblur", photo, *options)
    assert result.code in codes
    assert result.out == ""
    assert result.err.count("\n") == 1
    assert told in result.err


@pytest.fixture
def shaken(tmp_path):
    """A photo under a line of 7 px."""
    path = tmp_path / "shaken.png"
    path.write_bytes(picture_bytes(blur(made_scene(100, seed=3), line(7, 30.0), border="valid")[..., :72]))
    return path


def test_kernel_json(run, shaken, tmp_path):
    result = run("kernel", shaken, "--size", 9, "--plot", tmp_path / "k.png", "--json")
    record = json.loads(result.out)
    assert record["size"] in (5, 7, 9)
    assert "variation_px" not in record
    assert record["plotted"] == str(tmp_path / "k.png")
    assert run("kernel", shaken, "--plot", tmp_path / "k.png").code == 1


def test_kernel_field(run, shaken, tmp_path):
    paths = ("--save", tmp_path / "k.tiff", "--plot", tmp_path / "field.png")
    record = json.loads(run("kernel", shaken, "--size", 9, "--field", "--json", *paths).out)
    side = record["size"]
    assert record["variation_px"] >= 0
    assert isinstance(record["varies"], bool)
    assert tifffile.imread(tmp_path / "k.tiff").shape == (side, side)  # still the single kernel
    with Pil.open(tmp_path / "field.png") as picture:
        assert picture.size == (3 * 64 + 1, 4 * 64 + 1)  # 3 x 4 cells of 63 px with lines around them
    Pil.open(shaken).transpose(Pil.Transpose.ROTATE_90).save(tmp_path / "wide.png")
    result = run("kernel", tmp_path / "wide.png", "--size", 9, "--field", "--response", "srgb", "--overwrite", *paths)
    assert result.code == 0
    assert "across the photo\n" in result.out or "the same everywhere\n" in result.out
    with Pil.open(tmp_path / "field.png") as picture:
        assert picture.size == (4 * 64 + 1, 3 * 64 + 1)


def test_diagnose(run, photo, tmp_path, monkeypatch):
    found = SimpleNamespace(
        blurry=True, kind="shake", length_px=9.0, angle_deg=45.0, variation=0.1, confidence=0.9, sigma=math.nan
    )
    found.reason, found.code, found.part, found.light = "the gradients say so", "blurred", None, None
    monkeypatch.setattr("blurspace.jobs.inspect.diagnose", lambda *_: found)
    assert "shake, 9.0 px at 45.0 degrees" in run("diagnose", photo).out
    record = json.loads(run("diagnose", "--json", photo).out)
    assert (record["kind"], record["sigma"], record["code"]) == ("shake", None, "blurred")
    assert json.loads(run("diagnose", "--json", "--plot", photo).out)["plotted"] == str(tmp_path / "photo.parts.png")
    assert (tmp_path / "photo.parts.png").exists()
    assert run("diagnose", "--plot", photo).code == 1  # it is there
    (tmp_path / "bad.png").write_bytes(b"")
    assert run("diagnose", photo, tmp_path / "bad.png").code == 1


RECIPE = """
task = "synthesis"
[loop]
steps = 2
[adam]
learning_rate = 1e-3
[data]
side = 32
batch = 1
extents = [3, 5]
sigmas = [0.01, 0.01]
validation = 1
[synthesis]
side = 5
width = 2
hidden = 2
levels = 1
"""


@pytest.fixture
def lesson(tmp_path):
    """A tiny recipe and two photos, as the arguments of `train`."""
    (tmp_path / "photos").mkdir()
    for seed in (0, 1):
        pixels = np.random.default_rng(seed).integers(0, 255, (80, 90, 3), dtype=np.uint8)
        Pil.fromarray(pixels).save(tmp_path / "photos" / f"{seed}.png")
    (tmp_path / "tiny.toml").write_text(RECIPE)
    return ("train", tmp_path / "tiny.toml", "--data", tmp_path / "photos", "--out", tmp_path / "run")


def test_train_prints_the_path_of_the_weights_and_resumes(run, lesson, tmp_path):
    first = run(*lesson)
    assert (first.code, first.out) == (0, f"{tmp_path / 'run' / 'weights.safetensors'}\n")
    assert first.err.splitlines()[-1].startswith("step 2, ")
    again = run(*lesson, "-q")
    assert (again.code, again.out, again.err.count("\n")) == (1, "", 1)
    assert "--resume" in again.err
    more = run(*lesson, "--resume", "--set", "steps=3", "--set", "loop.log_every=1", "--json", "-q")
    assert more.err == ""
    assert json.loads(more.out)["steps"] == 3
    assert (tmp_path / "run" / "log.csv").is_file()


def test_train_refuses_by_name(run, lesson, tmp_path):
    (tmp_path / "tiny.toml").write_text(RECIPE.replace("batch", "bacth"))
    misspelt = run(*lesson)
    assert (misspelt.code, misspelt.err.count("\n")) == (2, 1)
    assert "did you mean batch?" in misspelt.err
    (tmp_path / "tiny.toml").write_text(RECIPE)
    assert "did you mean steps?" in run(*lesson, "--set", "stpes=3").err
    assert run(*lesson, "--resume").code == 2  # there is nothing to resume
    assert run(*lesson, "--device", "tpu").code == 2
    assert run(*lesson, "--max-minutes", 0).code == 2
    assert run(*lesson[:3], tmp_path / "none", *lesson[4:]).code == 3
    assert run("train", tmp_path / "none.toml", *lesson[2:]).code == 2
    assert not (tmp_path / "run").exists()


def test_training_without_pydantic_says_what_to_install(monkeypatch):
    """Asked of our part alone: typer may need pydantic too."""
    ours = [name for name in sys.modules if name.startswith(("blurspace.train", "blurspace.jobs.train"))]
    for name in ours:  # as if they had not been imported yet
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(blurspace, "train", blurspace.train)  # put back afterwards
    monkeypatch.setitem(sys.modules, "pydantic", None)
    with pytest.raises(ModelError, match=r'^training needs pydantic.*pip install "\.\[train\]"') as problem:
        importlib.import_module("blurspace.jobs.train")
    assert problem.value.exit_code == 4


def test_bench_help_names_every_protocol(run):
    told = run("bench", "--help").out
    assert all(name in "".join(told.split()) for name in PROTOCOLS)  # the parser may wrap


def test_bench_prints_and_writes_rows(run, tmp_path, monkeypatch):
    result = SimpleNamespace(
        rows=[{"picture": 1}], summary={"name": "levin"}, table=lambda: "a table", csv=lambda: "picture\n1\n"
    )
    monkeypatch.setattr("blurspace.bench.runner.run", lambda name, **options: result)
    assert run("bench", "levin", "--data", tmp_path, "--csv", tmp_path / "rows.csv").out == "a table\n"
    assert (tmp_path / "rows.csv").read_text() == "picture\n1\n"
    assert json.loads(run("bench", "levin", "--data", tmp_path, "--json").out)["rows"] == [{"picture": 1}]
    assert run("bench", "nothing", "--data", tmp_path).code == 2


def test_models(run):
    records = [json.loads(line) for line in run("models", "--json").out.splitlines()]
    record = records[0]
    assert [one["name"] for one in records] == list(CARDS)
    names = {"name", "task", "parameters", "bytes", "sha256", "licence", "trained_on", "measured"}
    assert names <= set(record)
    card = run("models", "show", "classical").out
    assert "licence: Apache-2.0" in card
    assert "papers: xu2013, cho2009" in card
    assert "\n  levin:\n    mean_psnr: " in card
    assert "sha256" not in card  # no weights
    assert run("models", "verify").code == 0
    assert run("models", "show", "nothing").code == 4
    assert run("models", "paint").code == 2


def test_cite(run):
    assert "Xu" in run("cite").out
    assert run("cite", "levin", "--bibtex").out.startswith("@inproceedings{levin2009")
    assert run("cite", "nobody").code == 2


@pytest.mark.parametrize(
    "arguments", [["paint"], ["deblur"], ["deblur", "--colour", "x"], ["kernel", "a", "--size", "x"]]
)
def test_usage_errors_are_one_sentence(run, arguments):
    result = run(*arguments)
    assert result.code == 2
    assert result.err.startswith("blurspace: ")
    assert result.err.count("\n") == 1


def test_version_and_help(run):
    assert run("--version").out.startswith("blurspace ")
    told = run("--help").out
    verbs = [line.split()[0] for line in told.partition("Commands:")[2].splitlines() if line]
    assert (
        " ".join(verbs) == "deblur replay kernel diagnose blur transfer adapt web train bench models cite export tune"
    )
    assert run().code == 2


def test_module_is_the_same_door():
    done = subprocess.run(
        [sys.executable, "-m", "blurspace", "models"], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout.split(":")[0]) == (0, next(iter(CARDS)))


def test_progress_goes_to_a_terminal_only_and_leaves_stdout_alone(photo, verdict, capsys, monkeypatch):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("NO_COLOR", "1")
    assert cli.main(["deblur", str(photo)]) == 0
    out, err = capsys.readouterr()
    assert out == f"{photo.with_name('photo.deblurred.png')}\n"
    assert "deblurring" in err
    assert "\x1b[3" not in err  # no colour


def encoded(picture, name, **options):
    data = io.BytesIO()
    picture.save(data, name, **options)
    return data.getvalue()


def grey(width, height):
    return Pil.fromarray(np.full((height, width), 128, dtype=np.uint8))


def bomb():
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + header
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def nan_tiff():
    data = io.BytesIO()
    tifffile.imwrite(data, np.full((32, 32), np.nan, dtype=np.float32))
    return data.getvalue()


BAD = {
    "truncated.jpg": lambda: encoded(grey(64, 64), "JPEG")[:200],
    "empty.png": lambda: b"",
    "text.jpg": lambda: b"this is text, not a picture\n" * 20,
    "one.png": lambda: encoded(grey(1, 1), "PNG"),
    "fifteen.png": lambda: encoded(grey(15, 15), "PNG"),
    "bomb.png": bomb,
    "nan.tiff": nan_tiff,
    "animated.webp": lambda: encoded(grey(32, 32), "WEBP", save_all=True, append_images=[Pil.new("L", (32, 32), 9)]),
    "фото ünï.png": lambda: b"\x89PNG\r\n\x1a\n broken",
}


@pytest.mark.parametrize("name", BAD)
@pytest.mark.parametrize("verb", ["deblur", "kernel", "diagnose"])
def test_bad_input_is_one_sentence_exit_1_and_no_file(run, tmp_path, verdict, verb, name):
    bad = tmp_path / name
    bad.write_bytes(BAD[name]())
    before = bad.read_bytes()
    result = run(verb, bad)
    assert (result.code, result.out) == (1, "")
    assert result.err.count("\n") == 1
    assert name in result.err
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert bad.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root reads and writes everything")
def test_unreadable_file_and_unwritable_folder(run, photo, verdict):
    photo.parent.chmod(0o500)
    assert "not writable" in run("deblur", photo).err
    photo.parent.chmod(0o700)
    photo.chmod(0)
    result = run("deblur", photo)
    assert (result.code, result.err.count("\n")) == (1, 1)


def test_16_bit_and_alpha_come_out_as_they_went_in(run, tmp_path, verdict):
    path = tmp_path / "deep.tiff"
    tifffile.imwrite(path, np.arange(32 * 32 * 3, dtype=np.uint16).reshape(32, 32, 3) * 20, photometric="rgb")
    assert run("deblur", path).code == 0
    assert tifffile.imread(tmp_path / "deep.deblurred.tiff").dtype == np.uint16
    Pil.new("RGBA", (32, 32), (10, 20, 30, 77)).save(tmp_path / "clear.png")
    run("deblur", tmp_path / "clear.png")
    with Pil.open(tmp_path / "clear.deblurred.png") as picture:
        assert picture.getpixel((5, 5)) == (5, 10, 15, 77)


def test_palette_is_told(run, tmp_path, verdict):
    Pil.new("RGB", (32, 32), (10, 20, 30)).quantize(4).save(tmp_path / "few.png")
    result = run("deblur", "--json", tmp_path / "few.png")
    assert "palette" in result.err
    assert "palette" in json.loads(result.out)["notes"][-1]


def test_the_same_command_again_does_nothing(run, photo, verdict, tmp_path):
    first = run("deblur", photo, tmp_path, "-o", tmp_path / "out")
    verdict.error = ZeroDivisionError("work was done")
    again = run("deblur", photo, tmp_path, "-o", tmp_path / "out")
    assert (again.code, again.out) == (0, first.out)
    assert "done before: restored" in again.err
    assert run("deblur", tmp_path, "-o", tmp_path / "out", "--strength", 0.5).code == 1
    assert run("deblur", tmp_path, "-o", tmp_path / "out", "--strength", 0.5, "--skip-existing").code == 0


def test_an_interrupt_ends_with_a_summary(run, photo, verdict, tmp_path, monkeypatch):
    for name in ("b.png", "c.png"):
        (tmp_path / name).write_bytes(photo.read_bytes())
    call, left = Fake.__call__, [1]

    def interrupted(self, *arguments, **options):
        left[0] -= 1
        if left[0] < 0:
            raise KeyboardInterrupt
        return call(self, *arguments, **options)

    monkeypatch.setattr(Fake, "__call__", interrupted)
    result = run("deblur", tmp_path)
    assert (result.code, result.err.splitlines()[-2:]) == (130, ["1 restored, 2 not done", "blurspace: interrupted"])


@pytest.mark.parametrize("photos", [1, 2])
def test_what_to_try_is_told_once_where_photos_are_refused(run, photo, verdict, tmp_path, photos):
    verdict.verdict = "refused"
    (tmp_path / "b.png").write_bytes(photo.read_bytes())
    result = run("deblur", "--json", *[photo, tmp_path / "b.png"][:photos])
    assert result.err.count("what is refused is not written; a crop, --region") == 1
    assert not any("a crop" in json.loads(line)["reason"] for line in result.out.splitlines())


def test_a_summary_says_that_what_is_left_alone_is_copied(run, photo, verdict, tmp_path):
    verdict.verdict = "left alone"
    (tmp_path / "b.png").write_bytes(photo.read_bytes())
    result = run("deblur", photo, tmp_path / "b.png")
    assert result.err.splitlines()[-1] == "2 left alone (copied)"


def test_several_jobs_reach_the_work(run, photo, verdict, tmp_path, monkeypatch):
    seen = []
    monkeypatch.setattr("blurspace.jobs.worked.shared", lambda *_, jobs: (one for one in seen.append(jobs) or []))
    (tmp_path / "b.png").write_bytes(photo.read_bytes())
    assert run("deblur", tmp_path, "--jobs", 9).code == 0
    assert seen == [2]
    assert run("deblur", tmp_path, "--jobs", 0).code == 2


def test_a_log_and_a_summary_tell_of_every_file_and_kind(run, photo, verdict, tmp_path):
    for name in ("bad.jpg", "worse.png"):
        (tmp_path / name).write_text("text")
    log = tmp_path / "log.jsonl"
    result = run("deblur", tmp_path, "--log", log, "--json")
    assert (result.code, result.err.splitlines()[-2:]) == (1, ["failed: 2 unreadable", "1 restored, 2 failed"])
    *lines, end = (json.loads(line) for line in log.read_text().splitlines())
    records = [json.loads(line) for line in result.out.splitlines()]
    assert [{name: value for name, value in line.items() if name != "time"} for line in lines] == records
    assert [record["failure"] for record in records] == ["unreadable", None, "unreadable"]
    assert end["summary"] == {"failed": 2, "restored": 1}
    assert (end["failures"], end["exit_code"]) == ({"unreadable": 2}, 1)
    assert run("deblur", photo, "--log", photo).code == 1


@pytest.mark.parametrize("amount", ["9" * 400 + "G", "9" * 308 + "T", "0", "-1", "1.2.3", "GB", ""])
def test_what_is_no_amount_of_memory(run, photo, verdict, amount):
    result = run("deblur", photo, f"--memory={amount}")
    assert (result.code, "is no amount of memory" in result.err) == (2, True)


def test_a_dry_run_prints_what_would_be_and_does_nothing(run, photo, verdict, tmp_path):
    verdict.error = ZeroDivisionError("work was done")
    result = run("deblur", photo, "-o", tmp_path / "new", "--dry-run")
    assert (result.code, result.out) == (0, f"{tmp_path / 'new' / 'photo.deblurred.png'}\n")
    assert "1 to do, for about 24 s; the results take about" in result.err
    assert [path.name for path in tmp_path.iterdir()] == ["photo.png"]
    assert run("deblur", photo, "--dry-run", "--log", tmp_path / "log").code == 2
