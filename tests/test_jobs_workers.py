"""Do several processes give the same records in the same order, and does one that dies take only its file with it?"""

import os
import pickle
import signal
import time
from functools import partial
from threading import Timer

import numpy as np
import pytest
from PIL import Image as Pil

from blurspace.jobs import journal, workers
from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.files import find_sources
from blurspace.jobs.wishes import Wishes
from blurspace.jobs.workers import cause, helped, spread

from .fakes import Fake


@pytest.fixture
def forked(monkeypatch):
    """Quick to start, and good enough for fakes, which use no threads."""
    monkeypatch.setattr(workers, "START", "fork")


def half(blurry):
    return blurry * 0.5


class Deadly(Fake):
    """Kills its process, or fails, at pictures of certain widths."""

    def __call__(self, blurry, **options):
        if blurry.shape[-1] == 20:
            os.kill(os.getpid(), signal.SIGKILL)
        if blurry.shape[-1] == 30:
            raise ZeroDivisionError("oh")
        return super().__call__(blurry, **options)


def photos(folder, widths):
    folder.mkdir()
    for place, width in enumerate(widths):
        pixels = np.random.default_rng(place).integers(0, 255, (24, width, 3), dtype=np.uint8)
        Pil.fromarray(pixels).save(folder / f"{place}.png")
    return folder


def run(folder, jobs, *, deblurrer=None, **wishes):
    out = str(folder.parent / f"out{jobs}")
    asked = Wishes(settings="as usual", **wishes)
    fake = deblurrer or Deadly(change=half)
    return list(deblur_files(find_sources([str(folder)]), deblurrer=fake, output=out, wishes=asked, jobs=jobs))


def told(outcomes, jobs):
    """Records without what differs from run to run."""
    left_out = ("seconds", "peak_mib")
    records = [{name: value for name, value in one.record().items() if name not in left_out} for one in outcomes]
    return [
        record | {"output": record["output"] and record["output"].replace(f"out{jobs}", "out")} for record in records
    ]


def sign(folder, _):
    (folder / f"{os.getpid()}").touch()


@pytest.mark.usefixtures("forked")
def test_helpers_do_the_same_work_and_end_with_the_block(tmp_path):
    with helped(partial(sign, tmp_path), helpers=2):
        until = time.monotonic() + 60
        while len(list(tmp_path.iterdir())) < 2 and time.monotonic() < until:
            time.sleep(0.01)
    processes = [int(path.name) for path in tmp_path.iterdir()]
    assert len(processes) == 2
    for process in processes:
        assert process != os.getpid()
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


@pytest.mark.usefixtures("forked")
def test_the_records_are_the_same_however_many_processes(tmp_path):
    folder = photos(tmp_path / "in", [40, 30, 41, 42, 30, 43, 44])
    one, three = run(folder, 1), run(folder, 3)
    assert told(one, 1) == told(three, 3)
    assert [record["verdict"] for record in told(one, 1)].count("failed") == 2
    for path in (tmp_path / "out1").glob("*.png"):
        assert path.read_bytes() == (tmp_path / "out3" / path.name).read_bytes()
    assert all(outcome.done_before for outcome in run(folder, 3) if outcome.error is None)


@pytest.mark.usefixtures("forked")
def test_a_process_that_is_killed_is_one_failed_file(tmp_path):
    folder = photos(tmp_path / "in", [40, 20, 41, 20, 42])
    outcomes = run(folder, 2)
    assert [one.verdict for one in outcomes] == ["restored", "failed", "restored", "failed", "restored"]
    assert [one.exit_code for one in outcomes] == [0, 5, 0, 5, 0]
    assert "killed, as a system does that runs out of memory" in outcomes[1].reason


@pytest.mark.usefixtures("forked")
def test_an_error_of_another_process_says_where_it_was(tmp_path):
    (outcome, _) = run(photos(tmp_path / "in", [30, 40]), 2)
    assert "ZeroDivisionError: oh" in outcome.reason
    assert any("line" in note and "Deadly" not in note for note in outcome.error.__notes__)


