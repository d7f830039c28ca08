"""Does the supervised task learn from made and from read pairs, start from weights, and say how good it is?"""

import pytest
import torch

from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import line
from blurspace.builders import build_network
from blurspace.chance import chance
from blurspace.data.crops import SharpPhotos
from blurspace.errors import UsageError
from blurspace.io.images import encode_photo, write_bytes
from blurspace.io.weights import read_weights
from blurspace.train import loop
from blurspace.train.recipes import TASKS
from blurspace.train.steps import take
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
    losses = [take([task.step(batch)])["loss"] for _ in range(60)]
    assert losses[-1] < 0.9 * losses[0]


def test_it_starts_from_weights(photos, tmp_path):
    recipe, task = build(photos)
    path = loop.run(task, recipe.loop, out=tmp_path)
    _, again = build(photos, start=str(path))
    for name, one in again.networks["restorer"].state_dict().items():
        assert torch.equal(one, read_weights(path)[0][f"restorer.{name}"])


OTHERS = {
    "nafnet": {"width": 4, "encoder": [1, 1], "middle": 1, "decoder": [1, 1]},
    "restormer": {"width": 4, "blocks": [1, 1], "heads": [1, 2], "refinement": 1, "expansion": 2.0},
}


@pytest.mark.parametrize("kind", OTHERS)
def test_other_networks_are_trained_and_built_again(photos, tmp_path, kind):
    recipe, task = build(photos, restorer=None, **{kind: OTHERS[kind]})
    assert set(task.networks) == {kind}
    network = build_network(loop.run(task, recipe.loop, out=tmp_path))
    blurry = torch.rand(1, 3, 24, 20, generator=chance(0, 0))
    torch.testing.assert_close(network(blurry), task.networks[kind](blurry))
    assert not any(one.requires_grad for one in network.parameters())


def test_two_networks_are_one_too_many(photos):
    with pytest.raises(ValueError, match="restorer and nafnet are both given"):
        build(photos, nafnet=OTHERS["nafnet"])


def test_a_folder_of_pairs_is_split_by_scene(photos, tmp_path):
    for index, sharp in enumerate(SharpPhotos(photos).photos[:2]):
        for name, picture in (("sharp", sharp[None] / 255), ("blur", photograph(sharp[None] / 255, line(5, 30)))):
            folder = tmp_path / f"shot{index}" / name
            folder.mkdir(parents=True)
            write_bytes(folder / "0.png", encode_photo(Photo.of(picture), picture), overwrite=False)
    _, task = build(tmp_path, data=DATA | {"kinds": ["pairs"]})
    assert task.validate()["blurry_psnr"] < 60
    with pytest.raises(UsageError, match="one scene"):
        build(tmp_path / "shot0", data=DATA | {"kinds": ["pairs"]})
