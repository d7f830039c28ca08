"""Does the prior draw whole codes that change smoothly, and say the same of a cell wherever it lies?"""

import pytest
import torch

from blurspace.errors import UsageError
from blurspace.nets.code_prior import CodePrior
from blurspace.nets.kernel_space import BasisSpace


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def prior():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return CodePrior(5, latent=3, width=8).requires_grad_(False)


def test_cells_are_encoded_and_decoded_each_alone(prior):
    code = torch.randn(2, 5, 3, 4, generator=seeded())
    mean, log_variance = prior.encode(code)
    assert mean.shape == log_variance.shape == (2, 3, 3, 4)
    assert prior.decode(mean).shape == code.shape
    moved = prior.encode(code.roll((1, 2), (2, 3)))[0]
    torch.testing.assert_close(moved, mean.roll((1, 2), (2, 3)))


def test_the_generator_decides(prior):
    first, again, other = (prior.sample((4, 6), change=0.3, generator=seeded(seed)) for seed in (1, 1, 2))
    assert first.shape == (1, 5, 4, 6)
    assert torch.equal(first, again)
    assert not torch.allclose(first, other)


def test_change_is_the_share_that_differs_within_the_picture():
    """Seen through a decoder that changes nothing."""
    plain = CodePrior(3, latent=3)
    plain.decoder = torch.nn.Identity()
    plain.anchor = torch.nn.Parameter(torch.zeros(()))
    for change in (0.0, 0.3, 1.0):
        drawn = torch.cat([plain.sample((8, 8), change=change, generator=seeded(seed)) for seed in range(400)])
        assert float(drawn.var((2, 3)).mean()) <= change + 0.05
        assert float(drawn.mean((2, 3)).var()) >= 0.8 * (1 - change)
        assert float(drawn[..., 0, 0].var()) == pytest.approx(1, abs=0.25)
    steps = drawn.diff(dim=-1).abs().mean()
    assert steps < 0.8 * drawn.std()  # neighbours are alike


def test_every_parameter_learns():
    prior = CodePrior(5, latent=3, width=8)
    mean, log_variance = prior.encode(torch.randn(1, 5, 2, 2, generator=seeded()))
    (prior.decode(mean).square().sum() + log_variance.square().sum()).backward()
    assert all(one.grad is not None and one.grad.abs().sum() > 0 for one in prior.parameters())


def test_a_space_samples_codes_of_the_pictures_size():
    space = BasisSpace(count=4, side=5, stride=8, latent=3)
    code = space.sample((20, 33), generator=seeded())
    assert code.shape == space.rest_code((20, 33)).shape
    picture = torch.rand(1, 3, 20, 33, generator=seeded())
    assert space.reblur(picture, code).isfinite().all()
    with pytest.raises(UsageError, match="no prior"):
        BasisSpace(count=4, side=5, stride=8).sample((20, 33))
