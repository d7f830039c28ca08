"""Which operator explains a blur that changes over the picture best? Protocol `tran2021-convergence`: Fig. 6."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch.nn import functional

from blurspace.bench.result import Progress, Row, no_progress
from blurspace.bench.sheets import write_sheet
from blurspace.bench.tables import rows_table
from blurspace.bench.tran2021_search import SEED, cases
from blurspace.builders import build_space
from blurspace.chance import chance, seeded
from blurspace.run import Run
from blurspace.search.blurs import Held, PriorCode, SimplexKernel
from blurspace.search.method import SearchSettings
from blurspace.search.operators import Convolution, Downsampling, InSpace, Operator
from blurspace.search.pictures import DeepImagePrior
from blurspace.search.solver import NewBlur, Problem
from blurspace.types import Image

FACTOR, SIDE = 2, 17  # of the bicubic operator; px of the convolution's kernel
HEIGHT, WIDTH = 240, 480  # px of the plot
COLOURS = {"encoded": (0.8, 0.1, 0.1), "convolution": (0.1, 0.3, 0.8), "bicubic": (0.1, 0.6, 0.2)}
SHEET = Path("tran2021-convergence.png")  # the losses as a plot: log of each, from the greatest to the least
PROTOCOL = (
    "tran2021-convergence 1: the first made scene of tran2021-search at half its size; a deep image prior under the "
    f"kernel space, a kernel of {SIDE} px, and bicubic downsampling by {FACTOR}; {SearchSettings().small.steps} steps "
    f"of both at once, seed {SEED}; the objective's value"
)


def run(data: Path, *, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """A row per step, with the loss of each operator; `limit`: so many steps. Writes SHEET."""
    _, pair = next(cases(data, 1))
    curves = {
        name: losses(name, functional.avg_pool2d(pair.blurry, 2), limit)
        for name in progress(list(COLOURS), total=len(COLOURS), what="operators")
    }
    write_sheet(SHEET, [[plotted(curves)]])
    steps = range(len(curves["encoded"]))
    return [{"step": step, **{name: round(curve[step], 6) for name, curve in curves.items()}} for step in steps]


def losses(name: str, blurry: Image, steps: int | None) -> Sequence[float]:
    """How the objective falls with one operator."""
    (height, width), space, settings = blurry.shape[-2:], build_space(), SearchSettings()
    ways: dict[str, tuple[Operator, int, NewBlur]] = {
        "encoded": (InSpace(space), 1, lambda _: PriorCode(space, (height, width), generator=chance(SEED, 1))),
        "convolution": (Convolution(), 1, lambda _: SimplexKernel(SIDE, generator=chance(SEED, 1))),
        "bicubic": (Downsampling(FACTOR), FACTOR, lambda _: Held(torch.zeros(1))),
    }
    operator, larger, new_blur = ways[name]
    small = replace(settings.small, steps=steps or settings.small.steps, patience=None)  # curves of one length
    with seeded(SEED):
        picture = DeepImagePrior((larger * height, larger * width), generator=chance(SEED, 0))
        return small(Problem(blurry, operator, settings.objective), picture, new_blur, Run()).losses


def plotted(curves: dict[str, Sequence[float]]) -> Image:
    """The curves, in COLOURS on white."""
    logs = {name: torch.tensor(curve).log() for name, curve in curves.items()}
    most, least = (function(torch.cat(list(logs.values()))) for function in (torch.max, torch.min))
    picture = torch.ones(1, 3, HEIGHT, WIDTH)
    for name, curve in logs.items():
        line = functional.interpolate(curve[None, None], WIDTH, mode="linear")[0, 0]
        rows = ((most - line) / (most - least + 1e-9) * (HEIGHT - 2)).long()
        for thick in (0, 1):
            picture[0, :, rows + thick, torch.arange(WIDTH)] = torch.tensor(COLOURS[name])[:, None]
    return picture


def summary(rows: Sequence[Row]) -> Row:
    """Adds where each ends."""
    return {f"last_{name}": rows[-1][name] for name in COLOURS}


table = rows_table("step", *COLOURS)
