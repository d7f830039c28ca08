"""Are photos as people have them made as they say, scored at their best shift, and are both mistakes counted?"""

import pytest
import torch
from torch.nn import functional

from blurspace.bench import calibration, snapshots
from blurspace.bench.calibration import ORDER, judged, reliability
from blurspace.bench.kinds import KINDS, snapshot
from blurspace.bench.methods import build
from blurspace.bench.photos import measure
from blurspace.bench.snapshots import FRAME, Chance, Snapshot, gained, hand, png
from blurspace.blur.kernels import disk
from blurspace.chance import chance_of
from blurspace.io.images import encode_photo, find_photos, read_photo
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.verdict import Referee
from blurspace.types import Photo

from ..fakes import Fake
from ..restore.made import finding, with_finder
from ..restore.scenes import made_scene


@pytest.fixture(scope="module")
def photos(tmp_path_factory):
    """Paths of two sharp photos."""
    folder = tmp_path_factory.mktemp("sharp")
    for seed in (1, 2):
        photo = Photo.of(made_scene(330, seed=seed, channels=3))
        (folder / f"{seed}.png").write_bytes(encode_photo(photo, photo.samples))
    return find_photos([folder])


@pytest.fixture
def sharp_ones(photos, monkeypatch):
    """What is made of them is small."""
    monkeypatch.setattr(snapshots, "SIDES", (220, 260))
    return photos


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_a_file_with_its_truth(sharp_ones, kind):
    made = snapshot(kind, sharp_ones, "a")
    photo = read_photo(made.file)
    assert photo.pixels.shape[-2:] == made.sharp.shape[-2:] == made.mask.shape[-2:]
    assert made.mask.min() >= 0
    assert made.mask[..., FRAME:-FRAME, FRAME:-FRAME].sum() > 0
    assert set(made.wanted) <= {"restored", "refused", "left alone"}
    assert made.file == snapshot(kind, sharp_ones, "a").file
    if kind != "nothing":
        assert made.file != snapshot(kind, sharp_ones, "b").file
    if kind not in ("sharp", "bokeh", "nothing", "12 bits"):
        error = ((photo.pixels * made.scale - made.sharp) * made.mask).abs().max()
        assert error > 0.05, "it is blurred"


def test_a_hand_draws_a_thin_path_of_the_length_that_is_asked_for():
    kernel = hand(31, Chance(chance_of("hand")))
    assert float(kernel.sum()) == pytest.approx(1)
    place = (kernel[0, 0] > 0).nonzero()
    assert int((place.amax(0) - place.amin(0)).max()) + 1 == pytest.approx(31, abs=2)
    assert float((kernel > 0).float().mean()) < 0.25


def test_gains_are_measured_at_the_best_shift_inside_the_mask():
    sharp = made_scene(140, seed=3)
    blurry = functional.avg_pool2d(sharp, 5, 1, 2)
    mask = torch.ones_like(sharp)
    mask[..., 60:, :] = 0
    moved = sharp.roll((2, -3), (-2, -1))
    moved[..., 80:, :] = 0  # where nothing counts
    assert gained(moved, blurry, Snapshot(png(blurry), sharp, mask)) > 20
    assert gained(blurry, blurry, Snapshot(png(blurry), sharp, mask)) == 0


def test_a_photo_passes_by_its_verdict_and_its_gain(sharp_ones):
    assert not measure("frame", sharp_ones, Fake("refused"))["pass"]
    worse = measure("frame", sharp_ones, Fake(change=lambda blurry: blurry * 0.5))
    assert worse["gain_db"] < 0
    assert not worse["pass"]
    alone = measure("sharp", sharp_ones, Fake("left alone"))
    assert (alone["pass"], alone["gain_db"]) == (True, None)


def test_a_witness_has_everything_tried_and_changes_no_receipt(sharp_ones):
    made = snapshot("sharp", sharp_ones, "c")  # hardly compressed: any kernel is a loss
    deblurrer = with_finder(build("classical"), finding(UniformBlur(disk(2.0)), 0.9))
    witness, gains = judged(made, deblurrer)
    assert witness.looks[0].verdict == "left alone"
    assert len(gains) == len(witness.tries) == 1
    assert gains[0] < 0
    tried = witness.tries[0]
    stated, believed = tried.receipt.probability_better, Referee().belief.of(tried.clues)[0]
    assert stated in (None, pytest.approx(believed))  # none is stated where a limit is broken


def row(number, probability, gain, verdict="restored", kind="shaken"):
    facts = {"number": number, "kind": kind, "verdict": verdict, "right_verdict": True}
    return facts | {"probability": probability, "would_gain_db": gain}


def test_both_mistakes_are_counted_and_probabilities_held_against_what_was_right():
    rows = [
        row(0, 0.95, 3.0), row(1, 0.93, -1.0), row(2, 0.2, 2.0, "refused"), row(3, 0.25, -2.0, "refused"),
        row(4, None, -9.0, "left alone", "sharp"), row(5, None, 4.0, "left alone"),
    ]  # fmt: skip
    told = calibration.summary(rows)
    assert (told["restored"], told["restored_at_a_loss"]) == (2, 1)
    assert (told["not_restored"], told["would_have_gained"]) == (3, 2)
    assert (told["sharp"], told["sharp_left_alone"]) == (1, 1)
    lines = {line["probability"]: line for line in reliability(rows)}
    assert lines["0.9 to 1.0"] == {"probability": "0.9 to 1.0", "n": 2, "stated": 0.94, "right": 0.5, "off": 0.44}
    assert lines["0.2 to 0.3"]["right"] == 0.5
    assert sum(line["n"] for line in lines.values()) == 4


def test_all_kinds_are_among_those_that_are_counted():
    assert set(ORDER) == set(KINDS)
