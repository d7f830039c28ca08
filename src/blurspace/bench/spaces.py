"""What do the protocols about kernel spaces share? The folders they need, a quick training, and a yardstick."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.bench.methods import CLASSICAL, MOST_DB, check_method
from blurspace.blur.curve import from_light, to_light
from blurspace.data.layouts import find_pairs
from blurspace.data.pairs import PairPhotos
from blurspace.data.sources import Source
from blurspace.errors import NoInputError
from blurspace.io.files import find_photos
from blurspace.io.images import read_photo
from blurspace.levels import to_8_bits
from blurspace.losses import charbonnier
from blurspace.metrics import psnr
from blurspace.nets.kernel_space import BasisSpace
from blurspace.train.filters import start_filters
from blurspace.train.steps import chance, descend
from blurspace.types import Image, Pair

METHOD = "kernel-space"
# As in recipes/kernel-space.toml.
RATE, CLIP, BATCH = 3e-4, 0.1, 4
# A fitted kernel may be noisy where the picture has no texture; this is far below any texture's power.
RIDGE = 1e-3
BAND = 16  # rows of pixels at once


def check_space(method: str) -> None:
    """These protocols measure the kernel space only; the door's default method means the same here."""
    check_method(method, (CLASSICAL, METHOD))


def folder(data: Path, *parts: str) -> Path:
    """A folder or file within the data. Raises NoInputError where it is missing."""
    path = data.joinpath(*parts)
    if not path.exists():
        raise NoInputError(f"{path} is missing: give --data a folder that holds {'/'.join(parts)}")
    return path


def trained_space(draw: Source, *, count: int, side: int, steps: int, seed: int) -> BasisSpace:
    """A space made from the source's pairs: its first filters, then `steps` steps down the Charbonnier distance."""

    def batch(generator: torch.Generator) -> Pair:
        return draw(generator, BATCH)

    space = BasisSpace(count=count, side=side)
    space.basis.data = start_filters(batch, count=count, side=side)

    def loss(pair: Pair) -> Tensor:
        return charbonnier(space(pair.sharp, pair.blurry), pair.blurry)

    fit(space, loss, batch, steps=steps, seed=seed, rate=RATE, clip=CLIP)
    return space


def fit(
    network: nn.Module,
    loss: Callable[[Pair], Tensor],
    batch: Callable[[torch.Generator], Pair],
    *,
    steps: int,
    seed: int,
    rate: float,
    clip: float,
) -> None:
    """Adam down the loss for `steps` batches, its rate falling to 0; the network is frozen afterwards."""
    adam = torch.optim.Adam(network.parameters(), lr=rate)
    for step in range(steps):
        descend(loss(batch(chance(seed, step))), adam, clip=clip)
        for group in adam.param_groups:
            group["lr"] = rate * (1 - (step + 1) / steps)
    network.eval().requires_grad_(False)


def spaced_pairs(path: Path, count: int) -> Iterator[Pair]:
    """`count` whole pairs of a folder, evenly spaced."""
    files = find_pairs(path)
    photos = PairPhotos([files[index * len(files) // count] for index in range(count)])
    return (photos.whole(index) for index in range(len(photos)))


def crops(path: Path, side: int, *, limit: int | None = None) -> list[tuple[str, Image]]:
    """The central square of each photo in a folder, by name, as RGB."""
    found = [(one.name, read_photo(one).pixels.expand(-1, 3, -1, -1)) for one in find_photos([path])[:limit]]
    return [(name, central(picture, side)) for name, picture in found]


def central(picture: Image, side: int) -> Image:
    """The central square of at most `side` px."""
    height, width = (min(side, length) for length in picture.shape[-2:])
    top, left = (picture.shape[-2] - height) // 2, (picture.shape[-1] - width) // 2
    return picture[..., top : top + height, left : left + width]


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
