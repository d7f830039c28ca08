"""Does the supervised task learn from made and from read pairs, start from weights, and say how good it is?"""

import pytest
import torch

from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import line
from blurspace.data.crops import SharpPhotos
from blurspace.errors import UsageError
from blurspace.io.images import encode_photo, write_bytes
from blurspace.io.weights import read_weights
from blurspace.train import loop
from blurspace.train.recipes import TASKS
from blurspace.train.steps import chance
from blurspace.types import Photo

DATA = {"kinds": ["shakes"], "side": 32, "batch": 2, "extents": [3, 5], "kernel_side": 5, "validation": 3}


def build(folder, **tables):
    table = {"task": "deblurrer", "loop": {"steps": 3}, "adam": {"learning_rate": 3e-3}, "data": DATA}
    recipe = TASKS["deblurrer"].recipe.model_validate(table | {"restorer": {"widths": [8, 12]}} | tables)
    return recipe, TASKS["deblurrer"].build(recipe, data=folder, device="cpu", report=print)


def test_it_overfits_one_batch_and_measures_both_sides(photos):
    _, task = build(photos)
    before = task.validate()
    assert set(before) == {"psnr", "blurry_psnr"}
    assert before["psnr"] == pytest.approx(before["blurry_psnr"])  # it starts as the identity
    batch = task.batch(chance(0, 0))
    losses = [task.step(batch)["loss"] for _ in range(60)]
    assert losses[-1] < 0.9 * losses[0]


def test_it_starts_from_weights(photos, tmp_path):
    recipe, task = build(photos)
    path = loop.run(task, recipe.loop, out=tmp_path)
    _, again = build(photos, start=str(path))
    for name, one in again.networks["restorer"].state_dict().items():
        assert torch.equal(one, read_weights(path)[0][f"restorer.{name}"])


def test_a_folder_of_pairs_is_split_by_scene(photos, tmp_path):
    for index, sharp in enumerate(SharpPhotos(photos).photos[:2]):
        for name, picture in (("sharp", sharp[None] / 255), ("blur", photograph(sharp[None] / 255, line(5, 30)))):
            folder = tmp_path / f"shot{index}" / name
            folder.mkdir(parents=True)
            write_bytes(folder / "0.png", encode_photo(Photo(picture), picture), overwrite=False)
    _, task = build(tmp_path, data=DATA | {"kinds": ["pairs"]})
    assert task.validate()["blurry_psnr"] < 60
    with pytest.raises(UsageError, match="one scene"):
        build(tmp_path / "shot0", data=DATA | {"kinds": ["pairs"]})
