"""Are blurry and sharp told apart, and does each unsuitable pile end in a sentence that says why?"""

import re
from pathlib import Path

import numpy as np
import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.data.piles import (
    FEWEST,
    Frame,
    Pile,
    check_piles,
    part_scenes,
    read_pile,
    sort_pile,
)
from blurspace.errors import NoInputError, UsageError
from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.types import Photo

SIDE = 192  # px; on a smaller picture of upright rectangles a slanting direction has corners only to judge by


def scene(seed, *, side=SIDE, blurry=False):
    """Random rectangles, uint8 (3 side side); the blur is a line of 11 px."""
    generator = torch.Generator().manual_seed(seed)
    picture = torch.zeros(1, 3, side, side)
    for _ in range(60):
        top, left = (int(torch.randint(side, (), generator=generator)) for _ in range(2))
        high, wide = (int(torch.randint(4, 30, (), generator=generator)) for _ in range(2))
        picture[..., top : top + high, left : left + wide] = torch.rand(1, 3, 1, 1, generator=generator)
    if blurry:
        picture = blur(picture, line(11, angle=20.0 * seed))
    return (picture[0].clamp(0, 1) * 255).round().to(torch.uint8)


def pile(seeds, **options):
    return Pile(tuple(Frame(f"{seed}.png", f"scene {seed}", scene(seed, **options)) for seed in seeds))


def named(some):
    return [frame.name for frame in some.frames]


def check(blurry, sharp):
    return check_piles(blurry, sharp, side=64)


@pytest.fixture(scope="module")
def blurry():
    return pile(range(12), blurry=True)


@pytest.fixture(scope="module")
def sharp():
    return pile(range(20, 28))


def save(path, seed=0, **options):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = scene(seed, **options)[None] / 255
    write_bytes(path, encode_photo(Photo.of(pixels), pixels), overwrite=False)
    return path


def test_photos_are_read_with_their_scenes(tmp_path):
    for seed, name in enumerate(["a/blur/1.png", "a/blur/2.png", "b/1.jpg.png", "alone.png", ".hidden/1.png"]):
        save(tmp_path / name, seed)
    read = read_pile([tmp_path])
    found = {frame.name.removeprefix(f"{tmp_path}/"): Path(frame.source).stem for frame in read.frames}
    assert found == {"a/blur/1.png": "a", "a/blur/2.png": "a", "alone.png": "alone", "b/1.jpg.png": "b"}
    assert torch.equal(read.frames[0].pixels, scene(0))
    assert {Path(frame.source).stem for frame in read_pile([tmp_path / "a/blur"]).frames} == {"1", "2"}
    assert {frame.source for frame in read_pile([tmp_path / "a/blur", tmp_path / "b"]).frames} == {"a", "b"}
    assert [Path(frame.source).stem for frame in read_pile([tmp_path / "alone.png"]).frames] == ["alone"]
    assert [Path(frame.source).stem for frame in read_pile([f"{tmp_path}/*/blur/*.png"]).frames] == ["1", "2"]


def test_limit_is_evenly_spaced(tmp_path):
    for seed in range(6):
        save(tmp_path / f"{seed}.png", seed)
    assert [Path(frame.source).stem for frame in read_pile([tmp_path], limit=3).frames] == ["0", "2", "4"]
    assert len(read_pile([tmp_path], limit=99).frames) == 6
    with pytest.raises(UsageError, match="a limit of 0 were asked for: give 1 or more"):
        read_pile([tmp_path], limit=0)


def test_corrupt_photos_are_skipped(tmp_path):
    save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes((tmp_path / "good.png").read_bytes()[:900])
    (tmp_path / "empty.png").touch()
    read = read_pile([tmp_path])
    assert [Path(frame.source).stem for frame in read.frames] == ["good"]
    assert len(read.skipped) == 2
    assert "bad.png is cut off or damaged" in read.skipped[0]
    (tmp_path / "good.png").unlink()
    with pytest.raises(NoInputError, match=r"no picture in \S+ can be read: give photos or videos"):
        read_pile([tmp_path])


