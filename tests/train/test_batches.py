"""Does each process draw its share of the same batches, in order, however they are drawn?"""

import pytest
import torch

from blurspace.chance import chance
from blurspace.train.batches import drawn
from blurspace.train.settings import LoopSettings
from blurspace.train.team import Team


def member(rank, count):
    one = Team()
    one.rank, one.count = rank, count
    return one


def draw(generator):
    return float(torch.rand((), generator=generator))


@pytest.mark.parametrize("ahead", [0, 1, 5, 50])
@pytest.mark.parametrize("first", [0, 3])
def test_two_have_together_what_one_has(ahead, first):
    settings = LoopSettings(steps=5, seed=4, accumulate=4, ahead=ahead)
    shares = []
    for team in (member(0, 1), member(0, 2), member(1, 2)):
        with drawn(draw, settings, first=first, team=team) as batches:
            shares.append(list(batches))
    whole, *halves = shares
    assert [len(step) for step in whole] == [4] * (5 - first)
    assert [sorted(one + other) for one, other in zip(*halves, strict=True)] == [sorted(step) for step in whole]
    assert whole[0][1] == draw(chance(4, 4 * first + 1))


def test_what_is_drawn_ahead_is_thrown_away_at_the_end():
    with drawn(draw, LoopSettings(steps=10**9, ahead=3), first=0, team=member(0, 1)) as batches:
        assert next(batches) == [draw(chance(0, 0))]
        assert next(batches) == [draw(chance(0, 1))]
