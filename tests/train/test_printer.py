"""Does a printer learn lines, and go on where it stopped?"""

import pytest
import torch

from blurspace.chance import chance
from blurspace.errors import NoInputError
from blurspace.io.weights import read_weights
from blurspace.train import loop
from blurspace.train.printer import PrinterRecipe, build_printer
from blurspace.train.steps import take

SMALL = {"numbers": 8, "width": 24, "blocks": 1, "maps": (16, 12, 8), "seen": (16, 12, 8)}
DATA = {"batch": 2, "kernels": 4, "kernel_side": 7, "validation": 2}


def recipe(**tables):
    table = {"task": "printer", "loop": {"steps": 3}, "adam": {"learning_rate": 5e-3}, "data": DATA, "printer": SMALL}
    return PrinterRecipe.model_validate(table | tables)


def build(folder, **tables):
    return build_printer(recipe(**tables), data=folder, device="cpu", report=lambda _: None)


def test_it_overfits_two_lines(tmp_path):
    task = build(tmp_path, wander=0.0)
    batch = task.batch(chance(0, 0))
    losses = [take([task.step(batch)])["loss"] for _ in range(150)]
    assert losses[-1] < 0.5 * losses[0]
    blank = batch.sharp - batch.sharp.mean((-2, -1), keepdim=True)
    printer = task.networks["printer"]
    with torch.no_grad():
        off = printer(printer.encode(batch.sharp)) - batch.sharp
    assert float(off.square().mean()) < 0.3 * float(blank.square().mean())


def test_measures(tmp_path):
    measured = build(tmp_path).validate()
    assert measured.keys() == {"psnr", "read_psnr", "blurry_psnr"}
    assert measured == build(tmp_path).validate()


def test_resume_is_uninterrupted(tmp_path):
    whole = loop.run(build(tmp_path), recipe().loop, out=tmp_path / "whole")
    loop.run(build(tmp_path), recipe(loop={"steps": 1}).loop, out=tmp_path / "part")
    resumed = loop.run(build(tmp_path), recipe().loop, out=tmp_path / "part", resume=True)
    ours, others = read_weights(whole)[0], read_weights(resumed)[0]
    assert ours.keys() == others.keys()
    assert all(torch.equal(ours[name], others[name]) for name in ours)


def test_data_is_a_folder(tmp_path):
    with pytest.raises(NoInputError, match="give one with fonts"):
        build(tmp_path / "missing")
