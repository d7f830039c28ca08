"""Are objects of a storage deblurred as files are, with the same bytes, records and refusals? In fsspec's memory."""

import json
import subprocess
import sys
import tempfile

import fsspec
import pytest
from PIL import Image as Pil

from blurspace.cli import main
from blurspace.errors import ModelError, NoInputError, UsageError
from blurspace.io import files, store
from blurspace.io.files import temporary_folder
from blurspace.jobs import stored
from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.dry_run import dry_run
from blurspace.jobs.files import find_sources, plan_targets
from blurspace.jobs.journal import NAME
from blurspace.jobs.wishes import Wishes
from blurspace.run import Run

from .clips import make_clip, moving
from .fakes import Fake, noisy_photos

NAMES = ("a.png", "sub/a.png", "sub/odd [1] #%3F ä.png")
IN, OUT = "memory://bucket/in", "memory://bucket/out"


@pytest.fixture
def memory():
    """Of this process; what tests before left is gone."""
    storage = fsspec.filesystem("memory")
    storage.store.clear()
    return storage


@pytest.fixture
def folder(tmp_path, memory, monkeypatch):
    """The same photos here and in the memory; copies are made in a folder of their own."""
    (tmp_path / "copies").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "copies"))
    folder = noisy_photos(tmp_path / "bucket" / "in", NAMES)
    for name in NAMES:
        memory.pipe_file(f"/bucket/in/{name}", (folder / name).read_bytes())
    return folder


def run(names=(IN,), output=OUT, *, deblurrer=None, settings="as usual", **wishes):
    sources = find_sources(list(names), output=output, stored=True)
    asked, how = Wishes(settings=settings, **wishes), Run(memory=2**30)  # which a sidecar tells
    return list(deblur_files(sources, deblurrer=deblurrer or Fake(), output=output, wishes=asked, run=how))


def objects(memory, below="out"):
    """All but the notes."""
    names = (name for name in memory.find(f"/bucket/{below}") if stored.NOTES not in name)
    return {name.removeprefix(f"/bucket/{below}/"): memory.cat_file(name) for name in names}


def tree(folder):
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def told(outcomes, root):
    """The records, with addresses where those of files name paths; without what differs from run to run."""
    records = [{**one.record(), "seconds": 0, "peak_mib": 0} for one in outcomes]
    return json.dumps(records).replace(str(root) + "/", "memory://")


@pytest.mark.parametrize("verdict", ["restored", "left alone", "refused"])
@pytest.mark.parametrize("wishes", [{"plot": True, "sidecar": {"weights": ()}}, {"format": "JPEG"}], ids=str)
def test_bytes_and_records_are_those_of_files(folder, memory, tmp_path, verdict, wishes):
    there = run(deblurrer=Fake(verdict), **wishes)
    here = run([str(folder)], str(tmp_path / "bucket" / "out"), deblurrer=Fake(verdict), **wishes)
    assert objects(memory) == tree(tmp_path / "bucket" / "out")
    assert told(there, tmp_path) == told(here, tmp_path)
    assert list((tmp_path / "copies").iterdir()) == []


def test_without_an_output_results_stand_beside_their_inputs(folder, memory):
    assert [one.output for one in run([f"{IN}/a.png"], None)] == [f"{IN}/a.deblurred.png"]
    outcomes = run(output=None)
    assert [one.input for one in outcomes] == [f"{IN}/{name}" for name in sorted(NAMES)]  # not our own result
    assert [one.reason for one in outcomes if one.verdict == "failed"] == [
        f"{IN}/a.deblurred.png exists already: give overwrite (--overwrite) or another output"
    ]
    assert len(objects(memory, "in")) == 2 * len(NAMES)


def test_a_second_run_does_nothing_and_tells_the_same(folder, memory):
    first, fake = run(plot=True), Fake()
    before = memory.find("/bucket", detail=True)
    second = run(plot=True, deblurrer=fake)
    assert (fake.calls, [one.done_before for one in second]) == (0, [True] * 3)
    assert json.dumps([one.record() | {"done_before": False} for one in second]) == json.dumps(
        [one.record() for one in first]
    )
    after = memory.find("/bucket", detail=True)
    assert [one for one in after if after[one] != before[one]] == ["/bucket/out/.blurspace-journal/about.txt"]


def test_what_is_noted_names_no_copy(folder, memory, tmp_path):
    run()
    notes = [memory.cat_file(name).decode() for name in memory.find(f"/bucket/out/{stored.NOTES}")]
    assert len(notes) == 1 + len(NAMES)
    assert not any(str(tmp_path) in note for note in notes)


