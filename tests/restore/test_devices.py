"""Does a tile stay on its device, whatever restores it? On `meta`, what meets data of the CPU fails."""

import pytest
import torch

from blurspace.areas import Area
from blurspace.blur.kernels import crop_or_pad, line
from blurspace.blur.varying import KernelField
from blurspace.nets.deconvolver import Deconvolver
from blurspace.nets.kernel_space import BasisSpace
from blurspace.nets.restorer import Restorer
from blurspace.nets.synthesis import Synthesis
from blurspace.restore.blurs import CodeBlur, FieldBlur, UniformBlur
from blurspace.restore.driver import Found
from blurspace.restore.learned import LearnedRestorer
from blurspace.restore.network import AlreadyRestored, AtOnce
from blurspace.restore.observed import Observed
from blurspace.restore.pair import GuidedRestorer
from blurspace.restore.total_variation import TotalVariation
from blurspace.run import Run

SIZE = (160, 192)
AREA = Area((16, 160), (0, 144), SIZE)
RUN = Run(device="meta")
PHOTO = 0.9 * torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(0))
KERNEL = UniformBlur(line(9, 30.0))
FIELD = FieldBlur(KernelField(torch.cat([crop_or_pad(line(9, angle), 9) for angle in (0.0, 40.0, 70.0, 90.0)]), 2, 2))


def on_meta(kind, *given, **options):
    with torch.device("meta"):
        return kind(*given, **options).requires_grad_(False)


def space():
    return on_meta(BasisSpace, count=4, side=9, stride=32)


RESTORERS = {
    "total variation": lambda photo: TotalVariation(Observed(photo), Found(KERNEL)),
    "total variation, field": lambda photo: TotalVariation(Observed(photo), Found(FIELD)),
    "learned": lambda photo: LearnedRestorer(on_meta(Deconvolver, widths=(4, 6)), Observed(photo), KERNEL, 1.0),
    "guided": lambda photo: GuidedRestorer(on_meta(Synthesis), line(33, 0.0), 1.0),
    "guided, at half the size": lambda photo: GuidedRestorer(on_meta(Synthesis), line(33, 0.0), 0.5),
    "at once": lambda photo: AtOnce(on_meta(Restorer, widths=(4, 6))),
    "already restored": AlreadyRestored,
}


@pytest.mark.parametrize("name", RESTORERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_a_tile_stays_on_its_device(name, channels):
    tile = torch.empty(1, channels, *AREA.size, device="meta")
    restored = RESTORERS[name](PHOTO[:, :channels])(tile, AREA, RUN)
    assert restored.device.type == "meta"
    assert restored.shape == tile.shape


def code():
    return CodeBlur(torch.zeros(1, 5, 5, 6, device="meta"), space())


BLURS = {"uniform": lambda: KERNEL, "field": lambda: FIELD, "code": code}


@pytest.mark.parametrize("name", BLURS)
def test_a_tile_is_blurred_on_its_device(name):
    tile = torch.empty(1, 3, *AREA.size, device="meta")
    blurred = BLURS[name]().reblur(tile, AREA)
    assert blurred.device.type == "meta"
    assert blurred.shape == tile.shape
