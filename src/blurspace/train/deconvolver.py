"""How is the deconvolver trained? With true kernels, and with kernels as a search found them, on the PSNR itself.

Kaufman and Fattal 2020, section 3.4: end to end, "the synthesis network [learns] to cope with the inaccuracies in the
estimated kernel". Our estimate is no network that could be trained along, so its kernels are made first (`cases.py`).
The network is told which of the two it gets (`doubt`).
"""

from collections.abc import Mapping
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from blurspace.blur.kernels import normalise
from blurspace.data.crops import SharpPhotos
from blurspace.data.triplets import draw_triplets
from blurspace.io.weights import load_into, read_weights
from blurspace.metrics import psnr
from blurspace.nets.deconvolver import LEAST_SIGMA, Deconvolver
from blurspace.restore.learned import make_start
from blurspace.train.cases import GREY_SHARE, OTHER_SHARE, Cases, draw_cases, make_shards, read_shard
from blurspace.train.on_triplets import VALIDATION_SEED, Report, sharp_photos
from blurspace.train.settings import AdamSettings, LoopSettings, Strict
from blurspace.train.steps import chance, descend, make_adam, seeded
from blurspace.types import Image, Kernel

# Crops (px) and their number in a batch, by the widest kernel of the shard: of about the same area.
CROPS = {31: (128, 3), 61: (176, 2), 85: (240, 1)}
# Batches with true kernels: extents up to the same, and noise of these strengths, log-uniform. With less noise, made
# blur is explained better than any real one.
LEAST_EXTENT, SIGMAS = 3.0, (LEAST_SIGMA, 0.03)
# A kernel that was measured errs too: Levin's leave 0.003 to 0.006 of his blurry pictures unexplained, beside noise of
# 0.001. Errors of all values by 0.05 of the peak would leave 0.006. They are drawn up to this share of the peak.
MOST_ERROR = 0.06
# Validation: so many crops of at most this side for each range.
MEASURED, MEASURED_SIDE = 16, 240
# The PSNR of a picture restored to the last bit would be infinite.
LEAST_MSE = 1e-6


class CasesSettings(Strict):
    """How many shards of 32 cases are made and kept in `folder`, and how many batches have true kernels instead."""

    folder: Path
    shards: int = Field(gt=0)
    held_out_shards: int = Field(default=4, gt=0)
    seed: int = 7
    true_share: float = Field(default=0.5, ge=0, le=1)
    limit: int | None = None


class DeconvolverNetwork(Strict):
    """The arguments of `nets.deconvolver.Deconvolver`."""

    rounds: int = 2
    widths: tuple[int, ...] = (32, 64, 96)


