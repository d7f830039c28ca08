"""Does a verdict follow from what the clues weigh, is a wrong kernel told by them, and can a user's be forced?"""

import math

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import delta, disk, gaussian, line, shake
from blurspace.builders import build_deblurrer
from blurspace.errors import UsageError
from blurspace.restore.observed import Observed
from blurspace.restore.verdict import (
    FARTHEST,
    WEIGHTS,
    Belief,
    Referee,
    Weight,
    fitted,
    narrowest,
    spread,
    weight_steps,
)
from blurspace.sharpness import edge_sharpness

from .scenes import made_scene


def belief(**told):
    weights = {"rest": Weight(0.0, 2.0, -1.0, -0.5), "ringing": Weight(0.1, 0.1, -0.5, -2.0)}
    return Belief(
        **{
            "gain": 1.0,
            "chance": 0.5,
            "least": 0.8,
            "least_known": 0.4,
            "methods": ("classical",),
            "clues": weights,
            **told,
        }
    )


def test_a_belief_adds_up_what_clues_weigh():
    probability, gain = belief().of({"rest": -2.0, "ringing": 0.1})
    assert gain == pytest.approx(1 + 1)
    assert probability == pytest.approx(1 / (1 + math.exp(-1.0)))


def test_what_is_not_known_weighs_nothing_and_what_is_strange_no_more_than_all_that_was_seen():
    weight = Weight(1.0, 0.5, 1.0, 1.0)
    assert weight_steps(weight, math.nan) == 0
    assert weight_steps(weight, 2.0) == 2
    assert weight_steps(weight, 1e9) == FARTHEST
    assert belief().of({}) == belief().of({"rest": 0.0, "ringing": 0.1})


def test_the_reason_is_what_speaks_most_against_it():
    assert belief().against({"rest": 6.0, "ringing": 0.1}) == "unexplained"
    assert belief().against({"rest": 0.0, "ringing": 0.4}) == "rings"


def test_the_weights_that_come_along_are_whole():
    told = fitted()
    assert 0 < told.least_known <= told.least < 1
    assert all(weight.scale > 0 for weight in told.clues.values())
    assert "fit_receipt.py" in WEIGHTS.read_text("utf-8").splitlines()[0]


@pytest.mark.parametrize("kernel", [gaussian(1.5), disk(4.0), line(13, 30.0), shake(15, extent=13)])
def test_how_narrow_edges_are_under_a_kernel_is_told_by_it(kernel):
    """A step under the kernel is as sharp as the kernel says, in the softest direction."""
    rows, columns = torch.arange(200.0)[:, None] - 100, torch.arange(200.0) - 100
    circle = (((rows**2 + columns**2).sqrt() - 60) / 0.7 + 0.5).clamp(0, 1)[None, None]
    assert narrowest(kernel) == pytest.approx(edge_sharpness(blur(circle, kernel)), rel=0.3)


def test_a_path_covers_its_length_and_no_blur_one_pixel():
    assert spread(delta(5)) == pytest.approx(1)
    assert spread(line(13, 0.0)) == pytest.approx(13)
    assert narrowest(delta(5)) == pytest.approx(0.5)


def wrong():
    """A photo, and a kernel that is not its own."""
    return blur(made_scene(230, seed=5), line(9, 0.0), border="valid"), line(31, 90.0)


def test_a_given_kernel_may_be_forced_and_the_record_says_so():
    blurry, kernel = wrong()
    refused = build_deblurrer("classical", kernel=kernel)(blurry)
    forced = build_deblurrer("classical", kernel=kernel, force=True)(blurry)
    assert (refused.receipt.verdict, forced.receipt.verdict) == ("refused", "restored")
    assert forced.receipt.code == "forced"
    assert refused.receipt.reason in forced.receipt.reason
    assert forced.receipt.probability_better == refused.receipt.probability_better
    assert (forced.receipt.probability_better or 0) < 0.5  # none is stated where a limit is broken
    assert not torch.equal(forced.restored, blurry)


@pytest.mark.parametrize("kind", ["checkerboard", "noise"])
def test_what_is_no_photo_is_not_restored_by_a_given_kernel(kind):
    """The noise that is measured there is no noise, and any rest would be less than four times as much."""
    rows, columns = torch.meshgrid(torch.arange(120), torch.arange(160), indexing="ij")
    noise = torch.rand(120, 160, generator=torch.Generator().manual_seed(0))
    picture = ((rows + columns) % 2).float() if kind == "checkerboard" else noise
    receipt = build_deblurrer("classical", kernel=line(5, 0.0))(picture[None, None]).receipt
    assert (receipt.verdict, receipt.code, receipt.probability_better) == ("refused", "unexplained", None)


def test_where_nothing_changes_the_photo_is_left_alone():
    white = torch.full((1, 3, 80, 90), 255, dtype=torch.uint8)
    for force in (False, True):
        result = build_deblurrer("classical", kernel=line(5, 0.0), force=force)(white)
        assert (result.receipt.verdict, result.receipt.code) == ("left alone", "unchanged")


def test_of_a_photo_without_edges_no_probability_is_told():
    """A dark one of 16 bits, whose contrasts are all too small to judge by."""
    blurry = 0.04 * blur(made_scene(120, seed=5), line(9, 0.0), border="valid")
    photo = (blurry * 65535).round().to(torch.int32).to(torch.uint16)
    receipt = build_deblurrer("classical", kernel=line(9, 0.0), response="linear")(photo).receipt
    assert math.isinf(Observed(photo).sharpness)
    assert (receipt.verdict, receipt.probability_better, receipt.expected_gain_db) == ("restored", None, None)


def test_nothing_but_a_given_kernel_can_be_forced():
    with pytest.raises(UsageError, match="give --kernel with --force"):
        build_deblurrer("classical", force=True)


@pytest.mark.parametrize(
    ("side", "value", "code"), [(18, None, "too_small"), (20, None, "too_small"), (200, 0.5, "nothing_to_judge_by")]
)
def test_what_tells_nothing_is_never_called_sharp(side, value, code):
    scene = made_scene(220, seed=3)[..., :side, :side]
    receipt = Referee().before(Observed(scene if value is None else torch.full_like(scene, value)))
    assert (receipt.verdict, receipt.code) == ("left alone", code)
    assert "is sharp" not in receipt.reason
    assert receipt.confidence == 0
    assert code != "too_small" or "fewer than 21 px" in receipt.reason
