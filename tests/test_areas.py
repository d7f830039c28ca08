"""Do the pieces of a picture cover it once, and find their place in each other?"""

import pytest
import torch

from blurspace.areas import Area, tiles, whole


@pytest.mark.parametrize("size", [(1, 1), (7, 90), (64, 64), (130, 97), (257, 300)])
@pytest.mark.parametrize("side", [1, 16, 64, 100, 1000])
@pytest.mark.parametrize("multiple", [1, 2, 32])
def test_tiles_cover_each_pixel_once(size, side, multiple):
    if side == 1 and size[0] * size[1] > 5000:
        return
    covered = torch.zeros(size, dtype=torch.int64)
    for area in tiles(size, side, multiple=multiple):
        assert area.whole == size
        assert max(area.size) <= max(side + multiple - 1, multiple)
        assert min(area.size) >= 1
        assert all(first % multiple == 0 for first in (area.rows[0], area.columns[0]))
        area.cut(covered).add_(1)
    assert (covered == 1).all()


def test_tiles_are_of_nearly_one_size():
    sizes = [area.size[0] for area in tiles((1000, 10), 300)]
    assert sizes == [250] * 4


def test_the_whole_is_one_tile_where_it_fits():
    assert list(tiles((40, 50), 50)) == [whole((40, 50))]


@pytest.mark.parametrize("multiple", [1, 8])
def test_a_grown_area_ends_at_the_frame_and_begins_on_the_grid(multiple):
    inner = Area((30, 60), (0, 95), (100, 100))
    outer = inner.grown(10, multiple=multiple)
    assert outer.rows == (20 if multiple == 1 else 16, 70)
    assert outer.columns == (0, 100)
    assert outer.whole == inner.whole


def test_a_piece_is_found_in_a_bigger_one():
    picture = torch.arange(60.0 * 70).view(1, 1, 60, 70)
    inner = Area((20, 33), (40, 70), (60, 70))
    outer = inner.grown(7, multiple=4)
    assert torch.equal(inner.cut_from(outer.cut(picture), outer), inner.cut(picture))
    assert inner.cut(picture).shape[-2:] == inner.size
