"""How is the deconvolver trained? On cases with kernels as a search found them, by the distance of the pictures.

Kaufman and Fattal 2020, section 3.4: end to end, "the synthesis network [learns] to cope with the inaccuracies in the
estimated kernel". Our estimate is no network that could be trained along, so its kernels are made first (`cases.py`).
"""

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from blurspace.data.crops import SharpPhotos
from blurspace.io.weights import load_into, read_weights
from blurspace.losses import charbonnier
from blurspace.metrics import psnr
from blurspace.nets.deconvolver import Deconvolver
from blurspace.train.cases import Cases, draw_cases, make_shards, read_shard
from blurspace.train.on_triplets import VALIDATION_SEED, Report
from blurspace.train.settings import AdamSettings, LoopSettings, Strict
from blurspace.train.steps import chance, descend, make_adam, seeded

# Crops (px) and their number in a batch, by the widest kernel of the shard: of about the same area.
CROPS = {31: (128, 3), 61: (176, 2), 85: (240, 1)}


class CasesSettings(Strict):
    """How many shards of 32 cases are made and kept in `folder`, and how many of the cases have the true kernel."""

    folder: Path
    shards: int = Field(gt=0)
    held_out_shards: int = Field(default=3, gt=0)
    seed: int = 7
    true_share: float = Field(default=0.4, ge=0, le=1)
    limit: int | None = None


class DeconvolverNetwork(Strict):
    """The arguments of `nets.deconvolver.Deconvolver`."""

    rounds: int = 2
    widths: tuple[int, ...] = (32, 48, 64)


class DeconvolverRecipe(Strict):
    """Recipe of task "deconvolver"; `start`: weights to start from."""

    task: Literal["deconvolver"]
    loop: LoopSettings
    adam: AdamSettings
    data: CasesSettings
    deconvolver: DeconvolverNetwork = DeconvolverNetwork()
    start: Path | None = None


class DeconvolverTask:
    """A `loop.Task`."""

    def __init__(self, recipe: DeconvolverRecipe, *, data: Path, device: str, report: Report) -> None:
        """Make the shards that are missing. Raises NoInputError without photos, ModelError on a wrong start."""
        with seeded(recipe.loop.seed):
            self.network = Deconvolver(**recipe.deconvolver.model_dump())
        if recipe.start is not None:
            load_into({"deconvolver": self.network}, read_weights(recipe.start)[0])
        self.network.to(device)
        self.networks: Mapping[str, nn.Module] = {"deconvolver": self.network}
        adam = make_adam(self.network.parameters(), recipe.adam)
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {"all": adam}
        self.architecture: Mapping[str, Mapping[str, Any]] = {"deconvolver": recipe.deconvolver.model_dump()}
        self.clip, self.device = recipe.adam.clip, device
        self.shards = _shards(recipe.data, data, "train", report)
        self.held_out = _shards(recipe.data, data, "held out", report)

    def batch(self, generator: torch.Generator) -> Cases:
        """Crops from a shard drawn by chance."""
        path = self.shards[int(torch.randint(len(self.shards), (), generator=generator))]
        side, count = CROPS[_widest(path)]
        return draw_cases(_kept(path), generator, count=count, side=side).to(self.device)

    def step(self, batch: Cases) -> dict[str, float]:
        """Down the distance to the sharp picture, reported as a share of the start's."""
        restored = self.network(batch.blurry, batch.kernel, batch.sigma, batch.start)
        loss = charbonnier(restored, batch.sharp)
        share = float(loss.detach()) / float(charbonnier(batch.start, batch.sharp))
        return {
            "loss": float(loss.detach()),
            "share": share,
            "gradient": descend(loss, self.optimisers["all"], clip=self.clip),
        }

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean PSNR (dB) of start and restored, on crops of photos held out, for each range of kernels."""
        found: dict[str, list[Tensor]] = {}
        for path in self.held_out:
            generator = chance(VALIDATION_SEED, _widest(path))
            for _ in range(8):
                cases = draw_cases(_kept(path), generator, count=2, side=240).to(self.device)
                restored = self.network(cases.blurry, cases.kernel, cases.sigma, cases.start)
                for name, picture in (("start", cases.start), ("psnr", restored)):
                    found.setdefault(f"{name}_{_widest(path)}px", []).append(psnr(picture.clamp(0, 1), cases.sharp))
        return {name: float(torch.cat(values).mean()) for name, values in found.items()}


def _shards(settings: CasesSettings, data: Path, part: Literal["train", "held out"], report: Report) -> list[Path]:
    count = settings.shards if part == "train" else settings.held_out_shards
    folder = settings.folder / part.replace(" ", "-")
    photos = SharpPhotos(data, limit=settings.limit, part=part)
    return make_shards(photos, folder, count=count, seed=settings.seed, true_share=settings.true_share, report=report)


def _widest(path: Path) -> int:
    return int(path.name.partition("px")[0])


@lru_cache(maxsize=256)
def _kept(path: Path) -> dict[str, Tensor]:
    return read_shard(path)
