"""What becomes of videos among the photos of a folder?"""

import json
import sys
from dataclasses import replace

import pytest
from PIL import Image as Pil

from blurspace.cli import main
from blurspace.errors import UsageError, install
from blurspace.io import files
from blurspace.jobs import workers
from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.dry_run import dry_run, estimate
from blurspace.jobs.files import find_sources
from blurspace.jobs.journal import NAME
from blurspace.jobs.wishes import Wishes

from .clips import make_clip
from .fakes import Fake
from .test_jobs_video import panned

pytest.importorskip("av")
ASKED = Wishes(alone=True, settings="these")


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "in" / "below").mkdir(parents=True)
    Pil.fromarray(panned(1)[0]).save(tmp_path / "in" / "photo.png")
    make_clip(tmp_path / "in" / "below" / "clip.mp4", panned(12), options={"crf": "8"})
    return tmp_path / "in"


def half(blurry):
    return blurry * 0.5


def run(folder, *, deblurrer=None, asked=ASKED, jobs=1):
    sources, out = find_sources([str(folder)], videos=True), str(folder.parent / "out")
    return list(deblur_files(sources, deblurrer=deblurrer or Fake(), output=out, wishes=asked, jobs=jobs))


def test_a_folder_of_both(folder):
    assert [one.verdict for one in run(folder)] == ["restored", "restored"]
    out = folder.parent / "out"
    written = sorted(path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file())
    assert written == [NAME, "below/clip.deblurred.mp4", "photo.deblurred.png"]


def test_what_is_finished_is_not_done_again(folder):
    clip, _ = run(folder)
    again = Fake()
    (same, photo) = run(folder, deblurrer=again)
    assert (again.calls, same.done_before, photo.done_before) == (0, True, True)
    told, before = same.record(), clip.record()
    assert (told["reason"], told["restored_frames"], told["output"]) == ("of 12 frames 2 restored", 2, clip.output)
    assert json.dumps(told["per_frame"]) == json.dumps(before["per_frame"])
    (folder.parent / "out" / "below" / "clip.deblurred.mp4").unlink()
    (made, photo) = run(folder, deblurrer=again)
    assert (again.calls, made.done_before, photo.done_before) == (2, False, True)


@pytest.mark.parametrize("moved", [False, True])
def test_a_kill_when_a_video_gets_its_name(folder, monkeypatch, moved):
    """It was noted before, so it is either known or made again."""
    move = files._move

    def killed(temporary, path, *, overwrite):
        if moved:
            move(temporary, path, overwrite=overwrite)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(files, "_move", killed)
        with pytest.raises(KeyboardInterrupt):
            run(folder)
    again = Fake()
    clip, photo = run(folder, deblurrer=again)
    assert (clip.verdict, clip.done_before, photo.verdict) == ("restored", moved, "restored")
    assert again.calls == (1 if moved else 3)


def test_without_pyav_each_video_is_one_failed_file(folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "av", None)
    clip, photo = run(folder)
    assert (clip.verdict, clip.exit_code, photo.verdict) == ("failed", 4, "restored")
    assert clip.reason == f"video needs PyAV, which is not here: {install('video')}"
    assert clip.failure == "model missing"


def test_a_video_that_failed_or_was_skipped_has_the_record_of_a_video(folder):
    clip, photo = run(folder)
    fields = set(clip.record())
    for asked in (ASKED, Wishes(skip_existing=True)):
        (folder.parent / "out" / "below" / "clip.deblurred.mp4").write_text("mine")
        one, other = run(folder, asked=asked)
        assert one.verdict == ("skipped" if asked.skip_existing else "failed")
        assert (set(one.record()), set(other.record())) == (fields, set(photo.record()))


def test_several_processes(folder, monkeypatch):
    monkeypatch.setattr(workers, "START", "fork")
    outcomes = run(folder, jobs=2, deblurrer=Fake(change=half))
    assert [(one.verdict, getattr(one, "restored_frames", None)) for one in outcomes] == [
        ("restored", 2),
        ("restored", None),
    ]


