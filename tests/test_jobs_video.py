"""What is said of videos, and what becomes of them?"""

import json

import cv2
import numpy as np
import pytest
from PIL import Image as Pil

from blurspace.cli import main
from blurspace.errors import PictureError, UsageError
from blurspace.jobs.files import find_sources
from blurspace.jobs.inspect import diagnose_files

from .clips import make_clip
from .restore.scenes import made_scene

pytest.importorskip("av")
SHAKEN = (3, 8)


def panned(count, *, shaken=SHAKEN):
    """Pictures (h w 3, uint8) of a made scene that slides by; some under a motion of 9 px."""
    wide = (
        (made_scene(96 + count, seed=0, channels=3)[0, :, :64].permute(1, 2, 0).numpy() * 255).round().astype(np.uint8)
    )
    views = [np.ascontiguousarray(wide[:, place : place + 96]) for place in range(count)]
    return [cv2.blur(view, (9, 1)) if place in shaken else view for place, view in enumerate(views)]


@pytest.fixture
def clip(tmp_path):
    return make_clip(tmp_path / "clip.mp4", panned(12), options={"crf": "8"}, turn=90)


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
    drawn = np.asarray(Pil.open(record["plotted"]))
    assert record["plotted"] == str(clip.with_name("clip.blur.png"))
    red = (drawn == (200, 30, 30)).all(-1).any(0)
    assert np.diff(red.astype(int)).clip(0).sum() == len(SHAKEN)


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
