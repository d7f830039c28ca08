"""Does the job behind `train` go from a recipe file to weights, and refuse what it cannot do?"""

import pickle
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import torch

from blurspace.blur.kernels import delta
from blurspace.errors import NoInputError, OutputError, UsageError
from blurspace.io.weights import read_weights, write_weights
from blurspace.jobs import train
from blurspace.jobs.train import train_recipe
from blurspace.nets.deconvolver import Deconvolver
from blurspace.train.cases import Making, Range
from blurspace.train.recipes import TASKS

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


@pytest.mark.parametrize("engine", [False, True])
def test_jobs_make_the_cases_that_the_recipe_needs(photos, tmp_path, monkeypatch, engine):
    """A helper, here in this process, makes them all, and the training finds them there."""
    making = Making(
        ranges=(Range(3, 9, side=64, crop=24, count=1),),
        shard=1,
        widest=15,
        least_agreement=0,
        search=lambda _: delta(9),
    )
    row = TASKS["deconvolver"]
    small = replace(row, build=partial(row.build, making=making), prepare=partial(row.prepare, making=making))
    monkeypatch.setitem(TASKS, "deconvolver", small)
    asked, told = [], []

    @contextmanager
    def helped(work, *, helpers):
        asked.append(helpers)
        for _ in range(helpers):
            pickle.loads(pickle.dumps(work))(None)
        yield

    monkeypatch.setattr(train, "helped", helped)
    how = {"engine": partial(helped, helpers=3)} if engine else {"jobs": 2}
    tiny = [f"folder={tmp_path}", "shards=2", "held_out_shards=1", "validation=1", "widths=[4, 4]", "steps=1"]
    start = tmp_path / "start.safetensors"
    network = {"rounds": 1, "widths": (4, 4)}
    write_weights(start, {"deconvolver": Deconvolver(**network)}, about={"architecture": {"deconvolver": network}})
    tiny += [f"start={start}", "rounds=1", "schedule=steps"]
    options = {"data": photos, "overrides": tiny, "report": told.append, **how}
    assert train_recipe(RECIPE.with_name("deconvolver.toml"), out=tmp_path / "run", **options)["steps"] == 1
    assert asked == [3 if engine else 1]
    assert len(list(tmp_path.glob("*/9px-*.safetensors"))) == 3
    assert not any("shards of cases are made" in line for line in told)  # not by this process


@pytest.mark.parametrize("how", [{"jobs": 2}, {"engine": lambda work: nullcontext()}])
def test_jobs_are_for_recipes_with_cases(photos, tmp_path, how):
    with pytest.raises(UsageError, match="no training cases to make: leave --jobs and --engine out"):
        train_recipe(RECIPE, data=photos, out=tmp_path, **how)
