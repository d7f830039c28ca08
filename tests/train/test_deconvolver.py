"""Does the deconvolver learn, from recipe and photos to weights that load, and from what it says it learns from?"""

import inspect

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import delta, trim
from blurspace.chance import chance
from blurspace.data.crops import SharpPhotos
from blurspace.data.triplets import draw_kernels
from blurspace.errors import ModelError
from blurspace.io.weights import load_into, read_weights, write_weights
from blurspace.metrics import psnr
from blurspace.nets.deconvolver import FIRST_LEVEL, Deconvolver
from blurspace.nets.denoiser import Denoiser
from blurspace.restore.lights import LIGHT
from blurspace.train import cases, deconvolver, loop
from blurspace.train.deconvolver import build_deconvolver
from blurspace.train.recipes import TASKS
from blurspace.train.steps import take

NETWORK = {"rounds": 1, "widths": (8, 8)}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    return tmp_path_factory.mktemp("cases")


class Friend:
    """Draws kernels, and knows them when they are searched for."""

    def draw(self, *args, **settings):
        self.drawn = draw_kernels(*args, **settings)
        return self.drawn

    def search(self, _):
        return trim(self.drawn, 0.05)


FRIEND = Friend()
MAKING = cases.Making(
    ranges=(cases.Range(3, 9, side=64, crop=24, count=1),),
    shard=2,
    widest=15,
    draw=FRIEND.draw,
    search=FRIEND.search,
)


@pytest.fixture
def build(photos, shards):
    """Two shards of two cases, made once for all tests here."""

    def task(*, true_share=0.5, **tables):
        made = recipe(shards, true_share=true_share, **tables)
        return build_deconvolver(made, data=photos, device="cpu", report=print, making=MAKING)

    return task


def recipe(folder, *, true_share=0.5, **tables):
    data = {"folder": str(folder), "shards": 1, "held_out_shards": 1, "true_share": true_share, "validation": 3}
    table = {"task": "deconvolver", "loop": {"steps": 3, "average": 0.5}, "adam": {"learning_rate": 1e-3, "clip": 1.0}}
    return TASKS["deconvolver"].recipe.model_validate(table | {"data": data, "deconvolver": NETWORK} | tables)


def trained_denoiser(photos, folder, widths=NETWORK["widths"]):
    """Its weights, and itself."""
    table = {"task": "denoiser", "loop": {"steps": 3}, "adam": {"learning_rate": 1e-2}, "denoiser": {"widths": widths}}
    made = TASKS["denoiser"].recipe.model_validate(table | {"data": {"side": 16, "batch": 2}})
    path = loop.run(TASKS["denoiser"].build(made, data=photos, device="cpu", report=print), made.loop, out=folder)
    network = Denoiser(widths=widths)
    load_into({"denoiser": network}, read_weights(path)[0])
    return path, network


@pytest.mark.parametrize("true_share", [0.0, 1.0])
def test_overfits_one_batch(build, true_share):
    task = build(true_share=true_share, deconvolver={"rounds": 1, "widths": (24, 24)})
    batch = task.batch(chance(0, 0))
    gain = batch.gain[:, None, None, None]
    shown = gain * batch.blurry, batch.kernel, batch.sigma, batch.doubt, gain * batch.start
    restored = task.networks["deconvolver"](*shown) / gain
    before = psnr(deconvolver.counted(restored.detach(), batch.sharp), batch.sharp.clamp(max=1)).mean()
    first = take([task.step(batch)])["loss"]
    assert first == pytest.approx(-float(before), abs=0.02)
    for _ in range(60):
        last = take([task.step(batch)])["loss"]
    assert last < first - 8  # dB; measured: 15 and 17


def test_kernels_are_true_as_often_as_the_recipe_says(build):
    task = build(true_share=0.3)
    doubts = torch.cat([task.batch(chance(0, step)).doubt for step in range(60)])
    assert set(doubts.tolist()) == {0.0, 1.0}
    assert 0.5 < doubts.mean() < 0.9
    for share, doubt in ((0.0, 1.0), (1.0, 0.0)):
        task = build(true_share=share)
        assert all(task.batch(chance(0, step)).doubt.item() == doubt for step in range(10))


