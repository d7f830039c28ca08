"""Does the judge tell two kinds of blur by their texture, and by nothing else?"""

import pytest
import torch
from torch import nn

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.losses import critic_loss
from blurspace.nets.judge import BlurJudge
from blurspace.train.steps import descend


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


def made(seed=0, width=8):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return BlurJudge(width=width)


def textures(angle, seed):
    """Five of them, of any brightness and contrast, blurred along one axis."""
    pictures = 0.2 + 0.8 * random(5, 1, 1, 1, seed=seed + 1000) * random(5, 3, 24, 24, seed=seed)
    return blur(pictures, line(5, angle))


def test_two_axes_are_told_apart_after_a_few_steps():
    judge = made()
    adam = torch.optim.Adam(judge.parameters(), lr=1e-2)
    for step in range(40):
        descend(critic_loss(judge(textures(90, 2 * step)), judge(textures(0, 2 * step + 1))), adam)
    with torch.no_grad():
        known, unknown = judge(textures(90, 501)), judge(textures(0, 502))
    assert bool((known > 0).all())  # above 0 is the first argument of `critic_loss`: known blur
    assert bool((unknown < 0).all())


def test_neither_brightness_nor_contrast_tells():
    judge, pictures = made(), random(2, 3, 40, 48)
    with torch.no_grad():
        torch.testing.assert_close(judge(pictures + 0.3), judge(pictures), atol=1e-3, rtol=0)
        torch.testing.assert_close(judge(0.5 * pictures), judge(pictures), atol=1e-3, rtol=0)
        assert not torch.allclose(judge(blur(pictures, line(5, 0))), judge(pictures), atol=1e-2)


def test_a_picture_without_texture_is_judged_too():
    logits = made()(torch.full((1, 3, 20, 20), 0.4))
    assert bool(logits.isfinite().all())


def test_batch_is_singles_and_every_parameter_learns():
    judge, pictures = made(), random(3, 3, 40, 44)
    pictures[1:] = blur(pictures[1:], line(5, 30))
    logits = judge(pictures)
    assert logits.shape == (3,)
    torch.testing.assert_close(logits[1:], judge(pictures[1:]))
    logits.square().sum().backward()
    for one in judge.parameters():
        assert one.grad is not None
        assert one.grad.abs().sum() > 0


@pytest.mark.parametrize("size", [(16, 16), (7, 9), (16, 200), (33, 27)])
def test_small_and_long_pictures(size):
    logits = made(width=4)(random(1, 3, *size))
    assert logits.shape == (1,)
    assert bool(logits.isfinite().all())


def test_three_scales_are_looked_at():
    judge, seen = made(width=2), []
    judge.decide = nn.Sequential(nn.Linear(6, 1, bias=False))
    with torch.no_grad():
        for place in range(6):
            judge.decide[0].weight.zero_()
            judge.decide[0].weight[0, place] = 1
            seen.append(float(judge(random(1, 3, 64, 64))))
    assert len(set(seen)) == 6
    assert sum(seen) == pytest.approx(0, abs=1e-4)  # less the mean of all
