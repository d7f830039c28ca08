"""Does a video come out as it went in, but for the frames that were to be changed, and as a whole or not at all?"""

import gc
import weakref

import numpy as np
import pytest

from blurspace.errors import Cancelled, OutputError, PictureError, UsageError
from blurspace.io.remux import rewrite

from ..clips import make_clip, moving

av = pytest.importorskip("av")
UNEVEN = [0, 40, 80, 130, 170, 300, 340, 380, 420, 470, 500, 777]  # ms
TAGS = {"color_range": 1, "colorspace": 1, "color_primaries": 1, "color_trc": 13}


def same(frames):
    return frames


def frames_of(path):
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def packets_of(path, kind):
    with av.open(str(path)) as container:
        return [
            (packet.pts * packet.time_base, packet.duration * packet.time_base, bytes(packet))
            for packet in container.demux()
            if packet.size and packet.stream.type == kind
        ]


@pytest.mark.parametrize(("suffix", "words"), [("mp4", "mov_text"), ("mkv", "subrip")])
def test_all_but_the_pictures_is_copied(tmp_path, suffix, words):
    options = {"times": UNEVEN, "sound": True, "subtitles": words, "turn": 90, "tags": TAGS}
    clip = make_clip(tmp_path / f"clip.{suffix}", moving(12), **options)
    told = rewrite(clip, tmp_path / f"new.{suffix}", same)
    assert (told.frames, told.damaged, told.notes) == (12, 0, [])
    before, after = frames_of(clip), frames_of(tmp_path / f"new.{suffix}")
    facts = ["time", "rotation", "width", "height", "color_range", "colorspace", "color_primaries", "color_trc"]
    for old, new in zip(before, after, strict=True):
        assert [getattr(old, name) for name in facts] == [getattr(new, name) for name in facts]
        assert old.format.name == new.format.name
        assert np.abs(old.to_ndarray().astype(float) - new.to_ndarray()).mean() < 1
    assert after[0].rotation == 90
    for kind in ("audio", "subtitle"):
        assert packets_of(clip, kind) == packets_of(tmp_path / f"new.{suffix}", kind) != []
    with av.open(str(tmp_path / f"new.{suffix}")) as container:
        assert container.metadata["title"] == "a made clip"
        assert container.streams.audio[0].metadata["language"] == "deu"


@pytest.mark.parametrize(
    ("codec", "pixels", "suffix"),
    [
        ("libx264", "yuv420p10le", "mp4"),
        ("libx265", "yuv422p10le", "mkv"),
        ("prores_ks", "yuv422p10le", "mov"),
        ("mpeg4", "yuv420p", "avi"),
        ("libvpx-vp9", "yuv444p", "webm"),
    ],
)
def test_codec_and_depth_stay(tmp_path, codec, pixels, suffix):
    pictures = [picture.astype(np.uint16) * 257 for picture in moving(4)] if "10" in pixels else moving(4)
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {"b": "4M"}
    clip = make_clip(tmp_path / f"clip.{suffix}", pictures, codec=codec, pixels=pixels, options=options)
    told = rewrite(clip, tmp_path / f"new.{suffix}", lambda frames: (one.replaced(one.pixels()) for one in frames))
    assert told.notes == []
    before, after = frames_of(clip), frames_of(tmp_path / f"new.{suffix}")
    assert [frame.time for frame in before] == [frame.time for frame in after]
    assert {frame.format.name for frame in after} == {frame.format.name for frame in before} == {pixels}
    white = 1023 if "10" in pixels else 255
    for old, new in zip(before, after, strict=True):
        assert np.abs(old.to_ndarray().astype(float) - new.to_ndarray()).mean() < white / 150


