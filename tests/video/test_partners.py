"""Are the pairs of a clip its blurry frames and the sharp ones near, aligned, and never across the border?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.kernels import line
from blurspace.levels import to_levels
from blurspace.metrics import psnr
from blurspace.video.looks import Look, judged
from blurspace.video.partners import LEAST_COVERED, Trusted, border_of, clip_pairs, partners

from ..restore.scenes import made_scene

SIDE, COUNT, BLURRY = 128, 6, (1, 4)


class Frame:
    """What `VideoFrame` can, of a picture that is there."""

    def __init__(self, index, picture):
        self.index, self.picture = index, picture

    def upright(self):
        return to_levels(self.picture)


def views():
    """A pan by 2 px a frame over a made scene, and the same with some frames under a motion of 7 px."""
    wide = made_scene(SIDE + 2 * COUNT, seed=4, channels=3)[:, :, :SIDE]
    sharp = [wide[..., 2 * at : 2 * at + SIDE] for at in range(COUNT)]
    given = [to_display(blur(to_linear(one, "srgb"), line(7, 0)), "srgb") for one in sharp]
    return sharp, [given[at] if at in BLURRY else sharp[at] for at in range(COUNT)]


@pytest.fixture(scope="module")
def pairs():
    frames = [Frame(index, picture) for index, picture in enumerate(views()[1])]
    return list(clip_pairs(iter(frames), {1: (0, 2), 4: (5, 3)}))


def test_partners_are_the_sharp_scene(pairs):
    sharp, given = views()
    assert [pair.index for pair in pairs] == list(BLURRY)
    for pair in pairs:
        one = Trusted.of(pair.stack)
        assert torch.equal(pair.blurry, to_levels(given[pair.index])[0])
        assert pair.covered == pytest.approx(float(one.trust.mean()), abs=1e-6)
        assert pair.covered > 0.6
        truth = sharp[pair.index]
        assert psnr(one.sharp, truth, trust=one.trust, crop=8) > psnr(one.blurry, truth, trust=one.trust, crop=8) + 3


def test_what_shows_something_else_is_no_partner():
    frames = [Frame(0, made_scene(SIDE, seed=9, channels=3)), Frame(1, views()[1][1])]
    assert list(clip_pairs(iter(frames), {1: (0,)})) == []


def seen(*sharpness):
    return judged([Look(at, at / 25, value, at == 0) for at, value in enumerate(sharpness)])


def test_nothing_is_lent_across_the_border():
    plan = seen(*[0.4, 0.2, 0.4, 0.4] * 5)
    assert border_of(plan) == 16
    found = partners(plan, most=99)
    assert found == {at: tuple(sorted((at - 1, at + 1))) for at in (1, 5, 9, 13, 17)} | {17: (16, 18)}
    tight = seen(*[0.4] * 15, 0.2, 0.2, *[0.4] * 3)
    assert partners(tight, most=99) == {15: (14,), 16: (17,)}
    assert list(partners(plan, most=2)) == [1, 9]
    assert partners(seen(*[0.4] * 8), most=9) == {}


def test_a_pair_that_covers_little_is_none(monkeypatch):
    frames = [Frame(index, picture) for index, picture in enumerate(views()[1])]
    assert LEAST_COVERED < 0.6
    monkeypatch.setattr("blurspace.video.partners.LEAST_COVERED", 1.0)
    assert list(clip_pairs(iter(frames), {1: (0, 2)})) == []
