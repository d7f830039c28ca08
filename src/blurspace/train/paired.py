"""How does a deblurrer learn from the pairs that videos of its camera hold? By the distance to the trusted pixels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Generator, Tensor, nn

from blurspace.builders import make_network, read_file
from blurspace.catalog import AT_ONCE, CHECKPOINT
from blurspace.chance import seeded
from blurspace.data.unpaired import draw_unturned
from blurspace.io.weights import load_into
from blurspace.losses import charbonnier
from blurspace.metrics import psnr
from blurspace.train.adapt import TranslatorRecipe
from blurspace.train.steps import Descent, Step, make_adam, means
from blurspace.video.partners import Trusted

FRESH = "restorer"
WIDTHS = {"widths": (32, 48, 64)}  # of a network that starts from nothing: as the shipped known deblurrer (ours)


class PairedTask:
    """A `loop.Task`: one network that restores at once, down the Charbonnier distance where the pairs are trusted.

    `stacks`, `held_out`: as `video.partners.ClipPair` has them. `start`: weights of a network to start from, if there
    are any of ours; else a small one starts from doing nothing. Crops, batches and rates are those of the recipe.
    """

    def __init__(
        self,
        recipe: TranslatorRecipe,
        stacks: Sequence[Tensor],
        held_out: Sequence[Tensor],
        *,
        start: Path | None = None,
        device: str = "cpu",
    ) -> None:
        """Make the network and its optimiser."""
        self.stacks, self.data, self.clip, self.device = stacks, recipe.data, recipe.adam.clip, device
        self.held_out = [Trusted.of(one, device) for one in held_out]
        with seeded(recipe.loop.seed):
            self.kind, arguments, network = _network(start)
        self.network = network.to(device)
        self.networks: Mapping[str, nn.Module] = {self.kind: self.network}
        self.architecture: Mapping[str, Mapping[str, Any]] = {self.kind: arguments}
        self.optimisers = {"all": make_adam(self.network.parameters(), recipe.adam)}

    def batch(self, generator: Generator) -> Trusted:
        """Crops, at most mirrored: a camera on a mount blurs along an axis."""
        drawn = draw_unturned(self.stacks, generator, count=self.data.batch, side=self.data.side)
        return Trusted.of(drawn, self.device)

    def step(self, batch: Trusted) -> Step:
        """One step down the loss."""
        loss = charbonnier(self.network(batch.blurry), batch.sharp, trust=batch.trust)
        gradient = yield Descent(loss, self.optimisers["all"], self.clip)
        return {"loss": float(loss.detach()), "gradient": gradient}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """PSNR within the trust of what training never sees, restored and as it is."""
        rows = []
        for one in self.held_out:
            pictures = {"psnr": self.network(one.blurry).clamp(0, 1), "blurry_psnr": one.blurry}
            rows.append({name: psnr(picture, one.sharp, trust=one.trust) for name, picture in pictures.items()})
        return means(rows)


def _network(start: Path | None) -> tuple[str, dict[str, Any], nn.Module]:
    """Its name in weights files, what it is built with, and itself, to be trained on."""
    file = None if start is None else read_file(start)
    kind = next((name for name in AT_ONCE if file is not None and name in file.networks), None)
    if file is None or kind in (None, CHECKPOINT):  # another project's cannot be written as ours
        return FRESH, dict(WIDTHS), make_network(FRESH, **WIDTHS)
    arguments = dict(file.about["architecture"][kind])
    network = make_network(kind, **arguments)
    load_into({kind: network}, {name: one for name, one in file.tensors.items() if name.startswith(f"{kind}.")})
    return kind, arguments, network