def test_videos(tmp_path):
    av = pytest.importorskip("av")
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.width = stream.height = SIDE
        stream.pix_fmt, stream.gop_size = "yuv420p", 1
        for seed in range(10):
            pixels = np.ascontiguousarray(scene(seed).permute(1, 2, 0).numpy())
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode())
    save(tmp_path / "photo.png")
    (tmp_path / "broken.mp4").write_bytes(b"no video")
    read = read_pile([tmp_path], every=2, limit=3)
    assert [Path(frame.source).stem for frame in read.frames] == ["clip"] * 3
    assert [name.rsplit(maxsplit=1)[1] for name in named(read)] == ["0", "4", "8"]
    assert len(read_pile([tmp_path], every=2).frames) == 6
    assert len(read_pile([tmp_path / "cl*.mp4"], every=2).frames) == 5
    assert "broken.mp4 cannot be read as a video" in read.skipped[0]
    data = bytearray((tmp_path / "clip.mp4").read_bytes())
    start, end = data.index(b"mdat") + 4, data.index(b"moov")
    data[(start + end) // 2 : end - 4] = bytes(end - 4 - (start + end) // 2)
    (tmp_path / "clip.mp4").write_bytes(data)
    read = read_pile([tmp_path / "clip.mp4"])
    assert 0 < len(read.frames) < 10
    assert re.search(r"\d frames of \S+clip\.mp4 are damaged and were left out", read.skipped[0])


def test_a_mixed_pile_is_sorted(blurry, sharp):
    flat = Frame("flat", "flat", torch.full((3, SIDE, SIDE), 9, dtype=torch.uint8))
    found = sort_pile(Pile((flat, *sharp.frames, *blurry.frames), ("one was lost",)))
    assert set(named(found[0])) <= set(named(blurry))
    assert set(named(found[1])) <= set(named(sharp))
    assert len(found[0].frames) + len(found[1].frames) >= 18
    assert (found[0].skipped, found[1].skipped) == (("one was lost",), ())


def test_one_kind_cannot_be_sorted(blurry, sharp):
    with pytest.raises(UsageError, match="the 8 pictures look all sharp: give blurry ones too"):
        sort_pile(sharp)
    with pytest.raises(UsageError, match="the 12 pictures look all blurry: give sharp ones too"):
        sort_pile(blurry)
    with pytest.raises(UsageError, match="0 pictures with contrast were given"):
        sort_pile(Pile(()))


def test_good_piles_pass(blurry, sharp):
    kept, warnings = check(blurry, sharp)
    assert named(kept) == named(sharp)
    assert warnings == []


def test_too_few(blurry, sharp):
    few = Pile(sharp.frames[: FEWEST - 1])
    with pytest.raises(UsageError, match="7 sharp pictures are there, where 8 are the least: give more"):
        check(blurry, few)
    with pytest.raises(UsageError, match="1 sharp picture is there"):
        check(blurry, Pile(sharp.frames[:1]))
    with pytest.raises(UsageError, match="0 blurry pictures are there"):
        check(Pile(()), sharp)


def test_wrong_kind(blurry, sharp):
    with pytest.raises(UsageError, match="100% of the blurry pictures look sharp: give blurry ones, or swap the piles"):
        check(pile(range(40, 50)), sharp)
    with pytest.raises(UsageError, match="100% of the sharp pictures look blurry: give sharp ones, or swap the piles"):
        check(blurry, pile(range(40, 50), blurry=True))
    with pytest.raises(UsageError, match="100% of the blurry pictures look sharp"):
        check(pile(range(40, 50)), blurry)
    flat = Pile(tuple(Frame(f"{n}", f"{n}", torch.full((3, SIDE, SIDE), n, dtype=torch.uint8)) for n in range(9)))
    with pytest.raises(UsageError, match="has no contrast in its pictures"):
        check(flat, sharp)


def test_some_of_the_wrong_kind(blurry, sharp):
    _, warnings = check(Pile((*blurry.frames, *pile(range(40, 43)).frames)), sharp)
    assert warnings == ["20% of the blurry pictures look sharp: better leave them out"]


def test_sizes(blurry, sharp):
    mixed = Pile((*sharp.frames[1:], *pile([50], side=280).frames))
    assert check(blurry, mixed)[1] == []
    small = Pile((*sharp.frames, *pile([50], side=48).frames))
    with pytest.raises(UsageError, match=r"too small for crops of 64 px: 1 of 9 sharp pictures, as 50\.png"):
        check(blurry, small)
    with pytest.raises(UsageError, match="blurry pictures have 192 px on the long side and sharp ones 768, so that"):
        check(blurry, pile(range(20, 28), side=768))
    assert "have 192 px on the long side and sharp ones 320" in check(blurry, pile(range(20, 28), side=320))[1][0]


def test_shared_pictures_are_dropped(blurry, sharp):
    view = Frame("view.png", "other", scene(3))  # the same view as a blurry one, under another name
    name = Frame("name.png", "scene 4", scene(60))  # another view of the same scene
    same = Frame("same.png", "same", blurry.frames[5].pixels)
    kept, warnings = check(blurry, Pile((*sharp.frames, view, name, same)))
    assert named(kept) == named(sharp)
    assert warnings == [
        "3 of 11 sharp pictures, such as view.png, are in the blurry pile too (name or view) and were left out"
    ]
    with pytest.raises(UsageError, match=r"12 of 12 sharp pictures, such as .*: give others, or train on the pairs"):
        check(blurry, pile(range(12)))


def test_uneven_counts(blurry, sharp):
    says = "8 blurry and 12 sharp pictures: 6 to 4 works best"
    assert check(Pile(blurry.frames[:8]), pile(range(20, 32)))[1] == [says]


def kind_of(source, count, start=0):
    pixels = torch.zeros(3, 1, 1, dtype=torch.uint8)
    return [Frame(f"{source} {n}", source, pixels, place=start + n) for n in range(count)]


def test_sorted_piles_get_no_scene_in_both():
    frames = [frame for n in range(50) for frame in kind_of(f"scene {n}", 4, 4 * n)]
    blurry, sharp = part_scenes(Pile(tuple(frames[::2])), Pile(tuple(frames[1::2])))
    assert not {frame.source for frame in blurry.frames} & {frame.source for frame in sharp.frames}
    assert (len(blurry.frames), len(sharp.frames)) == (60, 40)
    alone = Pile(tuple(kind_of("blurry", 3))), Pile(tuple(kind_of("sharp", 2)))
    assert [len(one.frames) for one in part_scenes(*alone)] == [3, 2]  # nothing to part


def test_one_video_is_parted_in_time():
    frames = kind_of("clip", 101)
    blurry, sharp = part_scenes(Pile(tuple(frames[::2])), Pile(tuple(frames[1::2])))
    assert max(frame.place for frame in blurry.frames) <= 60 < min(frame.place for frame in sharp.frames)
    assert {frame.source for frame in blurry.frames} == {"clip"}
    assert {frame.source for frame in sharp.frames} == {"clip, later"}
    assert len(blurry.frames) == 31
    assert len(sharp.frames) == 20


def test_numbered_frames_of_two_folders_are_not_shared(tmp_path):
    for folder, start in (("a", 0), ("b", 40)):
        (tmp_path / folder).mkdir()
        for n in range(8):
            picture = scene(start + n)[None].float() / 255
            (tmp_path / folder / f"{n:04}.png").write_bytes(encode_photo(Photo.of(picture), picture))
    piles = [read_pile([tmp_path / folder]) for folder in ("a", "b")]
    assert not {frame.source for frame in piles[0].frames} & {frame.source for frame in piles[1].frames}


def test_of_large_pictures_the_middle_is_kept(tmp_path):
    picture = torch.zeros(1, 3, 20, 1100)
    picture[..., 38:1062] = 1
    (tmp_path / "wide.png").write_bytes(encode_photo(Photo.of(picture), picture))
    (frame,) = read_pile([tmp_path / "wide.png"]).frames
    assert frame.pixels.shape == (3, 20, 1024)
    assert int(frame.pixels.min()) == 255
