"""The smallest network of each class in the table of parts, with weights that do something."""

import torch

from blurspace.nets.analysis import Analysis, Extract
from blurspace.nets.features import FeatureNet
from blurspace.nets.mimo_unet import MimoUNet
from blurspace.nets.nafnet import NafNet
from blurspace.nets.printer import Printer
from blurspace.nets.restorer import Restorer
from blurspace.nets.restormer import Restormer
from blurspace.nets.synthesis import Synthesis
from blurspace.nets.unet import UNet

TINY = {
    UNet: lambda: UNet(2, 2, (2, 4)),
    Restorer: lambda: Restorer(widths=(2, 4)),
    NafNet: lambda: NafNet(width=2, encoder=(1,), middle=1, decoder=(1,)),
    Restormer: lambda: Restormer(width=2, blocks=(1, 1), heads=(1, 2), refinement=1),
    MimoUNet: lambda: MimoUNet(width=4, blocks=1),
    Synthesis: lambda: Synthesis(side=5, width=2, hidden=2, levels=1),
    Extract: lambda: Analysis(side=5, levels=1, width=2, features=2, filter=3).extract[0],
    FeatureNet: lambda: FeatureNet(widths=(2, 2)),
    Printer: lambda: Printer(numbers=2, width=4, blocks=1, maps=(4, 4, 4), seen=(4, 4, 4)),
}


def tiny(kind):
    """One of them, not to be trained on; layers that start at zero would let any mistake pass."""
    torch.manual_seed(0)
    network = TINY[kind]().requires_grad_(False).eval()
    for values in network.parameters():
        if not values.any():
            values.normal_(0, 0.1)
    return network
