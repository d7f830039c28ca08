"""Does the printer draw lines of any length from its spheres, and read them?"""

import pytest
import torch

from blurspace.chance import chance, seeded
from blurspace.errors import PictureError
from blurspace.nets.printer import Printer

SMALL = {"numbers": 4, "width": 8, "blocks": 1, "maps": (8, 6, 4), "seen": (8, 6, 4)}


def small():
    with seeded(0):
        return Printer(**SMALL).eval()


@pytest.mark.parametrize("places", [1, 5, 32])
def test_a_line_of_any_length(places):
    printer = small()
    latent = torch.randn(2, 4, 1 + places, generator=chance(0, 0))
    line = printer(latent)
    assert line.shape == (2, 1, 32, 8 * places)
    read = printer.encode(line)
    assert read.shape == latent.shape
    torch.testing.assert_close(read.norm(dim=1), torch.full((2, 1 + places), 2.0))


def test_same_seed_same_result():
    drawn = small().latent((40, 300), generator=chance(3, 0))
    assert torch.equal(drawn, small().latent((40, 300), generator=chance(3, 0)))
    assert torch.equal(small()(drawn), small()(drawn))


def test_a_photo_is_read_at_its_own_size():
    printer = small()
    photo = torch.rand(1, 3, 48, 200, generator=chance(0, 1))
    latent = printer.begin(photo)
    assert latent.shape == printer.latent((48, 200)).shape == (1, 4, 1 + 17)
    line = printer.of_size(printer(latent), (48, 200))
    assert line.shape == (1, 1, 48, 200)


@pytest.mark.parametrize("size", [(31, 200), (64, 7)])
def test_what_is_smaller_than_a_line(size):
    with pytest.raises(PictureError, match=r"^a picture of \d+ x \d+ px was given, smaller than a line of 32 px: give"):
        small().latent(size)
