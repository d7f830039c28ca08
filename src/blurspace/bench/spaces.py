"""What do the protocols about kernel spaces share? The folders they need, a quick training, and a yardstick."""

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.bench.methods import MOST_DB
from blurspace.blur.curve import from_light, to_light
from blurspace.chance import chance, seeded
from blurspace.data.layouts import find_pairs
from blurspace.data.pairs import PairPhotos
from blurspace.data.sources import Source
from blurspace.io.files import find_photos
from blurspace.io.images import read_photo
from blurspace.levels import to_8_bits
from blurspace.losses import charbonnier
from blurspace.metrics import psnr
from blurspace.nets.kernel_space import BasisSpace
from blurspace.nets.restorer import Restorer
from blurspace.pixels import central
from blurspace.train import filters
from blurspace.train.steps import descend
from blurspace.types import Image, Pair

# As in recipes/kernel-space.toml.
RATE, CLIP, BATCH = 3e-4, 0.1, 4
# A fitted kernel may be noisy where the picture has no texture; this is far below any texture's power.
RIDGE = 1e-3
BAND = 16  # rows of pixels at once
Batch = Callable[[torch.Generator], Pair]


def trained_space(draw: Source, *, count: int, side: int, steps: int, seed: int) -> BasisSpace:
    """A space made from the source's pairs: its first filters, then `steps` steps down the Charbonnier distance."""

    def batch(generator: torch.Generator) -> Pair:
        return draw(generator, BATCH)

    space = BasisSpace(count=count, side=side)
    space.basis.data = filters.start_filters(batch, count=count, side=side, batches=filters.START_BATCHES)

    def loss(pair: Pair) -> Tensor:
        return charbonnier(space(pair.sharp, pair.blurry), pair.blurry)

    fit(space, loss, batch, steps=steps, seed=seed, rate=RATE, clip=CLIP)
    return space


def trained_restorer(
    batch: Batch, *, widths: tuple[int, ...], steps: int, seed: int, rate: float, clip: float
) -> Restorer:
    """A small deblurrer, trained down the Charbonnier distance on batches of pairs."""
    with seeded(seed):
        restorer = Restorer(widths=widths)

    def loss(pair: Pair) -> Tensor:
        return charbonnier(restorer(pair.blurry), pair.sharp)

    fit(restorer, loss, batch, steps=steps, seed=seed, rate=rate, clip=clip)
    return restorer


def fit(
    network: nn.Module, loss: Callable[[Pair], Tensor], batch: Batch, *, steps: int, seed: int, rate: float, clip: float
) -> None:
    """Adam down the loss for `steps` batches, its rate falling to 0; the network is frozen afterwards."""
    adam = torch.optim.Adam(network.parameters(), lr=rate)
    for step in range(steps):
        descend(loss(batch(chance(seed, step))), adam, clip=clip)
        for group in adam.param_groups:
            group["lr"] = rate * (1 - (step + 1) / steps)
    network.eval().requires_grad_(False)


def all_pairs(path: Path) -> PairPhotos:
    """The pairs of a folder, in memory."""
    return PairPhotos(find_pairs(path))


def halved(pair: Pair) -> Pair:
    """A pair at half its size, averaged 2 x 2."""
    return Pair(functional.avg_pool2d(pair.sharp, 2), functional.avg_pool2d(pair.blurry, 2))


def crops(path: Path, side: int, *, limit: int | None = None) -> list[Image]:
    """The central square of each photo in a folder, at most `side` px, as RGB."""
    photos = (read_photo(one).pixels.expand(-1, 3, -1, -1) for one in find_photos([path])[:limit])
    return [central(photo, side, side) for photo in photos]


def rounded_psnr(one: Image, other: Image) -> float:
    """dB between pictures (1 c h w) after clamping and rounding to 8 bits; MOST_DB where nothing is left."""
    return min(float(psnr(to_8_bits(one), to_8_bits(other))), MOST_DB)


def best_uniform_psnr(pair: Pair, *, exponents: Sequence[float], side: int) -> float:
    """The best that one kernel of `side` px can do: the exact least-squares kernel, free of any rule, in any light."""
    return max(rounded_psnr(_by_one_kernel(pair, exponent, side), pair.blurry) for exponent in exponents)


def _by_one_kernel(pair: Pair, exponent: float, side: int) -> Image:
    curve = torch.tensor(exponent)
    light, wanted = (to_light(picture, curve) for picture in (pair.sharp, pair.blurry))
    extended = functional.pad(light, (side // 2,) * 4, mode="replicate")
    kernel = _least_squares(extended.mean(1)[0], wanted.mean(1)[0], side)
    blurred = functional.conv2d(extended.movedim(1, 0), kernel.view(1, 1, side, side)).movedim(0, 1)
    return from_light(blurred, curve)


def _least_squares(extended: Tensor, wanted: Tensor, side: int) -> Tensor:
    """The (flipped) kernel that makes `wanted` (h w) of `extended`, by its normal equations."""
    patches = extended.unfold(0, side, 1).unfold(1, side, 1)
    gram, match = torch.zeros(side**2, side**2), torch.zeros(side**2)
    for top in range(0, len(wanted), BAND):
        rows = patches[top : top + BAND].reshape(-1, side**2)
        gram += rows.T @ rows
        match += rows.T @ wanted[top : top + BAND].flatten()
    return torch.linalg.solve(gram + RIDGE * torch.eye(side**2), match)
