"""Does the prior learn what codes look like, and leave the space as it is?"""

import signal

import pytest
import torch
from pydantic import ValidationError

from blurspace.chance import chance, seeded
from blurspace.io.weights import load_into, read_weights, write_weights
from blurspace.nets.kernel_space import BasisSpace
from blurspace.train import loop
from blurspace.train.code_prior import CodePriorRecipe, build_code_prior
from blurspace.train.steps import take

SPACE = {"count": 4, "side": 7, "stride": 16}
DATA = {"kinds": ["shakes"], "side": 48, "batch": 2, "extents": [3, 9], "kernel_side": 9, "validation": 8}


@pytest.fixture
def start(tmp_path):
    path = tmp_path / "space.safetensors"
    with seeded(0):
        write_weights(path, {"space": BasisSpace(**SPACE)}, about={"architecture": {"space": SPACE}})
    return path


def recipe(start, **tables):
    table = {"task": "code prior", "loop": {"steps": 4}, "adam": {"learning_rate": 1e-2}, "data": DATA, "start": start}
    return CodePriorRecipe.model_validate(
        table | {"space": SPACE | {"latent": 3}, "collected": 6, "cells": 64, "error": 2e-3} | tables
    )


def build(start, photos, **tables):
    return build_code_prior(recipe(start, **tables), data=photos, device="cpu", report=print)


def test_it_learns(photos, start):
    task = build(start, photos)
    first = task.validate()
    losses = [take([task.step(task.batch(chance(0, index)))])["loss"] for index in range(200)]
    last = task.validate()
    assert sum(losses[-20:]) < 0.7 * sum(losses[:20])
    assert last["decoded_error"] < 0.7 * first["decoded_error"]
    assert last["real_blur"] == first["real_blur"]
    assert last["drawn_blur"] == pytest.approx(last["real_blur"], rel=0.5)


def test_resume_is_uninterrupted_and_the_space_stays(photos, start, tmp_path):
    settings = recipe(start).loop
    whole = loop.run(build(start, photos), settings, out=tmp_path / "whole")
    signalled = []

    def interrupt(row):
        if row["step"] == 1 and not signalled:
            signalled.append(row)
            signal.raise_signal(signal.SIGINT)

    every = settings.model_copy(update={"log_every": 1})
    with pytest.raises(KeyboardInterrupt):
        loop.run(build(start, photos), every, out=tmp_path / "parts", progress=interrupt)
    again = loop.run(build(start, photos), settings, out=tmp_path / "parts", resume=True)
    tensors = [read_weights(path)[0] for path in (whole, again)]
    assert all(torch.equal(one, tensors[1][name]) for name, one in tensors[0].items())
    assert torch.equal(tensors[0]["space.basis"], read_weights(start)[0]["space.basis"])
    space = BasisSpace(**SPACE, latent=3)
    load_into({"space": space}, tensors[0])
    assert space.sample((48, 48)).shape == space.rest_code((48, 48)).shape


def test_the_metric_is_the_error_that_is_seen():
    with seeded(0):
        space = BasisSpace(**SPACE).requires_grad_(False)
    sharp = torch.rand(2, 1, 64, 48, generator=chance(0, 1))
    weights = 0.01 * torch.randn(4, generator=chance(0, 2))
    code = torch.cat((weights, torch.zeros(1))).view(1, -1, 1, 1).expand(1, -1, 4, 3)
    seen = (space.reblur(sharp + 1, code) - (sharp + 1)).square().mean()  # far from 0, where nothing is clamped
    torch.testing.assert_close(weights @ space.metric(sharp + 1) @ weights, seen, rtol=1e-3, atol=0)


def test_a_prior_of_nothing_is_refused(start):
    with pytest.raises(ValidationError, match="latent"):
        recipe(start, space=SPACE | {"latent": 0})
