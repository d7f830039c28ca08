"""Does a run that was interrupted go on where it stopped, and end with the same files as one that was not?"""

import json
import os
import subprocess
import time

import pytest
from PIL import Image as Pil

from blurspace.errors import OutputError, UsageError
from blurspace.io import files
from blurspace.io.files import write_bytes
from blurspace.jobs import deblur, journal
from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.files import Source, find_sources
from blurspace.jobs.journal import NAME, settings_hash
from blurspace.jobs.wishes import Wishes

from .fakes import Fake, noisy_photos

NAMES = ("a.png", "sub/a.png", "sub/b.png")


class Killed(BaseException):
    """Like a kill: nothing catches it."""


@pytest.fixture
def folder(tmp_path):
    return noisy_photos(tmp_path / "in", NAMES)


def run(folder, *, deblurrer=None, output="out", settings="as usual", **wishes):
    out = None if output is None else str(folder.parent / output)
    sources = find_sources([str(folder)], output=out)
    asked = Wishes(settings=settings, **wishes)
    return list(deblur_files(sources, deblurrer=deblurrer or Fake(), output=out, wishes=asked))


def tree(folder):
    """All files but the journal, whose lines hold times."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@pytest.mark.parametrize("output", ["out", None])
def test_a_second_run_does_nothing_and_tells_the_same(folder, output):
    first, fake = run(folder, output=output), Fake()
    second = run(folder, output=output, deblurrer=fake)
    assert fake.calls == 0
    assert [one.exit_code for one in second] == [0, 0, 0]
    assert [one.done_before for one in first + second] == [False] * 3 + [True] * 3
    same = [json.loads(json.dumps(one.record())) for one in first]
    assert [one.record() | {"done_before": False} for one in second] == same


def test_what_was_refused_is_not_tried_again(folder):
    run(folder, deblurrer=Fake("refused"))
    fake = Fake()
    outcomes = run(folder, deblurrer=fake, strict=True)
    assert (fake.calls, [(one.verdict, one.exit_code, one.output) for one in outcomes]) == (
        0,
        [("refused", 6, None)] * 3,
    )


@pytest.mark.parametrize("change", ["content", "settings", "result", "missing", "overwrite"])
def test_what_changed_is_done_again_and_what_is_not_ours_is_kept(folder, change):
    run(folder)
    result, fake, wishes = folder.parent / "out" / "a.deblurred.png", Fake(), {}
    if change == "content":
        Pil.new("RGB", (32, 24), (9, 9, 9)).save(folder / "a.png")
    elif change == "settings":
        wishes = {"settings": "others"}
    elif change == "result":
        result.write_bytes(b"edited")
    elif change == "missing":
        result.unlink()
    else:
        wishes = {"overwrite": True}
    kept = result.read_bytes() if result.exists() else None
    outcomes = run(folder, deblurrer=fake, **wishes)
    if change in ("missing", "overwrite"):
        assert (fake.calls, outcomes[0].verdict) == (1 if change == "missing" else 3, "restored")
    else:
        assert "exists already" in outcomes[0].reason
        assert (fake.calls, result.read_bytes()) == (0, kept)


def test_a_failure_is_tried_again(folder):
    assert {one.verdict for one in run(folder, deblurrer=Fake(error=OSError("gone")))} == {"failed"}
    assert {one.verdict for one in run(folder)} == {"restored"}


def test_skip_existing_looks_at_names_alone(folder):
    (folder.parent / "out").mkdir()
    (folder.parent / "out" / "a.deblurred.png").write_bytes(b"mine")
    outcomes = run(folder, skip_existing=True, settings=None)
    assert [one.verdict for one in outcomes] == ["skipped", "restored", "restored"]
    assert (outcomes[0].exit_code, outcomes[0].output) == (0, str(folder.parent / "out" / "a.deblurred.png"))
    assert (folder.parent / "out" / "a.deblurred.png").read_bytes() == b"mine"
    with pytest.raises(UsageError, match="contradict"):
        run(folder, skip_existing=True, overwrite=True)


def points_of_a_kill(monkeypatch, after):
    """Kill after so many of the steps that change files; half of what is written then is there."""
    left = [after]

    def dying(real, half):
        def step(*arguments, **options):
            left[0] -= 1
            if left[0] < 0:
                half(*arguments)
                raise Killed
            return real(*arguments, **options)

        return step

    monkeypatch.setattr(files, "_move", dying(files._move, lambda part, *_: part.write_bytes(part.read_bytes()[:50])))
    monkeypatch.setattr(journal, "_append", dying(journal._append, lambda path, line: path.open("ab").write(line[:50])))
    monkeypatch.setattr(deblur, "write_bytes", dying(write_bytes, lambda *_: None))
    monkeypatch.setattr(files, "suppress", None)  # what a kill does not let happen: the temporary file stays


@pytest.mark.parametrize("after", range(12))
def test_after_a_kill_at_any_point_the_next_run_ends_as_if_there_had_been_none(folder, monkeypatch, after):
    run(folder, output="whole", plot=True)
    with monkeypatch.context() as patch:
        points_of_a_kill(patch, after)
        patch.setattr(files, "_part", lambda: f".blurspace-{files.machine()}-{dead_process()}-0")
        with pytest.raises((Killed, TypeError)):
            run(folder, output="cut", plot=True)
    finished = {name: data for name, data in tree(folder.parent / "cut").items() if ".blurspace" not in name}
    whole = tree(folder.parent / "whole")
    assert finished.items() <= whole.items()  # no half file
    assert [one.exit_code for one in run(folder, output="cut", plot=True)] == [0, 0, 0]
    assert tree(folder.parent / "cut") == whole
    assert all(one.done_before for one in run(folder, output="cut", plot=True))


def dead_process():
    done = subprocess.Popen(["true"])
    done.wait()
    return done.pid


def test_unfinished_files_of_living_processes_are_left(tmp_path):
    here, dead = files.machine(), dead_process()
    names = {
        f".blurspace-{here}-{os.getppid()}-0-0.part": True,
        f"{files._part()}-0.part": True,
        f".blurspace-{here}-{os.getpid()}-0-0.part": False,  # a container's process of the same number
        f".blurspace-{here}-{dead}-0-0.part": False,
        f".blurspace-0-{dead}-0-0.part": True,  # of another machine: who knows
        ".blurspace-0-old.part": False,
        "photo.part": True,
    }
    for name in names:
        (tmp_path / name).touch()
    os.utime(tmp_path / ".blurspace-0-old.part", (time.time() - 4000,) * 2)
    files.clear_parts(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == {name for name, left in names.items() if left}


def test_a_journal_cannot_name_files_elsewhere(folder, tmp_path):
    run(folder)
    path = tmp_path / "out" / NAME
    other = tmp_path / "other.png"
    other.write_bytes(b"")
    path.write_text(path.read_text().replace('"a.deblurred.png"', json.dumps("../other.png")) + "[1, 2]\n{}\nnull\n")
    (tmp_path / "out" / "a.deblurred.png").unlink()
    assert [one.done_before for one in run(folder)] == [False, False, True]
    assert other.exists()


def forge(folder, **changes):
    """Change the first line of a journal."""
    path = folder / NAME
    first, *others = path.read_text().splitlines()
    path.write_text("\n".join([json.dumps(json.loads(first) | changes), *others]))


@pytest.mark.parametrize("named", ["b.png", "a.kernel.png"])
def test_a_journal_cannot_have_an_input_removed(tmp_path, named):
    """Be it of another name, or of a result's."""
    noisy_photos(tmp_path, ["a.png"])
    sources, wishes = [Source(str(tmp_path / "a.png")), Source(str(tmp_path / named))], Wishes(settings="", plot=True)
    how = {"deblurrer": Fake(), "output": str(tmp_path)}
    assert [one.verdict for one in deblur_files(sources[:1], wishes=wishes, **how)] == ["restored"]
    noisy_photos(tmp_path, ["other.png", named])
    forge(tmp_path, files={"a.deblurred.png": "no", named: journal.hash_of(tmp_path / named)})
    before = (tmp_path / named).read_bytes()
    assert next(one.verdict for one in deblur_files(sources, wishes=wishes, **how)) == "failed"
    assert (tmp_path / named).read_bytes() == before


