"""Is made blur the same every time, exact, and independent of the other pictures in the folder?"""

from dataclasses import replace

import pytest
import torch

from blurspace.bench import runner, synthetic
from blurspace.blur.kernels import delta, trim
from blurspace.errors import UsageError
from blurspace.io.images import read_photo


def test_same_name_same_pair(photos):
    picture = read_photo(photos / "0.png").pixels
    first, second = (synthetic.make_pair(picture, synthetic.draw("0.png")) for _ in range(2))
    assert torch.equal(first.blurry, second.blurry)
    assert not torch.equal(synthetic.draw("0.png").kernel, synthetic.draw("1.png").kernel)


def test_recipes_cover_the_ranges():
    recipes = [synthetic.draw(str(number)) for number in range(60)]
    assert {recipe.range for recipe in recipes} == {"9 to 31", "31 to 61", "61 to 85"}
    assert {recipe.sigma for recipe in recipes} == set(synthetic.SIGMAS)
    for recipe in recipes:
        low, high = map(int, recipe.range.split(" to "))
        assert low <= trim(recipe.kernel).shape[-1] <= recipe.kernel.shape[-1] <= high


def test_truth_is_exact(photos):
    """Without a kernel, the pair differs by the noise alone: no crop is off by a pixel."""
    picture = read_photo(photos / "0.png").pixels
    pair = synthetic.make_pair(picture, replace(synthetic.draw("0.png"), kernel=delta(51), sigma=0.01))
    assert pair.sharp.shape == pair.blurry.shape == (1, 3, 150, 150)
    assert float((pair.sharp - pair.blurry).std()) == pytest.approx(0.01, rel=0.1)
    levels = pair.blurry * 255
    assert torch.allclose(levels, levels.round(), atol=1e-3)


def test_big_pictures_are_cropped():
    recipe = synthetic.draw("0.png")
    pair = synthetic.make_pair(torch.zeros(1, 1, 700, 601), recipe)
    assert pair.sharp.shape[-2:] == pair.blurry.shape[-2:] == (512, 512)
    with pytest.raises(UsageError, match="bigger pictures"):
        synthetic.make_pair(torch.zeros(1, 3, 100, 700), recipe)


def test_adding_pictures_changes_no_row(photos, fake):
    few = runner.run("synthetic", data=photos, method="true kernel", limit=2)
    many = runner.run("synthetic", data=photos, method="true kernel")
    timeless = [[{**row, "seconds": 0} for row in result.rows] for result in (few, many)]
    assert timeless[0] == timeless[1][:2]
    assert sum(group["n"] for group in many.summary["groups"]) == len(many.rows) == many.summary["n"] == 3
    assert "| range | sigma | n |" in many.table()


def test_blurry_row(photos):
    result = runner.run("synthetic", data=photos, method="blurry", limit=1)
    assert result.rows[0]["gain_db"] == 0
    assert result.rows[0]["psnr"] > 8
