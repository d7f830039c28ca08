"""Which codes are likely? A variational autoencoder of codes, cell by cell, and how to draw a whole map from it.

The variational option of Tran et al. 2021. Theirs draws each cell apart from the next; a camera's shake is one for the
whole picture and changes slowly, so ours draws one latent for all cells and a smooth change of it.
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from blurspace.types import Code

CHANGE_NODES = 4  # nodes of the smooth change along each side of the picture: our choice


class CodePrior(nn.Module):
    """Encodes and decodes the cells of codes of `channels`, by `latent` numbers each that are drawn N(0, 1)."""

    def __init__(self, channels: int, *, latent: int = 16, width: int = 128) -> None:
        """Weights are random until loaded or trained."""
        super().__init__()
        self.latent = latent
        self.encoder = _cellwise(channels, width, 2 * latent)
        self.decoder = _cellwise(latent, width, channels)

    def encode(self, code: Code) -> tuple[Tensor, Tensor]:
        """Mean and log variance (b latent p q) of what stands for each cell of a code (b channels p q)."""
        return self.encoder(code).chunk(2, 1)

    def decode(self, latent: Tensor) -> Code:
        """The code (b channels p q) of latent numbers (b latent p q)."""
        return self.decoder(latent)

    def sample(self, cells: tuple[int, int], *, change: float, generator: Generator | None = None) -> Code:
        """A drawn code (1 channels p q) for `cells` (p, q); each cell alone is as likely as the pairs' were.

        `change` in [0, 1]: the share of the variance that differs within the picture. `generator`: on the CPU.
        """
        whole = torch.randn(1, self.latent, 1, 1, generator=generator)
        nodes = torch.randn(1, self.latent, CHANGE_NODES, CHANGE_NODES, generator=generator)
        smooth = functional.interpolate(nodes, cells, mode="bicubic", align_corners=True)
        device = next(self.parameters()).device
        return self.decode(((1 - change) ** 0.5 * whole + change**0.5 * smooth).to(device))


def _cellwise(inputs: int, width: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, width, 1), nn.GELU(), nn.Conv2d(width, width, 1), nn.GELU(), nn.Conv2d(width, outputs, 1)
    )
