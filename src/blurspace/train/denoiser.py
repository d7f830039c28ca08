"""How is the denoiser trained, which the deconvolver starts from? On photos with Gaussian noise of all strengths.

Zhang et al. 2022 (DRUNet) train theirs so. Pictures in equal planes with equal noise are among them, because the
deconvolver gets grey photos so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from blurspace.data.crops import SharpPhotos
from blurspace.metrics import psnr
from blurspace.nets.denoiser import Denoiser
from blurspace.train.on_triplets import VALIDATION_SEED, Report, sharp_photos
from blurspace.train.settings import AdamSettings, LoopSettings, Strict
from blurspace.train.steps import chance, descend, make_adam, seeded
from blurspace.types import Image

GREY_SHARE = 0.25
# Errors count relative to the noise, or else strong noise is all that is learned; plus this.
LEAST_SIGMA = 0.01
# Validation: noise of these strengths, so many crops each.
MEASURED_SIGMAS, MEASURED = (0.01, 0.03, 0.1), 64


class NoiseSettings(Strict):
    """Crops of `side` px, and the noise's standard deviation, log-uniform in `sigmas`, for pixel values in [0, 1]."""

    side: int = Field(gt=0)
    batch: int = Field(gt=0)
    sigmas: tuple[float, float] = (0.003, 0.25)
    limit: int | None = Field(default=None, gt=0, description="read only so many photos of each part")


class DenoiserNetwork(Strict):
    """The arguments of `nets.denoiser.Denoiser`."""

    widths: tuple[int, ...] = (32, 64, 96)


class DenoiserRecipe(Strict):
    """Recipe of task "denoiser"."""

    task: Literal["denoiser"]
    loop: LoopSettings
    adam: AdamSettings
    data: NoiseSettings
    denoiser: DenoiserNetwork = DenoiserNetwork()


@dataclass(frozen=True)
class Noisy:
    """`sharp` and `noisy` (b 3 h w), and `sigma` (b)."""

    sharp: Image
    noisy: Image
    sigma: Tensor


class DenoiserTask:
    """A `loop.Task`."""

    def __init__(self, recipe: DenoiserRecipe, *, data: Path, device: str, report: Report) -> None:
        """Read the photos. Raises NoInputError where there are none, or all are smaller than the crops."""
        with seeded(recipe.loop.seed):
            self.network = Denoiser(**recipe.denoiser.model_dump()).to(device)
        self.networks: Mapping[str, nn.Module] = {"denoiser": self.network}
        adam = make_adam(self.network.parameters(), recipe.adam)
        self.optimisers: Mapping[str, torch.optim.Optimizer] = {"all": adam}
        self.architecture: Mapping[str, Mapping[str, Any]] = {"denoiser": recipe.denoiser.model_dump()}
        self.clip, self.device, self.settings = recipe.adam.clip, device, recipe.data
        self.photos, held_out = (
            sharp_photos(data, part=part, limit=recipe.data.limit, report=report) for part in ("train", "held out")
        )
        generator = chance(VALIDATION_SEED, 0)
        self.held_out = {
            sigma: self._noisy(held_out, generator, torch.full((MEASURED,), sigma)) for sigma in MEASURED_SIGMAS
        }

    def batch(self, generator: torch.Generator) -> Noisy:
        """Crops with noise, each of its own strength."""
        low, high = self.settings.sigmas
        sigma = low * (high / low) ** torch.rand(self.settings.batch, generator=generator)
        return self._noisy(self.photos, generator, sigma)

    def step(self, batch: Noisy) -> dict[str, float]:
        """Down the mean absolute error, as a share of the noise."""
        error = (self.network(batch.noisy, batch.sigma) - batch.sharp).abs().mean((1, 2, 3))
        loss = (error / (batch.sigma + LEAST_SIGMA)).mean()
        return {"loss": float(loss.detach()), "gradient": descend(loss, self.optimisers["all"], clip=self.clip)}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """Mean PSNR (dB) on photos held out, for each strength of noise."""
        return {
            f"psnr_{sigma}": float(psnr(self.network(one.noisy, one.sigma).clamp(0, 1), one.sharp).mean())
            for sigma, one in self.held_out.items()
        }

    def _noisy(self, photos: SharpPhotos, generator: torch.Generator, sigma: Tensor) -> Noisy:
        sharp = torch.cat([photos.crop(generator, side=self.settings.side) for _ in sigma])
        noise = torch.randn(sharp.shape, generator=generator)
        grey = torch.rand(len(sigma), 1, 1, 1, generator=generator) < GREY_SHARE
        sharp, noise = torch.where(grey, sharp.mean(1, keepdim=True), sharp), torch.where(grey, noise[:, :1], noise)
        sharp, noise, sigma = sharp.to(self.device), noise.to(self.device), sigma.to(self.device)
        return Noisy(sharp, sharp + sigma[:, None, None, None] * noise, sigma)
