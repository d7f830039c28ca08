"""How is a kernel space trained? So that what it makes of a pair's sharp picture is the pair's blurry one.

Tran, Tran, Phung and Hoai 2021, equation 4: the Charbonnier distance of y and F(x, G(x, y)), F and G together.
"""

from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from blurspace.chance import seeded
from blurspace.losses import charbonnier, divergence
from blurspace.metrics import psnr
from blurspace.nets.encoder_space import EncoderSpace
from blurspace.nets.kernel_space import BasisSpace
from blurspace.train.filters import START_BATCHES, start_filters
from blurspace.train.on_pairs import PairSettings, pair_source
from blurspace.train.one_loss import OneLoss, Report, Source, load_start
from blurspace.train.settings import Recipe, Strict
from blurspace.types import Pair


class BasisNetwork(Strict):
    """The arguments of `nets.kernel_space.BasisSpace`, with its defaults."""

    count: int = 48
    side: int = 33
    stride: int = 32
    latent: int = 0


class EncoderNetwork(Strict):
    """The arguments of `nets.encoder_space.EncoderSpace`, with its defaults, which are the published sizes."""

    width: int = 64
    code_width: int = 512
    front_blocks: int = 10
    back_blocks: int = 20
    extractor_blocks: int = 4
    variational: bool = False


class KernelSpaceRecipe(Recipe):
    """Recipe of task "kernel space"; `start`: weights to start from, else filters made from the pairs."""

    task: Literal["kernel space"]
    data: PairSettings
    space: BasisNetwork = BasisNetwork()
    start: Path | None = None
    start_batches: int = Field(default=START_BATCHES, gt=0, description="of pairs that the filters are made from")


class EncoderSpaceRecipe(Recipe):
    """Recipe of task "encoder space"; `divergence`: weight of the variational term, per pixel value of the picture."""

    task: Literal["encoder space"]
    data: PairSettings
    space: EncoderNetwork = EncoderNetwork()
    divergence: float = 0.0
    start: Path | None = None


def build_kernel_space(recipe: KernelSpaceRecipe, *, data: Path, device: str, report: Report) -> OneLoss[Pair]:
    """The task of our space. Raises NoInputError and UsageError as the sources do, ModelError on a wrong start."""
    source = pair_source(recipe.data, data=data, device=device, report=report)
    with seeded(recipe.loop.seed):
        space = BasisSpace(**recipe.space.model_dump())
    if recipe.start is None:
        sizes = {"count": recipe.space.count, "side": recipe.space.side, "batches": recipe.start_batches}
        space.basis.data = start_filters(source.draw, **sizes)
    load_start({"space": space}, recipe.start)
    return OneLoss(
        {"space": (space.to(device), recipe.space)},
        source=source,
        adam=recipe.adam,
        loss=lambda pair: charbonnier(space(pair.sharp, pair.blurry), pair.blurry),
        measure=lambda pair: measure(pair, space),
    )


def build_encoder_space(
    recipe: EncoderSpaceRecipe, *, data: Path, device: str, report: Report
) -> OneLoss[tuple[Pair, Generator]]:
    """The task of the published space. Raises as `build_kernel_space` does."""
    pairs = pair_source(recipe.data, data=data, device=device, report=report)
    with seeded(recipe.loop.seed):
        space = EncoderSpace(**recipe.space.model_dump())
    load_start({"space": space}, recipe.start)

    def loss(batch: tuple[Pair, Generator]) -> Tensor:
        pair, generator = batch
        if not recipe.space.variational:
            return charbonnier(space(pair.sharp, pair.blurry), pair.blurry)
        mean, log_variance = space.encode(pair.sharp, pair.blurry)
        # Kingma and Welling 2014, equation 10: the code is drawn, so that its neighbours mean the same.
        noise = torch.randn(mean.shape, generator=generator).to(mean)
        code = mean + (log_variance / 2).exp() * noise
        rest = recipe.divergence * divergence(mean, log_variance) / pair.blurry[0].numel()
        return charbonnier(space.reblur(pair.sharp, code), pair.blurry) + rest

    held_out = [(piece, Generator()) for piece in pairs.held_out]
    return OneLoss(
        {"space": (space.to(device), recipe.space)},
        source=Source(lambda generator: (pairs.draw(generator), generator), held_out),  # for the code's noise
        adam=recipe.adam,
        loss=loss,
        measure=lambda batch: measure(batch[0], space),
    )


def measure(pair: Pair, space: BasisSpace | EncoderSpace) -> dict[str, Tensor]:
    """PSNR (dB) of what the space makes of a pair, of the sharp picture instead, and with another pair's code."""
    code = space.extract(pair.sharp, pair.blurry)
    found = {"psnr": space.reblur(pair.sharp, code), "sharp_psnr": pair.sharp}
    if len(code) > 1:  # how much of the result is in the code: a space that ignores it loses nothing here
        found["swapped_psnr"] = space.reblur(pair.sharp, code.roll(1, 0))
    return {name: psnr(picture.clamp(0, 1), pair.blurry) for name, picture in found.items()}
