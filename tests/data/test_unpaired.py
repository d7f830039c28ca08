"""Are pieces of pictures without partners cut by chance, mirrored but never turned?"""

import pytest
import torch

from blurspace.chance import chance
from blurspace.data.unpaired import UnpairedPhotos, draw_unturned
from blurspace.errors import NoInputError


def places(height, width):
    """uint8 (3 h w): the row, the column, and which picture it is by its size."""
    rows = torch.arange(height)[:, None].expand(height, width)
    columns = torch.arange(width).expand(height, width)
    return torch.stack((rows, columns, torch.full((height, width), height))).to(torch.uint8)


def steps(piece):
    """How the rows' number grows downwards, and the columns' to the right, in 8-bit levels."""
    down, right = (piece[0, 1:] - piece[0, :-1]) * 255, (piece[1, :, 1:] - piece[1, :, :-1]) * 255
    assert float(down.std()) == pytest.approx(0, abs=1e-3)
    assert float(right.std()) == pytest.approx(0, abs=1e-3)
    return round(float(down.mean())), round(float(right.mean()))


def test_pieces_are_mirrored_from_left_to_right_and_never_turned():
    drawn = UnpairedPhotos([places(40, 30), places(20, 50)]).draw(chance(0, 0), count=60, side=9)
    assert drawn.shape == (60, 3, 9, 9)
    assert (drawn.dtype, float(drawn.max()) <= 1) == (torch.float32, True)
    assert {steps(piece) for piece in drawn} == {(1, 1), (1, -1)}
    mirrored = sum(steps(piece) == (1, -1) for piece in drawn)
    assert 15 <= mirrored <= 45
    assert {round(float(piece[2, 0, 0] * 255)) for piece in drawn} == {40, 20}


def test_every_place_is_drawn_up_to_the_edges():
    drawn = draw_unturned([places(12, 10)[None]], chance(0, 0), count=200, side=9)[:, 0] * 255
    assert drawn[:, 0].amin((1, 2)).unique().tolist() == [0, 1, 2, 3]
    assert drawn[:, 1].amin((1, 2)).round().unique().tolist() == [0, 1]


def test_values_are_those_of_the_picture():
    picture = places(9, 9)
    (piece,) = UnpairedPhotos([picture]).draw(chance(0, 0), count=1, side=9)
    wanted = picture.float() / 255
    assert torch.equal(piece, wanted) or torch.equal(piece, wanted.flip(-1))


def test_a_stack_is_cut_at_one_place():
    stack = torch.stack((places(30, 40), 255 - places(30, 40)))
    drawn = draw_unturned([stack, stack], chance(0, 0), count=20, side=8)
    assert drawn.shape == (20, 2, 3, 8, 8)
    torch.testing.assert_close(drawn[:, 1], 1 - drawn[:, 0])


def test_the_generator_alone_decides():
    photos = UnpairedPhotos([places(40, 40), places(50, 50)])
    one, same, other = (photos.draw(chance(0, step), count=3, side=16) for step in (0, 0, 1))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)


def test_small_pictures_are_left_out_and_only_small_ones_refused():
    drawn = UnpairedPhotos([places(8, 99), places(30, 30)]).draw(chance(0, 0), count=20, side=9)
    assert {round(float(piece[2, 0, 0] * 255)) for piece in drawn} == {30}
    with pytest.raises(NoInputError, match=r"crops of 31 px were wanted and the pictures have at most 30 px"):
        UnpairedPhotos([places(8, 99), places(30, 30)]).draw(chance(0, 0), count=1, side=31)
    with pytest.raises(NoInputError, match="at most 0 px"):
        UnpairedPhotos([]).draw(chance(0, 0), count=1, side=1)