def test_what_an_interrupt_left_of_a_video_is_told_for_other_processes(folder, monkeypatch):
    clip, left = folder / "below" / "clip.mp4", folder.parent / "out" / "below" / "clip.deblurred.partial.mp4"

    def interrupted(*_, **__):
        left.parent.mkdir()
        left.touch()
        yield from ()
        raise KeyboardInterrupt

    monkeypatch.setattr("blurspace.jobs.worked.shared", interrupted)
    told, sources = [], find_sources([str(folder)], videos=True)
    how = {"deblurrer": Fake(), "output": str(left.parents[1]), "wishes": ASKED, "jobs": 2}
    with pytest.raises(KeyboardInterrupt):
        list(deblur_files(sources, report=told.append, **how))
    assert told == [f"{clip}: interrupted, and what was done can be played: {left}"]


def test_a_dry_run_looks_at_videos(folder):
    sources, out = find_sources([str(folder)], videos=True), folder.parent / "out"
    planned = list(dry_run(sources, output=str(out), wishes=ASKED, search=8))
    assert [one.verdict for one in planned] == ["planned", "planned"]
    assert planned[0].bytes == (folder / "below" / "clip.mp4").stat().st_size
    assert planned[0].megapixels == 0.006
    told = estimate(planned, output=str(out), jobs=1, known=True)
    assert told.startswith("2 to do, for about 8 s, and for a time that is not known of videos; ")
    told = estimate(planned[:1], output=str(out), jobs=1, known=True)
    assert told.startswith("1 to do, for a time that is not known of videos; ")
    assert not out.exists()
    run(folder)
    planned = list(dry_run(sources, output=str(out), wishes=ASKED, search=8))
    assert [one.verdict for one in planned] == ["done before", "done before"]


@pytest.mark.parametrize("wish", [{"plot": True}, {"format": "PNG"}, {"sidecar": {}}])
def test_what_is_for_photos_is_refused_of_videos(folder, wish):
    asked, deblurrer = replace(ASKED, **wish), Fake()
    named = find_sources([str(folder / "below" / "clip.mp4")])
    with pytest.raises(UsageError, match="is a video: leave --plot out"):
        deblur_files(named, deblurrer=deblurrer, wishes=asked)
    sources = find_sources([str(folder)], videos=True)
    (planned, _) = dry_run(sources, output=str(folder.parent / "out"), wishes=asked)
    assert (planned.verdict, planned.exit_code) == ("failed", 2)
    if "sidecar" not in wish:
        (clip, photo) = run(folder, asked=asked)
        assert (clip.verdict, clip.exit_code, photo.verdict) == ("failed", 2, "restored")
        assert "is a video" in clip.reason


def test_what_we_wrote_of_videos_is_not_read(folder):
    clip = folder / "below" / "clip.mp4"
    assert main(["diagnose", str(clip), "--plot", "--keep-sharpest", "2"]) == 0
    (folder / "clip.deblurred.partial.mp4").write_bytes(clip.read_bytes())
    (folder / "clip.deblurred.mp4").write_bytes(clip.read_bytes())
    found = find_sources([str(folder)], videos=True)
    assert [one.name for one in found] == [str(clip), str(folder / "photo.png")]
    assert len(find_sources([str(folder / "below" / "clip.sharpest")])) == 2
    assert len(find_sources([str(folder)])) == 1


def test_both_can_be_typed(folder, capsys, monkeypatch):
    monkeypatch.setattr("blurspace.builders.build_deblurrer", lambda *_, **__: Fake())
    typed = ["deblur", str(folder), "-o", str(folder.parent / "out"), "--no-borrow", "--json"]
    assert main(typed) == 0
    records = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [one["verdict"] for one in records] == ["restored", "restored"]
    assert main(typed) == 0
    assert capsys.readouterr().err.endswith("2 done before\n")
    assert main(["diagnose", str(folder)]) == 0
    assert "clip.mp4: video; 2 of 12 frames are blurry: 3, 8\n" in capsys.readouterr().out
