"""How is a random piece cut out of pictures without partners?

Only mirrored from left to right, never turned: a camera on a mount blurs along an axis, and a quarter turn would make
another camera's blur of it.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from blurspace.data.crops import draw_square
from blurspace.types import Image


def draw_unturned(stacks: Sequence[Tensor], generator: Generator, *, count: int, side: int) -> Tensor:
    """Random squares of `side` px, (count n 3 side side) in [0, 1], out of stacks that are uint8 (n 3 h w).

    The n pictures of a stack are cut at the same place. Raises NoInputError where every stack is smaller than `side`.
    """
    drawn = [draw_square(stacks, generator, side=side, named="the pictures", upright=True) for _ in range(count)]
    return torch.stack(drawn).float() / 255


class UnpairedPhotos:
    """Pictures uint8 (3 h w) of a camera, without partners."""

    def __init__(self, pictures: Sequence[Tensor]) -> None:
        """Keep them."""
        self.stacks = [picture[None] for picture in pictures]

    def draw(self, generator: Generator, *, count: int, side: int) -> Image:
        """Random squares, (count 3 side side) in [0, 1]: see `draw_unturned`."""
        return draw_unturned(self.stacks, generator, count=count, side=side)[:, 0]