def test_true_kernels_are_true_but_for_their_error(photos):
    drawn = SharpPhotos(photos)
    grey = 0
    for step in range(12):
        made = deconvolver.true_cases(drawn, chance(0, step), widest=9, count=4, side=40, most_error=0.0)
        assert made.blurry.shape == made.sharp.shape == made.start.shape == (4, 3, 40, 40)
        assert made.kernel.shape == (4, 1, 9, 9)
        assert torch.equal(made.doubt, torch.zeros(4))
        assert (made.sigma == made.sigma[0]).all()
        assert deconvolver.SIGMAS[0] <= made.sigma[0] <= deconvolver.SIGMAS[1]
        noise = made.blurry[..., 4:-4, 4:-4] - blur(made.sharp, made.kernel, border="valid")
        assert float(noise.std()) == pytest.approx(float(made.sigma[0]), rel=0.1)
        inner = (..., slice(8, -8), slice(8, -8))
        assert (psnr(made.start[inner], made.sharp[inner]) > psnr(made.blurry[inner], made.sharp[inner])).all()
        alike = [torch.equal(picture[:, 0], picture[:, 2]) for picture in (made.blurry, made.sharp)]
        assert alike[0] == alike[1]
        grey += alike[0]
    assert 0 < grey < 6


def test_exposed_cases_are_as_in_use_and_hold_what_is_above_white(photos):
    drawn = SharpPhotos(photos)
    above, lamps, grey = 0, 0, 0
    for step in range(12):
        made = deconvolver.exposed_cases(drawn, chance(0, step), widest=9, count=4, side=40, most_error=0.0)
        assert made.blurry.shape == made.sharp.shape == made.start.shape == (4, 3, 40, 40)
        assert made.kernel.shape == (4, 1, 9, 9)
        assert torch.equal(made.doubt, torch.zeros(4))
        assert made.sigma.shape == made.gain.shape == (4,)
        assert made.gain.min() >= 1
        white = ((made.sharp >= 1) & (made.sharp <= LIGHT)).any(1)
        above, lamps = above + int(white.any()), lamps + int((made.sharp > LIGHT).any())
        plain = (made.sharp.amax((1, 2, 3)) < 1) & (made.blurry.amax((1, 2, 3)) < 0.9)
        explained = blur(made.sharp, made.kernel, border="valid")
        errors = (made.blurry[..., 4:-4, 4:-4] - explained).abs().amax((1, 2, 3))
        assert (errors[plain] < 0.06).all()  # of noise, which is strongest in bright light
        grey += torch.equal(made.sharp[:, 0], made.sharp[:, 2])
    assert min(above, lamps) > 3
    assert 0 < grey < 6


def test_white_may_come_out_brighter_but_not_darker_and_at_lamps_nothing_counts():
    sharp = torch.tensor([0.5, 0.5, 1.5, 1.5, 1.0, 30.0]).expand(1, 1, 1, 6)
    restored = torch.tensor([0.7, 1.2, 0.8, 1.2, 1.0, 0.1]).expand(1, 1, 1, 6)
    assert deconvolver.counted(restored, sharp).flatten().tolist() == pytest.approx([0.7, 1.2, 0.8, 1.0, 1.0, 1.0])


def test_the_error_of_a_kernel_is_a_share_of_its_peak_where_there_is_light():
    kernel = torch.zeros(1, 1, 101, 101)
    kernel[..., 20:80, 20:80] = 1 / 3600
    off = deconvolver.erring(kernel, 0.1, chance(0, 0))
    torch.testing.assert_close(off.sum(), torch.tensor(1.0))
    lit = kernel > 0
    assert (off[~lit] == 0).all()
    assert float(off[lit].std() * 3600) == pytest.approx(0.1, rel=0.05)
    assert torch.equal(deconvolver.erring(kernel, 0.0, chance(0, 0)), kernel / kernel.sum())


