"""Do `blur`, `transfer` and `diagnose` give the same files and records whoever works, and after whatever died?"""

import os
import signal
from dataclasses import replace
from functools import partial

import pytest
import torch

from blurspace import cli
from blurspace.codes import BlurBank
from blurspace.data.layouts import find_pairs
from blurspace.errors import OutputError, UsageError
from blurspace.io.images import read_photo
from blurspace.jobs import workers
from blurspace.jobs.blur import blur_files
from blurspace.jobs.files import Source, Writing, find_sources
from blurspace.jobs.inspect import diagnose_files
from blurspace.jobs.kinds import KINDS, plan_blur
from blurspace.jobs.transfer import Draw, transfer_files
from blurspace.nets.kernel_space import BasisSpace

from .fakes import noisy_photos

NAMES = ("a.png", "b.png", "d.png")
SHAKEN = plan_blur("shake", 5.0, sigma=0.02)


@pytest.fixture
def folder(tmp_path):
    """Three photos, and before the last of them one that is none."""
    noisy_photos(tmp_path / "in", NAMES)
    (tmp_path / "in" / "c.png").write_bytes(b"")
    return tmp_path / "in"


def draw():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        space = BasisSpace(count=4, side=5, stride=8).requires_grad_(False)
    codes = tuple(torch.rand(1, 5, 4, 4, generator=torch.Generator().manual_seed(seed)).half() for seed in range(3))
    return Draw(BlurBank(codes, ("p", "q", "r"), space.fingerprint()), space, copies=2)


def blurred(folder, out, **how):
    return blur_files(find_sources([str(folder)]), SHAKEN, output=str(out), **how)


def transferred(folder, out, **how):
    return transfer_files(find_sources([str(folder)]), draw=draw(), output=out, **how)


def diagnosed(folder, out, **how):
    """Pictures of parts go beside the photos, so these are copied."""
    out.mkdir(exist_ok=True)
    for path in folder.iterdir():
        (out / path.name).write_bytes(path.read_bytes())
    return diagnose_files(find_sources([str(out)]), plot=True, **how)


VERBS = pytest.mark.parametrize("verb", [blurred, transferred, diagnosed])


def told(results, out):
    """Records without what differs from run to run."""
    records = [one[0] if isinstance(one, tuple) else one.record() for one in results]
    plain = [str({name: value for name, value in one.items() if name != "seconds"}) for one in records]
    return [one.replace(str(out), "OUT") for one in plain]


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def sent(verb, folder, out):
    """The tasks and the work, as an engine gets them."""
    seen = []

    def engine(tasks, work, failed):
        seen.extend((tasks, work))
        yield from ()

    list(verb(folder, out, engine=engine))
    out.mkdir(exist_ok=True)
    for name in ("sharp", "blur") if verb is transferred else ():
        (out / name).mkdir()  # they go where nothing was made
    return seen


@VERBS
def test_two_processes_give_the_same_files_and_records(verb, folder, tmp_path):
    one, two = tmp_path / "one", tmp_path / "two"
    alone, both = list(verb(folder, one)), list(verb(folder, two, jobs=2))
    assert told(alone, one) == told(both, two)
    assert sum("is empty" in record for record in told(both, two)) == 1
    assert contents(one) == contents(two)
    assert len(contents(one)) == {blurred: 3, transferred: 13, diagnosed: 7}[verb]


@VERBS
def test_what_a_dead_worker_finished_is_taken_and_nobody_elses(verb, folder, tmp_path):
    before = contents(folder)
    tasks, work = sent(verb, folder, tmp_path / "out")
    first = work(tasks[0])
    made = contents(tmp_path / "out")
    as_list = partial(told, out=tmp_path / "out")
    results = first if isinstance(first, list) else [first]
    again = work.again(tasks[0])
    assert as_list(results) == as_list(again if isinstance(again, list) else [again])
    assert contents(tmp_path / "out") == made
    new = tmp_path / "out" / next(name for name in made if name not in before)
    new.write_bytes(b"")  # a name that was reserved
    work.again(tasks[0])
    assert contents(tmp_path / "out") == made
    new.write_bytes(b"somebody else's")
    try:
        failure = work.again(tasks[0])[-1].reason
    except OutputError as error:
        failure = str(error)
    assert "exists already" in failure
    assert new.read_bytes() == b"somebody else's"


def test_an_input_is_never_written_to_after_a_death_either(folder):
    photo = folder / "a.png"
    with pytest.raises(OutputError, match="never overwritten"):
        Writing(overwrite=True, again=True).check(photo, [Source(str(photo))])


