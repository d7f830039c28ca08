"""What is said of videos, and what becomes of them?"""

import json
import os
import time
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from PIL import Image as Pil

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.kernels import line
from blurspace.cli import main
from blurspace.errors import PictureError, UsageError
from blurspace.jobs.deblur import Wishes, deblur_files
from blurspace.jobs.files import find_sources
from blurspace.jobs.inspect import diagnose_files
from blurspace.jobs.inspect_video import BLURRY_BAR, CUT, NARROWEST, WIDEST, drawn
from blurspace.video.looks import Judged, Look

from .clips import make_clip
from .fakes import Fake
from .restore.scenes import made_scene

av = pytest.importorskip("av")
SHAKEN = (3, 8)


def panned(count, *, shaken=SHAKEN, height=64, width=96):
    """Pictures (h w 3, uint8) of a made scene that slides by; the light of some under a motion of 9 px."""
    wide = made_scene(width + count, seed=0, channels=3)[:, :, :height]
    views = [wide[..., place : place + width] for place in range(count)]
    motion = line(9, 0)
    seen = [
        to_display(blur(to_linear(one, "srgb"), motion), "srgb") if at in shaken else one
        for at, one in enumerate(views)
    ]
    return [(one[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy().copy() for one in seen]


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "clip.mp4", panned(12), options={"crf": "8"}, turn=90)


class Seen(Fake):
    """Keeps from which blur each search starts; says the verdicts in turn, the last one for all that follow."""

    def __init__(self, *verdicts, near_refused=False):
        super().__init__()
        for name, value in {"near": [], "verdicts": list(verdicts) or ["restored"], "strict": near_refused}.items():
            object.__setattr__(self, name, value)

    def __call__(self, blurry, *, near=None, run=None):
        self.near.append(near)
        verdict = self.verdicts.pop(0) if len(self.verdicts) > 1 else self.verdicts[0]
        object.__setattr__(self, "verdict", "refused" if near is not None and self.strict else verdict)
        return super().__call__(blurry, near=near, run=run)


def deblurred(*paths, deblurrer=None, output=None, report=lambda _: None, **options):
    """Frame by frame, unless `alone` says otherwise."""
    sources, wishes = find_sources([str(path) for path in paths]), Wishes(**{"alone": True} | options)
    return list(deblur_files(sources, deblurrer=deblurrer or Fake(), output=output, wishes=wishes, report=report))


def brightness(path):
    with av.open(str(path)) as container:
        return [frame.to_ndarray(format="gray").mean() for frame in container.decode(video=0)]


def shown_at(path):
    """How each frame is turned, and how many ms after the first it is shown."""
    with av.open(str(path)) as container:
        frames = list(container.decode(video=0))
    return [(frame.rotation, round(1000 * (frame.time - frames[0].time))) for frame in frames]


def diagnosed(*paths, **options):
    return list(diagnose_files(find_sources([str(path) for path in paths]), **options))


def test_diagnosis_of_a_video(clip):
    ((record, why),) = diagnosed(clip)
    assert why is None
    assert (record["kind"], record["blurry"], record["code"], record["frames"]) == ("video", True, "blurred", 12)
    assert (record["blurry_frames"], record["damaged_frames"], record["shots"]) == (2, 0, 1)
    assert record["reason"] == "2 of 12 frames are blurry: 3, 8"
    each = record["per_frame"]
    assert [one["frame"] for one in each if one["blurry"]] == list(SHAKEN)
    assert [one["seconds"] for one in each] == pytest.approx([0.04 * place for place in range(12)])
    assert sorted(one["rank"] for one in each) == list(range(1, 13))
    assert {each[place]["rank"] for place in SHAKEN} == {11, 12}
    assert each[3]["width_px"] > 1.5 * each[4]["width_px"]
    assert (record["plotted"], record["kept"]) == (None, [])


def test_sharpest_frames_are_kept_upright(clip):
    ((record, _),) = diagnosed(clip, keep=3)
    folder = clip.with_name("clip.sharpest")
    assert record["kept"] == [str(path) for path in sorted(folder.iterdir())]
    assert len(record["kept"]) == 3
    for path in record["kept"]:
        assert int(path.split(".")[-2]) not in SHAKEN
        assert cv2.imread(path).shape == (96, 64, 3)
    ((record, why),) = diagnosed(clip, keep=3)
    assert record["kind"] == "failed"
    assert "exists already" in why.reason
    assert diagnosed(clip, keep=3, overwrite=True)[0][1] is None


def test_stills_of_deep_videos_are_deep(tmp_path):
    deep = [picture.astype(np.uint16) * 257 for picture in panned(3, shaken=())]
    clip = make_clip(tmp_path / "deep.mkv", deep, codec="ffv1", pixels="yuv444p10le")
    ((record, _),) = diagnosed(clip, keep=1)
    still = cv2.imread(record["kept"][0], cv2.IMREAD_UNCHANGED)[..., ::-1]
    place = int(record["kept"][0].split(".")[-2])
    assert still.dtype == np.uint16
    assert np.abs(still.astype(float) - deep[place]).mean() < 65535 / 1023


def test_drawing(clip):
    ((record, _),) = diagnosed(clip, plot=True)
    picture = np.asarray(Pil.open(record["plotted"]))
    assert record["plotted"] == str(clip.with_name("clip.blur.png"))
    red = (picture == (200, 30, 30)).all(-1).any(0)
    assert np.diff(red.astype(int)).clip(0).sum() == len(SHAKEN)


def test_a_drawing_of_a_long_film():
    looks = [Judged(Look(at, 0.0, 0.25, at == 12_000), 0, 0.25, at == 15_000) for at in range(18_000)]
    start = time.process_time()
    picture = (drawn(looks)[0] * 255).round().byte().permute(1, 2, 0).numpy()
    assert time.process_time() - start < 2
    assert NARROWEST < picture.shape[1] <= WIDEST
    red, blue = ((picture == colour).all(-1).any(0).nonzero()[0] for colour in (BLURRY_BAR, CUT))
    assert red / picture.shape[1] == pytest.approx([5 / 6], abs=0.01)
    assert blue / picture.shape[1] == pytest.approx([4 / 6], abs=0.01)


@pytest.mark.parametrize("overwrite", [False, True])
def test_two_videos_of_one_name_do_not_share_a_drawing_or_stills(clip, overwrite):
    other = make_clip(clip.with_name("clip.mkv"), panned(2))
    for options in ({"plot": True}, {"keep": 1}):
        (_, first), (record, second) = diagnosed(clip, other, overwrite=overwrite, **options)
        assert (first, record["kind"], "use two folders" in second.reason) == (None, "failed", True)
    assert [why for _, why in diagnosed(clip, other)] == [None, None]


def test_broken_videos_are_one_sentence(tmp_path):
    empty = tmp_path / "empty.mp4"
    empty.write_bytes(b"")
    ((record, why),) = diagnosed(empty)
    assert record["kind"] == "failed"
    assert isinstance(why.error, PictureError)
    Pil.new("RGB", (32, 32)).save(tmp_path / "photo.png")
    with pytest.raises(UsageError, match="--keep-sharpest is for videos"):
        diagnosed(tmp_path / "photo.png", keep=2)


def test_diagnose_can_be_typed(clip, capsys):
    assert main(["diagnose", str(clip), "--json", "--plot", "--keep-sharpest", "1"]) == 0
    record = json.loads(capsys.readouterr().out)
    assert len(record["per_frame"]) == 12
    assert len(record["kept"]) == 1
    assert main(["diagnose", str(clip)]) == 0
    assert capsys.readouterr().out == f"{clip}: video; 2 of 12 frames are blurry: 3, 8\n"


def test_only_blurry_frames_are_changed(clip):
    told = []
    (one,) = deblurred(clip, report=told.append)
    record = one.record()
    assert list(record)[:4] == ["input", "output", "verdict", "reason"]
    assert (record["output"], record["verdict"]) == (str(clip.with_name("clip.deblurred.mp4")), "restored")
    assert record["reason"] == "of 12 frames 2 restored"
    counts = {"frames": 12, "blurry_frames": 2, "restored_frames": 2, "refused_frames": 0, "damaged_frames": 0}
    assert counts.items() <= record.items()
    assert [(frame["frame"], frame["verdict"]) for frame in record["per_frame"]] == [(3, "restored"), (8, "restored")]
    assert (record["per_frame"][0]["length_px"] > 3, record["shots"]) == (True, 1)
    before, after = brightness(clip), brightness(one.output)
    expected = [level / 2 if place in SHAKEN else level for place, level in enumerate(before)]
    assert after == pytest.approx(expected, abs=6)
    assert told[0] == f"{clip}: 2 of 12 frames are to be deblurred"
    assert "more by the first of them" in told[1]


def test_every_frame_is_tried(clip):
    (one,) = deblurred(clip, every=True, deblurrer=Fake("restored"))
    assert (one.restored_frames, one.blurry_frames) == (12, 2)
    with pytest.raises(UsageError, match="--all and --no-borrow are for the frames"):
        deblurred(Path(__file__).parent.parent / "demo" / "shaken-bear.jpg")


def test_the_last_blur_starts_the_next_search(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", panned(12, shaken=(3, 4, 8)), options={"crf": "8"})
    searches = Seen()
    (one,) = deblurred(clip, deblurrer=searches)
    assert [near is not None for near in searches.near] == [False, True, False]
    again = Seen(near_refused=True)
    (one,) = deblurred(clip, deblurrer=again, overwrite=True)
    assert [near is not None for near in again.near] == [False, True, False, False]
    assert one.restored_frames == 3


def test_where_blurs_drift_another_search_begins(tmp_path):
    """From nothing, and the better of both is kept; the next frame starts from that."""
    clip = make_clip(tmp_path / "clip.mp4", panned(14, shaken=(3, 4, 5, 6, 7)), options={"crf": "8"})
    expected = [4.0, 3.7, 3.5, 3.8, 3.3, 3.0, 3.0]

    class Expecting(Seen):
        def __call__(self, *given, **named):
            done = super().__call__(*given, **named)
            return replace(done, receipt=replace(done.receipt, expected_gain_db=expected.pop(0)))

    searches = Expecting()
    (one,) = deblurred(clip, deblurrer=searches)
    # 3.5 of 4.0 is too little, 3.8 is taken; of that 3.3 is too little, and 3.0 is no better.
    assert [near is not None for near in searches.near] == [False, True, True, False, True, False, True]
    assert [frame["expected_gain_db"] for frame in one.per_frame] == [4.0, 3.7, 3.8, 3.3, 3.0]


def test_refused_frames_stay(clip):
    (one,) = deblurred(clip, deblurrer=Seen("refused", "restored"))
    assert (one.verdict, one.reason) == ("restored", "of 12 frames 1 restored, 1 refused")
    before, after = brightness(clip), brightness(one.output)
    assert after == pytest.approx([level / 2 if place == 8 else level for place, level in enumerate(before)], abs=6)
    (one,) = deblurred(clip, deblurrer=Fake("refused"), overwrite=True, strict=True)
    assert (one.verdict, one.output, one.exit_code, one.refused_frames) == ("refused", None, 6, 2)
    first = next(row for row in one.per_frame if row["verdict"] == "refused")
    assert one.reason == f"of 12 frames 0 restored, 2 refused; frame {first['frame']}: {first['reason']}"


def test_sharp_videos_are_left_alone(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", panned(6, shaken=()), options={"crf": "8"})
    (one,) = deblurred(clip)
    assert (one.verdict, one.reason) == ("left alone", "none of 6 frames is blurry beside its neighbours")
    assert Path(one.output).read_bytes() == clip.read_bytes()
    (one,) = deblurred(clip, output=str(tmp_path / "other.mkv"), every=True, deblurrer=Fake("left alone"))
    assert one.verdict == "left alone"
    assert brightness(one.output) == pytest.approx(brightness(clip), abs=1)


@pytest.mark.parametrize("suffix", ["mkv", "mov", "mts"])
def test_what_is_left_alone_is_copied_into_another_container(tmp_path, suffix):
    """The same pixels at the same times, turned as before."""
    clip = make_clip(tmp_path / "clip.mp4", panned(6, shaken=()), sound=True, turn=90 * (suffix != "mts"))
    (one,) = deblurred(clip, output=str(tmp_path / f"other.{suffix}"))
    assert one.verdict == "left alone"
    assert not any("coded" in note for note in one.notes)
    assert brightness(one.output) == brightness(clip)
    assert shown_at(one.output) == shown_at(clip)
    with av.open(str(one.output)) as made:
        assert len(made.streams.audio) == 1


def test_where_pictures_cannot_be_copied_they_are_coded_anew_and_that_is_said(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", panned(6, shaken=()))
    (one,) = deblurred(clip, output=str(tmp_path / "other.webm"))
    assert one.verdict == "left alone"
    assert "its pictures are coded anew, for they cannot be copied into a .webm" in one.notes
    assert brightness(one.output) == pytest.approx(brightness(clip), abs=1)


CLASHES = [
    ("new.avi", {}, "could not hold the times"),
    ("new.xyz", {}, "is no name of a video"),
    ("new.mp4", {"memory": 1}, "give more"),
]


@pytest.mark.parametrize(("name", "wishes", "why"), CLASHES)
def test_wrong_options_are_told_before_any_frame_is_looked_at(clip, monkeypatch, name, wishes, why):
    looked = []
    monkeypatch.setattr("blurspace.jobs.deblur_video.judged_frames", lambda *_: looked.append(1))
    (one,) = deblurred(clip, output=str(clip.with_name(name)), **wishes)
    assert (why in one.reason, looked) == (True, [])


def test_what_a_killed_run_left_of_a_single_video_is_cleared_by_the_next(clip):
    left = clip.with_name(".blurspace-0-0-old.part.mp4")
    left.write_bytes(b"half")
    os.utime(left, (time.time() - 4000,) * 2)
    deblurred(clip)
    assert not left.exists()


def test_what_a_container_has_no_place_for_is_told(tmp_path):
    """Also without -v."""
    clip, told = make_clip(tmp_path / "clip.mp4", panned(6, shaken=())), []
    (one,) = deblurred(
        clip, output=str(tmp_path / "other.webm"), every=True, deblurrer=Fake("left alone"), report=told.append
    )
    assert one.notes
    assert told[-1] == f"{clip}: {'; '.join(one.notes)}"


def test_bad_wishes_are_one_sentence(clip):
    for options, why in (({"max_pixels": 1000}, "frames of 96 x 64 pixels"), ({"memory": 1}, "give more")):
        (one,) = deblurred(clip, **options)
        assert why in one.reason
    for options in ({"plot": True}, {"output": "-"}):
        with pytest.raises(UsageError, match="is a video: leave --plot out"):
            deblurred(clip, **options)


def test_interrupted_video_can_be_played(clip):
    told, stop = [], KeyboardInterrupt()

    class Stopping(Fake):
        def __call__(self, *given, **named):
            object.__setattr__(self, "error", stop if self.calls else None)
            return super().__call__(*given, **named)

    with pytest.raises(KeyboardInterrupt):
        deblurred(clip, deblurrer=Stopping(), report=told.append)
    assert told[-1].endswith(f"can be played: {clip.with_name('clip.deblurred.partial.mp4')}")
    assert len(brightness(clip.with_name("clip.deblurred.partial.mp4"))) == SHAKEN[1]


def test_deblur_can_be_typed(clip, capsys, monkeypatch):
    monkeypatch.setattr("blurspace.builders.build_deblurrer", lambda *_, **__: Fake())
    assert main(["deblur", str(clip), "--json", "-o", str(clip.with_name("new.mkv"))]) == 0
    record = json.loads(capsys.readouterr().out)
    assert (record["verdict"], record["output"]) == ("restored", str(clip.with_name("new.mkv")))
    assert main(["deblur", str(clip), "--all", "--no-borrow", "-q"]) == 0
    assert capsys.readouterr().out == f"{clip.with_name('clip.deblurred.mp4')}\n"


def test_sharp_frames_lend_to_blurry_ones(tmp_path, monkeypatch):
    """So that nothing has to be searched for, if they lend nearly all; what else the deblurrer leaves alone stays."""
    size = {"height": 112, "width": 128}
    sharp, given = panned(5, shaken=(), **size), panned(5, shaken=(3,), **size)
    clip = make_clip(tmp_path / "clip.mp4", given, pixels="yuv444p", options={"crf": "2"})
    deblurrer = Fake("refused")
    (one,) = deblurred(clip, alone=False, deblurrer=deblurrer)
    (frame,) = one.per_frame
    assert (deblurrer.calls, frame["method"], frame["lent"] > 0.97) == (0, None, True)
    assert (one.verdict, frame["verdict"], frame["code"]) == ("restored", "restored", "borrowed")
    assert sorted(frame["lenders"]) == [2, 4]
    before, after = (rgb(path)[3].astype(float) for path in (clip, one.output))
    inner = (slice(12, -12), slice(12, -12))
    assert np.square(after - sharp[3])[inner].mean() < 0.4 * np.square(before - sharp[3])[inner].mean()
    monkeypatch.setattr("blurspace.video.mending.ENOUGH", 1.1)
    (one,) = deblurred(clip, alone=False, deblurrer=Fake("left alone"), overwrite=True)
    assert (one.per_frame[0]["verdict"], one.per_frame[0]["lent"]) == ("left alone", None)
    (one,) = deblurred(clip, alone=False, deblurrer=Fake("refused"), overwrite=True)
    assert (one.per_frame[0]["code"], one.per_frame[0]["method"]) == ("borrowed", None)
    (one,) = deblurred(clip, deblurrer=Fake("refused"), overwrite=True)
    assert (one.verdict, one.per_frame[0]["lent"]) == ("refused", None)


def test_still_places_do_not_flicker(tmp_path):
    """A still scene under noise, every third frame shaken: the change from frame to frame does not grow."""
    still = panned(1, shaken=(), height=128, width=127)[0]
    shaken = panned(1, shaken=(0,), height=128, width=127)[0]
    draw = np.random.default_rng(0)
    noisy = [(shaken if at % 3 == 1 else still) + draw.normal(0, 1.5, still.shape) for at in range(7)]
    clip = make_clip(
        tmp_path / "clip.mkv",
        [one.round().clip(0, 255).astype(np.uint8)[:, :126].copy() for one in noisy],
        options={"crf": "4"},
    )
    (one,) = deblurred(clip, alone=False, deblurrer=Fake("refused"))
    assert (one.restored_frames, one.blurry_frames) == (2, 2)
    before, after = (np.abs(np.diff(rgb(path).astype(float), axis=0)).mean() for path in (clip, one.output))
    assert after < 1.1 * before


def rgb(path):
    with av.open(str(path)) as container:
        return np.stack([frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)])
