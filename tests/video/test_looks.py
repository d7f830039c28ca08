"""Are just the blurry frames found, whatever the shot can do and wherever it ends?"""

import math
from dataclasses import dataclass

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.video.looks import Look, judged, looks, sharpest

from ..restore.scenes import made_scene


@dataclass(frozen=True)
class Frame:
    """What is asked of a frame."""

    index: int
    picture: torch.Tensor

    @property
    def seconds(self):
        return self.index / 25

    def grey(self):
        return self.picture


def frames(pictures):
    return [Frame(index, picture) for index, picture in enumerate(pictures)]


def panned(count, *, seed=0):
    wide = made_scene(96 + count, seed=seed)[:, :, :64]
    return [wide[..., place : place + 96] for place in range(count)]


def shaken(pictures, places):
    return [blur(one, line(9, 30)) if place in places else one for place, one in enumerate(pictures)]


def blurry(pictures):
    return [one.look.index for one in judged(list(looks(frames(pictures)))) if one.blurry]


def test_shaken_frames_are_blurry():
    pictures = shaken(panned(12), {2, 7, 8})
    assert blurry(pictures) == [2, 7, 8]
    assert blurry(panned(12)) == []


def test_shots_are_told_apart():
    """The second shot is softer than the first, which says nothing of its frames; darkening is no cut."""
    softer = [blur(one, line(2, 0)) for one in panned(8, seed=1)]
    seen = judged(list(looks(frames([*panned(8), *shaken(softer, {3})]))))
    assert [one.look.index for one in seen if one.look.begins] == [0, 8]
    assert [one.shot for one in seen] == [0] * 8 + [1] * 8
    assert [one.look.index for one in seen if one.blurry] == [11]
    fading = [one * (1 - place / 10) for place, one in enumerate(panned(8))]
    assert [look.index for look in looks(frames(fading)) if look.begins] == [0]


def test_a_shot_that_is_soft_all_over_is_blurry():
    assert blurry([blur(one, line(15, 0)) for one in panned(5)]) == [0, 1, 2, 3, 4]


def test_a_frame_that_tells_nothing_is_not_blurry():
    empty = torch.full((1, 1, 64, 96), 0.5)
    seen = judged(list(looks(frames([empty, empty]))))
    assert [(one.blurry, one.look.width) for one in seen] == [(False, 0.0)] * 2
    assert math.isinf(next(looks(frames([torch.rand(1, 1, 16, 16)]))).sharpness)


@pytest.mark.parametrize(("count", "expected"), [(1, [4]), (3, [1, 4, 6]), (9, list(range(8))), (0, [])])
def test_sharpest_are_spread(count, expected):
    sharpness = [0.1, 0.3, math.inf, 0.2, 0.4, 0.3, 0.35, 0.3]
    seen = judged([Look(index, 0.0, one, index == 0) for index, one in enumerate(sharpness)])
    assert [one.look.index for one in sharpest(seen, count)] == expected
