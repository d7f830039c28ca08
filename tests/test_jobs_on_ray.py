"""Are files of workers that die tried again, so often and no more, and told in order? By a pretended Ray."""

import json
import socket
import sys
from types import SimpleNamespace

import pytest

from blurspace.errors import MemoryExhaustedError, ModelError, UsageError, WorkerError
from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.files import find_sources
from blurspace.jobs.journal import NAME, NAMES, Journal
from blurspace.jobs.on_ray import QUIET, TRIES, Crew, cause, imported
from blurspace.jobs.wishes import Wishes

from .fakes import Fake, noisy_photos


class RayError(Exception):
    pass


class Pretended:
    """Ray in this process: promises are kept last first, and a worker dies as often as `deaths` says of a task."""

    def __init__(self, deaths, *, begins=True):
        self.deaths, self.begins = dict(deaths), begins
        self.exceptions, self.killed, self.calls = SimpleNamespace(RayError=RayError), [], []

    def worker(self):
        return SimpleNamespace(
            begin=SimpleNamespace(remote=lambda: ("begin", len(self.calls), object())),
            do=SimpleNamespace(remote=lambda task, again: self.calls.append((task, again)) or (task, again, object())),
        )

    def wait(self, promises):
        return promises[-1:], promises[:-1]

    def get(self, promise):
        task = promise[0]
        if task == "begin" and not self.begins:
            raise RayError("no such package")
        if self.deaths.get(task, 0):
            self.deaths[task] -= 1
            raise RayError("it died")
        return f"{task} done"

    def kill(self, worker):
        self.killed.append(worker)


def results(ray, tasks, count=2):
    crew = Crew(ray, ray.worker, lambda task, why: f"{task}: {why.failure}, {why.exit_code}")
    return list(crew.results(tasks, count))


def test_a_file_is_tried_again_and_order_is_kept():
    ray = Pretended({"b": TRIES - 1})
    assert results(ray, ["a", "b", "c"]) == ["a done", "b done", "c done"]
    assert [again for task, again in ray.calls if task == "b"] == [False, True, True]
    assert sorted(task for task, _ in ray.calls) == ["a", *["b"] * TRIES, "c"]


def test_a_worker_has_its_next_file_before_a_result_is_looked_at():
    ray = Pretended({})
    told = Crew(ray, ray.worker, lambda task, why: task).results(["a", "b", "c"], 1)
    assert next(told) == "a done"
    assert [task for task, _ in ray.calls] == ["a", "b"]


def test_a_poisoned_file_fails_alone():
    ray = Pretended({"b": 99})
    assert results(ray, ["a", "b", "c", "d"]) == ["a done", "b: process died, 1", "c done", "d done"]
    assert sum(task == "b" for task, _ in ray.calls) == TRIES


def test_workers_that_cannot_begin_are_told():
    with pytest.raises(WorkerError, match=r"cannot begin .no such package.: is .* and are the files that were typed"):
        results(Pretended({}, begins=False), ["a"])


def test_memory_that_ran_out_is_known():
    assert isinstance(cause(RayError("the node running low on memory")), MemoryExhaustedError)
    assert isinstance(cause(RayError("killed")), WorkerError)


def test_without_ray_one_sentence_says_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    for name in QUIET:
        monkeypatch.setenv(name, "1")
    with pytest.raises(ModelError, match=r"pip install \"\.\[ray\]\""):
        imported()


def test_ray_prints_nothing_among_the_records(monkeypatch, capsys):
    for name in QUIET:
        monkeypatch.setenv(name, "1")
    worker = pytest.importorskip("ray._private.worker", reason='Ray is not here: pip install ".[ray]"')
    death = {"lines": ["a worker died"], "pid": "raylet", "is_err": False}
    monkeypatch.setattr(worker, "_worker_logs_enabled", True)
    worker.print_worker_logs(death, sys.stdout)
    assert "a worker died" in capsys.readouterr().out
    imported()
    worker.print_worker_logs(death, sys.stdout)
    assert capsys.readouterr().out == ""


def folder_work(tmp_path):
    """The work on a photo, and its task, as an engine gets them."""
    seen = []
    noisy_photos(tmp_path / "in", ["a.png"])

    def engine(tasks, work, failed):
        seen.append((tasks, work))
        yield from ()

    asked, out = Wishes(settings="as usual"), str(tmp_path / "out")
    list(deblur_files(find_sources([str(tmp_path / "in")]), deblurrer=Fake(), output=out, wishes=asked, engine=engine))
    ((tasks, work),) = seen
    return tasks[0], work


def test_what_a_dead_worker_finished_is_found_and_is_no_earlier_runs(tmp_path):
    task, work = folder_work(tmp_path)
    assert (first := work(task)).verdict == "restored"
    again = work.again(task)
    assert work.deblurrer.calls == 1
    assert json.dumps(again.record()) == json.dumps(first.record())


def test_each_machine_adds_to_a_journal_of_its_own_and_reads_all(tmp_path, monkeypatch):
    task, work = folder_work(tmp_path)
    for host in ("one", "an/other"):
        monkeypatch.setattr(socket, "gethostname", lambda name=host: name)
        work.again(task)
        (tmp_path / "out" / "a.deblurred.png").unlink()
    assert len({path.name for path in (tmp_path / "out").glob(NAMES)} - {NAME}) == 2
    assert [one.name for one in find_sources([str(tmp_path)])] == [task.source.name]


@pytest.mark.parametrize("dead", ["a", "b"])
def test_what_another_machine_noted_and_did_not_write_hides_no_result(tmp_path, monkeypatch, dead):
    """A machine whose result would differ died between its note and its result; another one made the file."""
    target, record = tmp_path / "a.png", {"verdict": "restored", "reason": "", "notes": []}
    target.write_bytes(b"whole")
    for host in "ab":
        monkeypatch.setattr(socket, "gethostname", lambda name=host: name)
        made = b"never written" if host == dead else b"whole"
        Journal(tmp_path, "", clustered=True).note("content", target, {target: made}, record)
    entry = Journal(tmp_path, "").find("content", [target])
    assert entry.holds([target])


def test_without_a_journal_no_engine_begins(tmp_path):
    noisy_photos(tmp_path, ["a.png"])
    sources = find_sources([str(tmp_path / "a.png")])
    with pytest.raises(UsageError, match="give a folder"):
        deblur_files(sources, deblurrer=Fake(), wishes=Wishes(settings="x"), engine=lambda *_: iter(()))
