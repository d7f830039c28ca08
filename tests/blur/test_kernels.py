"""Are kernels what their names say: drawn as asked, centred without loss, trimmed, measured and shown?"""

import math

import numpy as np
import pytest
import torch
from scipy import interpolate, ndimage

from blurspace.blur import kernels
from blurspace.blur.kernels import (
    centre,
    crop_or_pad,
    delta,
    disk,
    extent,
    gaussian,
    line,
    normalise,
    shake,
    show,
    trim,
)
from blurspace.blur.paths import spline_basis
from blurspace.errors import UsageError


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def centroid(kernel):
    return np.array(ndimage.center_of_mass(kernel[0, 0].double().numpy())) - kernel.shape[-1] // 2


@pytest.mark.parametrize(("low", "high"), [(1, 31), (31, 61), (61, 85)])
def test_shakes_fill_their_size_class(low, high):
    generator = seeded()
    for _ in range(20):
        wanted = low + (high - low) * torch.rand((), generator=generator).item()
        kernel = shake(85, generator=generator, extent=wanted)
        np.testing.assert_allclose(centroid(kernel), 0, atol=1e-5)
        side = trim(kernel).shape[-1]
        assert side <= 2 * math.ceil((wanted - 1) / 2) + 1
        assert trim(kernel).shape[-1] >= wanted - 6  # the faint edge of the spot may vanish in float32


def test_slow_parts_of_a_shake_are_brighter():
    """A path at even speed would spread its light evenly; ours has a strong contrast along the path."""
    generator = seeded()
    contrasts = []
    for _ in range(20):
        _, time = kernels._path(1000, generator)
        contrasts.append(float(time.max() / time.min()))
    assert 1.5 < np.median(contrasts) < 20


def test_shakes_differ_and_big_ones_are_possible():
    generator = seeded()
    assert not torch.equal(shake(31, generator=generator), shake(31, generator=generator))
    assert shake(151, generator=generator, extent=151).shape == (1, 1, 151, 151)
    assert torch.equal(shake(31, generator=generator, extent=1), delta(31))


def test_the_spline_is_scipys_natural_one():
    values = np.random.default_rng(0).random(6)
    wanted = interpolate.CubicSpline(np.arange(6), values, bc_type="natural")(np.linspace(0, 5, 50))
    np.testing.assert_allclose(spline_basis(6, 50) @ torch.tensor(values), wanted, atol=1e-12)


def test_gaussian_is_scipys():
    wanted = ndimage.gaussian_filter(delta(31)[0, 0].double().numpy(), 2.3)
    np.testing.assert_allclose(gaussian(2.3, size=31)[0, 0], wanted, atol=1e-7)


def test_an_oval_is_a_gaussian_that_is_narrower_across():
    torch.testing.assert_close(kernels.oval(1.3, 1.3, 40.0), gaussian(1.3))
    length, angle = extent(kernels.oval(2.0, 0.7, 30.0))
    assert (length, angle) == (pytest.approx(4.1 * 2, rel=0.05), pytest.approx(30, abs=1))
    with pytest.raises(UsageError, match="give the longer one first"):
        kernels.oval(1.0, 2.0, 0.0)


@pytest.mark.parametrize("radius", [0.3, 0.5, 1.0, 2.25, 6.0])
def test_disk_weights_are_covered_areas(radius):
    kernel = disk(radius, size=15)[0, 0].double()
    fine = (np.arange(15 * 40) + 0.5) / 40 - 7.5
    inside = (fine[:, None] ** 2 + fine**2 <= radius**2).reshape(15, 40, 15, 40).mean((1, 3))
    np.testing.assert_allclose(kernel * math.pi * radius**2, inside, atol=0.01)
    assert torch.equal(kernel, kernel.T)
    assert torch.equal(kernel, kernel.flip(0))


def test_lines_point_where_they_should():
    np.testing.assert_allclose(line(5, 0)[0, 0], np.full((5, 5), 0.2) * np.eye(5)[2][:, None], atol=1e-7)
    np.testing.assert_allclose(line(5, 90)[0, 0], line(5, 0)[0, 0].T, atol=1e-7)
    rising = line(9, 45)[0, 0]
    assert rising[0, -1] > 0  # counter-clockwise with y up: 45 degrees ends at the top right
    assert rising[0, 0] == 0
    assert torch.equal(line(1, 33, size=5), delta(5))


