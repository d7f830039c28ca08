"""Which operator explains a blur that changes over the picture best? Protocol `tran2021-convergence`: Fig. 6.

The sharp picture is one that a generator makes (section 3.3): a free picture could explain any photo by itself.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast

import torch
from torch.nn import functional

from blurspace.bench.result import BenchResult, Progress, Row, no_progress
from blurspace.bench.sheets import write_sheet
from blurspace.bench.tables import fixed
from blurspace.bench.tran2021_manifold import SEED
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.kernels import line
from blurspace.blur.varying import KernelField, blur_varying
from blurspace.builders import build_space, shipped
from blurspace.catalog import PRINTER
from blurspace.chance import chance, seeded
from blurspace.data.printed import PrintedLines, draw_text
from blurspace.levels import to_8_bits
from blurspace.run import Run
from blurspace.search.blurs import Held, PriorCode, SimplexKernel
from blurspace.search.manifold import Generates, ManifoldSettings, OnManifold
from blurspace.search.objective import Objective
from blurspace.search.operators import Convolution, Downsampling, InSpace, Operator
from blurspace.search.solver import BlurUnknown, Joint, Problem
from blurspace.types import Image

FACTOR, SIDE = 2, 17  # of the bicubic operator; px of the convolution's kernel
LENGTH, ANGLES = 9.0, (0.0, 45.0, 90.0)  # px and degrees: of the lines that blur its left, its middle and its right
HEIGHT, WIDTH = 240, 480  # px of the plot
TOLD = (0, 10, 20, 50, 100)  # the steps of the table
_downsampled = Downsampling(FACTOR)
COLOURS = {"encoded": (0.8, 0.1, 0.1), "convolution": (0.1, 0.3, 0.8), "bicubic": (0.1, 0.6, 0.2)}
SHEET = Path("tran2021-convergence.png")  # the losses as a plot: log of each, from the greatest to the least
PROTOCOL = (
    f"tran2021-convergence 2: a line of print that training never saw, seed {SEED}, blurred in linear light by a line "
    f"of {LENGTH:g} px that turns from {ANGLES[0]:g} to {ANGLES[-1]:g} degrees over the picture, 8 bits; searched on "
    f"the printer's manifold under the kernel space, a kernel of {SIDE} px, and bicubic downsampling by {FACTOR}; "
    f"{ManifoldSettings().joint.steps} steps of both at once; Charbonnier's distance from the photo"
)


def run(data: Path | None, *, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """A row per step, with the loss of each operator; `limit`: so many steps. Nothing is read from `data`.

    Writes SHEET.
    """
    del data
    joint, photo = ManifoldSettings().joint, blurred()
    joint = replace(joint, steps=limit or joint.steps)
    curves = {name: losses(name, photo, joint) for name in progress(list(COLOURS), total=3, what="operators")}
    write_sheet(SHEET, [[plotted(curves)]])
    steps = range(joint.steps)
    return [{"step": step, **{name: round(curve[step], 6) for name, curve in curves.items()}} for step in steps]


def blurred() -> Image:
    """The photo (1 1 h w), display values."""
    generator = chance(SEED, 0)
    sharp = to_linear(PrintedLines().line(draw_text(generator), generator), "srgb")
    field = KernelField(torch.cat([line(LENGTH, angle, size=SIDE) for angle in ANGLES]), 1, len(ANGLES))
    return to_8_bits(to_display(blur_varying(sharp, field), "srgb"))


def losses(name: str, photo: Image, joint: Joint) -> Sequence[float]:
    """How the distance falls with one operator."""
    space, size = build_space(), (photo.shape[-2], photo.shape[-1])
    with seeded(SEED):
        kernel = SimplexKernel(SIDE, generator=chance(SEED, 1))
    ways: dict[str, tuple[Operator, BlurUnknown, float]] = {
        "encoded": (InSpace(space), PriorCode(space, size, generator=chance(SEED, 1)), Joint().blur_rate),
        "convolution": (Convolution(), kernel, joint.blur_rate),
        "bicubic": (_downsampled, Held(torch.zeros(1)), joint.blur_rate),
    }
    operator, blur, rate = ways[name]
    made = cast(Generates, shipped("manifold")[0].network(PRINTER))
    seen = _downsampled(photo, torch.zeros(1)) if name == "bicubic" else photo
    problem = Problem(seen, operator, Objective(norm=0.0, gradients=0.0))
    picture = OnManifold(made, photo, start=made.begin(photo))
    return replace(joint, blur_rate=rate)(problem, picture, lambda _: blur, Run()).losses


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


def table(results: Sequence[BenchResult]) -> list[Row]:
    """The losses at some of the steps."""
    rows = [row for result in results for row in result.rows]
    told = (*TOLD, rows[-1]["step"])
    return [
        {"step": row["step"], **{name: fixed(row[name], 4) for name in COLOURS}} for row in rows if row["step"] in told
    ]