@pytest.mark.parametrize("after", range(10))
def test_after_a_kill_at_any_point_the_next_run_ends_as_if_there_had_been_none(folder, memory, monkeypatch, after):
    class Killed(BaseException):
        """Like a kill: nothing catches it."""

    run(output="memory://bucket/whole", plot=True)
    left = [after]

    def dying(path, address):
        left[0] -= 1
        if left[0] < 0:
            raise Killed
        store.send(path, address)

    with monkeypatch.context() as patch:
        patch.setattr(stored, "send", dying)
        with pytest.raises(Killed):
            run(plot=True)
    whole = objects(memory, "whole")
    assert objects(memory).items() <= whole.items()
    assert [one.exit_code for one in run(plot=True)] == [0, 0, 0]
    assert objects(memory) == whole
    assert all(one.done_before for one in run(plot=True))


def test_what_is_not_ours_is_kept_unless_it_may_be_replaced(folder, memory):
    run()
    memory.pipe_file("/bucket/out/a.deblurred.png", b"edited")
    fake = Fake()
    outcomes = run(deblurrer=fake)
    assert (fake.calls, outcomes[0].failure, outcomes[0].exit_code) == (0, "unwritable", 1)
    assert outcomes[0].reason.startswith(f"{OUT}/a.deblurred.png exists already")
    assert memory.cat_file("/bucket/out/a.deblurred.png") == b"edited"
    assert [one.verdict for one in run(skip_existing=True)] == ["skipped"] * 3
    assert [one.verdict for one in run(overwrite=True, deblurrer=fake)] == ["restored"] * 3
    assert (fake.calls, len(memory.cat_file("/bucket/out/a.deblurred.png")) > 6) == (3, True)


def test_what_is_skipped_is_not_even_copied(folder, memory):
    memory.pipe_file("/bucket/out/a.deblurred.png", b"mine")
    memory.pipe_file("/bucket/in/a.png", b"no picture")
    assert [one.verdict for one in run(skip_existing=True, settings=None)] == ["skipped", "restored", "restored"]
    assert memory.cat_file("/bucket/out/a.deblurred.png") == b"mine"


@pytest.mark.parametrize("spelled", [f"{IN}/a.png", "memory:///bucket/in/a.png"])
def test_an_input_is_never_replaced(folder, memory, spelled):
    before = objects(memory, "in")
    (outcome,) = run([f"{IN}/a.png"], spelled, overwrite=True)
    assert (outcome.failure, "is an input" in outcome.reason) == ("unwritable", True)
    memory.pipe_file("/bucket/in/a.deblurred.png", before["a.png"])
    outcomes = run([f"{IN}/a.png", f"{IN}/a.deblurred.png"], None, overwrite=True)
    assert [one.failure for one in outcomes] == ["unwritable", None]
    assert objects(memory, "in").items() >= before.items()


def test_a_photo_of_another_kind_than_its_name_says_is_named_as_files_are(folder, memory, tmp_path):
    Pil.open(folder / "a.png").save(folder / "jpeg.png", format="JPEG")
    memory.pipe_file("/bucket/in/jpeg.png", (folder / "jpeg.png").read_bytes())
    there, here = run(), run([str(folder)], str(tmp_path / "bucket" / "out"))
    assert there[1].output == f"{OUT}/jpeg.deblurred.jpg"
    assert told(there, tmp_path) == told(here, tmp_path)


def test_what_is_hidden_or_ours_is_left_out_and_bad_objects_fail_alone(folder, memory):
    for name in (".hidden/a.png", "sub/._a.png", "b.deblurred.png", "sub/a.kernel.png", "text.txt", "out/a.png"):
        memory.pipe_file(f"/bucket/in/{name}", b"no picture")
    memory.pipe_file("/bucket/in//odd.png", b"no picture")
    memory.pipe_file("/bucket/in/bad.png", b"no picture")
    long = "l" * 255 + ".png"
    memory.pipe_file(f"/bucket/in/{long}", b"no picture")
    outcomes = run(output=f"{IN}/out")
    failed = {one.input: one.reason for one in outcomes if one.failure == "unreadable"}
    assert len(outcomes) == len(failed) + len(NAMES)
    assert list(failed) == [f"{IN}/bad.png", f"{IN}/{long}", f"{IN}/odd.png"]
    assert "not a PNG" in failed[f"{IN}/bad.png"]
    assert "File name too long" in failed[f"{IN}/{long}"]
    assert failed[f"{IN}/odd.png"].startswith(f"{IN}//odd.png has a part without a name")


def test_objects_over_the_limit_are_not_copied(folder, memory, monkeypatch):
    monkeypatch.setattr(stored, "most_bytes", lambda _: 10)
    monkeypatch.setattr(memory, "get_file", None)
    assert all(one.reason.startswith(f"{one.input} is over the limit of 10 bytes: ") for one in run())


