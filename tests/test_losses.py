"""Do the losses say what they should, against numbers worked out by hand?"""

import math

import pytest
import torch

from blurspace.blur.kernels import delta
from blurspace.errors import UsageError
from blurspace.losses import (
    charbonnier,
    critic_loss,
    divergence,
    fooling_loss,
    gradient_penalty,
    kernel_l1,
    perceptual,
    picture_l2,
)

LOSSES = [kernel_l1, picture_l2, charbonnier]


def test_kernels_without_a_common_pixel_are_2_apart():
    moved = delta(5).roll(1, -1)
    assert kernel_l1(delta(5), moved).item() == 2
    assert kernel_l1(torch.cat((delta(5), delta(5))), torch.cat((delta(5), moved))).item() == 1


def test_pictures():
    black, grey = torch.zeros(2, 3, 4, 5), torch.full((2, 3, 4, 5), 0.5)
    assert picture_l2(grey, black).item() == 0.25
    assert charbonnier(grey, black, eps=1.2).item() == pytest.approx(1.3)
    assert charbonnier(grey, black).item() == pytest.approx(0.5, abs=1e-5)


def test_only_trusted_pixels_count():
    one, other = torch.zeros(2, 3, 4, 5), torch.zeros(2, 3, 4, 5)
    one[..., :2], one[..., 2:] = 0.5, 0.9
    trust = torch.zeros(2, 1, 4, 5)
    assert charbonnier(one, other, trust=trust).item() == 0
    trust[..., 1] = 1
    assert charbonnier(one, other, trust=trust).item() == pytest.approx(0.5, abs=1e-5)
    trust[..., 2] = 1 / 3
    assert charbonnier(one, other, trust=trust).item() == pytest.approx(0.6, abs=1e-5)
    assert charbonnier(one, other, trust=torch.ones(2, 1, 4, 5)) == pytest.approx(charbonnier(one, other).item())


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss(loss):
    generator = torch.Generator().manual_seed(0)
    one, other = (torch.rand(2, 1, 5, 5, generator=generator) for _ in range(2))
    one.requires_grad_()
    loss(one, other).backward()
    assert bool((one.grad != 0).all())
    assert loss(other, other).item() == pytest.approx(0, abs=1.1e-3)
    assert loss(one.bfloat16(), other).dtype == torch.float32
    with pytest.raises(UsageError, match="same shape"):
        loss(one, other[:1])


def test_divergence():
    generator = torch.Generator().manual_seed(0)
    mean, log_variance = (torch.randn(3, 4, 2, 5, generator=generator) for _ in range(2))
    normal = torch.distributions.Normal
    oracle = torch.distributions.kl_divergence(normal(mean, (log_variance / 2).exp()), normal(0, 1))
    torch.testing.assert_close(divergence(mean, log_variance), oracle.sum((1, 2, 3)).mean())
    assert divergence(torch.zeros(2, 3), torch.zeros(2, 3)).item() == 0
    assert divergence(mean.bfloat16(), log_variance.bfloat16()).dtype == torch.float32
    with pytest.raises(UsageError, match="same shape"):
        divergence(mean, log_variance[:1])


def test_a_critic_that_does_not_know():
    zeros = torch.zeros(2, 1, 3, 4)
    assert critic_loss(zeros, zeros).item() == pytest.approx(2 * math.log(2))
    assert fooling_loss(zeros).item() == pytest.approx(math.log(2))


def test_a_critic_that_is_sure():
    right, wrong = torch.full((2, 1, 3, 4), 20.0), torch.full((1, 1, 2, 2), -30.0)
    assert critic_loss(right, wrong).item() == pytest.approx(0, abs=1e-6)
    assert critic_loss(wrong, right).item() == pytest.approx(50, abs=1e-4)
    assert fooling_loss(right).item() == pytest.approx(0, abs=1e-6)
    assert fooling_loss(wrong).item() == pytest.approx(30, abs=1e-4)
    mixed = torch.tensor([1.0, -1.0])
    wanted = -torch.log(torch.sigmoid(mixed)).mean() - torch.log(1 - torch.sigmoid(mixed + 1)).mean()
    torch.testing.assert_close(critic_loss(mixed, mixed + 1), wanted)
    assert critic_loss(right.bfloat16(), wrong.bfloat16()).dtype == torch.float32
    assert fooling_loss(right.bfloat16()).dtype == torch.float32