def test_of_an_interrupted_source_no_copy_stays(folder, tmp_path, monkeypatch):
    tasks, work = sent(transferred, folder, tmp_path / "out")

    def interrupted(self, sharp, index):
        yield 0, sharp
        raise KeyboardInterrupt

    monkeypatch.setattr(Draw, "blurred", interrupted)
    with pytest.raises(KeyboardInterrupt):
        work(tasks[0])
    assert contents(tmp_path / "out") == {}


def test_a_copy_that_fails_is_told_after_those_that_were_made(folder, tmp_path, monkeypatch):
    tasks, work = sent(transferred, folder, tmp_path / "out")

    def failing(self, sharp, index):
        yield 0, sharp
        raise ZeroDivisionError("oh")

    monkeypatch.setattr(Draw, "blurred", failing)
    first, second = work(tasks[0])
    assert (first.reason, second.exit_code) == (None, 1)
    assert "ZeroDivisionError: oh" in second.reason
    assert any("failing" in note for note in second.error.__notes__)


def test_an_interrupt_leaves_a_manifest_of_what_is_done(folder, tmp_path, monkeypatch):
    def interrupted(tasks, work, failed, *, jobs):
        yield work(tasks[1])
        raise KeyboardInterrupt

    monkeypatch.setattr("blurspace.jobs.worked.shared", interrupted)
    results = []
    with pytest.raises(KeyboardInterrupt):
        results.extend(transferred(folder, tmp_path / "out", jobs=2))
    assert [one.sharp.name for one in find_pairs(tmp_path / "out" / "manifest.csv")] == ["b-2.png", "b.png"]
    assert len(results) == 2


def test_a_process_that_dies_takes_one_file(folder, tmp_path, monkeypatch):
    deadly = read_photo(folder / "a.png").pixels

    def fake(sharp, *_):
        if torch.equal(sharp, deadly):
            os.kill(os.getpid(), signal.SIGKILL)
        return sharp, None

    monkeypatch.setattr(workers, "START", "fork")
    monkeypatch.setitem(KINDS, "shake", fake)
    outcomes = list(blurred(folder, tmp_path / "out", jobs=2))
    assert [one.exit_code for one in outcomes] == [5, 0, 1, 0]
    assert [one.failure for one in outcomes] == ["out of memory", None, "unreadable", None]


@VERBS
def test_an_engine_gets_no_standard_input(verb, tmp_path, monkeypatch):
    monkeypatch.setattr("blurspace.jobs.inspect.STANDARD", "other")  # which --plot refuses first
    how = {"draw": draw(), "output": tmp_path / "out"} if verb is transferred else {}
    call = {blurred: partial(blur_files, options=SHAKEN), transferred: transfer_files}.get(verb, diagnose_files)
    with pytest.raises(UsageError, match="cannot read standard input"):
        list(call([Source("-")], engine=lambda *_: iter(()), **how))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "line", ["blur in", "diagnose in", "transfer --bank b --to in -o out", "train r.toml --data in --out out"]
)
def test_all_verbs_know_the_same_engines(line, folder, monkeypatch, capsys):
    monkeypatch.chdir(folder.parent)
    assert cli.main([*line.split(), "--engine", "spark"]) == 2
    assert "there is no engine spark: give --engine ray, or leave it out" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["blur", "diagnose"])
def test_jobs_reach_the_work(verb, folder, monkeypatch):
    seen = []

    def noted(*_, **how):
        seen.append(how)
        yield from ()

    monkeypatch.setattr("blurspace.jobs.worked.shared", noted)
    monkeypatch.setattr("blurspace.jobs.on_ray.imported", lambda: None)
    monkeypatch.setattr("blurspace.jobs.on_ray.on_ray", noted)
    assert cli.main([verb, str(folder), "--jobs", "3"]) == 0
    assert cli.main([verb, str(folder), "--jobs", "3", "--engine", "ray"]) == 0
    assert seen == [{"jobs": 3}, {"jobs": 3, "device": "cpu"}]


def test_memory_of_a_search_is_shared(folder, tmp_path):
    _, work = sent(diagnosed, folder, tmp_path / "out")
    whole = replace(work, run=replace(work.run, memory=2**30, on_step=print))
    assert (whole.share(4).run.memory, whole.share(4).run.on_step) == (2**28, None)
    assert (whole.apart().run.memory, whole.apart().run.on_step) == (2**30, None)
