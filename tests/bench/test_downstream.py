"""Is all that hangs on a made wall read with the right content, and is what a machine loses counted?"""

import math
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch.nn import functional

from blurspace.bench import clips, downstream, downstream_frames, sight, walls
from blurspace.bench.clips import Clip
from blurspace.bench.snapshots import Chance
from blurspace.bench.walls import bars, wall
from blurspace.chance import chance_of
from blurspace.errors import NoInputError
from blurspace.io.images import encode_photo, find_photos
from blurspace.types import Photo

from ..fakes import Fake
from ..restore.scenes import made_scene

TURN = np.array([[1, 0.005, 0], [-0.005, 1, 0]])
LOOKS = {"markers": sight.markers, "codes": sight.codes}


@pytest.fixture(scope="module")
def photo():
    return made_scene(400, seed=1, channels=3)


@pytest.fixture
def small(monkeypatch):
    """Clips of few and small frames, of few things."""
    for name, value in {"WIDTH": 320, "HEIGHT": 200, "FRAMES": 4, "STEPS": 2.0}.items():
        monkeypatch.setattr(downstream, name, value)
    monkeypatch.setattr(walls, "COUNTS", {"markers": 3, "QR codes": 0, "bars": 0, "lines": 0})
    monkeypatch.setattr(walls, "TRIES", 200)


def test_what_hangs_on_a_wall_is_read(photo, monkeypatch):
    monkeypatch.setattr(walls, "COUNTS", {"markers": 3, "QR codes": 1, "bars": 1, "lines": 1})
    hung = wall(photo, Chance(chance_of("a wall")), rim=4)
    assert (len(hung.there["markers"]), len(hung.there["codes"])) == (3, 2)
    assert sight.markers(hung.picture) == hung.there["markers"]
    assert sight.codes(turned(hung.picture)) == hung.there["codes"]
    assert hung.there["words"]
    assert all(len(word) >= walls.SHORTEST and word.isalnum() for word in hung.there["words"])


def test_nothing_is_read_on_a_photo(photo):
    assert sight.markers(photo) == sight.codes(photo) == frozenset()


def turned(picture):
    """By a little: OpenCV does not find bars that stand perfectly upright."""
    height, width = picture.shape[-2:]
    (seen,) = clips.views(picture.expand(-1, 3, -1, -1), [TURN], (width, height))
    return seen


@pytest.mark.parametrize("digits", ["590123412345", "112345678901", "978316148410"])
def test_bars_are_those_of_the_standard(digits):
    content, patch = bars(digits)
    assert sight.codes(turned(functional.pad(patch, (150,) * 4, value=walls.PAPER))) == {content}
    assert content.startswith(digits)


def test_a_check_digit():
    assert bars("400638133393")[0] == "4006381333931"


def test_words_are_found_within_lines_whatever_stands_between():
    assert sight.plain("Room: 47-11") == "room4711"
    assert sight.words(frozenset({"room4711", "x"}), frozenset({"room", "4711", "roof"})) == {"room", "4711"}


def test_features_are_followed_to_where_they_are(photo):
    first, second = photo[..., 20:-20, 20:-20], photo[..., 23:-17, 18:-22]
    places = sight.features(first)
    truth = places + np.array([2, -3])
    inside = (truth > 12).all(-1) & (truth < 348).all(-1)
    near = sight.kept(sight.followed(places, first, second), truth)
    assert len(places) > 50
    assert len(near & {str(at) for at in np.flatnonzero(inside)}) > 0.95 * inside.sum()
    assert not sight.kept(sight.followed(places, first, second), places)
    other = made_scene(400, seed=9, channels=3)[..., 20:-20, 20:-20]
    assert len(sight.kept(sight.followed(places, first, other), truth)) < 0.1 * len(places)


def test_a_picture_without_features():
    flat = torch.full((1, 3, 64, 64), 0.5)
    assert len(sight.followed(sight.features(flat), flat, flat)) == 0


def test_a_clip_moves_as_it_says_and_some_of_it_is_shaken(small, photo):
    clip = downstream.make_clip(photo, "a")
    assert [one.shape for one in clip.sharp] == [one.shape for one in clip.given] == [(1, 3, 200, 320)] * 4
    assert clip.shaken == [2]
    errors = [float((one - other).abs().mean()) for one, other in zip(clip.sharp, clip.given, strict=True)]
    assert errors.index(max(errors)) == 2
    seen = downstream.seen(clip.sharp, clip, LOOKS)
    assert all(found == clip.there["markers"] for found in seen["markers"].values())
    assert len(seen["tracks"][2]) > 0.9 * len(clip.tracks[2][0])
    assert not torch.equal(clip.given[2], downstream.make_clip(photo, "b").given[2])
    assert torch.equal(clip.given[2], downstream.make_clip(photo, "a").given[2])


