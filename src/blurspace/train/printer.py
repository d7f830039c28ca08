"""How does a network learn to print? It draws rendered lines again from points on spheres, and reads blurry ones.

What is blurry only teaches to read: to the same point that the sharp line has, so that a search can begin there, and
the printer itself has never drawn anything but sharp lines.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import torch
from pydantic import Field
from torch import Generator, Tensor
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.chance import chance, seeded
from blurspace.data.printed import PrintedLines, fonts_in
from blurspace.data.triplets import Tensors
from blurspace.metrics import psnr
from blurspace.nets.printer import Printer
from blurspace.nets.sphere import on_sphere
from blurspace.train.features import draw_kernels
from blurspace.train.one_loss import VALIDATION_SEED, OneLoss, Report, Source
from blurspace.train.settings import Recipe, Strict
from blurspace.types import Image

LEAST = 1e-8  # under a root: a slope at 0


class LineSettings(Strict):
    """`batch` lines; the blurry ones by one of `kernels` of up to `kernel_side` px each, drawn once, with noise.

    `sigma`: the most noise, for pixel values in [0, 1].
    """

    batch: int = Field(gt=1)  # which is normalised by itself
    kernels: int = Field(default=512, gt=0)
    kernel_side: int = Field(default=17, ge=5, multiple_of=1)
    sigma: float = Field(default=0.03, ge=0)
    validation: int = Field(default=64, gt=0, description="lines that training never sees")


class PrinterNetwork(Strict):
    """The arguments of `nets.printer.Printer`, with its defaults."""

    numbers: int = Field(default=16, gt=1)
    width: int = Field(default=160, gt=0)
    blocks: int = Field(default=3, ge=0)
    maps: tuple[int, int, int] = (64, 48, 24)
    seen: tuple[int, int, int] = (64, 32, 16)


class PrinterRecipe(Recipe):
    """Recipe of task "printer"; its --data is a folder of fonts.

    `wander`: how far a point is moved before it is drawn, as a share of the sphere's radius, so that all points between
    those of known lines are drawn as lines too. `edges`, `reading`: weights of the losses.
    """

    task: Literal["printer"]
    data: LineSettings
    printer: PrinterNetwork = PrinterNetwork()
    wander: float = Field(default=0.15, ge=0)
    edges: float = Field(default=1.0, ge=0)
    reading: float = Field(default=0.1, ge=0)


@dataclass(frozen=True)
class Lines(Tensors):
    """`sharp` and `blurry` lines (b 1 h w), and normal draws by which latents wander (b numbers 1 + places)."""

    sharp: Image
    blurry: Image
    noise: Tensor


def build_printer(recipe: PrinterRecipe, *, data: Path, device: str, report: Report) -> OneLoss[Lines]:
    """Down the distance of pictures and of their edges, and of where sharp and blurry lines are read.

    Measures PSNR (dB) of lines that are drawn again, and of those that were read from blurry ones. Raises NoInputError
    where `data` is no folder.
    """
    with seeded(recipe.loop.seed):
        printer = Printer(**recipe.printer.model_dump()).to(device)
    lines, settings = PrintedLines(fonts_in(data)), recipe.data
    report(f"printing in {len(lines.paths) + 1} fonts")
    kernels = draw_kernels(settings.kernels, settings.kernel_side, chance(recipe.loop.seed, -1))

    def drawn(generator: Generator, count: int) -> Lines:
        sharp = lines.draw(generator, count)
        chosen = kernels[torch.randint(len(kernels), (count,), generator=generator)]
        sigma = settings.sigma * torch.rand(count, 1, 1, 1, generator=generator)
        blurry = blur(sharp, chosen) + sigma * torch.randn(sharp.shape, generator=generator)
        latent = printer.latent((sharp.shape[-2], sharp.shape[-1]))
        noise = torch.randn(count, *latent.shape[1:], generator=generator)
        return Lines(sharp, blurry.clamp(0, 1), noise).to(device)

    def loss(batch: Lines) -> dict[str, Tensor]:
        latent = printer.encode(batch.sharp)
        picture = printer(on_sphere(latent + recipe.wander * batch.noise, printer.dim))
        off = picture.float() - batch.sharp
        edges = sum(root_mean_square(off.diff(dim=dim)) for dim in (-2, -1))
        away = 1 - functional.cosine_similarity(printer.encode(batch.blurry), latent.detach(), dim=printer.dim).mean()
        total = (root_mean_square(off) + recipe.edges * edges).mean() + recipe.reading * away
        return {"loss": total, "away": away}

    def measure(batch: Lines) -> dict[str, Tensor]:
        seen = {"psnr": batch.sharp, "read_psnr": batch.blurry}
        drawn_again = {name: printer(printer.encode(line)).float().clamp(0, 1) for name, line in seen.items()}
        found = {name: psnr(picture, batch.sharp) for name, picture in drawn_again.items()}
        return found | {"blurry_psnr": psnr(batch.blurry, batch.sharp)}

    held_out = [drawn(chance(VALIDATION_SEED, 0), settings.validation)]
    source = Source(lambda generator: drawn(generator, settings.batch), held_out)
    networks = {"printer": (printer, recipe.printer)}
    return OneLoss(networks, source=source, adam=recipe.adam, loss=loss, measure=measure)


def root_mean_square(lines: Tensor) -> Tensor:
    """Of each line (b 1 h w): (b). Not the mean of absolute values, by which a blank line is nearly the best guess."""
    return (lines.square().mean((1, 2, 3)) + LEAST).sqrt()
