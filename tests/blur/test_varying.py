"""Does a blur that changes across the picture obey the laws of blur, and is a camera's rotation what it should be?"""

import pytest
import torch

from blurspace.areas import whole
from blurspace.blur.convolve import BORDERS, blur
from blurspace.blur.kernels import delta, normalise
from blurspace.blur.varying import (
    KernelField,
    RotationPath,
    blur_rotation,
    blur_varying,
    draw_rotation_path,
    node_areas,
    node_places,
    rotation_displacements,
    rotation_field,
)
from blurspace.errors import UsageError
from blurspace.metrics import psnr

every_border = pytest.mark.parametrize("border", BORDERS)
GRIDS = ((1, 1), (2, 3), (4, 1))
every_grid = pytest.mark.parametrize("grid", GRIDS)


def random(*shape, seed=0, dtype=torch.float64):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def random_field(rows, columns, side, dtype=torch.float64):
    return KernelField(normalise(random(rows * columns, 1, side, side, seed=1, dtype=dtype)), rows, columns)


def pose(pitch=0.0, yaw=0.0, roll=0.0):
    return RotationPath(torch.tensor([[pitch, yaw, roll]]), torch.ones(1))


def dot(size, row, column):
    picture = torch.zeros(1, 1, *size)
    picture[..., row, column] = 1
    return picture


def brightest(picture):
    return divmod(int(picture.flatten().argmax()), picture.shape[-1])


def weights_of(size, rows, columns):
    weights = torch.zeros(rows * columns, 1, *size)
    for node, down, across, weight in node_areas(whole(size), rows, columns):
        weights[node, 0, down, across] = weight
    return weights


@pytest.mark.parametrize("size", [(17, 23), (4, 5)])
def test_weights_sum_to_1_and_are_1_at_their_node(size):
    weights = weights_of(size, 3, 4)
    assert weights.shape == (12, 1, *size)
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(0), torch.ones(1, *size))
    centred = weights_of((15, 25), 3, 5)
    for node, (row, column) in enumerate(node_places((15, 25), 3, 5).long().tolist()):
        assert centred[node, 0, row, column] == pytest.approx(1, abs=1e-6)
    assert (centred[0, 0, :2, :2] == 1).all()  # constant beyond the outermost nodes


@every_border
@pytest.mark.parametrize("side", [3, 7])
def test_a_field_of_equal_kernels_is_a_uniform_blur(border, side):
    picture, kernel = random(2, 3, 19, 24), normalise(random(1, 1, side, side))
    field = KernelField(kernel.expand(6, -1, -1, -1), 2, 3)
    wanted = blur(picture, kernel, border=border)
    torch.testing.assert_close(blur_varying(picture, field, border=border), wanted, atol=1e-6, rtol=0)


@every_border
@every_grid
def test_a_field_of_deltas_changes_nothing(border, grid):
    picture = random(1, 3, 19, 24)
    field = KernelField(delta(7).expand(grid[0] * grid[1], -1, -1, -1), *grid)
    wanted = picture[..., 3:-3, 3:-3] if border == "valid" else picture
    torch.testing.assert_close(blur_varying(picture, field, border=border), wanted, atol=1e-6, rtol=0)


@pytest.mark.parametrize("border", [border for border in BORDERS if border != "zero"])
@every_grid
def test_constants_stay(border, grid):
    blurred = blur_varying(torch.full((1, 3, 19, 24), 0.4), random_field(*grid, 7, torch.float32), border=border)
    torch.testing.assert_close(blurred, torch.full_like(blurred, 0.4), atol=1e-6, rtol=0)


def test_a_batch_is_its_single_pictures_and_the_input_is_untouched():
    picture, field = random(3, 3, 19, 24), random_field(2, 3, 7)
    singles = torch.cat([blur_varying(one, field) for one in picture.split(1)])
    torch.testing.assert_close(blur_varying(picture, field), singles)
    assert torch.equal(picture, random(3, 3, 19, 24))


def test_it_carries_gradients():
    picture = random(1, 1, 12, 13).requires_grad_()
    assert torch.autograd.gradcheck(lambda it: blur_varying(it, random_field(2, 2, 3)), (picture,))


def test_each_pixel_is_made_by_the_kernel_of_its_own_place():
    right, left = delta(5).roll(2, -1), delta(5).roll(-2, -1)
    field = KernelField(torch.cat((right, left)), 1, 2)
    picture = random(1, 1, 12, 40, dtype=torch.float32)
    blurred = blur_varying(picture, field)
    torch.testing.assert_close(blurred[..., 2:8], picture[..., 0:6], atol=1e-6, rtol=0)
    torch.testing.assert_close(blurred[..., 32:38], picture[..., 34:40], atol=1e-6, rtol=0)


