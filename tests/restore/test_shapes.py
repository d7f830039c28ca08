"""Are softness, a lens out of focus and a straight line told from other blurs?"""

import pytest
import torch

from blurspace.blur.agreement import offset
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import disk, gaussian, line, shake
from blurspace.restore.candidates import estimate_kernel
from blurspace.restore.shapes import Shape, best_shapes

from .scenes import made_scene


@pytest.mark.parametrize(
    ("true", "kind"), [(gaussian(1.7), "gaussian"), (disk(3.6), "disk"), (line(14.0, 33.0), "line")]
)
def test_the_nearest_shape_is_found(true, kind):
    """By the distance from a kernel of that shape, from a lumpy one."""

    def distance(kernel):
        return 1 - offset(kernel, true)[2]

    lumpy = true + 0.002 * torch.rand(true.shape, generator=torch.Generator().manual_seed(0))
    found = min(best_shapes(lumpy / lumpy.sum(), distance), key=lambda shape: distance(shape.kernel))
    assert found.kind == kind
    assert distance(found.kernel) < 2e-3


@pytest.mark.parametrize("true", [gaussian(0.9), disk(3.0), line(11.0, 70.0)])
def test_a_made_photo_under_a_shape_gives_this_shape(true):
    blurry = blur(made_scene(150, seed=3), true, border="valid")
    noise = 0.003 * torch.randn(blurry.shape, generator=torch.Generator().manual_seed(0))
    found = estimate_kernel((blurry + noise).clamp(0, 1), size=15).kernel
    assert offset(found, true)[2] > 0.99


def test_a_curved_path_stays_a_path():
    true = shake(19, extent=17, generator=torch.Generator().manual_seed(3))
    blurry = blur(made_scene(170, seed=3), true, border="valid")
    found = estimate_kernel(blurry, size=19).kernel
    shapes = [Shape("gaussian", 2.0).kernel, Shape("disk", 4.4).kernel]
    assert all(offset(found, true)[2] > offset(shape, true)[2] for shape in shapes)
