"""Does the judge that had no part in it learn to tell known blur, and is its share counted right?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.nets.critic import PatchCritic
from blurspace.nets.judge import BlurJudge
from blurspace.train.converter import share_known, train_judge


def drawn(angle):
    def draw(generator):
        return blur(torch.rand(4, 3, 24, 24, generator=generator), line(5, angle))

    return draw


def pictures(angle, seed):
    return list(drawn(angle)(torch.Generator().manual_seed(seed)).split(1))


@pytest.fixture(scope="module")
def judge():
    return train_judge(drawn(0), drawn(90), steps=60)


def test_known_blur_is_the_second(judge):
    unknown, known = (pictures(angle, 99) for angle in (0, 90))
    assert share_known(judge, unknown) == 0
    assert share_known(judge, known) == 1
    assert share_known(judge, [*unknown[:3], *known[:1]]) == 0.25


def test_it_is_frozen_and_the_same_for_the_same_seed(judge):
    assert isinstance(judge, BlurJudge)
    assert not judge.training
    assert not any(one.requires_grad for one in judge.parameters())
    one, same, other = (train_judge(drawn(0), drawn(90), steps=2, seed=seed) for seed in (3, 3, 4))
    assert all(torch.equal(a, b) for a, b in zip(one.parameters(), same.parameters(), strict=True))
    assert not all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


def test_training_leaves_the_global_chance_alone():
    state = torch.random.get_rng_state()
    train_judge(drawn(0), drawn(90), steps=1)
    assert torch.equal(torch.random.get_rng_state(), state)


def test_a_critic_of_patches_judges_by_their_mean():
    critic = PatchCritic(width=2, layers=1)
    with torch.no_grad():
        for one in critic.parameters():
            one.zero_()
        critic.layers[-1].bias.fill_(0.5)
    assert share_known(critic, pictures(0, 1)) == 1
    logits = {1.0: torch.tensor([[-1.0, -1.0, 5.0]]), 0.0: torch.tensor([[1.0, 1.0, -5.0]])}
    for wanted, patches in logits.items():
        assert share_known(lambda _, patches=patches: patches, pictures(0, 1)[:1]) == wanted
    assert share_known(critic, []) == 0
