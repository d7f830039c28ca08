"""How is the denoiser trained, which the deconvolver starts from? On photos with Gaussian noise of all strengths.

Zhang et al. 2022 (DRUNet) train theirs so. Some have equal planes with equal noise, as the deconvolver gets grey ones.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from blurspace.chance import chance, seeded
from blurspace.data.crops import SharpPhotos
from blurspace.data.triplets import Tensors
from blurspace.metrics import psnr
from blurspace.nets.denoiser import Denoiser
from blurspace.train.one_loss import VALIDATION_SEED, OneLoss, Report, Source, both_parts
from blurspace.train.settings import CropSettings, Recipe, Strict
from blurspace.types import Image

GREY_SHARE = 0.25
# Errors count relative to the noise, or else strong noise is all that is learned; plus this.
LEAST_SIGMA = 0.01
MEASURED_SIGMAS = (0.01, 0.03, 0.1)  # of the noise in validation


class NoiseSettings(CropSettings):
    """Crops of `side` px, and the noise's standard deviation, log-uniform in `sigmas`, for pixel values in [0, 1]."""

    sigmas: tuple[float, float] = (0.003, 0.25)
    validation: int = Field(default=64, gt=0, description="crops that training never sees, for each strength of noise")


class DenoiserNetwork(Strict):
    """The arguments of `nets.denoiser.Denoiser`."""

    widths: tuple[int, ...] = (32, 64, 96)


class DenoiserRecipe(Recipe):
    """Recipe of task "denoiser"."""

    task: Literal["denoiser"]
    data: NoiseSettings
    denoiser: DenoiserNetwork = DenoiserNetwork()


@dataclass(frozen=True)
class Noisy(Tensors):
    """`sharp` and `noisy` (b 3 h w), and `sigma` (b)."""

    sharp: Image
    noisy: Image
    sigma: Tensor


def build_denoiser(recipe: DenoiserRecipe, *, data: Path, device: str, report: Report) -> OneLoss[Noisy]:
    """Down the mean absolute error, as a share of the noise; measures PSNR (dB) for each strength of noise.

    Raises NoInputError where there are no photos, or all are smaller than the crops.
    """
    with seeded(recipe.loop.seed):
        network = Denoiser(**recipe.denoiser.model_dump()).to(device)
    settings = recipe.data
    photos, held_out = both_parts(data, limit=settings.limit, report=report)

    def draw(generator: Generator) -> Noisy:
        low, high = settings.sigmas
        sigma = low * (high / low) ** torch.rand(settings.batch, generator=generator)
        return add_noise(photos, generator, sigma, side=settings.side).to(device)

    def loss(batch: Noisy) -> Tensor:
        error = (network(batch.noisy, batch.sigma) - batch.sharp).abs().mean((1, 2, 3))
        return (error / (batch.sigma + LEAST_SIGMA)).mean()

    def measure(batch: Noisy) -> dict[str, Tensor]:
        found = psnr(network(batch.noisy, batch.sigma).clamp(0, 1), batch.sharp)
        return {f"psnr_{float(batch.sigma[0]):.2g}": found}

    generator = chance(VALIDATION_SEED, 0)
    strengths = [torch.full((settings.validation,), sigma) for sigma in MEASURED_SIGMAS]
    pieces = [add_noise(held_out, generator, sigma, side=settings.side).to(device) for sigma in strengths]
    networks = {"denoiser": (network, recipe.denoiser)}
    return OneLoss(networks, source=Source(draw, pieces), adam=recipe.adam, loss=loss, measure=measure)


def add_noise(photos: SharpPhotos, generator: Generator, sigma: Tensor, *, side: int) -> Noisy:
    """A crop of `side` px for each sigma (b), some of them grey, as is their noise."""
    sharp = torch.cat([photos.crop(generator, side=side) for _ in sigma])
    noise = torch.randn(sharp.shape, generator=generator)
    grey = torch.rand(len(sigma), 1, 1, 1, generator=generator) < GREY_SHARE
    sharp, noise = torch.where(grey, sharp.mean(1, keepdim=True), sharp), torch.where(grey, noise[:, :1], noise)
    return Noisy(sharp, sharp + sigma[:, None, None, None] * noise, sigma)
