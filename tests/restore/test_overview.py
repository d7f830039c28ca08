"""Does a search see all of a big photo?"""

import pytest
import torch
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.restore.finders import KernelFinder
from blurspace.restore.observed import BAND, Observed
from blurspace.restore.overview import LONGEST, averaged, overview, step_of
from blurspace.run import Run

from .scenes import made_scene
from .test_estimate import similarity


@pytest.mark.parametrize(("size", "step"), [((900, LONGEST), 1), ((LONGEST + 1, 20), 2), ((3000, 4000), 4)])
def test_a_photo_is_made_so_small_that_it_can_be_looked_at(size, step):
    assert step_of(size) == step
    assert max(size) / step <= LONGEST


def test_bands_make_the_same_overview_as_the_whole():
    photo = torch.rand(1, 3, BAND + 70, 35, generator=torch.Generator().manual_seed(1))
    seen = Observed(photo, response="linear")
    small = overview(seen, 4)
    whole, trust = averaged(seen, seen.area, 4)
    torch.testing.assert_close(small.grey, whole)
    torch.testing.assert_close(small.trust, trust)
    torch.testing.assert_close(whole, functional.avg_pool2d(seen.grey(seen.area), 4))


def test_places_lie_where_edges_are_and_do_not_overlap():
    photo = torch.full((1, 1, 1400, 1400), 0.4)
    photo[..., 100:200, 1000:1100] = made_scene(100, seed=2)
    photo[..., 1000:1100, 200:300] = made_scene(100, seed=3)
    small = overview(Observed(photo, response="linear"), 2)
    first, second = small.places(256, 2)
    assert all(int((place.cut(photo) != 0.4).sum()) > 9000 for place in (first, second))
    assert first.size == second.size == (256, 256)
    assert first != second


def test_the_kernel_of_a_big_photo_is_found():
    true = line(25, 20.0)
    seen = Observed(blur(made_scene(1424, seed=7)[..., :424, :], true, border="valid"), response="linear")
    assert similarity(KernelFinder()(seen, Run()).blur.kernel, true) > 0.98
