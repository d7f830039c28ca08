"""Does a latent stay on its sphere, whatever is done to it?"""

import pytest
import torch

from blurspace.chance import chance
from blurspace.nets.sphere import OnSphere, geocross, on_sphere


def lengths(latent):
    return latent.norm(dim=1)


def test_vectors_are_brought_to_the_root_of_their_numbers():
    drawn = 9 * torch.randn(2, 16, 5, generator=chance(0, 0))
    torch.testing.assert_close(lengths(on_sphere(drawn, 1)), torch.full((2, 5), 4.0))
    torch.testing.assert_close(on_sphere(drawn, 1), on_sphere(0.1 * drawn, 1))


@pytest.mark.parametrize("rate", [0.1, 0.5, 30.0])
def test_no_step_leaves_the_sphere(rate):
    latent, wanted = OnSphere(torch.randn(1, 16, 5, generator=chance(0, 1)), 1), torch.full((1, 16, 5), 100.0)
    adam = torch.optim.Adam(latent.parameters(), lr=rate)
    for _ in range(40):
        adam.zero_grad()
        (latent() - wanted).square().mean().backward()
        adam.step()
        torch.testing.assert_close(lengths(latent()), torch.full((1, 5), 4.0))
    assert bool((latent() * wanted).sum(1).gt(0).all())


def test_what_points_off_the_sphere_is_no_slope():
    latent = OnSphere(torch.randn(1, 8, 3, generator=chance(0, 2)), 1)
    latent().square().sum().backward()
    torch.testing.assert_close(latent.free.grad, torch.zeros(1, 8, 3), atol=1e-5, rtol=0)


def test_geocross_is_the_mean_squared_angle():
    right = torch.eye(2)
    assert float(geocross(right)) == pytest.approx((torch.pi / 2) ** 2 / 2, rel=1e-3)  # two of four are with themselves
    assert float(geocross(torch.ones(3, 4))) == pytest.approx(0, abs=1e-6)
    vectors = torch.nn.Parameter(torch.ones(3, 4))
    geocross(vectors).backward()
    assert bool(vectors.grad.isfinite().all())
