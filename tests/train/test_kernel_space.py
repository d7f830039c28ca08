"""Do both kernel spaces learn from pairs, and do our filters start as what the pairs' kernels do?"""

import inspect
import signal

import pytest
import torch
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import delta, line
from blurspace.chance import chance
from blurspace.errors import ModelError, UsageError
from blurspace.io.weights import load_into, read_weights
from blurspace.nets.encoder_space import EncoderSpace
from blurspace.nets.kernel_space import BasisSpace
from blurspace.train import filters, kernel_space, loop
from blurspace.train.recipes import TASKS, read_recipe
from blurspace.train.steps import take
from blurspace.types import Pair

BASIS = {"count": 4, "side": 7, "stride": 16}
ENCODER = {"width": 4, "code_width": 6, "front_blocks": 1, "back_blocks": 1, "extractor_blocks": 1}
DATA = {"kinds": ["shakes"], "side": 48, "batch": 2, "extents": [3, 9], "kernel_side": 9, "validation": 3}
# The table of each task, and how much of one batch's loss may be left after 20 steps; measured is 0.39 and 0.79.
TABLES = {"kernel space": ({"space": BASIS, "start_batches": 6}, 0.55), "encoder space": ({"space": ENCODER}, 0.87)}
every_task = pytest.mark.parametrize("name", TABLES)


def recipe(name, **tables):
    table = {"task": name, "loop": {"steps": 3}, "adam": {"learning_rate": 3e-3}, "data": DATA} | TABLES[name][0]
    return TASKS[name].recipe.model_validate(table | tables)


def build(name, photos, **tables):
    return TASKS[name].build(recipe(name, **tables), data=photos, device="cpu", report=print)


def random(*shape, seed=0):
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed))


@every_task
def test_overfits_one_batch(name, photos):
    task = build(name, photos)
    batch = task.batch(chance(0, 0))
    if name == "encoder space":  # blur is nothing that so few steps teach it
        batch = Pair(batch[0].sharp[:1], 0.3 + 0.5 * batch[0].sharp[:1]), batch[1]
    first = take([task.step(batch)])
    assert set(first) == {"loss", "gradient"}
    for _ in range(20):
        last = take([task.step(batch)])
    assert last["loss"] < TABLES[name][1] * first["loss"]


@every_task
def test_trains_resumes_and_loads(name, photos, tmp_path):
    check_resuming(name, photos, tmp_path)


def test_the_variational_one_resumes_too(photos, tmp_path):
    check_resuming("encoder space", photos, tmp_path, space=ENCODER | {"variational": True}, divergence=0.1)


def check_resuming(name, photos, tmp_path, **tables):
    settings = recipe(name, **tables).loop
    whole = loop.run(build(name, photos, **tables), settings, out=tmp_path / "whole")
    signalled = []

    def interrupt(row):
        if row["step"] == 1 and not signalled:
            signalled.append(row)
            signal.raise_signal(signal.SIGINT)

    settings = settings.model_copy(update={"log_every": 1})
    with pytest.raises(KeyboardInterrupt):
        loop.run(build(name, photos, **tables), settings, out=tmp_path / "parts", progress=interrupt)
    again = loop.run(build(name, photos, **tables), settings, out=tmp_path / "parts", resume=True)
    tensors, about = read_weights(whole)
    assert about["architecture"] == {"space": recipe(name, **tables).space.model_dump()}
    assert all(torch.equal(tensors[key], one) for key, one in read_weights(again)[0].items())
    network = {"kernel space": BasisSpace, "encoder space": EncoderSpace}[name]
    load_into({"space": network(**about["architecture"]["space"])}, tensors)


@every_task
def test_starts_from_weights(name, photos, tmp_path):
    path = loop.run(build(name, photos), recipe(name).loop, out=tmp_path)
    started = build(name, photos, start=str(path)).networks["space"].state_dict()
    tensors = read_weights(path)[0]
    assert all(torch.equal(tensors[f"space.{key}"], one) for key, one in started.items())
    other = {"count": 5} if name == "kernel space" else {"width": 5}
    with pytest.raises(ModelError, match=r"space\..* has shape"):
        build(name, photos, start=str(path), space=TABLES[name][0]["space"] | other)


@every_task
def test_the_same_recipe_gives_the_same_weights(name, photos):
    torch.manual_seed(1)
    one = build(name, photos).networks["space"].state_dict()
    torch.manual_seed(2)
    other = build(name, photos).networks["space"].state_dict()
    assert all(torch.equal(one[key], other[key]) for key in one)