def test_memory_is_shared(tmp_path, forked, monkeypatch):
    seen = []
    monkeypatch.setattr(
        "blurspace.jobs.worked.shared", lambda tasks, work, failed, jobs: (one for one in seen.append(work) or [])
    )
    run(photos(tmp_path / "in", [40, 41, 42]), 2, memory=4 * 2**30)
    assert (seen[0].asked.memory, seen[0].run.on_step) == (2 * 2**30, None)
    assert seen[0].run.memory > 2**20


def slow(marks, number):
    (marks / f"{number}-{os.getpid()}").touch()
    time.sleep(0 if number == 0 else 60)
    return number


def died(task, why, seconds):
    return f"{task}: {why}"


@pytest.mark.usefixtures("forked")
def test_processes_end_with_whoever_waits_for_them(tmp_path):
    results = spread(range(5), partial(slow, tmp_path), died, jobs=2)
    assert next(results) == 0
    start = time.perf_counter()
    results.close()
    assert time.perf_counter() - start < 5
    for process in {int(path.name.split("-")[1]) for path in tmp_path.iterdir()}:
        with pytest.raises(ProcessLookupError):
            os.kill(process, 0)


def test_a_process_begins_anew_where_it_is_not_forked():
    results = list(spread([3, "x", 4], partial(pow, 2), died, jobs=1))
    assert results[0::2] == [8, 16]
    assert results[1] == "x: its process died (exit code 1): try this file alone, with -v"


def dies_after(seconds, number):
    """And then the process is no more, whatever it does."""
    if number == 0:
        Timer(seconds, os._exit, (9,)).start()
    return number


@pytest.mark.usefixtures("forked")
def test_a_process_that_dies_idle_takes_no_file_with_it():
    results = spread([0, 1, 2], partial(dies_after, 0.1), died, jobs=1)
    first = next(results)
    time.sleep(0.5)
    assert [first, *results] == [0, 1, 2]


def first_last(number):
    if number == 0:
        time.sleep(60)
    return number


@pytest.mark.usefixtures("forked")
@pytest.mark.parametrize("heard", [True, False])
def test_what_is_finished_out_of_order_is_told_at_an_interrupt(monkeypatch, heard):
    """Be its result heard already, or not yet."""
    calls, real = [], workers.wait

    def interrupted(pipes):
        calls.append(pipes)
        if len(calls) < 4 and heard:
            return real(pipes)
        time.sleep(0 if heard else 0.5)
        raise KeyboardInterrupt

    monkeypatch.setattr(workers, "wait", interrupted)
    told, results = [], spread(range(4 if heard else 2), first_last, died, jobs=2)
    with pytest.raises(KeyboardInterrupt):
        told.extend(results)
    assert told == ([1, 2, 3] if heard else [1])


def test_each_process_reads_a_journal_once(tmp_path, monkeypatch):
    folder = photos(tmp_path / "in", [40, 41, 42])
    run(folder, 1)
    sent, read = [], []
    monkeypatch.setattr(
        "blurspace.jobs.worked.shared",
        lambda tasks, work, *_, **__: (one for one in sent.extend((pickle.dumps(work), tasks)) or []),
    )
    list(run(folder, 3))
    (tmp_path / "out3").mkdir(exist_ok=True)
    (tmp_path / "out3" / journal.NAME).touch()
    real = journal._read
    monkeypatch.setattr(journal, "_read", lambda path: read.append(path) or real(path))
    work = pickle.loads(sent[0])
    assert all(work(pickle.loads(pickle.dumps(task))).done_before is False for task in sent[1])
    assert len(read) == 1


def test_a_share_of_the_memory_is_told_as_one(tmp_path, forked):
    for outcome in run(photos(tmp_path / "in", [40, 41]), 2, memory=2 * 2**20):
        assert "--memory allows 1 MiB to each of 2 --jobs" in outcome.reason
        assert outcome.reason.endswith("give more, or fewer --jobs")
    (outcome,) = run(photos(tmp_path / "one", [40]), 2, memory=2 * 2**20)
    assert outcome.reason.startswith("--memory allows 2 MiB, and")


def test_causes_have_names():
    assert "SIGSEGV" in str(cause(-11))
    assert (cause(-9).exit_code, cause(-11).exit_code, cause(3).exit_code, cause(None).exit_code) == (5, 1, 1, 1)
