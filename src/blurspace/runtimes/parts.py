"""Which parts of networks can another runtime compute, at any size?

Those that are convolutions all through. What lies between them stays in torch: Fourier transforms, whose sizes Python
reckons for each picture, correlations, Wiener steps. To add a part, add a row to `PARTS`.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Generator, Tensor, nn

from blurspace.nets.analysis import Extract
from blurspace.nets.features import FeatureNet
from blurspace.nets.mimo_unet import STEP, MimoUNet
from blurspace.nets.nafnet import NafNet
from blurspace.nets.printer import Printer
from blurspace.nets.restorer import Restorer
from blurspace.nets.restormer import Restormer
from blurspace.nets.synthesis import Synthesis
from blurspace.nets.unet import UNet

BATCH, HEIGHT, WIDTH, PLACES = "batch", "height", "width", "places"  # sizes that are open
Shape = tuple[int | str, ...]
Fills = Literal["after", "around"] | None


@dataclass(frozen=True)
class Part:
    """How modules of one class are given to a runtime. Arguments of the functions: a module.

    `inputs`: by name, the shape of each, with words for what is open. `multiple`: height and width must be multiples of
    it. `fills`: where the module itself repeats edge pixels up to the multiple, so that another can do it: below and to
    the right ("after") or on all sides ("around"); None where it does not, or where training alone asks it: it can be
    exported, and is not served. `smaller`: so many times smaller than the photo is what it sees.
    """

    inputs: Callable[[Any], Mapping[str, Shape]]
    multiple: Callable[[Any], int] = lambda _: 1
    fills: Fills = None
    smaller: int = 1

    def draw(self, module: nn.Module, cells: tuple[int, int], *, batch: int = 1, seed: int = 0) -> tuple[Tensor, ...]:
        """Random inputs in [0, 1), `cells` multiples high and wide; what has no open size has sum 1, as kernels."""
        step, generator = self.multiple(module), Generator().manual_seed(seed)
        sizes = {BATCH: batch, HEIGHT: step * cells[0], WIDTH: step * cells[1], PLACES: cells[1]}
        drawn = []
        for shape in self.inputs(module).values():
            values = torch.rand([sizes[one] if isinstance(one, str) else one for one in shape], generator=generator)
            drawn.append(values if any(isinstance(one, str) for one in shape) else values / values.sum())
        return tuple(drawn)


def _picture(channels: Callable[[Any], int] = lambda _: 3) -> Callable[[Any], Mapping[str, Shape]]:
    return lambda module: {"picture": (BATCH, channels(module), HEIGHT, WIDTH)}


PARTS: dict[type[nn.Module], Part] = {
    UNet: Part(_picture(lambda unet: unet.enter.in_channels), lambda unet: 2 ** len(unet.downs), "after", 2),
    # It sorts pixels into planes and only then fills up, which nobody can do before: its U-Net is served.
    Restorer: Part(_picture(), lambda restorer: 2 ** (1 + len(restorer.unet.downs))),
    NafNet: Part(_picture(), lambda network: 2 ** len(network.downs), "after"),
    Restormer: Part(_picture(), lambda network: 2 ** len(network.downs), "after"),
    MimoUNet: Part(_picture(), lambda _: STEP, "after"),
    Synthesis: Part(
        lambda network: {
            "picture": (BATCH, network.colours, HEIGHT, WIDTH),
            "kernel": (1, 1, network.side, network.side),
        },
        lambda network: 2**network.levels,
        "around",
    ),
    Extract: Part(_picture(lambda extract: extract.convolutions[0].in_channels), fills="after"),
    FeatureNet: Part(_picture(), lambda network: network.least),
    Printer: Part(lambda printer: {"latent": (BATCH, printer.numbers, PLACES)}),
}


def parts_of(network: nn.Module, *, served: bool = False, path: str = "") -> Iterator[tuple[str, nn.Module, Part]]:
    """The parts of a network, the largest that there are: dotted path from it, module, row.

    `served`: only those that are.
    """
    part = PARTS.get(type(network))
    if part is not None and (part.fills or not served):
        yield path, network, part
        return
    for name, child in network.named_children():
        yield from parts_of(child, served=served, path=f"{path}.{name}" if path else name)