@pytest.mark.parametrize(
    "name",
    ["kernel space", "encoder space"],
)
def test_building_leaves_chance_alone(name, photos):
    torch.manual_seed(5)
    expected = torch.rand(())
    torch.manual_seed(5)
    build(name, photos)
    assert torch.equal(torch.rand(()), expected)


@every_task
def test_half_precision_trains(name, photos, tmp_path):
    settings = recipe(name).loop.model_copy(update={"precision": "bf16", "steps": 1})
    task = build(name, photos, data=DATA | {"batch": 1, "validation": 1})
    loop.run(task, settings, out=tmp_path)
    assert all(one.dtype == torch.float32 for network in task.networks.values() for one in network.parameters())


@every_task
def test_validation(name, photos):
    """Three pairs in pieces of two: the last has no other pair to take a code from."""
    task = build(name, photos)
    measured = task.validate()
    assert set(measured) == {"psnr", "sharp_psnr", "swapped_psnr"}
    assert task.validate() == measured
    if name == "kernel space":
        assert measured["psnr"] > measured["sharp_psnr"] + 3
        assert measured["psnr"] > measured["swapped_psnr"] + 1
    else:  # a new one changes nothing
        assert measured["psnr"] == pytest.approx(measured["sharp_psnr"])


def test_a_pair_alone_is_measured_without_a_swap(photos):
    task = build("kernel space", photos, data=DATA | {"batch": 1, "validation": 1})
    assert set(task.validate()) == {"psnr", "sharp_psnr"}


def test_the_tables_are_the_networks_arguments():
    for table, network in ((kernel_space.BasisNetwork, BasisSpace), (kernel_space.EncoderNetwork, EncoderSpace)):
        arguments = inspect.signature(network).parameters
        assert {name: one.default for name, one in arguments.items()} == table().model_dump()


def test_misspelt_keys_are_refused_by_name(tmp_path):
    text = (
        'task = "{}"\n[loop]\nsteps = 1\n[adam]\nlearning_rate = 1.0\n[data]\nkinds = ["hand"]\nside = 9\nbatch = 1\n{}'
    )
    (tmp_path / "right.toml").write_text(text.format("kernel space", "[space]\nside = 9"))
    assert read_recipe(tmp_path / "right.toml").space.side == 9
    for task, wrong, words in (
        ("kernel space", "[space]\nstrid = 3", r"space\.strid is not a setting: did you mean stride\?"),
        ("kernel space", "extent = [1, 3]", r"data\.extent is not a setting: did you mean extents\?"),
        ("encoder space", "[space]\ncode_with = 3", r"space\.code_with is not a setting: did you mean code_width\?"),
        ("encoder space", "[spce]\nwidth = 3", r"spce is not a setting: did you mean space\?"),
    ):
        (tmp_path / "wrong.toml").write_text(text.format(task, wrong))
        with pytest.raises(UsageError, match=words):
            read_recipe(tmp_path / "wrong.toml")


def test_a_wrong_space_is_refused_before_training(photos):
    with pytest.raises(UsageError, match="give an odd side"):
        build("kernel space", photos, space=BASIS | {"side": 8})


def test_the_variational_loss_is_that_of_the_space_and_the_divergence(photos):
    """With the same noise, a weight of 1 adds what codes lack to be standard normal."""
    losses = {}
    for weight in (0.0, 1.0):
        task = build("encoder space", photos, space=ENCODER | {"variational": True}, divergence=weight)
        torch.manual_seed(0)
        losses[weight] = take([task.step(task.batch(chance(0, 0)))])["loss"]
    assert losses[1.0] > losses[0.0] > 0


# -- the filters that training starts from

KERNELS = (line(5, 20, size=9), line(4, 120, size=9))


def of_kernels(*kernels, side=64, count=4, noise=0.0):
    """Draws pairs of random pictures, each under one of the kernels, with what is beyond the frame."""

    def draw(generator):
        reach = kernels[0].shape[-1] // 2
        coarse = torch.rand(count, 3, side + 2 * reach, side + 2 * reach, generator=generator)
        roomy = 0.5 * coarse + 0.5 * functional.avg_pool2d(coarse, 3, 1, 1)
        which = torch.randint(len(kernels), (count,), generator=generator)
        blurry = blur(roomy, torch.cat(kernels)[which], border="valid")
        blurry = blurry + noise * torch.randn(blurry.shape, generator=generator)
        return Pair(roomy[..., reach:-reach, reach:-reach], blurry)

    return draw


