"""How does a network learn what is in a picture, whatever its blur? It tells from which place a changed crop comes.

Dosovitskiy, Springenberg, Riedmiller and Brox 2014, "Discriminative Unsupervised Feature Learning with Convolutional
Neural Networks", section 2: every place in a photo is a class of its own, and its members are crops under random
changes. Theirs has a layer with a row of weights per class; here the second crop of each place in the batch is that row
(Chen, Kornblith, Norouzi and Hinton 2020, "A Simple Framework for Contrastive Learning of Visual Representations",
equation 1), which learns faster, and leaves nothing over. Blur by random kernels among the changes is ours.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field, model_validator
from torch import Generator, Tensor
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import delta, gaussian, line, shake
from blurspace.chance import chance, seeded
from blurspace.data.crops import Part, draw_index
from blurspace.errors import NoInputError
from blurspace.nets.features import FeatureNet
from blurspace.pixels import central
from blurspace.train.one_loss import PARTS, VALIDATION_SEED, Report, sharp_photos
from blurspace.train.settings import CropSettings, Recipe, Strict
from blurspace.train.steps import Descent, Step, make_adam
from blurspace.types import Image, Kernel

Batch = tuple[Image, Image]  # two crops of each place
# What similarities are divided by: Chen et al. 2020, table 5.
TEMPERATURE = 0.1
# Reach of a sampled Gaussian, in sigmas: that of `blur.kernels.gaussian`.
GAUSSIAN_REACH = 4


class PlaceSettings(CropSettings):
    """What is told apart, and how crops of it are changed; lengths in px.

    `places` of each photo, squares of `place` px, are told apart, `batch` at a time, by two crops of `side` each.
    `scales`: the side of what is resized to a crop, in crops. `kernels` are drawn once, of up to `kernel_side`. `gain`
    and `contrast`: the greatest factor, or its inverse; `offset`: the greatest change of brightness; `sigma`: the most
    noise; for pixel values in [0, 1].
    """

    places: int = Field(gt=0)
    place: int = Field(gt=0)
    scales: tuple[float, float] = (1.0, 1.0)
    kernels: int = Field(default=512, gt=0)
    kernel_side: int = Field(default=17, ge=5)
    gain: float = Field(default=1.0, ge=1)
    contrast: float = Field(default=1.0, ge=1)
    offset: float = Field(default=0.0, ge=0)
    sigma: float = Field(default=0.0, ge=0)

    @property
    def roomy(self) -> int:
        """The side of a crop with the room that its blur needs."""
        return self.side + self.kernel_side - 1

    @model_validator(mode="after")
    def _fits(self) -> "PlaceSettings":
        if self.kernel_side % 2 == 0:
            raise ValueError(f"data.kernel_side is {self.kernel_side}: give an odd number")
        if round(self.roomy * max(self.scales)) > self.place:
            raise ValueError(f"data.place is {self.place}, too small for crops of {self.side} px: give a bigger place")
        return self


class FeatureNetwork(Strict):
    """The arguments of `nets.features.FeatureNet`, with its defaults."""

    widths: tuple[int, ...] = Field(default=(12, 24, 48, 96), min_length=1)


class FeaturesRecipe(Recipe):
    """Recipe of task "features"."""

    task: Literal["features"]
    data: PlaceSettings
    features: FeatureNetwork = FeatureNetwork()
    scale_rate: float = Field(default=0.01, gt=0, description="how much of a batch's means goes into the scale (ours)")


class FeaturesTask:
    """A `loop.Task`: it tells places (n 3 place place), uint8, apart; `held_out` are those of other photos."""

    def __init__(self, recipe: FeaturesRecipe, places: Tensor, held_out: Tensor, device: str) -> None:
        """Make the network, its optimiser and the kernels."""
        self.recipe, self.places, self.held_out, self.device = recipe, places, held_out, device
        self.architecture = {"features": recipe.features.model_dump()}
        with seeded(recipe.loop.seed):
            self.features = FeatureNet(**self.architecture["features"]).to(device)
        self.networks = {"features": self.features}
        self.optimisers = {"all": make_adam(self.features.parameters(), recipe.adam)}
        self.kernels = draw_kernels(recipe.data.kernels, recipe.data.kernel_side, chance(recipe.loop.seed, -1))

    def batch(self, generator: Generator) -> Batch:
        """Two changed crops of each of some random places."""
        places = self.places[torch.randperm(len(self.places), generator=generator)[: self.recipe.data.batch]]
        one, other = (changed_crops(places, self.kernels, self.recipe.data, generator) for _ in range(2))
        return one.to(self.device), other.to(self.device)

    def step(self, batch: Batch) -> Step:
        """One step down the cross-entropy of telling the places apart; `accuracy`: the share told right."""
        maps = self.features(torch.cat(batch))
        one, other = maps[-1].mean((-2, -1)).chunk(2)
        logits = similarity(one, other) / TEMPERATURE
        right = torch.arange(len(logits), device=logits.device)
        loss = (functional.cross_entropy(logits, right) + functional.cross_entropy(logits.T, right)) / 2
        gradient = yield Descent(loss, self.optimisers["all"], self.recipe.adam.clip)
        # Towards mean 1 of each map. The loss does not see it, as only the directions of the last means count.
        with torch.no_grad():
            means = torch.stack([one.mean() for one in maps]).float()
            self.features.scale.lerp_(self.features.scale * means, self.recipe.scale_rate)
        accuracy = (logits.argmax(1) == right).float().mean()
        return {"loss": float(loss.detach()), "accuracy": float(accuracy), "gradient": gradient}

    @torch.no_grad()
    def validate(self) -> dict[str, float]:
        """How many changed crops of photos held out are nearest to the sharp middle of their own place, of all."""
        side = self.recipe.data.side
        sharp = central(self.held_out, side, side) / 255
        changed = changed_crops(self.held_out, self.kernels, self.recipe.data, chance(VALIDATION_SEED, 0))
        of_changed, of_sharp = (self.features(crops.to(self.device))[-1].mean((-2, -1)) for crops in (changed, sharp))
        return {"matched": matched(of_changed, of_sharp)}


def build_features(recipe: FeaturesRecipe, *, data: Path, device: str, report: Report) -> FeaturesTask:
    """The task. Raises NoInputError without photos, or where all are smaller than a place."""
    places, held_out = (_places(recipe.data, data, part, report) for part in PARTS)
    return FeaturesTask(recipe, places, held_out, device)


def similarity(one: Tensor, other: Tensor) -> Tensor:
    """The cosines between all rows (n c) and all others (m c): (n m)."""
    return functional.normalize(one.float(), dim=1) @ functional.normalize(other.float(), dim=1).T


def matched(changed: Tensor, sharp: Tensor) -> float:
    """The share of rows (n c) whose nearest of the others (n c) is that of the same number."""
    nearest = similarity(changed, sharp).argmax(1)
    return float((nearest == torch.arange(len(nearest), device=nearest.device)).float().mean())


def draw_kernels(count: int, side: int, generator: Generator) -> Kernel:
    """No blur, lines, shakes and Gaussians in turn, of random strength, as (count 1 side side)."""
    kernels = []
    for index in range(count):
        share, turn = torch.rand(2, generator=generator).tolist()
        if index % 4 == 0:
            kernels.append(delta(side))
        elif index % 4 == 1:
            kernels.append(line(1 + share * (side - 3), 180 * turn, size=side))
        elif index % 4 == 2:
            kernels.append(shake(side, generator=generator, extent=1 + share * (side - 1)))
        else:
            kernels.append(gaussian((0.1 + 0.9 * share) * (side // 2) / GAUSSIAN_REACH, size=side))
    return torch.cat(kernels)


def changed_crops(places: Tensor, kernels: Kernel, settings: PlaceSettings, generator: Generator) -> Image:
    """A crop of each place (n 3 place place), uint8: moved, scaled, mirrored, blurred, other colours, noise."""
    count = len(places)
    roomy = torch.cat([_moved_crop(place, settings, generator) for place in places])
    chosen = kernels[torch.randint(len(kernels), (count,), generator=generator)]
    crops = blur(roomy, chosen, border="valid")
    mean = crops.mean((1, 2, 3), keepdim=True)
    crops = mean + (crops - mean) * _factors((count, 1, 1, 1), settings.contrast, generator)
    offset = settings.offset * (2 * torch.rand(count, 1, 1, 1, generator=generator) - 1)
    crops = crops * _factors((count, 3, 1, 1), settings.gain, generator) + offset
    sigma = settings.sigma * torch.rand(count, 1, 1, 1, generator=generator)
    return (crops + sigma * torch.randn(crops.shape, generator=generator)).clamp(0, 1)


def _moved_crop(place: Tensor, settings: PlaceSettings, generator: Generator) -> Image:
    """A random square of a place (3 h w), uint8, as (1 3 roomy roomy), perhaps mirrored."""
    least, most = settings.scales
    share = float(torch.rand((), generator=generator))
    source = round(settings.roomy * math.exp(math.log(least) + share * math.log(most / least)))
    top, left = (draw_index(length - source + 1, generator) for length in place.shape[-2:])
    piece = place[None, :, top : top + source, left : left + source] / 255
    piece = functional.interpolate(piece, (settings.roomy, settings.roomy), mode="bilinear", antialias=True)
    return piece.flip(-1) if draw_index(2, generator) else piece


def _factors(shape: Sequence[int], most: float, generator: Generator) -> Tensor:
    return torch.exp(math.log(most) * (2 * torch.rand(*shape, generator=generator) - 1))


def _places(settings: PlaceSettings, data: Path, part: Part, report: Report) -> Tensor:
    """The squares with the most contrast of each photo that has as many, (n 3 place place), uint8."""
    photos = sharp_photos(data, part=part, limit=settings.limit, report=report)
    found = [_most_contrast(photo, settings) for photo in photos.photos if min(photo.shape[-2:]) >= settings.place]
    if not found:
        raise NoInputError(
            f"places of {settings.place} px were wanted and every photo in {photos.folder} is smaller: give bigger "
            "photos, or --set data.place=PIXELS"
        )
    return torch.cat(found)


def _most_contrast(photo: Tensor, settings: PlaceSettings) -> Tensor:
    """As Dosovitskiy et al. 2014, section 2.1, take patches with considerable gradients; ours, places never overlap."""
    side = settings.place
    tiles = photo.unfold(1, side, side).unfold(2, side, side).permute(1, 2, 0, 3, 4).flatten(0, 1)
    contrast = tiles.float().std((1, 2, 3))
    return tiles[contrast.argsort(descending=True)[: settings.places]]
