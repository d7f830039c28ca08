"""Are a video's frames those that were put in, and does a broken one end in a sentence?"""

import builtins
from pathlib import Path

import numpy as np
import pytest
import torch

from blurspace.errors import ModelError, PictureError, UsageError
from blurspace.io.video import count_frames, is_video, read_frames

from ..clips import make_clip, moving

av = pytest.importorskip("av")
LEVELS = [20 * n for n in range(12)]


def write(path, *, codec="mpeg4", levels=LEVELS):
    """Frames of one grey level each, whose upper left corner is red, all of them key frames."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 96, 64, "yuv420p", 1
        stream.bit_rate = 4_000_000
        for level in levels:
            pixels = np.full((64, 96, 3), level, np.uint8)
            pixels[:32, :48] = (250, 0, 0)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    return path


@pytest.fixture
def video(tmp_path):
    return write(tmp_path / "clip.mp4")


def seen(frames):
    return [int(frame[:, 48:, 60:].float().mean().round()) for frame in frames]


def test_frames_are_those_of_the_video(video):
    frames = list(read_frames(video))
    assert all(frame.shape == (3, 64, 96) and frame.dtype == torch.uint8 for frame in frames)
    assert seen(frames) == pytest.approx(LEVELS, abs=6)
    assert frames[6][0, :24, :40].float().mean() > 200 > 60 > frames[6][1, :24, :40].float().mean()
    assert count_frames(video) == len(LEVELS)
    assert is_video(video)
    assert is_video("A.MOV")
    assert not is_video("a.png")


def test_every_and_limit(video):
    assert seen(read_frames(video, every=5)) == pytest.approx(LEVELS[::5], abs=6)
    assert seen(read_frames(video, every=2, limit=3)) == pytest.approx(LEVELS[:6:2], abs=6)
    for wrong in ({"every": 0}, {"limit": 0}):
        with pytest.raises(UsageError, match="give 1 or more"):
            read_frames(video, **wrong)


@pytest.mark.parametrize(("turn", "corner"), [(90, (0, -1)), (180, (-1, -1)), (270, (-1, 0))])
def test_turned_upright(video, turn, corner):
    """The matrix of the track header (ISO 14496-12, 8.3.2), as a phone held upright writes it: clockwise."""
    a, b = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[turn]
    matrix = (np.array([a, b, 0, -b, a, 0, 0, 0]) * 2**16).astype(">i4")
    data = video.read_bytes()
    place = data.index(b"tkhd") + 4 + 40
    video.write_bytes(data[:place] + matrix.tobytes() + data[place + 32 :])
    frame = next(read_frames(video))
    assert frame.shape == ((3, 96, 64) if turn != 180 else (3, 64, 96))
    assert frame[(0, *corner)] > 200 > 60 > frame[(1, *corner)]


def test_damaged_frames_are_left_out(video):
    data = bytearray(video.read_bytes())
    start = data.index(b"mdat") + 4
    third = (data.index(b"moov") - start) // 3
    data[start + third : start + 2 * third] = bytes(third)
    video.write_bytes(data)
    frames = read_frames(video)
    given = len(list(frames))
    assert 0 < given < len(LEVELS)
    assert frames.damaged == len(LEVELS) - given
    assert count_frames(video) == len(LEVELS)


def test_cut_off(tmp_path):
    whole = write(tmp_path / "clip.mkv").read_bytes()
    (tmp_path / "cut.mkv").write_bytes(whole[: len(whole) // 2])
    assert 0 < len(list(read_frames(tmp_path / "cut.mkv"))) < len(LEVELS)


@pytest.mark.parametrize("content", [b"", b"no video" * 99, None])
def test_no_video(tmp_path, content):
    path = tmp_path / "clip.mp4"
    if content is not None:
        path.write_bytes(content)
    for read in (lambda: list(read_frames(path)), lambda: count_frames(path)):
        with pytest.raises(PictureError, match=r"clip\.mp4 (cannot be read as a video|does not exist)"):
            read()


def test_all_frames_damaged(video):
    data = bytearray(video.read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov") - 4
    data[start:end] = bytes(end - start)
    video.write_bytes(data)
    with pytest.raises(PictureError, match=r"no frame of \S+clip\.mp4 can be decoded: copy or download it again"):
        list(read_frames(video))


def test_without_pyav(video, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name.split(".")[0] == "av":
            raise ImportError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ModelError, match=r"video needs PyAV.*\.\[video\]"):
        next(read_frames(video))


def test_a_name_is_a_file_whatever_it_looks_like_and_no_list_of_others(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_clip(tmp_path / "12:30.mp4", moving(3))
    assert count_frames("12:30.mp4") == 3
    Path("list.mp4").write_text("ffconcat version 1.0\nfile 12:30.mp4\n", encoding="utf-8")
    for name in ("list.mp4", "concat:12:30.mp4"):
        with pytest.raises(PictureError):
            count_frames(name)
