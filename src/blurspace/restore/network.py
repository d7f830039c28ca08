"""How does a network that restores at once become a method that can be believed?

Such a network names no blur. So the driver lets the kernel space read from its result and the photo which blur lies
between them; the receipt then judges it like any other.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from blurspace.areas import Area
from blurspace.nets.kernel_space import BasisSpace
from blurspace.restore.driver import Found, Method
from blurspace.restore.observed import Observed, as_float
from blurspace.run import Run
from blurspace.types import Image

Network = Callable[[Image], Image]
# px: about what such networks look at around a pixel.
MARGIN = 64
# of memory, for a picture in colour: our measurement with the hungriest of them (Restormer), for those that do not say.
BYTES_PER_PX = 6200


def network_method(network: Network, space: BasisSpace, *, name: str) -> Method:
    """The method that is one network: (1 3 h w) -> (1 3 h w), display-referred, any size. Grey goes in as RGB."""
    return Method(
        name,
        find_nothing,
        AtOnce(network, bytes_per_px=getattr(network, "bytes_per_px", BYTES_PER_PX)).restorer,
        space=space,
    )


def find_nothing(seen: Observed, run: Run) -> Found:
    """The finder of methods whose blur is read from their result."""
    del seen, run
    return Found()


@dataclass(frozen=True)
class AtOnce:
    """What builds the restorer of a network, and is it."""

    network: Network
    margin: int = MARGIN
    multiple: int = 1
    bytes_per_px: int = BYTES_PER_PX

    def restorer(self, seen: Observed, found: Found, run: Run) -> "AtOnce":
        """Itself: a network knows no photo before it sees it."""
        del seen, found, run
        return self

    def __call__(self, tile: Image, area: Area, run: Run) -> Image:
        """What the network makes of a tile (1 c h w)."""
        del area
        with run.networks():
            return in_colour(self.network, tile)


@dataclass(frozen=True)
class AlreadyRestored:
    """The `Restorer` of a `picture` (1 c h w) that a method found together with its blur."""

    picture: Tensor
    margin: int = MARGIN
    multiple: int = 1
    bytes_per_px: int = 400

    def __call__(self, tile: Image, area: Area, run: Run) -> Image:
        """Its piece of the picture."""
        del run
        return as_float(area.cut(self.picture)).to(tile)


def in_colour(network: Network, picture: Image) -> Image:
    """What a network of RGB makes of a picture (1 c h w), grey or RGB, clamped to [0, 1], without gradients."""
    with torch.inference_mode():
        found = network(picture.expand(-1, 3, -1, -1)).float().clamp(0, 1)
    return (found.mean(1, keepdim=True) if picture.shape[1] == 1 else found).clone()
