"""Can every recipe for a GPU still be trained? Two steps of each on the CPU, with small networks and pictures."""

import shutil
from pathlib import Path

import pytest
import torch

from blurspace.blur import spectra
from blurspace.io.weights import read_weights
from blurspace.jobs.train import train_recipe

RECIPES = Path(__file__).parents[2] / "recipes"
TINY = ["steps=2", "schedule=steps", "save_minutes=1000", "batch=1", "data.validation=2", "warm_up=1"]
TRIPLETS = ["data.side=64", "extents=[3, 9]"]
ANALYSIS = [f"analysis.{one}" for one in ("side=9", "width=4", "features=2", "levels=1", "filter=3")]
SYNTHESIS = [f"synthesis.{one}" for one in ("side=9", "width=4", "hidden=4", "levels=1")]
NAFNET = ["data.side=32", "nafnet={width=4, encoder=[1, 1], decoder=[1, 1]}"]
RESTORMER = ["data.side=32", "restormer={width=4, blocks=[1, 1, 1, 1], heads=[1, 1, 1, 1], refinement=1}"]
# Recipe -> which data, and what is made small; all else is as on a GPU, also half precision and threads.
SMALL = {
    "kaufman2020-analysis": ("photos", [*TRIPLETS, *ANALYSIS]),
    "kaufman2020-synthesis": ("photos", [*TRIPLETS, *SYNTHESIS]),
    "kaufman2020-pair": ("photos", [*TRIPLETS, *ANALYSIS, *SYNTHESIS]),
    "kaufman2020-classifier": ("photos", [*TRIPLETS, "classifier.side=9", "classifier.width=4", "features=2"]),
    "tran2021": ("pairs", ["data.side=128", "width=2", "code_width=4", "front_blocks=1", "back_blocks=1"]),
    "nafnet": ("pairs", NAFNET),
    "nafnet-team": ("pairs", NAFNET),
    "restormer": ("pairs", RESTORMER),
    "blur2blur": ("camera", ["data.side=96", "widths=[4]", "translator.blocks=1", "critic.width=2", "layers=1"]),
}


def names():
    """The recipes that say they are for a GPU."""
    return sorted(path.stem for path in RECIPES.glob("*.toml") if "GPU" in path.read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def camera(photos, tmp_path_factory):
    """Piles and pairs in one folder: blurry/, sharp/, known/, and GoPro's layout beside."""
    folder = tmp_path_factory.mktemp("camera")
    for name in ("blurry", "sharp", "known/sharp", "known/blur", "pairs/train/one/sharp", "pairs/train/one/blur"):
        shutil.copytree(photos, folder / name)
    shutil.copytree(folder / "pairs/train/one", folder / "pairs/train/two")
    return folder


@pytest.mark.parametrize("name", names())
def test_two_steps_of_a_gpu_recipe(name, photos, camera, tmp_path, monkeypatch):
    monkeypatch.setattr(spectra, "LONGEST", (3, 5, 7))  # a quick guess at the camera's blur
    kind, small = SMALL[name]
    data = {"photos": photos, "pairs": camera / "pairs", "camera": camera}[kind]
    overrides = [*TINY, *small]
    if name == "kaufman2020-pair":  # after the other two
        for network in ("analysis", "synthesis"):
            first, less = f"kaufman2020-{network}", [*TINY, *SMALL[f"kaufman2020-{network}"][1], "steps=1"]
            train_recipe(RECIPES / f"{first}.toml", data=data, out=tmp_path / first, overrides=less)
            overrides.append(f"start.{network}={tmp_path / first / 'weights.safetensors'}")
    record = train_recipe(RECIPES / f"{name}.toml", data=data, out=tmp_path / "run", overrides=overrides)
    tensors, about = read_weights(record["weights"])
    assert about["steps"] == 2
    assert about["recipe"]["loop"]["accumulate"] == (8 if name == "nafnet-team" else 1)
    assert all(bool(torch.isfinite(one).all()) for one in tensors.values())
