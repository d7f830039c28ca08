"""Is a blur that changes across the picture found, and removed without seams?"""

import functools

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import crop_or_pad, delta, line, shake, trim
from blurspace.blur.varying import KernelField, blur_varying, draw_rotation_path, node_places, rotation_field
from blurspace.errors import UsageError
from blurspace.metrics import aligned, psnr
from blurspace.restore.camera_path import place_poses
from blurspace.restore.deconvolve import deconvolve, strength_for
from blurspace.restore.estimate import Search, find
from blurspace.restore.field import deconvolve_field, estimate_field, field_explains_better, show_field, varies
from blurspace.restore.observed import Observed
from blurspace.restore.pyramid import scales

from .scenes import made_scene

SIDE, SIGMA = 320, 0.005


@functools.cache
def turned():
    """A made picture under a camera's rotation: (sharp, blurry, the true field, one kernel, the estimated field)."""
    generator = torch.Generator().manual_seed(3)
    sharp = made_scene(SIDE, seed=3)
    path = draw_rotation_path(extent=11, focal=SIDE, roll=1.5, generator=generator)
    truth = rotation_field(path, (SIDE, SIDE), focal=SIDE, rows=4, columns=4)
    blurry = blur_varying(sharp, truth) + SIGMA * torch.randn(sharp.shape, generator=generator)
    kernel = trim(find(blurry, Search(19), len(scales(19)) - 1).kernel, 0.02)
    return sharp, blurry, truth, kernel, estimate_field(Observed(blurry), kernel, rows=3, columns=3)


def equal_field(kernel, rows, columns):
    return KernelField(kernel.expand(rows * columns, -1, -1, -1), rows, columns)


def quality(restored, sharp):
    found = aligned(restored.clamp(0, 1), sharp)
    return float(psnr(found.restored, found.sharp))


def test_the_estimated_field_beats_the_estimated_kernel():
    sharp, blurry, truth, kernel, field = turned()
    strength = strength_for(SIGMA)
    single = quality(deconvolve(blurry, kernel, strength=strength), sharp)
    assert quality(deconvolve_field(blurry, field, strength=strength), sharp) > single + 0.5
    assert quality(deconvolve_field(blurry, truth, strength=strength), sharp) > single + 1.5
    assert field_explains_better(kernel, field)
    assert not field_explains_better(kernel, equal_field(kernel, 3, 3))


def test_an_estimated_field_is_a_field():
    _, _, truth, _, field = turned()
    assert (field.rows, field.columns) == (3, 3)
    assert field.kernels.min() >= 0
    torch.testing.assert_close(field.kernels.sum((-2, -1)), torch.ones(9, 1))
    assert field.kernels.dtype == torch.float32
    assert 0.3 * varies(truth) < varies(field) < 3 * varies(truth)


def test_a_flat_picture_has_a_field_too():
    field = estimate_field(Observed(torch.full((1, 1, 180, 200), 0.5)), line(5, 0.0), rows=2, columns=2)
    assert field.kernels.isfinite().all()


@pytest.mark.parametrize("channels", [1, 3])
def test_a_uniform_field_deconvolves_without_seams(channels):
    kernel = shake(13, extent=11, generator=torch.Generator().manual_seed(1))
    blurry = blur(made_scene(200, seed=2, channels=channels), kernel)
    clipped = blurry > 0.8
    wanted = deconvolve(blurry, kernel, strength=4e-4, saturated=clipped)
    found = deconvolve_field(blurry, equal_field(kernel, 2, 3), strength=4e-4, saturated=clipped)
    assert psnr(found, wanted) > 35
    alone = deconvolve_field(blurry, equal_field(kernel, 1, 1), strength=4e-4, saturated=clipped)
    torch.testing.assert_close(alone, wanted, atol=1e-5, rtol=0)


def test_kernels_that_are_wider_than_a_cell_still_find_room():
    wide = torch.zeros(1, 1, 119, 119)
    wide[..., 59, [0, 118]] = 0.5
    blurry = blur(made_scene(120, seed=4), wide)
    assert deconvolve_field(blurry, equal_field(wide, 5, 6), strength=4e-4).shape == blurry.shape


def test_a_field_of_deltas_leaves_the_picture():
    picture = made_scene(120, seed=4)
    assert psnr(deconvolve_field(picture, equal_field(delta(5), 2, 2), strength=1e-5), picture) > 45


def test_poses_draw_the_kernels_of_the_rotation():
    path = draw_rotation_path(extent=9, focal=300, generator=torch.Generator().manual_seed(5))
    field = rotation_field(path, (200, 300), focal=300, rows=2, columns=3)
    poses = place_poses(path.angles, node_places((200, 300), 2, 3), size=(200, 300), focal=300, side=field.side)
    weights = path.weights.float()
    torch.testing.assert_close(poses.kernels(weights), field.kernels, atol=1e-6, rtol=0)
    other = torch.rand(field.kernels.shape, generator=torch.Generator().manual_seed(6))
    product = (poses.kernels(weights) * other).sum()
    torch.testing.assert_close(product, (weights * poses.gather(other)).sum())


def test_how_much_a_field_varies_is_in_px():
    assert varies(equal_field(line(9, 30.0), 2, 2)) == 0
    # Half of the light 4 px to either side, or none of it: all light travels 4 px.
    apart = (delta(9).roll(4, -1) + delta(9).roll(-4, -1)) / 2
    field = KernelField(torch.cat((apart, apart, delta(9), delta(9))), 2, 2)
    assert varies(field) == pytest.approx(4, rel=0.03)
    moved = KernelField(torch.cat((delta(9), delta(9), delta(9), delta(9).roll(3, -1))), 2, 2)
    assert varies(moved) == pytest.approx(0, abs=1e-6)  # a shift belongs to the picture


def test_the_picture_of_a_field_shows_each_kernel_at_its_place():
    kernels = torch.cat([crop_or_pad(delta(1), 3), line(3, 0.0), line(3, 90.0), line(3, 0.0)])
    picture = show_field(KernelField(kernels, 2, 2), cell=9)
    assert picture.shape == (1, 1, 21, 21)
    assert picture.min() == 0
    assert picture.max() == 1
    assert (picture[..., 0, :] == 0.5).all()
    assert picture[0, 0, 5, 5] == 1
    assert picture[0, 0, 5, 1] == 0
    assert (picture[0, 0, 5, 11:20] == 1).all()  # the line of the first row
    assert (picture[0, 0, 11:20, 5] == 1).all()  # the upright one below


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Observed(torch.ones(1, 2, 64, 64)), "give .1, 1 or 3, height, width"),
        (lambda: estimate_field(Observed(torch.ones(1, 1, 64, 64)), delta(3), rows=0, columns=2), "give 1 or more"),
        (lambda: show_field(equal_field(delta(3), 1, 1), cell=0), "give 1 or more"),
        (lambda: deconvolve_field(torch.ones(1, 1, 9, 9), equal_field(delta(31), 1, 1), strength=1e-3), None),
    ],
)
def test_errors_say_what_to_do(call, words):
    if words is None:
        assert call().shape == (1, 1, 9, 9)  # a wide square with a small kernel in it is trimmed first
        return
    with pytest.raises(UsageError, match=words):
        call()
