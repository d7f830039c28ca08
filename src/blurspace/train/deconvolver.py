"""How is the deconvolver trained? With true kernels, and with kernels as a search found them, on the PSNR itself.

Kaufman and Fattal 2020, section 3.4: end to end, "the synthesis network [learns] to cope with the inaccuracies in the
estimated kernel". Our estimate is no network that could be trained along, so its kernels are made first (`cases.py`).
The network is told which of the two it gets (`doubt`). Of what is white in the sharp picture it is only asked to be as
bright; lamps are put in beside it (`restore.lights`), so there nothing is asked (cf. Whyte, Sivic and Zisserman 2014).
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Literal

import torch
from pydantic import Field
from torch import Generator, Tensor

from blurspace.blur.kernels import normalise
from blurspace.chance import chance, seeded
from blurspace.data.crops import SharpPhotos, draw_index
from blurspace.data.highlights import draw_exposure
from blurspace.data.triplets import draw_kernels, draw_triplets
from blurspace.io.weights import load_into
from blurspace.metrics import psnr
from blurspace.nets.deconvolver import LEAST_SIGMA, Deconvolver
from blurspace.pixels import inner, luminance
from blurspace.restore.learned import make_start
from blurspace.restore.lights import LIGHT
from blurspace.train.cases import (
    EXPOSED_SIGMAS,
    GREY_SHARE,
    OTHER_SHARE,
    USUAL,
    Cases,
    Making,
    asked,
    draw_cases,
    draw_sigma,
    make_shards,
    observe,
    read_shard,
)
from blurspace.train.one_loss import VALIDATION_SEED, OneLoss, Report, Source, both_parts, read_start
from blurspace.train.settings import Recipe, Strict
from blurspace.types import Image, Kernel

# Batches with true kernels: noise is log-uniform; with less of it made blur is explained better than any real one.
LEAST_EXTENT, SIGMAS = 3.0, (LEAST_SIGMA, 0.03)
# A kernel that was measured errs too: Levin's by about 0.05 of the peak. Errors are drawn up to this share of it.
MOST_ERROR = 0.06
MEASURED_SIDE = 240  # px, at most, of the crops in validation
_kept = lru_cache(maxsize=32)(read_shard)  # of 50 to 110 MB
# The PSNR of a picture restored to the last bit would be infinite.
LEAST_MSE = 1e-6


class CasesSettings(Strict):
    """How many shards of 32 cases are made and kept in `folder`, and how many batches have true kernels instead."""

    folder: Path
    shards: int = Field(gt=0)
    held_out_shards: int = Field(default=4, gt=0)
    seed: int = 7
    true_share: float = Field(default=0.5, ge=0, le=1)
    validation: int = Field(default=16, gt=0, description="crops that training never sees, for each range")
    limit: int | None = None


class DeconvolverNetwork(Strict):
    """The arguments of `nets.deconvolver.Deconvolver`."""

    rounds: int = 2
    widths: tuple[int, ...] = (32, 64, 96)


class DeconvolverRecipe(Recipe):
    """Recipe of task "deconvolver"; `start`: weights to start from, its own or of the denoiser alone."""

    task: Literal["deconvolver"]
    data: CasesSettings
    deconvolver: DeconvolverNetwork = DeconvolverNetwork()
    start: Path | None = None


def build_deconvolver(
    recipe: DeconvolverRecipe, *, data: Path, device: str, report: Report, making: Making = USUAL
) -> OneLoss[Cases]:
    """Up the mean PSNR, which is measured (dB) for each range of kernels, true and found.

    Makes the shards that are missing. Raises NoInputError without photos, ModelError on a wrong start.
    """
    with seeded(recipe.loop.seed):
        network = Deconvolver(**recipe.deconvolver.model_dump())
    if recipe.start is not None:
        tensors, about = read_start(recipe.start)
        if "denoiser" in about.get("architecture", {}):
            load_into({"denoiser": network.denoiser}, _blind_to_hints(tensors, network))
        else:
            load_into({"deconvolver": network}, tensors)
    network.to(device)
    settings = recipe.data
    (photos, shards), (held_out, held_out_shards) = make_cases(recipe, data=data, report=report, making=making)

    def draw(generator: Generator) -> Cases:
        """Crops from a shard drawn by chance, or blurred by true kernels of the same range."""
        path = shards[draw_index(len(shards), generator)]
        kind = making.range_of(path)
        size = {"widest": kind.high, "count": kind.count, "side": kind.crop}
        if torch.rand((), generator=generator) >= settings.true_share:
            return draw_cases(_kept(path), generator, **size).to(device)
        exposed = torch.rand((), generator=generator) < making.exposed_share
        return (exposed_cases if exposed else true_cases)(photos, generator, **size).to(device)

    def restored(cases: Cases) -> Any:
        gain = cases.gain[:, None, None, None]
        return network(gain * cases.blurry, cases.kernel, cases.sigma, cases.doubt, gain * cases.start) / gain

    def loss(batch: Cases) -> Tensor:
        error = (counted(restored(batch), batch.sharp) - batch.sharp.clamp(max=1)).square().mean((1, 2, 3))
        return 10 * (error + LEAST_MSE).log10().mean()

    def measure(batch: Cases) -> dict[str, Tensor]:
        name = f"{'found' if batch.doubt.any() else 'true'}_{batch.widest}px"
        return {name: psnr(counted(restored(batch), batch.sharp).clamp(0, 1), batch.sharp.clamp(max=1))}

    pieces = _pieces(held_out, held_out_shards, making, count=settings.validation)
    source = Source(draw, [piece.to(device) for piece in pieces])
    networks = {"deconvolver": (network, recipe.deconvolver)}
    return OneLoss(networks, source=source, adam=recipe.adam, loss=loss, measure=measure)


def make_cases(
    recipe: DeconvolverRecipe, *, data: Path, report: Report, making: Making = USUAL
) -> list[tuple[SharpPhotos, list[Path]]]:
    """The photos to train on and their shards, and those held out; makes those that are missing, as `make_shards`."""
    settings = recipe.data
    photos, held_out = both_parts(data, limit=settings.limit, report=report)
    made = partial(make_shards, report=report, making=making)
    shards = made(photos, settings.folder / "train", count=settings.shards, seed=settings.seed)
    other = settings.seed + 1  # other kernels, not only other photos
    held_out_shards = made(held_out, settings.folder / "held-out", count=settings.held_out_shards, seed=other)
    return [(photos, shards), (held_out, held_out_shards)]


def true_cases(
    photos: SharpPhotos, generator: Generator, *, widest: int, count: int, side: int, most_error: float = MOST_ERROR
) -> Cases:
    """A batch with known kernels of at most `widest` px, known but for a small error, and one strength of noise."""
    low, high = SIGMAS
    sigma = low * (high / low) ** float(torch.rand((), generator=generator))
    size: dict[str, Any] = {"count": count, "side": side, "kernel_side": widest, "extents": (LEAST_EXTENT, widest)}
    made = draw_triplets(photos, generator, **size, sigmas=(sigma, sigma), other_share=OTHER_SHARE)
    blurry, sharp = made.blurry, made.sharp
    if torch.rand((), generator=generator) < GREY_SHARE:  # one colour of a photo is a grey photo
        blurry, sharp = (picture[:, 1:2].expand(-1, 3, -1, -1) for picture in (blurry, sharp))
    kernel = erring(made.kernel, most_error * float(torch.rand((), generator=generator)), generator)
    start, doubt, gain = make_start(blurry, kernel, sigma), torch.zeros(count), torch.ones(count)
    return Cases(blurry, sharp, start, kernel, made.sigma, doubt, gain, widest)


def exposed_cases(
    photos: SharpPhotos, generator: Generator, *, widest: int, count: int, side: int, most_error: float = MOST_ERROR
) -> Cases:
    """The same of photos with light above white, as a camera stores them; what is known of them is found as in use."""
    kernels = draw_kernels(
        generator, count=count, kernel_side=widest, extents=(LEAST_EXTENT, widest), other_share=OTHER_SHARE
    )
    given = erring(kernels, most_error * float(torch.rand((), generator=generator)), generator)
    grey, rows = torch.rand((), generator=generator) < GREY_SHARE, list[tuple[Tensor, ...]]()
    for true, kernel in zip(kernels.split(1), given.split(1), strict=True):
        photo = photos.crop(generator, side=side + widest - 1)
        exposure = draw_exposure((photo.shape[-2], photo.shape[-1]), generator)
        light = exposure.lit(exposure.linear(luminance(photo) if grey else photo))
        seen = observe(exposure, light, true, draw_sigma(EXPOSED_SIGMAS, generator), generator)
        rows.append((inner(light, widest // 2).expand(-1, 3, -1, -1), *asked(seen, kernel)))
    sharp, blurry, start, sigma, gain = (torch.cat(column) for column in zip(*rows, strict=True))
    return Cases(blurry, sharp, start, given, sigma, torch.zeros(count), gain, widest)


def counted(restored: Image, sharp: Image) -> Image:
    """A restored light (b c h w), but right at lamps, and where white came out brighter than white; there it is 1."""
    right = (sharp > LIGHT) | (sharp >= 1) & (restored >= 1)
    return torch.where(right, sharp.clamp(max=1), restored)


def erring(kernel: Kernel, error: float, generator: Generator) -> Kernel:
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


def _pieces(photos: SharpPhotos, shards: list[Path], making: Making, *, count: int) -> Iterator[Cases]:
    """Of each range `count` crops with the kernels found, and as many with true ones."""
    by_range = {kind: [one for one in shards if making.range_of(one) == kind] for kind in map(making.range_of, shards)}
    for kind, paths in by_range.items():
        generator = chance(VALIDATION_SEED, kind.high)
        for n in range(count):
            shard = _kept(paths[n % len(paths)])
            yield draw_cases(shard, generator, count=1, side=MEASURED_SIDE, widest=kind.high)
            yield true_cases(photos, generator, widest=kind.high, count=1, side=min(MEASURED_SIDE, kind.crop))
