"""Does the task tell places apart, with blur and all, and does it come back from an interrupt as if nothing was?"""

import pytest
import torch

from blurspace.builders import build_features
from blurspace.chance import chance
from blurspace.errors import NoInputError, UsageError
from blurspace.io.weights import read_weights
from blurspace.train import loop
from blurspace.train.features import PlaceSettings, changed_crops, draw_kernels, matched
from blurspace.train.recipes import TASKS, read_recipe
from blurspace.train.steps import take

DATA = {"side": 24, "batch": 6, "places": 4, "place": 44, "scales": [0.8, 1.25], "kernels": 8, "kernel_side": 9}


def build(folder, **tables):
    table = {"task": "features", "loop": {"steps": 4}, "adam": {"learning_rate": 3e-3}, "data": DATA}
    recipe = TASKS["features"].recipe.model_validate(table | {"features": {"widths": [8, 12, 16]}} | tables)
    return recipe, TASKS["features"].build(recipe, data=folder, device="cpu", report=print)


def test_it_overfits_one_batch(photos):
    _, task = build(photos)
    batch = task.batch(chance(0, 0))
    assert [tuple(one.shape) for one in batch] == [(6, 3, 24, 24)] * 2
    losses = [take([task.step(batch)])["loss"] for _ in range(25)]
    assert losses[-1] < 0.5 * losses[0]
    assert take([task.step(batch)])["accuracy"] == 1


def test_the_scale_becomes_the_mean_of_each_map(photos):
    _, task = build(photos, adam={"learning_rate": 1e-9}, scale_rate=0.5)
    batch = task.batch(chance(0, 0))
    for _ in range(12):
        take([task.step(batch)])
    for one in task.features(torch.cat(batch)):
        assert float(one.detach().mean()) == pytest.approx(1, rel=0.01)


def test_places_are_of_other_photos_and_do_not_overlap(photos):
    _, task = build(photos)
    assert len(task.places) == 12  # three photos, and one is held out
    assert len(task.held_out) == 4
    assert len(torch.cat((task.places, task.held_out)).unique(dim=0)) == 16


def test_what_matches():
    rows = torch.eye(4)
    assert matched(rows, rows) == 1
    assert matched(rows, 3 * rows) == 1
    assert matched(rows, rows.roll(1, 0)) == 0
    assert matched(rows, rows[[0, 1, 3, 2]]) == 0.5


def test_kernels_are_of_all_kinds():
    kernels = draw_kernels(8, 9, chance(0, 0))
    assert kernels.shape == (8, 1, 9, 9)
    torch.testing.assert_close(kernels.sum((1, 2, 3)), torch.ones(8))
    assert [bool(one[0, 4, 4] == 1) for one in kernels[::4]] == [True, True]
    assert all(one[0, 4, 4] < 1 for one in kernels[1::4])


def test_without_changes_a_crop_is_a_piece():
    settings = PlaceSettings(side=8, batch=1, places=1, place=12, kernels=1, kernel_side=5)
    place = torch.randint(256, (1, 3, 12, 12), generator=chance(0, 0)).to(torch.uint8)
    crop = changed_crops(place, draw_kernels(1, 5, chance(0, 1)), settings, chance(0, 2))[0]
    inner = place[0, :, 2:-2, 2:-2] / 255
    assert any(torch.allclose(crop, one, atol=1e-5) for one in (inner, inner.flip(-1)))


def test_a_resumed_run_is_an_uninterrupted_one(photos, tmp_path):
    averaged = {"steps": 4, "average": 0.5}
    recipe, task = build(photos, loop=averaged)
    whole = loop.run(task, recipe.loop, out=tmp_path / "whole")

    def stop(row):
        if row["step"] == 2:
            raise KeyboardInterrupt

    every = recipe.loop.model_copy(update={"log_every": 1, "save_minutes": 0.0})
    with pytest.raises(KeyboardInterrupt):
        loop.run(build(photos)[1], every, out=tmp_path / "parts", progress=stop)
    again = loop.run(build(photos)[1], recipe.loop, out=tmp_path / "parts", resume=True)
    tensors = [read_weights(path)[0] for path in (whole, again)]
    assert tensors[0].keys() == tensors[1].keys()
    assert all(torch.equal(one, tensors[1][name]) for name, one in tensors[0].items())
    assert not torch.equal(tensors[0]["features.scale"], torch.ones(3))
    assert build_features(again)(torch.rand(1, 3, 16, 16))[-1].shape == (1, 16, 4, 4)


def test_what_cannot_be_is_refused(photos, tmp_path):
    with pytest.raises(NoInputError, match=r"every photo in .* is smaller"):
        build(photos, data=DATA | {"place": 150})
    text = "[loop]\nsteps = 1\n[adam]\nlearning_rate = 1\n[data]\nside = 64\nbatch = 1\nplaces = 1\nplace = 70"
    (tmp_path / "small.toml").write_text(f'task = "features"\n{text}', encoding="utf-8")
    with pytest.raises(UsageError, match="give a bigger place"):
        read_recipe(tmp_path / "small.toml")
    with pytest.raises(UsageError, match="give an odd number"):
        read_recipe(tmp_path / "small.toml", overrides=["kernel_side=6"])