@pytest.mark.parametrize("angle", [0, 17, 30, 45, 90, 120, 179])
@pytest.mark.parametrize("length", [9, 20.5, 40])
def test_extent_measures_lines(length, angle):
    found, direction = extent(line(length, angle, size=61))
    assert found == pytest.approx(length, abs=0.8)  # each step is shared by two pixels, each counted 1 px wide
    assert abs((direction - angle + 90) % 180 - 90) < 1


def test_extent_of_other_kernels():
    assert extent(delta(9)) == (pytest.approx(1), 0)
    length, angle = extent(gaussian(4))
    assert length == pytest.approx(2 * 1.96 * 4 / 0.95, rel=0.02)
    assert angle == 0
    specks = delta(31)
    specks[..., 0, 0] = 0.02
    assert extent(specks)[0] < 2  # what a few specks far out must not change


def test_normalise():
    kernel = normalise(torch.tensor([[[[-1.0, 1, 3], [0, 0, 0], [2, -1, 2]]]]))
    assert kernel.tolist() == [[[[0, 0.125, 0.375], [0, 0, 0], [0.25, 0, 0.25]]]]
    for bad in (torch.zeros(1, 1, 3, 3), -torch.ones(1, 1, 3, 3), torch.full((1, 1, 3, 3), math.nan)):
        with pytest.raises(UsageError, match="no positive values"):
            normalise(bad)


def test_centre_rolls_by_whole_pixels():
    moved = shake(31, generator=seeded(), extent=21).roll((3, -4), (-2, -1))
    found = centre(moved)
    torch.testing.assert_close(found, shake(31, generator=seeded(), extent=21))


def test_centre_with_fractions_is_exact():
    kernel = torch.cat([torch.rand(1, 1, 9, 9, generator=seeded(seed)) ** 4 for seed in (0, 1)])
    roughly, exactly = centre(kernel), centre(kernel, subpixel=True)
    for one in roughly.split(1):
        assert np.abs(centroid(one)).max() <= 0.5
    for one in exactly.split(1):
        np.testing.assert_allclose(centroid(one), 0, atol=1e-5)
        assert float(one.sum()) == pytest.approx(1)


def test_centre_grows_rather_than_losing_light():
    corner = torch.zeros(1, 1, 9, 9)
    corner[..., 0, 0], corner[..., 8, 8] = 0.75, 0.25
    found = centre(corner)
    assert found.shape[-1] > 9
    assert sorted(found.flatten().tolist())[-2:] == [0.25, 0.75]
    np.testing.assert_allclose(centroid(found), 0, atol=0.5)


def test_crop_or_pad():
    kernel = gaussian(1.5)
    padded = crop_or_pad(kernel, 21)
    assert padded.shape[-1] == 21
    torch.testing.assert_close(crop_or_pad(padded, kernel.shape[-1]), kernel)
    small = crop_or_pad(kernel, 5)
    assert float(small.sum()) == pytest.approx(1)
    assert float(small.argmax()) == 12


def test_trim():
    kernel = delta(31)
    kernel[..., 12, 15], kernel[..., 15, 25] = 0.5, 0.04
    assert trim(kernel).shape[-1] == 21
    assert trim(kernel, 0.05).shape[-1] == 7
    assert trim(torch.cat((kernel, delta(31)))).shape == (2, 1, 21, 21)
    assert trim(delta(5)).shape[-1] == 1


def test_show():
    kernel = line(5, 0)
    picture = show(kernel, size=50)
    assert picture.shape == (1, 1, 50, 50)
    assert (picture[0, 0, 20:30] == 1).all()
    assert (picture[0, 0, :20] == 0).all()
    torch.testing.assert_close(show(gaussian(1.0), sqrt=True), show(gaussian(1.0)).sqrt())


@pytest.mark.parametrize(
    "call",
    [
        lambda: shake(30),
        lambda: shake(31, extent=32),
        lambda: shake(31, extent=0.5),
        lambda: line(0.5, 0),
        lambda: line(9, 0, size=7),
        lambda: line(3, 0, size=4),
        lambda: gaussian(0),
        lambda: disk(-1),
        lambda: disk(math.nan),
        lambda: delta(4),
        lambda: trim(delta(3), 1.0),
        lambda: extent(torch.cat((delta(3), delta(3)))),
    ],
)
def test_impossible_kernels_are_refused(call):
    with pytest.raises(UsageError):
        call()
