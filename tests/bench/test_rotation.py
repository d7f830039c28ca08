"""Is made camera rotation the same every time, really not uniform, and its rows complete?"""

import pytest
import torch

from blurspace.bench import rotation, runner
from blurspace.errors import UsageError
from blurspace.io.images import read_photo


def test_same_name_same_pair(photos):
    picture = read_photo(photos / "0.png").pixels
    (extent, first), (_, second) = (rotation.make_pair(picture, "0.png", "turned") for _ in range(2))
    assert torch.equal(first.blurry, second.blurry)
    assert first.sharp.shape == first.blurry.shape
    assert extent == rotation.make_pair(picture, "0.png", "uniform")[0]
    assert extent != rotation.make_pair(picture, "1.png", "turned")[0]


def test_a_turn_changes_across_the_photo_and_a_shake_does_not():
    """The same squares everywhere: only the uniform blur makes the same of all."""
    picture = torch.zeros(1, 1, 301, 301)
    for y in range(70, 300, 75):
        for x in range(70, 300, 75):
            picture[..., y : y + 11, x : x + 11] = 1
    apart = {}
    for kind in rotation.KINDS:
        _, pair = rotation.make_pair(picture, "0.png", kind)
        frame = (301 - pair.sharp.shape[-1]) // 2
        spots = [pair.blurry[..., y - 20 - frame :, x - 20 - frame :][..., :41, :41] for y, x in ((75, 75), (225, 225))]
        apart[kind] = float((spots[0] - spots[1]).norm() / spots[0].norm())
    assert apart["uniform"] < 0.1 < 0.3 < apart["turned"]


def test_too_small_a_picture_is_refused():
    with pytest.raises(UsageError, match="158 px or more"):
        rotation.make_pair(torch.zeros(1, 3, 110, 700), "0.png", "turned")


def test_every_photo_has_two_rows(photos):
    result = runner.run("rotation", data=photos, method="blurry", limit=2)
    assert [row["kind"] for row in result.rows] == ["turned", "uniform"] * 2
    assert [group["n"] for group in result.summary["groups"]] == [2, 2]
    assert all(row["gain_db"] == 0 and row["by_field"] is False for row in result.rows)
