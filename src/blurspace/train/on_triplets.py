"""What do all tasks on triplets share? They draw a batch, descend one loss, and measure on photos held out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from blurspace.data.crops import Part, SharpPhotos
from blurspace.data.triplets import Triplets, draw_triplets
from blurspace.train.settings import AdamSettings, TripletSettings
from blurspace.train.steps import chance, descend, make_adam

Report = Callable[[str], None]
# The seed of the validation triplets: always the same, whatever a recipe's seed, so that runs can be compared.
VALIDATION_SEED = 2020


@dataclass(frozen=True)
class TripletSource:
    """Draws training batches with `draw`; `held_out` are the validation triplets, in pieces of one batch."""

    draw: Callable[[torch.Generator], Triplets]
    held_out: list[Triplets]


@dataclass(frozen=True)
class TripletTask:
    """A `loop.Task`: one loss, one optimiser. `loss` returns a scalar, `measure` one number per triplet (b,) each."""

    networks: Mapping[str, nn.Module]
    optimisers: Mapping[str, torch.optim.Optimizer]
    architecture: Mapping[str, Mapping[str, Any]]
    source: TripletSource
    loss: Callable[[Triplets], Tensor]
    measure: Callable[[Triplets], dict[str, Tensor]]
    clip: float | None

    def batch(self, generator: torch.Generator) -> Triplets:
        """Draw one batch, on the networks' device."""
        return self.source.draw(generator)

    def step(self, batch: Triplets) -> dict[str, float]:
        """One step down the loss."""
        loss = self.loss(batch)
        return {"loss": float(loss.detach()), "gradient": descend(loss, self.optimisers["all"], clip=self.clip)}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The mean of each measure over all triplets held out."""
        rows = [self.measure(piece) for piece in self.source.held_out]
        return {name: float(torch.cat([row[name] for row in rows]).mean()) for name in rows[0]}


def sharp_photos(data: Path, *, part: Part, limit: int | None, report: Report) -> SharpPhotos:
    """The sharp photos of one part of `data`; reports those that cannot be read. Raises as `SharpPhotos`."""
    photos = SharpPhotos(data, limit=limit, part=part)
    for sentence in photos.skipped:
        report(f"left out: {sentence}")
    return photos


def triplet_source(
    settings: TripletSettings, *, data: Path, kernel_side: int, device: str, report: Report
) -> TripletSource:
    """Read the photos of folder `data`, split by name, and draw the validation triplets.

    Raises NoInputError and UsageError as `SharpPhotos` and `draw_triplets` do, before any training.
    """

    def photos(part: Part) -> SharpPhotos:
        return sharp_photos(data, part=part, limit=settings.limit, report=report)

    def draw(of: SharpPhotos, generator: torch.Generator, count: int) -> Triplets:
        return draw_triplets(
            of,
            generator,
            count=count,
            side=settings.side,
            kernel_side=kernel_side,
            extents=settings.extents,
            sigmas=settings.sigmas,
            camera=settings.camera,
            other_share=settings.other_share,
            device=device,
        )

    training = photos("train")
    held_out = draw(photos("held out"), chance(VALIDATION_SEED, 0), settings.validation)
    return TripletSource(lambda generator: draw(training, generator, settings.batch), held_out.split(settings.batch))


def triplet_task(
    networks: Mapping[str, nn.Module],
    *,
    architecture: Mapping[str, Mapping[str, Any]],
    source: TripletSource,
    adam: AdamSettings,
    loss: Callable[[Triplets], Tensor],
    measure: Callable[[Triplets], dict[str, Tensor]],
) -> TripletTask:
    """A task with one Adam over all the networks, which must be on their device already."""
    parameters = [parameter for one in networks.values() for parameter in one.parameters()]
    optimiser = make_adam(parameters, adam)
    return TripletTask(networks, {"all": optimiser}, architecture, source, loss, measure, adam.clip)
