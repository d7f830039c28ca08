"""Do videos that `adapt` is given teach by their own pairs, and do their last frames stay apart from all training?"""

import json
from types import SimpleNamespace

import pytest
import torch

from blurspace.blur import spectra
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.builders import build_network
from blurspace.catalog import WEIGHTS
from blurspace.data.piles import read_pile
from blurspace.errors import OutputError, UsageError
from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.io.weights import read_weights
from blurspace.jobs import adapt as job
from blurspace.jobs.adapt import PAIRED, Given, adapt_camera
from blurspace.jobs.adapt_report import DEPLOY, KEEP, LAST, NEITHER, with_pairs
from blurspace.jobs.adapt_report import PAIRED as TAKE_PAIRED
from blurspace.jobs.clips import Clips, read_clips
from blurspace.train import loop
from blurspace.train.adapt import TranslatorRecipe
from blurspace.types import Photo

from .clips import make_clip
from .restore.scenes import made_scene

pytest.importorskip("av")
SIDE, FRAMES, BLURRY, BORDER = 128, 17, (1, 4, 7, 10, 15), 14
RECIPE = TranslatorRecipe.model_validate(
    {
        "loop": {"steps": 3},
        "data": {"side": 16, "batch": 1, "validation": 1},
        "translator": {"widths": [4]},
        "losses": {"adversarial": 0.0},
        "judge_steps": 5,
    }
)


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, encode_photo(Photo.of(picture), picture), overwrite=False)


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A pan whose frames are blurred along the columns now and then, and photos of both kinds."""
    folder = tmp_path_factory.mktemp("clips")
    wide = made_scene(SIDE + FRAMES, seed=0, channels=3)[:, :, :SIDE]
    views = [wide[..., at : at + SIDE] for at in range(FRAMES)]
    seen = [blur(one, line(9, 90)).clamp(0, 1) if at in BLURRY else one for at, one in enumerate(views)]
    pictures = [(one[0].permute(1, 2, 0) * 255).round().to(torch.uint8).numpy().copy() for one in seen]
    make_clip(folder / "clip.mp4", pictures, options={"crf": "4"})
    make_clip(folder / "sharp.mp4", [pictures[0]] * 3)
    for seed in range(8):
        save(folder / "blurry" / f"{seed}.png", blur(made_scene(SIDE, seed=30 + seed, channels=3), line(9, 90)))
        save(folder / "sharp" / f"{seed}.png", made_scene(SIDE, seed=50 + seed, channels=3))
    for seed in range(2):
        sharp = made_scene(SIDE, seed=70 + seed, channels=3)
        save(folder / "known" / "sharp" / f"{seed}.png", sharp)
        save(folder / "known" / "blur" / f"{seed}.png", blur(sharp, line(9, 0)))
    return folder


@pytest.fixture(scope="module")
def clips(home):
    said = []
    found = read_clips([home / "clip.mp4", home / "sharp.mp4", home / "sharp"], report=said.append)
    return SimpleNamespace(found=found, said=said)


def test_the_videos_are_searched_for_pairs(clips, home):
    (clip,) = clips.found.clips
    assert clip.border == BORDER
    assert [pair.index for pair in clip.side(last=False)] == [at for at in BLURRY if at < BORDER]
    assert [pair.index for pair in clip.side(last=True)] == [15]
    assert "4 pairs to train on and 1 for the report" in clips.said[0]
    assert clips.said[1].endswith("0 pairs to train on and 0 for the report: too few")


def test_last_frames_are_in_no_pile(clips, home):
    pile = read_pile([home / "clip.mp4", home / "sharp"])
    early = clips.found.early(pile)
    assert [frame.index for frame in early.frames] == [*range(BORDER), *[None] * 8]
    assert Clips().early(pile).frames == pile.frames
    given = Given(blurry=[home / "blurry", home / "clip.mp4"], sharp=[home / "sharp"], every=10)
    blurry, sharp = job._piles(given, RECIPE, clips.found, lambda _: None)
    assert [frame.index for frame in blurry.frames] == [*[None] * 8, 1, 4, 7, 10]
    training, kept, apart = job._kept_apart(blurry, clips.found)
    assert (training, [frame.index for frame in kept.frames], apart) == (blurry, [15], False)
    assert kept.frames[0].source == blurry.frames[-1].source
    assert len(sharp.frames) == 8


@pytest.fixture(scope="module")
def done(home):
    said, out = [], home / "out" / "camera.safetensors"
    given = Given(
        blurry=[home / "blurry", home / "clip.mp4"],
        sharp=[home / "sharp"],
        known=[str(home / "known")],
        deblurrer="belt",
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(spectra, "LONGEST", (7, 9))
        record = adapt_camera(given, out=out, recipe=RECIPE, report=said.append)
    return SimpleNamespace(record=record, said=said, out=out, given=given)


def test_both_ways_are_trained_and_reported(done):
    record = done.record
    assert record["truth"] == LAST
    assert set(record["pairs"]) == set(record["numbers"]) == {"blurry", "plain", "translated", "paired"}
    assert all(set(row) == {"psnr"} for row in record["pairs"].values())
    assert record["videos"]["pairs to train on"] == 4
    assert (record["videos"]["pairs for this report"], record["videos"]["steps"]) == (1, 3)
    assert 0.25 < record["videos"]["of their frames covered"] <= 1
    gain = record["pairs"]["paired"]["psnr"] - max(record["pairs"][name]["psnr"] for name in ("blurry", "plain"))
    assert record["paired_worst_gain"] == pytest.approx(gain, abs=2e-3)
    assert record["verdict"] in (KEEP, DEPLOY, NEITHER, TAKE_PAIRED)
    assert record["pictures"] == {"blurry": 12, "sharp": 8, "kept for this report": 1}
    told = json.loads(done.out.with_suffix(".json").read_text())
    assert told["videos"] == record["videos"]
    assert any(sentence.startswith("pairs, step 3") for sentence in done.said)


def test_the_page_tells_of_the_pairs(done):
    page = done.out.with_suffix(".html").read_text()
    assert "<h2>Pairs in the videos</h2>" in page
    assert "deblurred as pairs taught" in page
    assert page.count("<img") == 1 + 5  # the kernel, and five of the picture that was kept


def test_what_learned_from_pairs_deblurs(done):
    """It began as the known deblurrer, and is a weights file for `deblur --weights`."""
    file = done.out.with_suffix(PAIRED)
    assert done.record["videos"]["weights"] == str(file)
    tensors, about = read_weights(file)
    assert (about["task"], about["steps"]) == ("deblurrer", 3)
    belt = read_weights(WEIGHTS / "belt.safetensors")[0]
    assert tensors.keys() == belt.keys()
    apart = max(float((tensors[name] - belt[name]).abs().max()) for name in belt)
    assert 0 < apart < 0.1
    assert build_network(file)(torch.rand(1, 3, 16, 16)).shape == (1, 3, 16, 16)


def test_what_exists_is_kept_and_a_training_is_resumed(done):
    (done.out.with_suffix(PAIRED)).rename(done.out.with_suffix(".kept"))
    for path in (done.out, *(done.out.with_suffix(one) for one in (".json", ".html"))):
        path.unlink()
    folder = done.out.with_name(f"{done.out.name}.training")
    (folder / loop.CHECKPOINT).unlink()
    with pytest.raises(OutputError, match=r"checkpoint\.pt exists already"):
        job._check_way(done.out, folder, resume=False, overwrite=False)
    job._check_way(done.out, folder, resume=True, overwrite=False)
    done.out.with_suffix(".kept").rename(done.out.with_suffix(PAIRED))
    with pytest.raises(OutputError, match=r"camera\.pairs\.safetensors exists already"):
        job._check_way(done.out, folder / "none", resume=False, overwrite=False)


def test_without_pairs_or_a_share_of_the_time_all_is_as_before(home, monkeypatch):
    def unasked(*_, **__):
        raise AssertionError("videos were searched")

    monkeypatch.setattr(job, "read_clips", unasked)
    given = Given(blurry=[home / "none"], sharp=[home / "sharp"])
    with pytest.raises(AssertionError):
        adapt_camera(given, out=home / "other.safetensors", recipe=RECIPE)
    off = RECIPE.model_copy(update={"on_pairs": 0.0})
    with pytest.raises(Exception, match="none"):
        adapt_camera(given, out=home / "other.safetensors", recipe=off)
    with pytest.raises(UsageError, match="give --blurry and --sharp"):
        adapt_camera(Given(), out=home / "other.safetensors", recipe=RECIPE)
    assert job._minutes(RECIPE, 10.0, 0.4) == 4.0
    assert job._minutes(RECIPE, None, 0.4) is None


@pytest.mark.parametrize(
    ("numbers", "gains", "before", "wanted", "told"),
    [
        ((25, 24, 26, 28), (3.0, 2.9), DEPLOY, TAKE_PAIRED, "3.00 dB better than the photos as they are"),
        (
            (25, 27, 26, 28),
            (1.0,),
            KEEP,
            TAKE_PAIRED,
            "1.00 dB better than the plain deblurrer (worst picture +1.00 dB)",
        ),
        (
            (25, 24, 28, 27),
            (2.0,),
            DEPLOY,
            DEPLOY,
            "the reason; what learned from pairs of the videos is +2.00 dB there",
        ),
        ((25, 24, 28, 27), (2.0,), NEITHER, TAKE_PAIRED, "-1.00 dB against the translation"),
        ((25, 24, 23, 25.2), (0.2,), NEITHER, NEITHER, "+0.20 dB there"),
        ((25, 24, 23, 28), (6.0, -0.4), NEITHER, NEITHER, "but 50% of the pictures lost more than 0.3 dB"),
    ],
)
def test_the_better_way_is_recommended(numbers, gains, before, wanted, told):
    names = ("blurry", "plain", "translated", "paired")
    pairs = {name: {"psnr": value} for name, value in zip(names, numbers, strict=True)}
    verdict, reason = with_pairs(before, "the reason", pairs, gains, "frames")
    assert verdict == wanted
    assert told in reason
