"""How does a latent stay on its sphere, the only place where a generator was shown any?

Menon et al. 2020 (PULSE), section 3.3: in high dimensions all normal draws lie near a sphere, so a search that leaves
it leaves what the generator knows.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

LEAST = 1e-9  # under a root: a slope at 0 (the released code's)


def on_sphere(latent: Tensor, dim: int) -> Tensor:
    """Vectors along `dim`, of any length but 0, each brought to the root of how many numbers it has."""
    return functional.normalize(latent, dim=dim) * latent.shape[dim] ** 0.5


class OnSphere(nn.Module):
    """A latent to be searched that gives vectors on their spheres, whatever an optimiser does: `start`, along `dim`.

    Spherical projected gradient: what points off the sphere falls out of the slope here, and what a step of finite
    length leaves it by does not count.
    """

    def __init__(self, start: Tensor, dim: int) -> None:
        """Begin at a latent, or where its vectors point."""
        super().__init__()
        self.dim = dim
        self.free = nn.Parameter(on_sphere(start.detach(), dim).clone())

    def forward(self) -> Tensor:
        """The latent, of the shape of the start."""
        return on_sphere(self.free, self.dim)


def geocross(vectors: Tensor) -> Tensor:
    """How far vectors (n d) are from each other on their sphere: the mean of all squared angles, in radians; a scalar.

    So a latent for each layer costs more, the less they are alike. Menon et al. 2020, section 5: GEOCROSS, by a mean.
    """
    unit = functional.normalize(vectors, dim=-1)
    one, other = unit[:, None], unit[None]
    chord, sum_ = ((both.square().sum(-1) + LEAST).sqrt() for both in (one - other, one + other))
    return (2 * torch.atan2(chord, sum_)).square().mean()
