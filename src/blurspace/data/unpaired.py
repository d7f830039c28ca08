"""How is a random piece cut out of pictures without partners?

Only mirrored from left to right, never turned: a camera on a mount blurs along an axis, and a quarter turn would make
another camera's blur of it.
"""

from collections.abc import Sequence

import torch
from torch import Generator, Tensor

from blurspace.data.crops import draw_index
from blurspace.errors import NoInputError
from blurspace.types import Image


def draw_unturned(stacks: Sequence[Tensor], generator: Generator, *, count: int, side: int) -> Tensor:
    """Random squares of `side` px, (count n 3 side side) in [0, 1], out of stacks that are uint8 (n 3 h w).

    The n pictures of a stack are cut at the same place. Raises NoInputError where every stack is smaller than `side`.
    """
    big_enough = [stack for stack in stacks if min(stack.shape[-2:]) >= side]
    if not big_enough:
        largest = max((min(stack.shape[-2:]) for stack in stacks), default=0)
        raise NoInputError(
            f"crops of {side} px were wanted and the pictures have at most {largest} px on their shorter side: give "
            "bigger pictures"
        )
    return torch.stack([_piece(big_enough, generator, side) for _ in range(count)]).float() / 255


class UnpairedPhotos:
    """Pictures uint8 (3 h w) of a camera, without partners."""

    def __init__(self, pictures: Sequence[Tensor]) -> None:
        """Keep them."""
        self.stacks = [picture[None] for picture in pictures]

    def draw(self, generator: Generator, *, count: int, side: int) -> Image:
        """Random squares, (count 3 side side) in [0, 1]: see `draw_unturned`."""
        return draw_unturned(self.stacks, generator, count=count, side=side)[:, 0]


def _piece(stacks: Sequence[Tensor], generator: Generator, side: int) -> Tensor:
    stack = stacks[draw_index(len(stacks), generator)]
    top, left = (draw_index(length - side + 1, generator) for length in stack.shape[-2:])
    piece = stack[..., top : top + side, left : left + side]
    return piece.flip(-1) if draw_index(2, generator) else piece