def test_validates_on_photos_of_its_own(build, shards):
    task = build()
    (path,) = (shards / "held-out").glob("*.safetensors")
    seen = cases.read_shard(path)["sharp"]
    for one in (one for one in task.source.held_out if one.doubt):
        pieces = [torch.rot90(one.sharp, turns, (-2, -1)) for turns in range(4)]
        pieces += [piece.flip(-1) for piece in pieces]
        assert any(torch.equal(piece, sharp[None].float()) for piece in pieces for sharp in seen)
    measured = task.validate()
    assert set(measured) == {"found_9px", "true_9px"}
    assert all(10 < one < 60 for one in measured.values())
    assert task.validate() == measured
    assert build().validate() == measured
    take([task.step(task.batch(chance(0, 0)))])
    assert task.validate() != measured


def test_trains_resumes_and_loads(build, shards, tmp_path):
    settings = recipe(shards).loop
    whole = loop.run(build(), settings, out=tmp_path / "whole")
    early = settings.model_copy(update={"steps": 1})  # every schedule begins with the full rate
    loop.run(build(), early, out=tmp_path / "parts")
    again = loop.run(build(), settings, out=tmp_path / "parts", resume=True)
    tensors, about = read_weights(whole)
    assert about["architecture"] == {"deconvolver": {"rounds": 1, "widths": [8, 8]}}
    assert all(torch.equal(tensors[key], one) for key, one in read_weights(again)[0].items())
    load_into({"deconvolver": Deconvolver(**about["architecture"]["deconvolver"])}, tensors)


def test_half_precision_trains(build, shards, tmp_path):
    settings = recipe(shards).loop.model_copy(update={"precision": "bf16", "steps": 2})
    task = build()
    loop.run(task, settings, out=tmp_path)
    assert all(one.dtype == torch.float32 for one in task.networks["deconvolver"].parameters())


def test_starts_from_weights_of_its_own(build, tmp_path):
    first = build()
    take([first.step(first.batch(chance(0, 0)))])
    write_weights(tmp_path / "own", first.networks, about={"architecture": first.architecture})
    started = build(start=str(tmp_path / "own"), loop={"steps": 1, "seed": 1})
    own = first.networks["deconvolver"].state_dict()
    assert all(torch.equal(own[name], one) for name, one in started.networks["deconvolver"].state_dict().items())
    with pytest.raises(ModelError, match="log_levels"):
        build(start=str(tmp_path / "own"), deconvolver={"rounds": 2, "widths": (8, 8)})
    for name, words in (
        ("denoiser/weights.safetensors", r"train recipes/denoiser\.toml first, or give --set start=FILE"),
        ("mine", "mine does not exist: give --set start=FILE"),
    ):
        with pytest.raises(ModelError, match=words):
            build(start=str(tmp_path / name))


def test_starts_from_a_denoiser_and_is_blind_to_hints(build, photos, tmp_path):
    path, denoiser = trained_denoiser(photos, tmp_path)
    task = build(start=str(path))
    noisy, hint = torch.rand(2, 2, 3, 20, 17, generator=chance(0, 0))
    sigma = torch.tensor([0.02, 0.1])
    clean = denoiser(noisy, FIRST_LEVEL * sigma)
    assert (clean - noisy).abs().max() > 1e-3  # it has learned something
    torch.testing.assert_close(task.networks["deconvolver"].denoiser(noisy, FIRST_LEVEL * sigma, hint), clean)
    # Where the start explains all, the first round denoises it.
    torch.testing.assert_close(task.networks["deconvolver"](noisy, delta(1), sigma, torch.zeros(2), noisy), clean)
    take([task.step(task.batch(chance(0, 0)))])  # and it learns to see
    first, second = (task.networks["deconvolver"].denoiser(noisy, sigma, one) for one in (hint, noisy))
    assert not torch.equal(first, second)
    with pytest.raises(ModelError, match="denoiser"):
        build(start=str(path), deconvolver={"rounds": 1, "widths": (8, 8, 8)})
    with pytest.raises(ModelError, match="enter"):
        build(start=str(path), deconvolver={"rounds": 1, "widths": (4, 8)})


def test_the_table_is_the_networks_arguments():
    arguments = inspect.signature(Deconvolver).parameters
    assert {name: one.default for name, one in arguments.items()} == deconvolver.DeconvolverNetwork().model_dump()


def test_crops_are_of_photos_and_true_kernels_of_the_range():
    assert all(one.low >= deconvolver.LEAST_EXTENT and one.crop <= one.side for one in cases.USUAL.ranges)