@pytest.mark.parametrize(
    ("step", "failure", "said"),
    [
        ("get_file", "unreadable", "cannot be read (Forbidden): give this account the right"),
        ("put_file", "unwritable", "cannot be written (Forbidden): give this account the right"),
    ],
)
def test_trouble_with_the_storage_is_one_sentence_and_the_next_run_goes_on(
    folder, memory, monkeypatch, step, failure, said
):
    real = getattr(type(memory), step)

    def failing(self, *names, **options):
        if any("/sub/a." in str(name) for name in names):
            raise PermissionError(13, "Forbidden")
        return real(self, *names, **options)

    with monkeypatch.context() as patch:
        patch.setattr(type(memory), step, failing)
        outcomes = run()
    assert [one.failure for one in outcomes] == [None, failure, None]
    assert said in outcomes[1].reason
    assert [one.done_before for one in run()] == [True, False, True]


def test_a_folder_of_results_that_cannot_be_written_is_known_before_any_work(folder, memory, monkeypatch):
    def failing(*_, **__):
        raise PermissionError(13, "Forbidden")

    monkeypatch.setattr(type(memory), "put_file", failing)
    assert main(["deblur", IN, "-o", OUT]) == 1


def test_a_video_is_deblurred_too(folder, memory, tmp_path):
    make_clip(tmp_path / "clip.mp4", moving(4))
    memory.pipe_file("/bucket/clips/clip.mp4", (tmp_path / "clip.mp4").read_bytes())
    sources = find_sources(["memory://bucket/clips"], videos=True, stored=True)
    wishes = Wishes(settings="", every=True, alone=True)
    (outcome,) = deblur_files(sources, deblurrer=Fake(), output=OUT, wishes=wishes)
    assert (outcome.output, outcome.restored_frames) == (f"{OUT}/clip.deblurred.mp4", 4)
    assert list(objects(memory)) == ["clip.deblurred.mp4"]


def test_what_no_storage_can_give_is_refused_before_any_work(folder, memory, tmp_path):
    for names, output, wishes, said in (
        ([IN, str(folder)], OUT, {}, "is no address"),
        ([IN], str(tmp_path / "out"), {}, "is no address"),
        ([f"{IN}/a.png"], "-", {}, "is no address"),
        ([IN], "memory://", {}, "no full address"),
        ([IN], "memory://bucket/../out", {}, "no full address"),
        ([IN], "nowhere://bucket/out", {}, "nobody knows"),
        ([IN], OUT, {"sidecar": {"weights": ()}, "inputs": (folder / "a.png",)}, "--sidecar"),
    ):
        with pytest.raises(UsageError, match=said):
            run(names, output, **wishes)
    with pytest.raises(UsageError, match="--dry-run"):
        dry_run(find_sources([IN], stored=True), output=OUT)
    assert objects(memory) == {}
    assert main(["diagnose", IN]) == 2
    with pytest.raises(UsageError, match="deblur alone writes"):
        plan_targets(find_sources([str(folder)]), OUT)


def test_where_nothing_is_found_the_exit_code_says_so(memory, capsys):
    memory.pipe_file("/bucket/empty/read.me", b"")
    for name, said in (("empty", "no picture was found"), ("gone", "there is no such place")):
        with pytest.raises(NoInputError, match=said):
            find_sources([f"memory://bucket/{name}"], stored=True)
        assert main(["deblur", f"memory://bucket/{name}"]) == 3
        assert said in capsys.readouterr().err


def test_a_driver_that_is_missing_is_one_sentence(monkeypatch):
    monkeypatch.setitem(sys.modules, "gcsfs", None)
    with pytest.raises(ModelError, match=r"needs a driver.*pip install \"\.\[store\]\""):
        find_sources(["gs://bucket/in"], stored=True)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    assert main(["deblur", "s3://bucket/in"]) == 4


def test_a_file_may_be_named_by_its_scheme(folder, tmp_path, capsys):
    assert main(["deblur", f"file://{tmp_path}/none", "-o", f"file://{tmp_path}/out"]) == 3
    assert f"blurspace: {tmp_path}/none does not exist" in capsys.readouterr().err


def test_copies_of_killed_processes_are_cleared(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    gone = subprocess.Popen(["true"])
    gone.wait()
    left = tmp_path / f".blurspace-{files.machine()}-{gone.pid}-0-0.part"
    (left / "s3:").mkdir(parents=True)
    with temporary_folder() as folder:
        assert [*tmp_path.iterdir()] == [folder]
    assert [*tmp_path.iterdir()] == []
