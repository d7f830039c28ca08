"""What do all tasks on sharp-blurry pairs share? They draw a batch, descend one loss, and measure on pairs held out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from blurspace.blur.cameras import CAMERAS
from blurspace.data import degradations, sources
from blurspace.data.crops import Part, SharpPhotos
from blurspace.data.layouts import find_pairs
from blurspace.data.pairs import PairPhotos, split_by_scene
from blurspace.train.on_triplets import VALIDATION_SEED, Report, sharp_photos
from blurspace.train.settings import AdamSettings, Strict
from blurspace.train.steps import chance, descend, make_adam
from blurspace.types import Pair

Kind = Literal["shakes", "hand", "wheel", "belt", "mast", "lines", "practical", "realistic", "pairs"]
# The degradations that deblurrers are published with: see `data.degradations`.
SPOILT: dict[str, Callable[..., sources.Source]] = {
    "lines": degradations.from_lines,
    "practical": degradations.from_practical_degradation,
    "realistic": degradations.from_realistic_synthesis,
}
Loss = Callable[[Pair, torch.Generator], Tensor]


class PairSettings(Strict):
    """Where pairs come from; lengths in px.

    `kinds`, all equally likely: "shakes", uniform blur by drawn kernels of `extents`; names of `blur.cameras.CAMERAS`,
    scenes before these cameras; names in `SPOILT`; "pairs", where --data is a folder of pairs in one of `data.layouts`
    and not of sharp photos.
    """

    kinds: tuple[Kind, ...] = Field(min_length=1)
    side: int = Field(gt=0)
    batch: int = Field(gt=0)
    extents: tuple[float, float] = (1.0, 31.0)
    kernel_side: int = Field(default=33, gt=0)
    sigmas: tuple[float, float] = (0.0, 0.0)
    other_share: float = Field(default=0.3, ge=0, le=1)
    validation: int = Field(default=32, gt=0, description="pairs that training never sees")
    limit: int | None = Field(default=None, gt=0, description="read only so many photos or pairs of each part")

    @model_validator(mode="after")
    def _one_folder(self) -> "PairSettings":
        if "pairs" in self.kinds and len(self.kinds) > 1:
            raise ValueError("kinds has pairs and others, and --data is one folder: give pairs alone, or the others")
        return self


@dataclass(frozen=True)
class PairSource:
    """Draws training batches with `draw`; `held_out` are the validation pairs, in pieces of one batch."""

    draw: Callable[[torch.Generator], Pair]
    held_out: list[Pair]


@dataclass(frozen=True)
class PairTask:
    """A `loop.Task`: one loss, one optimiser.

    `loss` returns a scalar, and takes its chance from the generator it is given; `measure` one number per pair (b,).
    """

    networks: Mapping[str, nn.Module]
    optimisers: Mapping[str, torch.optim.Optimizer]
    architecture: Mapping[str, Mapping[str, Any]]
    source: PairSource
    loss: Loss
    measure: Callable[[Pair], dict[str, Tensor]]
    clip: float | None

    def batch(self, generator: torch.Generator) -> tuple[Pair, torch.Generator]:
        """Draw one batch, on the networks' device; the generator goes on to the loss."""
        return self.source.draw(generator), generator

    def step(self, batch: tuple[Pair, torch.Generator]) -> dict[str, float]:
        """One step down the loss."""
        loss = self.loss(*batch)
        return {"loss": float(loss.detach()), "gradient": descend(loss, self.optimisers["all"], clip=self.clip)}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The mean of each measure over all pairs held out."""
        rows = [self.measure(piece) for piece in self.source.held_out]
        return {name: float(torch.cat([row[name] for row in rows if name in row]).mean()) for name in rows[0]}


def pair_source(settings: PairSettings, *, data: Path, device: str, report: Report) -> PairSource:
    """Read the photos or pairs in `data`, split by name or by scene, and draw the validation pairs.

    Raises NoInputError and UsageError as those who read do, before any training.
    """
    training, held_out = (_source(settings, data, part, report) for part in ("train", "held out"))
    validation = held_out(chance(VALIDATION_SEED, 0), settings.validation)
    pieces = zip(validation.sharp.split(settings.batch), validation.blurry.split(settings.batch), strict=True)
    return PairSource(
        lambda generator: to_device(training(generator, settings.batch), device),
        [to_device(Pair(sharp, blurry), device) for sharp, blurry in pieces],
    )


def pair_task(
    networks: Mapping[str, nn.Module],
    *,
    architecture: Mapping[str, Mapping[str, Any]],
    source: PairSource,
    adam: AdamSettings,
    loss: Loss,
    measure: Callable[[Pair], dict[str, Tensor]],
) -> PairTask:
    """A task with one Adam over all the networks, which must be on their device already."""
    parameters = [one for network in networks.values() for one in network.parameters()]
    optimiser = make_adam(parameters, adam)
    return PairTask(networks, {"all": optimiser}, architecture, source, loss, measure, adam.clip)


def to_device(pair: Pair, device: str) -> Pair:
    """The same pair on another device."""
    return Pair(pair.sharp.to(device), pair.blurry.to(device))


def _source(settings: PairSettings, data: Path, part: Part, report: Report) -> sources.Source:
    if "pairs" in settings.kinds:
        files = split_by_scene(find_pairs(data))[0 if part == "train" else 1]
        pairs = PairPhotos(files, limit=settings.limit)
        for sentence in pairs.skipped:
            report(f"left out: {sentence}")
        return sources.from_pairs(pairs.pairs, side=settings.side)
    photos = sharp_photos(data, part=part, limit=settings.limit, report=report)
    return sources.mixed([_made(kind, settings, photos) for kind in settings.kinds])


def _made(kind: Kind, settings: PairSettings, photos: SharpPhotos) -> sources.Source:
    if kind in SPOILT:
        return SPOILT[kind](photos, side=settings.side)
    if kind in CAMERAS:
        return sources.from_scenes(photos, CAMERAS[kind], side=settings.side)
    return sources.from_shakes(
        photos,
        side=settings.side,
        kernel_side=settings.kernel_side,
        extents=settings.extents,
        sigmas=settings.sigmas,
        other_share=settings.other_share,
    )
