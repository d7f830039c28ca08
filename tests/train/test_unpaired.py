"""Do both unpaired games learn, play fair, resume exactly, and read their two folders?"""

import shutil
import signal
from dataclasses import replace

import pytest
import torch
from torch.nn import functional

from blurspace.chance import chance
from blurspace.errors import NoInputError, UsageError
from blurspace.io.weights import read_weights
from blurspace.nets.restorer import Restorer
from blurspace.train import loop
from blurspace.train.settings import LoopSettings
from blurspace.train.steps import take
from blurspace.train.unpaired import (
    CRITICS,
    GAMES,
    TRANSLATORS,
    UnpairedRecipe,
    UnpairedTask,
    build_unpaired,
)
from blurspace.types import Pair

SIDE = 16


def sharp(generator, count):
    """Small squares of random colours."""
    return (
        torch.rand(count, 3, SIDE // 4, SIDE // 4, generator=generator).repeat_interleave(4, 2).repeat_interleave(4, 3)
    )


def blurry(generator, count):
    return functional.avg_pool2d(sharp(generator, count), 5, 1, 2, count_include_pad=False)


def make(game, **changes):
    options = {"blurry": blurry, "sharp": sharp, "batch": 2, "widths": (8, 12), "critic_width": 8, "critic_layers": 2}
    return UnpairedTask(game, **options | {"seed": 0} | changes)


def copies(task):
    return {name: {key: one.clone() for key, one in net.state_dict().items()} for name, net in task.networks.items()}


@pytest.mark.parametrize("game", GAMES)
def test_every_network_gets_gradients(game):
    task = make(game)
    before = copies(task)
    for step in range(3):  # the translators' last layer starts at zero, so the others wait for it
        take([task.step(task.batch(chance(0, step)))])
    assert set(task.networks) == set(task.architecture) == {*TRANSLATORS, *CRITICS}
    for name, old in before.items():
        for key, one in task.networks[name].state_dict().items():
            if key.endswith("weight"):  # the last bias of a Wasserstein critic cancels
                assert not torch.equal(one, old[key]), f"{name}.{key}"


@pytest.mark.parametrize("game", GAMES)
def test_critics_learn_to_tell_one_batch(game):
    task = make(game)
    (pair, *_) = task.batch(chance(0, 0))
    losses = [take([task._train_critics(*pair)])["critics"] for _ in range(40)]
    assert losses[-1] < losses[0] - 0.1 * abs(losses[0])
    assert losses[-1] < min(losses[:3])


@pytest.mark.parametrize("game", GAMES)
def test_translators_learn_to_fool_where_nothing_holds_them(game):
    """Against critics that stand still; with its cycle's weight, DualGAN hardly moves in so few steps."""
    task = make(game)
    task.game = replace(task.game, cycle=0.0, identity=0.0)
    (pair, *_) = task.batch(chance(0, 0))
    for _ in range(20):
        take([task._train_critics(*pair)])
    held = copies(task)
    fooling = [take([task._train_translators(*pair)])["fooling"] for _ in range(25)]
    assert fooling[-1] < fooling[0] - 0.1
    for name in CRITICS:
        assert all(torch.equal(one, held[name][key]) for key, one in task.networks[name].state_dict().items())


def test_there_and_back_is_learned():
    task = make("cyclegan")
    with torch.no_grad():
        for name in TRANSLATORS:
            task.networks[name].unet.leave.bias.fill_(0.2)
    before = task.validate()["cycle"]
    assert before == pytest.approx(2 * 0.4, rel=1e-3)  # two directions, each off by both translators
    for step in range(30):
        take([task.step(task.batch(chance(0, step)))])
    assert task.validate()["cycle"] < 0.5 * before


def test_a_critic_prefers_what_is_real():
    for game in GAMES.values():
        high, low = torch.ones(2, 1, 3, 3), torch.zeros(2, 1, 3, 3)
        assert game.critic(high, low) < game.critic(low, high)
        assert game.fool(high) < game.fool(low)


def test_only_dualgan_clips_its_critics_and_gives_them_more_steps():
    tasks = {game: make(game) for game in GAMES}
    for task in tasks.values():
        take([task.step(task.batch(chance(0, 0)))])
    critics = {game: task.networks["sharp_critic"].state_dict() for game, task in tasks.items()}
    most = {game: max(float(one.abs().max()) for one in critic.values()) for game, critic in critics.items()}
    assert most["dualgan"] <= GAMES["dualgan"].clip < most["cyclegan"]
    assert [len(tasks[game].batch(chance(0, 0))) for game in GAMES] == [1, 3]
    rounds = tasks["dualgan"].batch(chance(0, 0))
    assert not torch.equal(rounds[0][0], rounds[1][0])


def test_pairs_held_out_are_measured():
    found = sharp(chance(1, 0), 3)
    pair = Pair(found, functional.avg_pool2d(found, 5, 1, 2, count_include_pad=False))
    measured = make("cyclegan", held_out=[pair]).validate()
    assert measured["psnr"] == pytest.approx(measured["blurry_psnr"])  # it starts as the identity
    assert make("cyclegan").validate() == {"cycle": 0.0}


@pytest.mark.parametrize("game", GAMES)
def test_resumed_equals_uninterrupted(game, tmp_path):
    """Interrupted while it draws its third step."""
    settings = LoopSettings(steps=5, warm_up=2, average=0.9)
    whole = read_weights(loop.run(make(game), settings, out=tmp_path / "whole"))[0]
    calls = []

    def interrupting(generator, count):
        calls.append(1)
        if len(calls) == 1 + 2 * GAMES[game].rounds + 1:  # one for the fixed batch
            signal.raise_signal(signal.SIGINT)
        return blurry(generator, count)

    with pytest.raises(KeyboardInterrupt):
        loop.run(make(game, blurry=interrupting), settings, out=tmp_path / "halves")
    path = tmp_path / "halves" / loop.WEIGHTS
    assert read_weights(path)[1]["steps"] == 3
    loop.run(make(game), settings, out=tmp_path / "halves", resume=True)
    part, about = read_weights(path)
    assert about["steps"] == 5
    assert whole.keys() == part.keys()
    assert all(torch.equal(whole[name], part[name]) for name in whole)


def test_the_deblurrer_can_be_loaded_from_the_weights_file(tmp_path):
    task = make("dualgan")
    tensors, about = read_weights(loop.run(task, LoopSettings(steps=1), out=tmp_path))
    restorer = Restorer(**about["architecture"]["sharpen"])
    restorer.load_state_dict(
        {key.removeprefix("sharpen."): one for key, one in tensors.items() if key.startswith("sharpen.")}
    )
    picture = sharp(chance(0, 0), 1)
    torch.testing.assert_close(restorer(picture), task.networks["sharpen"](picture))


def test_unknown_games_and_small_crops_are_refused():
    with pytest.raises(UsageError, match="cyclegan, dualgan"):
        make("stargan")
    with pytest.raises(UsageError, match="at least 32 px"):
        make("cyclegan", critic_layers=3)


@pytest.fixture
def folder(photos, tmp_path):
    for name in ("blurry", "sharp"):
        shutil.copytree(photos, tmp_path / name)
    (tmp_path / "sharp" / "bad.png").write_bytes(b"no picture")
    return tmp_path


def recipe(game="cyclegan", **data):
    table = {"task": game, "loop": {"steps": 2}, "data": {"side": 32, "batch": 2} | data}
    return UnpairedRecipe.model_validate(table | {"restorer": {"widths": [8, 12]}, "critic": {"width": 8, "layers": 3}})


def test_a_recipe_reads_both_folders(folder):
    told = []
    task = build_unpaired(recipe("dualgan"), data=folder, device="cpu", report=told.append)
    assert [picture.shape for pair in task.batch(chance(0, 0)) for picture in pair] == [(2, 3, 32, 32)] * 6
    assert all(0 <= float(one.min()) <= float(one.max()) <= 1 for one in task.fixed)
    assert len(told) == 1


def test_a_missing_folder_and_small_photos_are_refused_before_training(folder):
    with pytest.raises(NoInputError, match="crops of 200 px"):
        build_unpaired(recipe(side=200), data=folder, device="cpu", report=print)
    shutil.rmtree(folder / "sharp")
    with pytest.raises(NoInputError, match="not a folder"):
        build_unpaired(recipe(), data=folder, device="cpu", report=print)
