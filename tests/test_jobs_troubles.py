"""Long names, files that are locked or vanish, a full disk: is each one sentence, and are all inputs whole?"""

import errno
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from blurspace.errors import OutputError
from blurspace.io import files
from blurspace.io.remux import rewrite
from blurspace.jobs import journal
from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.files import find_sources
from blurspace.jobs.journal import NAME
from blurspace.jobs.wishes import Wishes

from .clips import make_clip
from .fakes import Fake


def save(path):
    Pil.fromarray(np.random.default_rng(len(path.name)).integers(0, 255, (24, 32, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in").mkdir()
    for name in ("a.png", "b.png", "c.png"):
        save(tmp_path / "in" / name)
    return tmp_path / "in"


def run(sources, out):
    wishes = Wishes(settings="as usual")
    outcomes = list(deblur_files(sources, deblurrer=Fake(), output=str(out), wishes=wishes))
    assert all("\n" not in one.reason and one.reason.count(": ") <= 2 for one in outcomes)
    return outcomes


def test_names_of_250_letters(folder, tmp_path):
    long, name = save(folder / f"{'n' * 246}.png"), f"{'r' * 246}.png"
    outcomes = run(find_sources([str(folder)]), tmp_path / "out")
    assert [one.verdict for one in outcomes] == ["restored", "restored", "restored", "failed"]
    assert "(File name too long): give an output with a shorter name" in outcomes[3].reason
    (outcome,) = run(find_sources([str(long)]), tmp_path / "out" / name)
    assert (outcome.verdict, (tmp_path / "out" / name).is_file()) == ("restored", True)


def test_a_file_that_vanishes_or_is_locked_stops_no_other(folder, tmp_path, monkeypatch):
    sources, real = find_sources([str(folder)]), Path.open

    def locked(self, *arguments, **options):
        if self.name == "b.png":
            raise PermissionError(errno.EACCES, "Permission denied")
        return real(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", locked)  # root may read everything
    (folder / "a.png").unlink()
    outcomes = run(sources, tmp_path / "out")
    assert [(one.verdict, one.failure) for one in outcomes] == [("failed", "unreadable")] * 2 + [("restored", None)]
    assert "does not exist" in outcomes[0].reason
    assert "cannot be read (Permission denied): make it readable" in outcomes[1].reason


@pytest.mark.parametrize("step", ["journal", "result"])
def test_a_full_disk_is_a_sentence_for_each_file_and_later_all_is_done(folder, tmp_path, monkeypatch, step):
    before = {path: path.read_bytes() for path in folder.iterdir()}

    def full(*_, **__):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr(*((journal, "_append", full) if step == "journal" else (files, "_move", full)))
        outcomes = run(find_sources([str(folder)]), tmp_path / "out")
    assert {(one.verdict, one.failure) for one in outcomes} == {("failed", "unwritable")}
    assert all("cannot be written (No space left on device): make room" in one.reason for one in outcomes)
    assert {path.name for path in (tmp_path / "out").iterdir()} <= {NAME}
    assert {path: path.read_bytes() for path in folder.iterdir()} == before
    assert {one.verdict for one in run(find_sources([str(folder)]), tmp_path / "out")} == {"restored"}


@pytest.fixture
def disk(tmp_path):
    """A disk of 32 KiB: a journal and some pictures fit."""
    place = tmp_path / "disk"
    place.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=32k", "tmpfs", str(place)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except OSError:
        mounted = False
    if not mounted:
        pytest.skip("only root may make a small disk")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_runs_full_holds_whole_files_and_no_others(folder, tmp_path, disk):
    for number in range(9):
        save(folder / f"{number}{'x' * number}.png")
    before = {path: path.read_bytes() for path in folder.iterdir()}
    outcomes = run(find_sources([str(folder)]), disk / "out")
    verdicts = [one.verdict for one in outcomes]
    assert {"restored", "failed"} == set(verdicts)
    assert all("No space left" in one.reason for one in outcomes if one.verdict == "failed")
    whole = run(find_sources([str(folder)]), tmp_path / "whole")
    for path in (disk / "out").glob("[!.]*"):
        assert path.read_bytes() == (tmp_path / "whole" / path.name).read_bytes()
    assert len(list((disk / "out").glob("[!.]*"))) == verdicts.count("restored") < len(whole)
    assert list((disk / "out").glob("*.part*")) == []
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


@pytest.mark.parametrize("suffix", ["mkv", "mp4"])
def test_a_video_that_fills_the_disk_is_one_sentence(tmp_path, disk, suffix):
    pytest.importorskip("av")
    noise = np.random.default_rng(0).integers(0, 255, (9, 96, 128, 3), dtype=np.uint8)
    clip = make_clip(tmp_path / f"clip.{suffix}", list(noise), options={"crf": "4"}, sound=True)
    whole = clip.read_bytes()
    with pytest.raises(OutputError, match=r"No space left on device\): make room"):
        rewrite(clip, disk / f"new.{suffix}", lambda frames: frames)
    assert (list(disk.iterdir()), clip.read_bytes()) == ([], whole)