@pytest.mark.parametrize(
    ("angles", "start", "end"),
    [
        ({"yaw": 4 / 60}, (20, 34), (20, 38)),  # right
        ({"pitch": 4 / 60}, (20, 30), (16, 30)),  # up
        ({"roll": 0.2}, (20, 50), (24, 50)),  # clockwise: what is right of the centre goes down
    ],
)
def test_a_turn_moves_the_content_the_same_way_in_both(angles, start, end):
    picture, path = dot((41, 61), *start), pose(**angles)
    assert brightest(blur_rotation(picture, path, focal=60)) == end
    field = rotation_field(path, (41, 61), focal=60, rows=6, columns=9)
    assert brightest(blur_varying(picture, field)) == end


def test_the_displacement_is_the_homography():
    """Against the matrices written out: yaw about y, then the pinhole."""
    turn, focal = torch.tensor(0.05, dtype=torch.float64), 50.0
    rotation = torch.tensor([[turn.cos(), 0, turn.sin()], [0, 1, 0], [-turn.sin(), 0, turn.cos()]]).double()
    camera = torch.tensor([[focal, 0, 30], [0, focal, 20], [0, 0, 1]]).double()
    source = (camera @ rotation.T @ camera.inverse()) @ torch.tensor([55.0, 3.0, 1.0]).double()
    wanted = torch.stack((3 - source[1] / source[2], 55 - source[0] / source[2]))
    angles, places = torch.tensor([[0, float(turn), 0]]).double(), torch.tensor([[3.0, 55.0]])
    found = rotation_displacements(angles, places, size=(41, 61), focal=focal)[0, 0]
    torch.testing.assert_close(found, wanted, atol=1e-6, rtol=0)


@pytest.mark.parametrize("seed", range(2))
def test_a_fine_field_is_the_exact_rotation(seed):
    picture = torch.nn.functional.avg_pool2d(random(1, 1, 124, 164, dtype=torch.float32), 5, 1)
    path = draw_rotation_path(extent=11, focal=160, generator=torch.Generator().manual_seed(seed))
    exact = blur_rotation(picture, path, focal=160)
    field = rotation_field(path, (120, 160), focal=160, rows=6, columns=8)
    assert field.kernels.sum((-2, -1)).sub(1).abs().max() < 1e-5
    assert psnr(blur_varying(picture, field), exact, crop=field.side // 2) > 45
    middle = KernelField(field.kernels[3 * 8 + 4][None], 1, 1)
    alone = psnr(blur_varying(picture, middle), exact, crop=field.side // 2)
    assert psnr(blur_varying(picture, field), exact, crop=field.side // 2) > alone + 10


def test_a_drawn_path_has_mean_0_and_the_extent_asked_for():
    for seed in range(3):
        path = draw_rotation_path(extent=21, focal=500, generator=torch.Generator().manual_seed(seed))
        assert (path.weights @ path.angles).abs().max() < 1e-9
        assert path.weights.sum().item() == pytest.approx(1)
        assert path.angles[:, :2].abs().max().item() * 500 == pytest.approx(10)
        again = draw_rotation_path(extent=21, focal=500, generator=torch.Generator().manual_seed(seed))
        assert torch.equal(path.angles, again.angles)
    assert (draw_rotation_path(extent=21, focal=500, roll=0).angles[:, 2] == 0).all()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: KernelField(torch.ones(3, 1, 3, 3), 2, 2), "rows \\* columns"),
        (lambda: KernelField(torch.ones(4, 1, 4, 4), 2, 2), "k odd"),
        (lambda: RotationPath(torch.zeros(2, 3), torch.ones(2)), "sum to 1"),
        (lambda: RotationPath(torch.zeros(2, 2), torch.ones(2) / 2), "give \\(t, 3\\)"),
        (lambda: list(node_areas(whole((5, 5)), 6, 1)), "give 1 to 5"),
        (lambda: blur_varying(torch.ones(1, 1, 9, 9), random_field(1, 1, 3), border="round"), "unknown"),
        (lambda: blur_varying(torch.ones(9, 9), random_field(1, 1, 3)), "channels"),
        (lambda: blur_rotation(torch.ones(1, 1, 9, 9), pose(), focal=0), "focal length"),
        (lambda: rotation_field(pose(yaw=0.1), (9, 9), focal=90, rows=1, columns=1, side=5), "give 2[13]"),
        (lambda: draw_rotation_path(extent=0, focal=9), "extent"),
    ],
)
def test_errors_say_what_to_do(call, words):
    with pytest.raises(UsageError, match=words):
        call()
