"""What do all tasks with one loss share? They draw a batch, descend the loss, and measure on what is held out."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

import torch
from torch import Generator, Tensor, nn

from blurspace.data.crops import Part, SharpPhotos
from blurspace.data.triplets import Triplets
from blurspace.errors import ModelError
from blurspace.io.files import shown
from blurspace.io.weights import load_into, read_weights
from blurspace.metrics import psnr
from blurspace.train.settings import AdamSettings, Strict
from blurspace.train.steps import Descent, Step, make_adam, means
from blurspace.types import Image, Pair

Report = Callable[[str], None]
Network = tuple[nn.Module, Strict]  # on its device, and the arguments that it was built with
Batch = TypeVar("Batch")
PARTS: tuple[Part, Part] = ("train", "held out")
# The seed of what is drawn for validation: always the same, whatever a recipe's seed, so that runs can be compared.
VALIDATION_SEED = 2020


@dataclass(frozen=True)
class Source(Generic[Batch]):
    """Draws training batches with `draw`; `held_out` is what training never sees, in pieces of one batch."""

    draw: Callable[[Generator], Batch]
    held_out: list[Batch]


class OneLoss(Generic[Batch]):
    """A `loop.Task`: one loss, one Adam over `learning`: by default all of the networks, by their names in the file.

    `loss` returns a scalar, or several by name, of which "loss" is descended and all are logged; `measure` (b,) each.
    """

    def __init__(
        self,
        networks: Mapping[str, Network],
        *,
        source: Source[Batch],
        adam: AdamSettings,
        loss: Callable[[Batch], Tensor | Mapping[str, Tensor]],
        measure: Callable[[Batch], Mapping[str, Tensor]],
        learning: Iterable[nn.Parameter] | None = None,
    ) -> None:
        """Make the optimiser."""
        self.source, self.loss, self.measure, self.clip = source, loss, measure, adam.clip
        self.networks = {name: network for name, (network, _) in networks.items()}
        self.architecture = {name: settings.model_dump() for name, (_, settings) in networks.items()}
        parameters = nn.ModuleList(self.networks.values()).parameters() if learning is None else learning
        self.optimisers = {"all": make_adam(parameters, adam)}

    def batch(self, generator: Generator) -> Batch:
        """Draw one batch, on the networks' device."""
        return self.source.draw(generator)

    def step(self, batch: Batch) -> Step:
        """One step down the loss."""
        found = self.loss(batch)
        scalars = {"loss": found} if isinstance(found, Tensor) else found
        gradient = yield Descent(scalars["loss"], self.optimisers["all"], self.clip)
        return {name: float(value.detach()) for name, value in scalars.items()} | {"gradient": gradient}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """The mean of each measure over all that is held out."""
        return means([self.measure(piece) for piece in self.source.held_out])


def picture_measures(restored: Image, pair: Pair | Triplets) -> dict[str, Tensor]:
    """PSNR (dB) of what is restored, and of the blurry pictures, as a file would hold them: clamped."""
    pictures = {"psnr": restored.float(), "blurry_psnr": pair.blurry}
    return {name: psnr(picture.clamp(0, 1), pair.sharp) for name, picture in pictures.items()}


def read_start(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The weights file that a recipe starts from. Raises ModelError as `read_weights`, with what to train first."""
    if not path.exists():
        first = f"train recipes/{path.parent.name}.toml first, or " if path.name == "weights.safetensors" else ""
        raise ModelError(f"{shown(path)} does not exist: {first}give --set start=FILE")
    return read_weights(path)


def load_start(networks: Mapping[str, nn.Module], path: Path | None) -> None:
    """Weights to start from, out of a file that may hold other networks too; None: they stay as they are.

    Raises ModelError where the file does not hold them.
    """
    if path is not None:
        tensors = read_start(path)[0]
        load_into(networks, {key: one for key, one in tensors.items() if key.partition(".")[0] in networks})


def sharp_photos(data: Path, *, part: Part, limit: int | None, report: Report) -> SharpPhotos:
    """The sharp photos of one part of `data`; reports those that cannot be read. Raises as `SharpPhotos`."""
    photos = SharpPhotos(data, limit=limit, part=part)
    report_left_out(photos.skipped, report)
    return photos


def both_parts(data: Path, *, limit: int | None, report: Report) -> list[SharpPhotos]:
    """The sharp photos to train on, and those held out: see `sharp_photos`."""
    return [sharp_photos(data, part=part, limit=limit, report=report) for part in PARTS]


def report_left_out(skipped: Iterable[str], report: Report) -> None:
    """Say what could not be read."""
    for sentence in skipped:
        report(f"left out: {sentence}")