def test_fooling_has_a_slope_where_the_critic_is_sure():
    logit = torch.tensor([-20.0], requires_grad=True)
    fooling_loss(logit).backward()
    assert logit.grad.item() == pytest.approx(-1, abs=1e-6)


@pytest.mark.parametrize("count", [1, 3])
def test_gradient_penalty_of_a_linear_critic(count):
    """Of D(x) = <w, x> the slope is w everywhere; two patches that are D and 3 D have the mean 2 D."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(3, 5, 6, generator=generator)
    blurry, translated = (torch.rand(count, 3, 5, 6, generator=generator) for _ in range(2))

    def linear(picture):
        return (picture * weight).sum((1, 2, 3))[:, None, None, None]

    wanted = float((weight.norm() - 1).square())
    assert gradient_penalty(linear, blurry, translated).item() == pytest.approx(wanted, rel=1e-5)
    penalty = gradient_penalty(lambda one: torch.cat((linear(one), 3 * linear(one)), -1), blurry, translated)
    assert penalty.item() == pytest.approx(float((2 * weight.norm() - 1).square()), rel=1e-5)


def test_gradient_penalty_of_a_batch_is_the_mean_of_its_pictures():
    generator = torch.Generator().manual_seed(0)
    pictures = torch.rand(3, 3, 4, 4, generator=generator)

    def curved(picture):
        return picture.square().sum((2, 3)).sum(1, keepdim=True)

    singles = [gradient_penalty(curved, one, one).item() for one in pictures.split(1)]
    for one, picture in zip(singles, pictures, strict=True):
        assert one == pytest.approx(float((2 * picture.norm() - 1).square()), rel=1e-5)
    assert gradient_penalty(curved, pictures, pictures).item() == pytest.approx(sum(singles) / 3, rel=1e-5)


def test_gradient_penalty_looks_between_the_pictures_by_chance():
    places = []

    def critic(picture):
        places.append(picture.detach())
        return picture.sum((2, 3))

    black, white = torch.zeros(50, 1, 2, 2), torch.ones(50, 1, 2, 2)
    for seed in (0, 0, 1):
        gradient_penalty(critic, black, white, torch.Generator().manual_seed(seed))
    shares = places[0][:, 0, 0, 0]
    assert torch.equal(places[0], shares[:, None, None, None].expand(-1, 1, 2, 2))  # one place for a whole picture
    assert len(shares.unique()) == 50
    assert bool(((shares >= 0) & (shares <= 1)).all())
    assert float(shares.mean()) == pytest.approx(0.5, abs=0.12)
    assert torch.equal(places[0], places[1])
    assert not torch.equal(places[0], places[2])


def test_gradient_penalty_teaches_the_critic_alone():
    weight = torch.full((1, 1, 2, 2), 2.0, requires_grad=True)
    translated = torch.rand(2, 1, 2, 2, requires_grad=True)
    gradient_penalty(lambda one: (one.square() * weight).sum((2, 3)), torch.zeros(2, 1, 2, 2), translated).backward()
    assert bool((weight.grad != 0).all())
    assert translated.grad is None
    with pytest.raises(UsageError, match="same shape"):
        gradient_penalty(torch.sum, torch.zeros(2, 1, 2, 2), torch.zeros(1, 1, 2, 2))


def test_perceptual_is_the_mean_over_the_maps_whatever_their_size():
    one, other = torch.zeros(2, 3, 4, 4), torch.full((2, 3, 4, 4), 0.5)

    def features(picture):
        return picture, 4 * picture[..., :1, :1]

    assert perceptual(features, one, other).item() == pytest.approx((0.5 + 2.0) / 2)
    assert perceptual(features, other, one).item() == pytest.approx((0.5 + 2.0) / 2)
    assert perceptual(features, one, one).item() == 0
    assert perceptual(lambda picture: [picture.bfloat16()], one, other).dtype == torch.float32
    with pytest.raises(UsageError, match="same shape"):
        perceptual(features, one, other[:1])
