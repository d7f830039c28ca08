"""How does a kernel space learn which codes are likely? From the cells of many codes, by a variational autoencoder.

Kingma and Welling 2014, equation 10. How far a decoded cell is off is measured as it is seen in pictures, by the
space's metric; so no picture is needed once the codes are there, and a step takes a millisecond.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from blurspace.chance import chance, seeded
from blurspace.io.weights import load_into
from blurspace.losses import divergence
from blurspace.nets.code_prior import CodePrior
from blurspace.nets.kernel_space import BasisSpace
from blurspace.train.kernel_space import BasisNetwork
from blurspace.train.on_pairs import PairSettings, pair_source
from blurspace.train.one_loss import VALIDATION_SEED, OneLoss, Report, Source, read_start
from blurspace.train.settings import Recipe
from blurspace.types import Pair

# What an exponent that is off by 1 counts, as a mean square error of the picture (measured on REDS).
CURVE_ERROR = 0.03**2
DRAWN = 4096  # cells that are drawn in validation
Cells = tuple[Tensor, Tensor]  # (n channels 1 1), and the noise of their latent numbers


class LatentSettings(BasisNetwork):
    """The arguments of `nets.kernel_space.BasisSpace`, with a prior."""

    latent: int = Field(default=16, gt=0)


class CodePriorRecipe(Recipe):
    """Recipe of task "code prior": `start` is the space whose codes are learned, which stays as it is.

    `collected`: batches of pairs whose codes are read before the training. `cells`: of them in a batch. `error`: the
    root mean square error of the picture that costs half a nat, in [0, 1].
    """

    task: Literal["code prior"]
    data: PairSettings
    space: LatentSettings
    start: Path
    collected: int = Field(default=256, gt=0)
    cells: int = Field(default=256, gt=0)
    error: float = Field(default=0.01, gt=0)


def build_code_prior(recipe: CodePriorRecipe, *, data: Path, device: str, report: Report) -> OneLoss[Cells]:
    """Down the negative evidence bound, in nats per cell; only the prior learns.

    Measures root mean square errors, seen in pictures, of decoding, and of blur real and drawn. Raises NoInputError and
    UsageError as the sources do, ModelError on a wrong start.
    """
    source = pair_source(recipe.data, data=data, device=device, report=report)
    space, prior = _space(recipe, device)
    pairs = [source.draw(chance(recipe.loop.seed, index)) for index in range(recipe.collected)]
    metric = torch.stack([space.metric(pair.sharp) for pair in pairs]).mean(0)
    codes, held_out = _cells(space, pairs), _cells(space, source.held_out)

    def square_error(change: Tensor) -> Tensor:
        """Of cells (n channels 1 1), (n)."""
        weights, curve = change[:, :-1, 0, 0], change[:, -1, 0, 0]
        return ((weights @ metric) * weights).sum(1) + CURVE_ERROR * curve.square()

    def draw(generator: Generator) -> Cells:
        chosen = codes[torch.randint(len(codes), (recipe.cells,), generator=generator)]
        return chosen, torch.randn(recipe.cells, prior.latent, 1, 1, generator=generator).to(chosen)

    def loss(batch: Cells) -> dict[str, Tensor]:
        cells, noise = batch
        mean, log_variance = prior.encode(cells)
        off = square_error(prior.decode(mean + (log_variance / 2).exp() * noise) - cells).mean()
        rest = divergence(mean, log_variance)
        return {"loss": off / (2 * recipe.error**2) + rest, "divergence": rest}

    def measure(batch: Cells) -> dict[str, Tensor]:
        cells, noise = batch
        decoded = prior.decode(prior.encode(cells)[0])
        found = {"decoded_error": decoded - cells, "real_blur": cells, "drawn_blur": prior.decode(noise)}
        return {name: square_error(change).mean().sqrt()[None] for name, change in found.items()}

    noise = torch.randn(DRAWN, prior.latent, 1, 1, generator=chance(VALIDATION_SEED, 0)).to(held_out)
    return OneLoss(
        {"space": (space, recipe.space)},
        source=Source(draw, [(held_out, noise)]),
        adam=recipe.adam,
        loss=loss,
        measure=measure,
        learning=prior.parameters(),
    )


def _space(recipe: CodePriorRecipe, device: str) -> tuple[BasisSpace, CodePrior]:
    """The space, whose codes stay as they are, and its prior, which is to learn."""
    with seeded(recipe.loop.seed):
        space = BasisSpace(**recipe.space.model_dump())
    assert space.prior is not None  # the settings want a latent number
    old = {name: one for name, one in read_start(recipe.start)[0].items() if not name.startswith("space.prior.")}
    new = {f"space.prior.{name}": one for name, one in space.prior.state_dict().items()}
    load_into({"space": space}, old | new)
    space.to(device).requires_grad_(False)
    return space, space.prior.requires_grad_(True)


@torch.no_grad()
def _cells(space: BasisSpace, pairs: Sequence[Pair]) -> Tensor:
    codes = [space.extract(pair.sharp, pair.blurry) for pair in pairs]
    return torch.cat([code.movedim(1, -1).flatten(0, 2) for code in codes])[..., None, None]
