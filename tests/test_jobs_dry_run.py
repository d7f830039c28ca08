"""Does a dry run tell what a real one would do, and write nothing? Is a log complete?"""

import json
import os
import shutil
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image as Pil

from blurspace.cli.log import Log
from blurspace.errors import OutputError, UsageError
from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.dry_run import dry_run, estimate, search_seconds
from blurspace.jobs.files import Source, find_sources
from blurspace.jobs.wishes import Wishes

from .fakes import Fake

WISHES = Wishes(settings="as usual")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in" / "sub").mkdir(parents=True)
    for name in ("a.png", "b.png", "sub/c.png"):
        Pil.fromarray(np.random.default_rng(0).integers(0, 255, (200, 200, 3), dtype=np.uint8)).save(
            tmp_path / "in" / name
        )
    (tmp_path / "in" / "bad.png").write_text("text")
    return tmp_path / "in"


def plan(folder, **options):
    sources = find_sources([str(folder)])
    return list(
        dry_run(sources, output=str(folder.parent / "out"), wishes=Wishes(settings="as usual", **options), search=20.0)
    )


def test_a_dry_run_tells_what_a_real_one_does_and_writes_nothing(folder):
    planned = plan(folder)
    assert [one.verdict for one in planned] == ["planned", "planned", "failed", "planned"]
    assert not (folder.parent / "out").exists()
    assert (planned[0].megapixels, planned[0].seconds) == (0.04, 20.1)
    assert planned[0].bytes == (folder / "a.png").stat().st_size
    sources = find_sources([str(folder)])
    real = list(deblur_files(sources, deblurrer=Fake(), output=str(folder.parent / "out"), wishes=WISHES))
    assert [(one.input, one.output, one.exit_code) for one in planned] == [
        (one.input, one.output, one.exit_code) for one in real
    ]
    before = {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()}
    (folder.parent / "out" / "a.deblurred.png").write_bytes(b"edited")
    (folder.parent / "out" / "b.deblurred.png").unlink()
    verdicts = [one.verdict for one in plan(folder)]
    assert verdicts == ["failed", "planned", "failed", "done before"]
    assert [one.verdict for one in plan(folder, skip_existing=True)] == ["skipped", "planned", "failed", "skipped"]
    assert [one.verdict for one in plan(folder, overwrite=True)] == ["planned", "planned", "failed", "planned"]
    after = {path: path.read_bytes() for path in folder.parent.rglob("*") if path.is_file()}
    assert {path for path in before if after.get(path) != before[path]} == {
        folder.parent / "out" / "a.deblurred.png",
        folder.parent / "out" / "b.deblurred.png",
    }


def test_what_an_interrupted_run_left_is_planned_again(folder):
    sources, out = find_sources([str(folder)]), folder.parent / "out"
    list(deblur_files(sources, deblurrer=Fake(), output=str(out), wishes=Wishes(settings="as usual", plot=True)))
    (out / "a.side-by-side.png").unlink()
    (out / "b.side-by-side.png").unlink()
    (out / "b.kernel.png").write_bytes(b"edited")
    before = {path: path.read_bytes() for path in out.rglob("*.png")}
    planned = plan(folder, plot=True)
    assert {path: path.read_bytes() for path in out.rglob("*.png")} == before
    wishes = Wishes(settings="as usual", plot=True)
    real = list(deblur_files(sources, deblurrer=Fake(), output=str(out), wishes=wishes))
    assert [one.verdict for one in planned] == ["planned", "failed", "failed", "done before"]
    assert [one.verdict for one in real] == ["restored", "failed", "failed", "restored"]
    assert [one.reason for one in planned[1:3]] == [one.reason for one in real[1:3]]
    assert (out / "b.kernel.png").read_bytes() == b"edited"


def test_the_estimate_counts_what_is_left(folder, monkeypatch):
    planned, usage = plan(folder), SimpleNamespace(free=10**9)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert planned[2].seconds is None
    assert [one.seconds for one in dry_run(find_sources([str(folder / "a.png")]))] == [None]
    told = estimate(planned, output=None, jobs=2, known=True)
    assert told == "3 to do, for about 30 s; the results take about 0.4 MB of the 1.0 GB that are free"
    assert "not known of this method" in estimate(planned, output=None, jobs=1, known=False)
    usage.free = 1000
    assert estimate(planned, output=None, jobs=1, known=True).endswith("make room first")
    done = [SimpleNamespace(verdict="done before", took=took) for took in (100.0, 3600.0, 7200.0)]
    assert "about 3.0 h" in estimate([*planned, *done], output=None, jobs=1, known=False)
    assert estimate([], output=None, jobs=1, known=True) == "nothing is left to do"
    assert [search_seconds("auto", given=given) for given in (True, False)] == [0.0, 24.0]
    assert search_seconds("manifold", given=False) is None


def test_standard_input_is_not_used_up():
    with pytest.raises(UsageError, match="use up"):
        dry_run([Source("-")])


def test_a_log_grows_and_never_spoils_a_file(tmp_path, monkeypatch):
    told, path = [], tmp_path / "log.jsonl"
    for _ in range(2):
        Log(path, told.append).line({"input": "ö"})
    assert [json.loads(line)["input"] for line in path.read_text().splitlines()] == ["ö", "ö"]
    other = tmp_path / "photo.png"
    other.write_bytes(b"\x89PNG")
    for wrong in (other, tmp_path, tmp_path / "no" / "log"):
        with pytest.raises(OutputError, match="--log"):
            Log(wrong, told.append)
    assert other.read_bytes() == b"\x89PNG"
    foreign = ('{"a": 1}\n', '{"key": 1}\n', '{\n "time": 1}', '{"time": "now", "level": "info"}\n', "[1]", "{", "\n")
    for text in foreign:
        other.write_text(text)
        with pytest.raises(OutputError, match="is there and is no log"):
            Log(other, told.append)
        assert other.read_text() == text
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OutputError, match="is there and is no log"):
        Log(tmp_path / "pipe", told.append)
    (tmp_path / "empty").touch()
    Log(tmp_path / "empty", told.append).line({"summary": {}})
    Log(tmp_path / "empty", told.append)
    log = Log(path, told.append)
    path.unlink()
    path.mkdir()
    log.line({})
    log.line({})
    assert (log.failed, len(told)) == (True, 1)
    assert "goes on without it" in told[0]