@pytest.mark.parametrize("kernel", [*KERNELS, delta(9), delta(9).roll((-1, 3), (-2, -1))], ids=range(4))
@pytest.mark.parametrize("side", [64, 75])
def test_a_known_kernel_is_found(kernel, side):
    """Where it is, with its sum; asymmetric and shifted ones show a flip."""
    uneven = 0.8 * kernel + 0.2 * delta(9).roll((2, -1), (-2, -1))
    pair = of_kernels(uneven, side=side)(chance(0, 0))
    found, power = filters.fit_kernels(pair.sharp, pair.blurry, side=9)
    assert found.shape == (4, 1, 9, 9)
    assert power.shape == (4, side, side)
    assert power.min() >= 0
    flipped = uneven.flip(-2, -1)
    for one in found:
        assert (one[None] - uneven).norm() < 0.15 * uneven.norm()
        assert (one[None] - uneven).norm() < 0.3 * (one[None] - flipped).norm()


def test_a_pair_of_its_own_kernel_each():
    first, second = (of_kernels(kernel, count=1)(chance(0, 0)) for kernel in KERNELS)
    both = [torch.cat([getattr(one, part) for one in (first, second)]) for part in ("sharp", "blurry")]
    found, _ = filters.fit_kernels(*both, side=9)
    for one, pair in zip(found, (first, second), strict=True):
        alone, _ = filters.fit_kernels(pair.sharp, pair.blurry, side=9)
        torch.testing.assert_close(one[None], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("noise", [0.0, 0.004])
def test_two_filters_span_what_two_kernels_change(noise):
    found = filters.start_filters(of_kernels(*KERNELS, noise=noise), count=2, side=9)
    assert found.shape == (2, 9, 9)
    torch.testing.assert_close(found.norm(dim=(1, 2)), torch.ones(2))
    torch.testing.assert_close(found.sum((1, 2)), torch.zeros(2), atol=1e-4, rtol=0)
    changes = torch.stack([(kernel - delta(9)).flatten() for kernel in KERNELS])
    changes = changes - changes.mean(1, keepdim=True)
    basis, _ = torch.linalg.qr(found.flatten(1).T)
    rest = changes - changes @ basis @ basis.T
    assert (rest.norm(dim=1) < 0.1 * changes.norm(dim=1)).all()


def test_more_filters_than_kinds_are_still_of_norm_1():
    found = filters.start_filters(of_kernels(*KERNELS), count=12, side=9)
    assert found.shape == (12, 9, 9)
    torch.testing.assert_close(found.norm(dim=(1, 2)), torch.ones(12))


def test_a_space_of_start_filters_explains_their_pairs():
    draw = of_kernels(*KERNELS)
    space = BasisSpace(count=2, side=9, stride=16)
    random_one = kernel_space.measure(draw(chance(1, 1)), space)
    space.basis.data = filters.start_filters(draw, count=2, side=9)
    found = kernel_space.measure(draw(chance(1, 1)), space)
    assert found["psnr"].shape == (4,)
    assert (found["psnr"] > found["sharp_psnr"] + 15).all()
    assert found["psnr"].mean() > random_one["psnr"].mean() + 10


def test_the_strongest_direction_comes_first():
    """Most pairs are under the first kernel, so one filter is nearly its change."""
    found = filters.start_filters(of_kernels(*[KERNELS[0]] * 9, KERNELS[1]), count=1, side=9)
    change = (KERNELS[0] - delta(9)).flatten()
    change = change - change.mean()
    assert abs(float(found.flatten() @ change / change.norm())) > 0.95


@pytest.mark.parametrize("size", [(40, 40), (41, 63)])
def test_the_weight_is_the_root_of_the_power_on_the_kernels_grid(size):
    """A spectrum that falls with frequency: its greatest value is at 0, and it is as symmetric as spectra are."""
    frequency = torch.stack(torch.meshgrid(*(torch.fft.fftfreq(n) for n in size), indexing="ij")).norm(dim=0)
    weight = filters.spectral_weight(torch.exp(-4 * frequency)[None].expand(3, -1, -1), 9)
    assert weight.shape == (9, 9)
    assert weight.argmax() == 0
    own = torch.stack(torch.meshgrid(*(torch.fft.fftfreq(9),) * 2, indexing="ij")).norm(dim=0)
    torch.testing.assert_close(weight, torch.exp(-2 * own), atol=0.12, rtol=0)
    torch.testing.assert_close(weight[1:, 1:], weight[1:, 1:].flip(0, 1), atol=0.06, rtol=0)
