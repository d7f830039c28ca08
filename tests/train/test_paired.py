"""Does a deblurrer learn from trusted pixels alone, and from the known deblurrer on?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.catalog import WEIGHTS
from blurspace.chance import chance
from blurspace.io.weights import read_weights
from blurspace.levels import to_levels
from blurspace.train.adapt import TranslatorRecipe
from blurspace.train.paired import PairedTask
from blurspace.train.steps import take

from ..restore.scenes import made_scene

RECIPE = TranslatorRecipe.model_validate({"data": {"side": 32, "batch": 2}, "adam": {"learning_rate": 1e-3}})
BELT = WEIGHTS / "belt.safetensors"


def stack(seed, *, lies=False):
    """uint8 (3 3 h w); with `lies` the lower half's partner is noise, and not trusted."""
    sharp = made_scene(64, seed=seed, channels=3)
    trust = torch.ones_like(sharp)
    blurry = blur(sharp, line(5, 0)).clamp(0, 1)
    if lies:
        sharp = sharp.clone()
        sharp[..., 32:, :] = torch.rand(1, 3, 32, 64, generator=chance(seed, 0))
        trust[..., 32:, :] = 0
    return to_levels(torch.cat((sharp, blurry, trust)))


def task(**options):
    return PairedTask(RECIPE, [stack(seed) for seed in range(3)], [stack(9)], **options)


def test_a_fresh_network_starts_as_doing_nothing_and_learns(monkeypatch):
    assert task().architecture == {"restorer": {"widths": (32, 48, 64)}}
    monkeypatch.setattr("blurspace.train.paired.WIDTHS", {"widths": (16, 24)})
    one = task()
    before = one.validate()
    assert before["psnr"] == pytest.approx(before["blurry_psnr"], abs=1e-3)
    batch = one.batch(chance(0, 0))
    losses = [take([one.step(batch)])["loss"] for _ in range(110)]
    assert losses[-1] < 0.9 * losses[0]


def test_it_starts_from_a_network_of_ours():
    one, belt = task(start=BELT), read_weights(BELT)[0]
    for name, tensor in one.network.state_dict().items():
        assert torch.equal(tensor, belt[f"restorer.{name}"])
    assert all(parameter.requires_grad for parameter in one.network.parameters())
    before = one.validate()
    assert abs(before["psnr"] - before["blurry_psnr"]) > 0.1


def test_what_is_not_trusted_teaches_nothing():
    """Nor does it change what is measured."""
    liar = stack(3, lies=True)
    truth = liar.clone()
    truth[0, :, 32:] = 0
    tasks = [PairedTask(RECIPE, [one], [one]) for one in (liar, truth)]
    steps = [[take([one.step(one.batch(chance(0, step)))])["loss"] for step in range(3)] for one in tasks]
    assert steps[0] == steps[1]
    assert tasks[0].validate() == tasks[1].validate()