def test_container_follows_the_name(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", moving(4), sound=True, turn=90)
    assert rewrite(clip, tmp_path / "new.mkv", same).notes == []
    assert "matroska" in av.open(str(tmp_path / "new.mkv")).format.name
    assert rewrite(clip, tmp_path / "new.webm", same).notes == [
        "stream 1 (audio) is left out: no place in .webm",
        "its pictures are coded as vp9, not as h264",
    ]
    (note,) = rewrite(clip, tmp_path / "new.mts", same).notes
    assert "turned by 90 degrees, which .mts cannot say" in note
    for name, why in (("new.avi", "could not hold the times"), ("new.png", "no name of a video")):
        with pytest.raises(UsageError, match=why):
            rewrite(clip, tmp_path / name, same)


def test_frames_are_changed_one_by_one(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", moving(30))
    held, most = weakref.WeakSet(), 0

    def brighter(frames):
        nonlocal most
        for frame in frames:
            held.add(frame)
            gc.collect(0)
            most = max(most, len(held))
            yield frame.replaced(frame.pixels() // 2 + 100) if frame.index == 7 else frame

    rewrite(clip, tmp_path / "new.mp4", brighter)
    assert most < 4  # however long the video
    for index, (old, new) in enumerate(zip(frames_of(clip), frames_of(tmp_path / "new.mp4"), strict=True)):
        before, after = (one.to_ndarray(format="gray").astype(float) for one in (old, new))
        expected = before / 2 + 100 if index == 7 else before
        assert np.abs(after - expected).mean() < 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, Cancelled])
@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
def test_interrupted(tmp_path, error, suffix):
    clip = make_clip(tmp_path / f"clip.{suffix}", moving(12), sound=True)

    def stopping(frames, after):
        for frame in frames:
            if frame.index == after:
                raise error("enough")
            yield frame

    for after, left in ((0, []), (7, [f"new.partial.{suffix}"])):
        with pytest.raises(error):
            rewrite(clip, tmp_path / f"new.{suffix}", lambda frames, after=after: stopping(frames, after))
        assert sorted(path.name for path in tmp_path.iterdir() if path != clip) == left
    assert [one.time for one in frames_of(tmp_path / left[0])] == [one.time for one in frames_of(clip)][:7]


def test_what_cannot_be_done(tmp_path):
    clips = {
        "is interlaced": make_clip(tmp_path / "a.mp4", moving(3), options={"x264-params": "interlaced=1"}),
        "is transparent": make_clip(tmp_path / "b.mkv", moving(3), codec="ffv1", pixels="yuva420p"),
        "cannot be read as a video": tmp_path / "c.mp4",
        "no pictures": make_clip(tmp_path / "d.mkv", moving(12), sound=True),
    }
    clips["cannot be read as a video"].write_bytes(b"")
    with av.open(str(clips["no pictures"])) as given, av.open(str(tmp_path / "voice.mkv"), "w") as made:
        stream = made.add_stream_from_template(given.streams.audio[0])
        for packet in given.demux(audio=0):
            if packet.size:
                packet.stream = stream
                made.mux(packet)
    clips["no pictures"] = tmp_path / "voice.mkv"
    for why, clip in clips.items():
        with pytest.raises(PictureError, match=why):
            rewrite(clip, tmp_path / "new.mp4", same)
    assert not (tmp_path / "new.mp4").exists()


def test_output_is_whole_or_not_there(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", moving(3))
    with pytest.raises(OutputError, match="exists already"):
        rewrite(clip, clip, same)

    def full(frames):
        yield next(frames)
        raise av.error.OSError(28, "No space left on device", str(tmp_path / "new.mp4"))

    with pytest.raises(OutputError, match=r"new\.mp4 cannot be written \(No space left on device\)"):
        rewrite(clip, tmp_path / "new.mp4", full)
    assert [path.name for path in tmp_path.iterdir()] == ["clip.mp4"]


@pytest.mark.parametrize("suffix", ["mov", "mp4", "mkv"])
def test_timecode_stays(tmp_path, suffix):
    """A stream of data of its own, in QuickTime's files."""
    clip = make_clip(tmp_path / "clip.mov", moving(4), timecode="01:02:03:04")
    assert {one.type for one in av.open(str(clip)).streams} == {"video", "data"}
    assert rewrite(clip, tmp_path / f"new.{suffix}", same).notes == []
    with av.open(str(tmp_path / f"new.{suffix}")) as container:
        tags = {name.lower(): value for name, value in container.streams.video[0].metadata.items()}
        assert tags["timecode"] == "01:02:03:04"


def test_data_of_no_known_kind(tmp_path):
    """As phones and action cameras add them: sensors, places."""
    clip = make_clip(tmp_path / "clip.mov", moving(4), timecode="01:02:03:04")
    clip.write_bytes(clip.read_bytes().replace(b"tmcd", b"gpmd"))
    assert rewrite(clip, tmp_path / "new.mov", same).notes == []
    assert packets_of(tmp_path / "new.mov", "data") == packets_of(clip, "data") != []
    (note,) = rewrite(clip, tmp_path / "new.mkv", same).notes
    assert note == "stream 1 (data) is left out: no place in .mkv"
    for suffix in ("mov", "mkv"):
        assert len(frames_of(tmp_path / f"new.{suffix}")) == 4


def test_tags_that_are_no_text_stay(tmp_path):
    clip = make_clip(tmp_path / "clip.mp4", moving(2))
    clip.write_bytes(clip.read_bytes().replace(b"a made clip", b"ein M\xe4rchen"))
    rewrite(clip, tmp_path / "new.mp4", same)
    assert b"ein M\xe4rchen" in (tmp_path / "new.mp4").read_bytes()


def test_size_that_changes_is_one_sentence(tmp_path):
    clip = make_clip(tmp_path / "clip.mts", moving(3))
    other = make_clip(tmp_path / "other.mts", moving(3, height=48, width=64))
    clip.write_bytes(clip.read_bytes() + other.read_bytes())
    with pytest.raises(PictureError, match="changes from 96 x 64 to 64 x 48 pixels: cut it there"):
        rewrite(clip, tmp_path / "new.mts", same)


def test_times_that_damage_set_back(tmp_path):
    """Two pieces of a broadcast behind each other, of which the second begins at the time of the first."""
    clip = make_clip(tmp_path / "clip.mts", moving(12), sound=True)
    sounds = len(packets_of(clip, "audio"))
    clip.write_bytes(clip.read_bytes() * 2)
    frames, packets = rewrite(clip, tmp_path / "new.mkv", same).notes
    assert frames == "12 frames had no time after the frame before, and have one now"
    assert packets.endswith("damaged packets of sound or text are left out")
    times = [one.time for one in frames_of(tmp_path / "new.mkv")]
    assert len(times) == 24
    assert times == sorted(set(times))
    assert sounds <= len(packets_of(tmp_path / "new.mkv", "audio")) <= sounds + 1  # the last time twice, for Matroska
    clip = make_clip(tmp_path / "long.mts", moving(3), times=[0, 1000, 2000])
    clip.write_bytes(clip.read_bytes() * 2)
    with pytest.raises(PictureError, match=r"frames in .*long\.mts jump back: repair it"):
        rewrite(clip, tmp_path / "other.mkv", same)


def test_colours_that_nobody_knows_are_one_sentence(tmp_path):
    clip = make_clip(tmp_path / "clip.mov", moving(2), codec="prores_ks", pixels="yuv422p10le", tags=TAGS)
    whole = clip.read_bytes()  # of a frame: 16 bytes after its mark comes the matrix
    assert whole.count(b"icpf") == 2
    block = bytearray(whole)
    for place in (at for at in range(len(whole)) if whole.startswith(b"icpf", at)):
        block[place + 4 + 16] = 69
    clip.write_bytes(block)
    with pytest.raises(PictureError, match="is damaged, or of a kind"):
        rewrite(clip, tmp_path / "new.mov", lambda frames: (one.replaced(one.pixels()) for one in frames))
