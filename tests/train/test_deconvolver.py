"""Does the deconvolver learn, from recipe and photos to weights that load?"""

import inspect

import pytest
import torch

from blurspace.errors import ModelError
from blurspace.io.weights import load_into, read_weights
from blurspace.nets.deconvolver import Deconvolver
from blurspace.train import cases, deconvolver, loop
from blurspace.train.recipes import TASKS
from blurspace.train.steps import chance

NETWORK = {"rounds": 1, "widths": (8, 8)}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return tmp_path_factory.mktemp("cases")


@pytest.fixture
def build(photos, shards, monkeypatch):
    """Two shards of two cases with true kernels, made once for all tests here."""
    monkeypatch.setattr(cases, "RANGES", ((3, 9, 64),))
    monkeypatch.setattr(cases, "SHARD", 2)
    monkeypatch.setattr(cases, "BOUNDS", (15,))
    monkeypatch.setattr(deconvolver, "CROPS", {9: (24, 1)})

    def task(**tables):
        return TASKS["deconvolver"].build(recipe(shards, **tables), data=photos, device="cpu", report=print)

    return task


def recipe(folder, **tables):
    data = {"folder": str(folder), "shards": 1, "held_out_shards": 1, "true_share": 1.0}
    table = {"task": "deconvolver", "loop": {"steps": 3, "average": 0.5}, "adam": {"learning_rate": 1e-3, "clip": 1.0}}
    return TASKS["deconvolver"].recipe.model_validate(table | {"data": data, "deconvolver": NETWORK} | tables)


def test_overfits_one_batch(build):
    task = build(deconvolver={"rounds": 1, "widths": (24, 24)})
    batch = task.batch(chance(0, 0))
    first = task.step(batch)
    assert first["share"] == pytest.approx(1)  # a new network gives the start back
    for _ in range(60):
        last = task.step(batch)
    assert last["loss"] < 0.65 * first["loss"]  # measured: 0.43
    assert last["share"] == pytest.approx(last["loss"] / first["loss"], rel=1e-4)


def test_validates_on_shards_of_its_own(build):
    task = build()
    assert task.shards[0].parent.name == "train"
    assert task.held_out[0].parent.name == "held-out"
    measured = task.validate()
    assert set(measured) == {"start_9px", "psnr_9px"}
    assert measured["start_9px"] == pytest.approx(measured["psnr_9px"])
    assert task.validate() == measured


def test_trains_resumes_and_loads(build, shards, tmp_path):
    settings = recipe(shards).loop
    whole = loop.run(build(), settings, out=tmp_path / "whole")
    loop.run(build(), settings, out=tmp_path / "parts", max_minutes=1e-9)
    again = loop.run(build(), settings, out=tmp_path / "parts", resume=True)
    tensors, about = read_weights(whole)
    assert about["architecture"] == {"deconvolver": {"rounds": 1, "widths": [8, 8]}}
    assert all(torch.equal(tensors[key], one) for key, one in read_weights(again)[0].items())
    load_into({"deconvolver": Deconvolver(**about["architecture"]["deconvolver"])}, tensors)
    started = build(start=str(whole)).network.state_dict()
    assert all(torch.equal(tensors[f"deconvolver.{key}"], one) for key, one in started.items())
    with pytest.raises(ModelError):
        build(start=str(whole), deconvolver={"rounds": 2, "widths": (8, 8)})


def test_the_table_is_the_networks_arguments():
    arguments = inspect.signature(Deconvolver).parameters
    assert {name: one.default for name, one in arguments.items()} == deconvolver.DeconvolverNetwork().model_dump()


def test_there_is_a_crop_for_every_range():
    assert {widest for _, widest, _ in cases.RANGES} == deconvolver.CROPS.keys()