@pytest.mark.parametrize(
    "damage",
    [{"files": ["x"]}, {"files": {"": "x"}}, {"files": {}}, {"files": {"a.deblurred.png": 1}}, {"files": None}],
    ids=str,
)
def test_a_damaged_line_counts_for_nothing(folder, damage):
    run(folder)
    out = folder.parent / "out"
    forge(out, **damage)
    (out / "a.deblurred.png").unlink()
    assert [(one.verdict, one.done_before) for one in run(folder)] == [("restored", one > 0) for one in range(3)]


NOTES = ({"verdict": "restored", "notes": notes, "reason": ""} for notes in (3, [{}], "worked"))
RECORDS = [{}, {"verdict": []}, {"verdict": "restored"}, *NOTES, []]


@pytest.mark.parametrize("record", RECORDS, ids=str)
def test_without_its_record_a_result_is_as_any_other_file(folder, record):
    run(folder)
    forge(folder.parent / "out", record=record)
    first, *others = run(folder)
    assert (first.verdict, "exists already" in first.reason) == ("failed", True)
    assert all(one.done_before for one in others)


def test_a_journal_that_is_a_pipe_or_a_cave_counts_for_nothing(tmp_path):
    (tmp_path / NAME).write_text("[" * 100_000)
    assert journal.Journal(tmp_path, "").find("0", [tmp_path / "a.png"]) is None
    (tmp_path / NAME).unlink()
    os.mkfifo(tmp_path / NAME)
    assert journal.Journal(tmp_path, "").find("0", [tmp_path / "a.png"]) is None


def test_settings_are_known_by_what_their_files_hold(tmp_path):
    weights = tmp_path / "weights"
    weights.write_bytes(b"1")
    first = settings_hash({"weights": (weights,), "size": 3})
    (tmp_path / "moved").write_bytes(b"1")
    assert settings_hash({"size": 3, "weights": (tmp_path / "moved",)}) == first
    weights.write_bytes(b"2")
    assert len({first, settings_hash({"weights": (weights,), "size": 3}), settings_hash({"size": 3})}) == 3


def test_a_line_of_a_journal_is_on_the_disk_before_its_result(folder, monkeypatch):
    told, sync = [], os.fsync
    monkeypatch.setattr(os, "fsync", lambda number: told.append(os.fstat(number).st_ino) or sync(number))
    run(folder)
    out = folder.parent / "out"
    assert told[:2] == [(out / NAME).stat().st_ino, (out / "a.deblurred.png").stat().st_ino]


def test_a_journal_that_cannot_be_written_is_a_sentence_for_each_file(folder, tmp_path):
    (tmp_path / "out" / NAME).mkdir(parents=True)
    outcomes = run(folder)
    assert {one.verdict for one in outcomes} == {"failed"}
    assert all("the journal" in one.reason and "cannot be written" in one.reason for one in outcomes)
    assert isinstance(outcomes[0].error, OutputError)
