"""Does the job behind `train` go from a recipe file to weights, and refuse what it cannot do?"""

from pathlib import Path

import pytest
import torch

from blurspace.errors import NoInputError, OutputError, UsageError
from blurspace.io.weights import read_weights
from blurspace.jobs.train import train_recipe

RECIPE = Path(__file__).parents[2] / "recipes" / "kaufman2020-small-synthesis.toml"
TINY = ["synthesis.side=9", "width=4", "hidden=4", "levels=1", "data.side=32", "batch=2", "validation=2", "steps=2"]
TINY += ["extents=[3, 9]", "schedule=steps"]


def test_recipe_to_weights_and_resume(photos, tmp_path):
    lines = []
    record = train_recipe(RECIPE, data=photos, out=tmp_path / "run", overrides=TINY, report=lines.append)
    assert record["steps"] == 2
    assert record["task"] == "synthesis"
    assert record["device"] == "cpu"
    assert record["measured"]["psnr"] > 5
    about = read_weights(record["weights"])[1]
    assert about["recipe"]["data"]["side"] == 32
    assert about["architecture"]["synthesis"]["width"] == 4
    assert lines[-1].startswith("step 2, ")
    with pytest.raises(OutputError, match="give --resume"):
        train_recipe(RECIPE, data=photos, out=tmp_path / "run", overrides=TINY)
    more = train_recipe(RECIPE, data=photos, out=tmp_path / "run", overrides=[*TINY, "steps=3"], resume=True)
    assert more["steps"] == 3


def test_a_bad_photo_is_told(photos, tmp_path):
    for path in photos.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (tmp_path / "bad.png").write_bytes(b"not a picture")
    lines = []
    train_recipe(RECIPE, data=tmp_path, out=tmp_path / "run", overrides=TINY, report=lines.append)
    assert sum("left out" in line and "bad.png" in line for line in lines) == 1


def test_no_steps_are_told(photos, tmp_path):
    lines = []
    train_recipe(RECIPE, data=photos, out=tmp_path / "run", overrides=TINY, max_minutes=1e-9, report=lines.append)
    assert lines[-1].startswith("0 steps were done")


def test_refusals(photos, tmp_path):
    with pytest.raises(UsageError, match="give one of cpu, cuda"):
        train_recipe(RECIPE, data=photos, out=tmp_path, device="tpu")
    if not torch.cuda.is_available():
        with pytest.raises(UsageError, match="give --device cpu"):
            train_recipe(RECIPE, data=photos, out=tmp_path, device="cuda")
    with pytest.raises(UsageError, match="leaves no time"):
        train_recipe(RECIPE, data=photos, out=tmp_path, max_minutes=0)
    with pytest.raises(NoInputError):
        train_recipe(RECIPE, data=tmp_path / "none", out=tmp_path)