class DeconvolverRecipe(Strict):
    """Recipe of task "deconvolver"; `start`: weights to start from, its own or of the denoiser alone."""

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
            tensors, about = read_weights(recipe.start)
            if "denoiser" in about.get("architecture", {}):
                load_into({"denoiser": self.network.denoiser}, _blind_to_hints(tensors, self.network))
            else:
                load_into({"deconvolver": self.network}, tensors)
        self.network.to(device)
        self.networks: Mapping[str, nn.Module] = {"deconvolver": self.network}
        adam = make_adam(self.network.parameters(), recipe.adam)
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {"all": adam}
        self.architecture: Mapping[str, Mapping[str, Any]] = {"deconvolver": recipe.deconvolver.model_dump()}
        self.clip, self.device, self.true_share = recipe.adam.clip, device, recipe.data.true_share
        self.photos, held_out = (
            sharp_photos(data, part=part, limit=recipe.data.limit, report=report) for part in ("train", "held out")
        )
        self.shards = _shards(recipe.data, self.photos, "train", report)
        self.held_out = _held_out(held_out, _shards(recipe.data, held_out, "held-out", report))

    def batch(self, generator: torch.Generator) -> Cases:
        """Crops from a shard drawn by chance, or blurred by true kernels of the same range."""
        path = self.shards[int(torch.randint(len(self.shards), (), generator=generator))]
        side, count = CROPS[_widest(path)]
        if torch.rand((), generator=generator) < self.true_share:
            return true_cases(self.photos, generator, widest=_widest(path), count=count, side=side).to(self.device)
        return draw_cases(_kept(path), generator, count=count, side=side).to(self.device)

    def step(self, batch: Cases) -> dict[str, float]:
        """Up the mean PSNR."""
        error = (self._restored(batch) - batch.sharp).square().mean((1, 2, 3))
        loss = 10 * (error + LEAST_MSE).log10().mean()
        return {"loss": float(loss.detach()), "gradient": descend(loss, self.optimisers["all"], clip=self.clip)}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean PSNR (dB) on photos held out, for each range of kernels, true and found."""
        return {
            name: fmean(
                float(psnr(self._restored(one.to(self.device)).clamp(0, 1).cpu(), one.sharp).mean()) for one in cases
            )
            for name, cases in self.held_out.items()
        }

    def _restored(self, cases: Cases) -> Image:
        return self.network(cases.blurry, cases.kernel, cases.sigma, cases.doubt, cases.start)


def true_cases(photos: SharpPhotos, generator: torch.Generator, *, widest: int, count: int, side: int) -> Cases:
    """A batch with known kernels of at most `widest` px, known but for a small error, and one strength of noise."""
    low, high = SIGMAS
    sigma = low * (high / low) ** float(torch.rand((), generator=generator))
    made = draw_triplets(
        photos,
        generator,
        count=count,
        side=side,
        kernel_side=widest,
        extents=(LEAST_EXTENT, widest),
        sigmas=(sigma, sigma),
        other_share=OTHER_SHARE,
    )
    blurry, sharp = made.blurry, made.sharp
    if torch.rand((), generator=generator) < GREY_SHARE:  # one colour of a photo is a grey photo
        blurry, sharp = (picture[:, 1:2].expand(-1, 3, -1, -1) for picture in (blurry, sharp))
    kernel = erring(made.kernel, MOST_ERROR * float(torch.rand((), generator=generator)), generator)
    return Cases(blurry, sharp, make_start(blurry, kernel, sigma), kernel, made.sigma, torch.zeros(count))


def erring(kernel: Kernel, error: float, generator: torch.Generator) -> Kernel:
    """Kernels (b 1 k k) with errors of their values where they are not 0, of so great a share of the peak."""
    errors = error * kernel.amax((-2, -1), keepdim=True) * torch.randn(kernel.shape, generator=generator)
    return normalise(kernel + errors * (kernel > 0))


def _blind_to_hints(tensors: Mapping[str, Tensor], network: Deconvolver) -> dict[str, Tensor]:
    """A denoiser's tensors with zeros where it had no hints to look at."""
    name = "denoiser.net.enter.weight"
    weight = torch.zeros_like(network.denoiser.net.enter.weight, device="cpu")
    have = tensors.get(name)
    if have is None or have.shape != (len(weight), 13, *weight.shape[2:]):
        return dict(tensors)  # `load_into` will say what is wrong
    weight[:, :12], weight[:, -1:] = have[:, :12], have[:, -1:]
    return {**tensors, name: weight}


def _held_out(photos: SharpPhotos, shards: list[Path]) -> dict[str, list[Cases]]:
    cases: dict[str, list[Cases]] = {}
    for widest, group in groupby(sorted(shards, key=_widest), key=_widest):
        generator = chance(VALIDATION_SEED, widest)
        paths = list(group)
        for n in range(MEASURED):
            shard = _kept(paths[n % len(paths)])
            cases.setdefault(f"found_{widest}px", []).append(draw_cases(shard, generator, count=1, side=MEASURED_SIDE))
            known = true_cases(photos, generator, widest=widest, count=1, side=min(MEASURED_SIDE, CROPS[widest][0]))
            cases.setdefault(f"true_{widest}px", []).append(known)
    return cases


def _shards(settings: CasesSettings, photos: SharpPhotos, folder: str, report: Report) -> list[Path]:
    count, seed = settings.shards, settings.seed
    if folder == "held-out":
        count, seed = settings.held_out_shards, seed + 1  # other kernels, not only other photos
    return make_shards(photos, settings.folder / folder, count=count, seed=seed, report=report)


def _widest(path: Path) -> int:
    return int(path.name.partition("px")[0])


@lru_cache(maxsize=32)  # of 30 to 70 MB
def _kept(path: Path) -> dict[str, Tensor]:
    return read_shard(path)
