"""How does a kernel space learn which codes are likely? From the cells of many codes, by a variational autoencoder.

Kingma and Welling 2014, equation 10. How far a decoded cell is off is measured as it is seen in pictures, by the
space's metric; so no picture is needed once the codes are there, and a step takes a millisecond.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor, nn

from blurspace.io.weights import load_into, read_weights
from blurspace.losses import divergence
from blurspace.nets.kernel_space import BasisSpace
from blurspace.train.kernel_space import BasisNetwork
from blurspace.train.on_pairs import PairSettings, pair_source
from blurspace.train.on_triplets import VALIDATION_SEED, Report
from blurspace.train.settings import AdamSettings, LoopSettings, Strict
from blurspace.train.steps import chance, descend, make_adam, seeded
from blurspace.types import Pair

# What an exponent that is off by 1 counts, as a mean square error of the picture: REDS at the wrong end of the curves
# is off by about 3 %.
CURVE_ERROR = 0.03**2


class LatentSettings(BasisNetwork):
    """The arguments of `nets.kernel_space.BasisSpace`, with a prior."""

    latent: int = Field(default=16, gt=0)


class CodePriorRecipe(Strict):
    """Recipe of task "code prior": `start` is the space whose codes are learned, which stays as it is.

    `collected`: batches of pairs whose codes are read before the training. `cells`: of them in a batch. `error`: the
    root mean square error of the picture that costs half a nat, in [0, 1].
    """

    task: Literal["code prior"]
    loop: LoopSettings
    adam: AdamSettings
    data: PairSettings
    space: LatentSettings
    start: Path
    collected: int = Field(default=256, gt=0)
    cells: int = Field(default=256, gt=0)
    error: float = Field(default=0.01, gt=0)


class CodePriorTask:
    """A `loop.Task`; only the prior learns."""

    def __init__(self, recipe: CodePriorRecipe, *, data: Path, device: str, report: Report) -> None:
        """Read the codes. Raises NoInputError and UsageError as the sources do, ModelError on a wrong start."""
        source = pair_source(recipe.data, data=data, device=device, report=report)
        with seeded(recipe.loop.seed):
            self.space = BasisSpace(**recipe.space.model_dump())
        assert self.space.prior is not None  # the settings want a latent number
        self.prior = self.space.prior
        old = {name: one for name, one in read_weights(recipe.start)[0].items() if not name.startswith("space.prior.")}
        new = {f"space.prior.{name}": one for name, one in self.prior.state_dict().items()}
        load_into({"space": self.space}, old | new)
        self.space.to(device).requires_grad_(False)
        self.prior.requires_grad_(True)
        self.networks: Mapping[str, nn.Module] = {"space": self.space}
        self.architecture: Mapping[str, Mapping[str, Any]] = {"space": recipe.space.model_dump()}
        adam = make_adam(self.prior.parameters(), recipe.adam)
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {"all": adam}
        self.clip, self.error, self.count = recipe.adam.clip, recipe.error, recipe.cells
        pairs = [source.draw(chance(recipe.loop.seed, index)) for index in range(recipe.collected)]
        self.metric = self._metric(pairs)
        self.codes, self.held_out = self._cells(pairs), self._cells(source.held_out)

    def batch(self, generator: Generator) -> tuple[Tensor, Tensor]:
        """Cells (n channels 1 1) and the noise of their latent numbers."""
        chosen = self.codes[torch.randint(len(self.codes), (self.count,), generator=generator)]
        noise = torch.randn(self.count, self.prior.latent, 1, 1, generator=generator)
        return chosen, noise.to(chosen)

    def step(self, batch: tuple[Tensor, Tensor]) -> dict[str, float]:
        """Down the negative evidence bound, in nats per cell."""
        codes, noise = batch
        mean, log_variance = self.prior.encode(codes)
        off = self._square_error(self.prior.decode(mean + (log_variance / 2).exp() * noise) - codes).mean()
        rest = divergence(mean, log_variance)
        loss = off / (2 * self.error**2) + rest
        gradient = descend(loss, self.optimisers["all"], clip=self.clip)
        return {"loss": float(loss.detach()), "divergence": float(rest.detach()), "gradient": gradient}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """On cells held out: root mean square errors, seen in pictures, of decoding, and of blur real and drawn."""
        decoded = self.prior.decode(self.prior.encode(self.held_out)[0])
        latent = torch.randn(4096, self.prior.latent, 1, 1, generator=chance(VALIDATION_SEED, 0))
        drawn = self.prior.decode(latent.to(self.held_out))
        found = {"decoded_error": decoded - self.held_out, "real_blur": self.held_out, "drawn_blur": drawn}
        return {name: float(self._square_error(change).mean().sqrt()) for name, change in found.items()}

    def _square_error(self, change: Tensor) -> Tensor:
        """Of cells (n channels 1 1), (n)."""
        weights, curve = change[:, :-1, 0, 0], change[:, -1, 0, 0]
        return ((weights @ self.metric) * weights).sum(1) + CURVE_ERROR * curve.square()

    def _metric(self, pairs: list[Pair]) -> Tensor:
        return torch.stack([self.space.metric(pair.sharp) for pair in pairs]).mean(0)

    @torch.no_grad()
    def _cells(self, pairs: list[Pair]) -> Tensor:
        codes = [self.space.extract(pair.sharp, pair.blurry) for pair in pairs]
        return torch.cat([code.movedim(1, -1).flatten(0, 2) for code in codes])[..., None, None]