def plain_clip(there):
    frames = [torch.zeros(1, 3, 8, 8)] * 2
    return Clip(frames, frames, [1], {"markers": frozenset(there)}, {})


def test_what_is_lost_or_read_wrongly_is_counted():
    clip = plain_clip({"1", "2", "3"})

    def found(other, shaken):
        return {"markers": {0: frozenset(other), 1: frozenset(shaken)}}

    row = downstream.counted("markers", clip, found("123", "123"), found("123", "19"), found("12", "238"))
    assert row == {
        "kind": "markers", "there": 3, "sharp": 3, "before": 1, "after": 2, "lost": 1, "lost_elsewhere": 1,
        "wrong_before": 1, "wrong_after": 1,
    }  # fmt: skip
    facts = {"way": "alone", "shaken": 1, "restored": 1}
    told = downstream.summary([facts | row, facts | row])
    assert told["groups"] == [
        {**facts, **row, **{name: 2 * row[name] for name in downstream.COUNTED}, "shaken": 2, "restored": 2}
    ]
    assert "rapidocr" in told["note"]
    (line,) = downstream.table([SimpleNamespace(summary={"data": "x", "method": "auto", **told})])
    assert (line["before"], line["after"], line["lost"], line["wrong, before / after"]) == (2, 4, 2, "2 / 2")


def test_words_are_looked_for_in_shaken_frames_alone():
    asked = []
    clip = plain_clip({"1"})
    clip.there["words"] = frozenset({"wall"})

    def read(picture):
        asked.append(picture)
        return frozenset({"awallhere"})

    assert downstream.seen(clip.sharp, clip, {"words": read})["words"] == {1: frozenset({"wall"})}
    assert len(asked) == 1


def test_nobody_reads_without_rapidocr(monkeypatch):
    monkeypatch.setattr(sight.importlib, "import_module", lambda name: (_ for _ in ()).throw(ImportError(name)))
    assert sight.find_reader() is None
    assert set(downstream.lookers()) == {"markers", "codes"}


def test_frames_of_a_video_that_is_refused_are_those_that_were_given(small, photo):
    """Where sharp frames lend, what a machine could not follow comes back."""
    pytest.importorskip("av")
    clip = downstream.make_clip(photo, "a")
    rows = downstream.measured(clip, Fake("refused"), {"markers": sight.markers})
    alone = [row for row in rows if row["way"] == "alone"]
    assert {row["kind"] for row in alone} == {"markers", "tracks"}
    assert all(row["restored"] == row["lost"] == 0 and row["before"] == row["after"] for row in alone)
    lent = next(row for row in rows if (row["way"], row["kind"]) == ("borrowing", "tracks"))
    assert (lent["restored"], lent["others_changed"]) == (1, 0)
    assert lent["after"] >= lent["before"]


def test_what_a_deblurrer_spoils_is_lost(small, photo, monkeypatch):
    pytest.importorskip("av")
    monkeypatch.setattr(downstream, "WAYS", ("alone",))
    (row,) = downstream.measured(downstream.make_clip(photo, "a"), Fake(change=lambda blurry: blurry * 0), {})
    assert (row["kind"], row["restored"], row["after"]) == ("tracks", 1, 0)
    assert row["lost"] == row["before"] > 0


def test_real_frames_become_a_clip(tmp_path, monkeypatch):
    """Of a scene that slides by a px a frame, a blurry frame is the mean of the span around the sharp one."""
    scene = made_scene(200, seed=4, channels=3)[:, :, :96]
    for place in range(40):
        view = Photo.of(scene[..., place : place + 128].contiguous())
        (tmp_path / f"{place:03}.png").write_bytes(encode_photo(view, view.samples))
    paths = find_photos([tmp_path])
    clip = downstream_frames.make_clip(paths, 7)
    assert (len(clip.sharp), clip.shaken) == (5, [2])
    assert torch.equal(clip.sharp[2], downstream_frames._read(paths[19]))
    assert torch.equal(clip.given[1], clip.sharp[1])
    light = [downstream_frames._read(path) ** 2.2 for path in paths[16:23]]
    assert float((sum(light) / 7 - clip.given[2] ** 2.2).abs().mean()) < 0.01
    first, truth = clip.tracks[2]
    moved = (truth - first)[np.isfinite(truth).all(-1)]
    assert math.isclose(float(np.median(moved[:, 0])), -8, abs_tol=0.2)
    with pytest.raises(NoInputError, match="give 32 consecutive ones"):
        downstream_frames.make_clip(paths[:20], 7)


def test_what_is_written_is_read_again(tmp_path, photo):
    pytest.importorskip("av")
    frames = [photo[..., at : at + 96, :128].contiguous() for at in range(3)]
    again = clips.pictures(clips.coded(tmp_path / "clip.mp4", frames, crf=4))
    assert len(again) == 3
    assert all(float((one - other).abs().mean()) < 0.02 for one, other in zip(again, frames, strict=True))
