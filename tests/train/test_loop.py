"""Does the loop count, resume, average, log and stop as it says?"""

import csv
import signal
import time
from itertools import pairwise

import pytest
import torch
from torch import nn

from blurspace.chance import chance
from blurspace.errors import BlurspaceError, ModelError, OutputError, UsageError
from blurspace.io.weights import read_weights
from blurspace.train import loop
from blurspace.train.interrupts import noted_interrupts
from blurspace.train.schedule import rate_factor, share_done
from blurspace.train.settings import LoopSettings
from blurspace.train.steps import Average, Descent


class Line:
    """Fit a line through noise: small, and with an optimiser that has a state."""

    def __init__(self, *, poison=None, interrupt=None):
        self.net = nn.Linear(2, 1)
        with torch.no_grad():
            self.net.weight.fill_(0.1)
            self.net.bias.zero_()
        self.networks, self.architecture = {"line": self.net}, {"line": {"inputs": 2}}
        self.optimisers = {"line": torch.optim.Adam(self.net.parameters(), lr=0.1)}
        self.poison, self.interrupt, self.done = poison, interrupt, 0

    def batch(self, generator):
        return torch.rand(4, 2, generator=generator)

    def step(self, batch):
        if self.done == self.interrupt:
            signal.raise_signal(signal.SIGINT)
        loss = (self.net(batch)[:, 0] - 3 * batch[:, 0] + 1).square().mean()
        if self.done == self.poison:
            loss = loss * float("nan")
        self.done += 1
        gradient = yield Descent(loss, self.optimisers["line"], 1.0)
        return {"loss": float(loss.detach()), "gradient": gradient}

    def validate(self):
        return {"weight": float(self.net.weight[0, 0])}


def tensors(path):
    return read_weights(path)[0]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def rows(out):
    with (out / loop.LOG).open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("ahead", [0, 2])
def test_resumed_equals_uninterrupted(tmp_path, ahead):
    settings = LoopSettings(steps=30, warm_up=5, average=0.9, seed=3, ahead=ahead, log_every=4)
    whole = loop.run(Line(), settings, out=tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        loop.run(Line(interrupt=11), settings, out=tmp_path / "halves")
    part = loop.run(Line(), settings, out=tmp_path / "halves", resume=True)
    assert read_weights(part)[1]["steps"] == 30
    assert same(tensors(whole), tensors(part))
    one, other = rows(tmp_path / "whole"), rows(tmp_path / "halves")
    assert [row["step"] for row in other] == ["0", "4", "8", "12", "16", "20", "24", "28", "30"]
    assert [row["loss"] for row in one][4:] == [row["loss"] for row in other][4:]


def test_the_batches_do_not_depend_on_how_they_are_drawn(tmp_path):
    settings = LoopSettings(steps=20)
    one = loop.run(Line(), settings, out=tmp_path / "inline")
    other = loop.run(Line(), settings.model_copy(update={"ahead": 3}), out=tmp_path / "threads")
    third = loop.run(Line(), settings.model_copy(update={"seed": 1}), out=tmp_path / "seed")
    assert same(tensors(one), tensors(other))
    assert not same(tensors(one), tensors(third))


def test_accumulated_batches_are_one_batch(tmp_path):
    """Two batches of four a step are a batch of eight."""
    halves = loop.run(Line(), LoopSettings(steps=10, seed=3, accumulate=2), out=tmp_path / "halves")
    whole = Line()
    whole.batch = lambda generator: next(wholes)
    wholes = (torch.cat([Line().batch(chance(3, 2 * step + part)) for part in (0, 1)]) for step in range(10))
    other = loop.run(whole, LoopSettings(steps=10), out=tmp_path / "whole")
    for name, tensor in tensors(halves).items():
        assert torch.allclose(tensor, tensors(other)[name], atol=1e-6)
    assert float(rows(tmp_path / "halves")[-1]["loss"]) == pytest.approx(float(rows(tmp_path / "whole")[-1]["loss"]))


def test_a_second_ctrl_c_leaves_unless_it_is_an_echo():
    with noted_interrupts(echo=True) as heard:
        signal.raise_signal(signal.SIGINT)
        signal.raise_signal(signal.SIGINT)
        assert len(heard) == 1
        heard[0] -= 60
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
    with noted_interrupts(echo=False) as heard:
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_max_minutes_stops_and_resumes(tmp_path):
    settings = LoopSettings(steps=3, max_minutes=1e-9)
    path = loop.run(Line(), settings, out=tmp_path, max_minutes=1e-9)
    for steps in (0, 0):  # over before the first step
        assert read_weights(path)[1]["steps"] == steps
        path = loop.run(Line(), settings, out=tmp_path, resume=True)
    path = loop.run(Line(), settings, out=tmp_path, resume=True, max_minutes=5)
    assert read_weights(path)[1]["steps"] == 3


def test_the_first_validation_takes_none_of_the_minutes(tmp_path):
    task = Line()
    task.validate = lambda: time.sleep(0.2) or {}
    loop.run(task, LoopSettings(steps=10**9), out=tmp_path, max_minutes=0.1 / 60)
    assert task.done
    assert float(rows(tmp_path)[0]["minutes"]) < 0.1 / 60


def test_the_minutes_stop_between_steps(tmp_path):
    task = Line()
    loop.run(task, LoopSettings(steps=10**9), out=tmp_path, max_minutes=0.05 / 60)
    assert 1 < task.done < 10**5


def test_not_finite_stops_and_keeps_the_checkpoint(tmp_path):
    settings = LoopSettings(steps=20, save_minutes=0)
    with pytest.raises(BlurspaceError, match=r"loss is nan at step 7: lower the learning rate"):
        loop.run(Line(poison=7), settings, out=tmp_path)
    assert torch.load(tmp_path / loop.CHECKPOINT, weights_only=True)["step"] == 7
    assert all(bool(one.isfinite().all()) for one in tensors(tmp_path / loop.WEIGHTS).values())
    part = loop.run(Line(), settings, out=tmp_path, resume=True)
    whole = loop.run(Line(), settings, out=tmp_path / "whole")
    assert same(tensors(part), tensors(whole))


def test_average_lags_and_ends_where_the_weights_rest():
    net = nn.Sequential(nn.Linear(1, 1), nn.BatchNorm1d(1))
    average = Average({"net": net}, decay=0.5)
    before = net[0].weight.item()
    with torch.no_grad():
        net[0].weight.add_(1)
        net[1].num_batches_tracked.add_(3)
    average.update(1000)
    with average.in_place():
        assert net[0].weight.item() == pytest.approx(before + 0.5)
        assert net[1].num_batches_tracked.item() == 3
    assert net[0].weight.item() == pytest.approx(before + 1)
    for step in range(100):
        average.update(step)
    assert average.tensors["net.0.weight"].item() == pytest.approx(before + 1)


def test_the_weights_are_the_average(tmp_path):
    task = Line()
    path = loop.run(task, LoopSettings(steps=20, average=0.99), out=tmp_path)
    live = torch.load(tmp_path / loop.CHECKPOINT, weights_only=True)["networks"]["line"]["weight"]
    assert torch.equal(live, task.net.weight)
    assert not torch.equal(live, tensors(path)["line.weight"])


def test_log_has_means_and_validation(tmp_path):
    seen = []
    loop.run(Line(), LoopSettings(steps=10, log_every=5), out=tmp_path, progress=seen.append)
    log = rows(tmp_path)
    assert [row["step"] for row in log] == ["0", "5", "10"]
    assert [row["loss"] == "" for row in log] == [True, False, False]
    assert [row["weight"] == "" for row in log] == [False, True, False]
    assert float(log[0]["weight"]) == pytest.approx(0.1)
    assert float(log[1]["loss"]) > float(log[2]["loss"])
    assert float(log[2]["weight"]) > 0.3
    assert len(seen) == 4
    assert seen[1]["loss"] == pytest.approx(float(log[1]["loss"]), rel=1e-4)


def test_about_and_half(tmp_path):
    path = loop.run(Line(), LoopSettings(steps=2, half=True), out=tmp_path, about={"recipe": {"task": "line"}})
    about = read_weights(path)[1]
    minutes = about.pop("minutes")
    assert 0 <= minutes < 1
    assert about.pop("architecture") == {"line": {"inputs": 2}}
    assert about == {"recipe": {"task": "line"}, "steps": 2, "device": "cpu"}
    weights = tensors(path)["line.weight"]
    assert torch.equal(weights, weights.half().float())


def test_bf16_computes_in_half_and_keeps_full_weights(tmp_path):
    task = Line()
    seen = []
    task.net.register_forward_hook(lambda module, given, result: seen.append(result.dtype))
    loop.run(task, LoopSettings(steps=2, precision="bf16"), out=tmp_path)
    assert set(seen) == {torch.bfloat16}
    assert task.net.weight.dtype == torch.float32


def test_rate_warms_up_and_falls_to_zero():
    steps = LoopSettings(steps=100, warm_up=10)
    assert rate_factor(steps, 0, 0, None) == pytest.approx(0.1)
    assert rate_factor(steps, 50, 99, 5) == pytest.approx(0.5)
    assert rate_factor(steps, 100, 0, None) == pytest.approx(0, abs=1e-9)
    minutes = LoopSettings(steps=10**6, schedule="minutes", max_minutes=4)
    assert rate_factor(minutes, 10, 2, 4) == pytest.approx(0.5)
    assert rate_factor(minutes, 10, 9, 4) == pytest.approx(0, abs=1e-9)


def test_rate_rests_for_half_of_the_training_and_falls_on_a_line():
    steps = LoopSettings(steps=100, decay="linear")
    factors = [rate_factor(steps, step, 0, None) for step in range(101)]
    assert factors[:51] == [1.0] * 51
    assert factors[75] == pytest.approx(0.5)
    assert factors[100] == 0
    falls = [before - after for before, after in pairwise(factors[50:])]
    assert falls == pytest.approx([0.02] * 50)
    warm = LoopSettings(steps=100, decay="linear", warm_up=4)
    assert [rate_factor(warm, step, 0, None) for step in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    minutes = LoopSettings(steps=10**6, schedule="minutes", decay="linear")
    assert rate_factor(minutes, 10, 3, 4) == pytest.approx(0.5)
    assert rate_factor(minutes, 10, 9, 4) == 0


def test_share_done():
    steps = LoopSettings(steps=8)
    assert [share_done(steps, step, 99, 1) for step in (0, 2, 8)] == [0, 0.25, 1]  # minutes limit one call only
    minutes = LoopSettings(steps=8, schedule="minutes")
    assert share_done(minutes, 0, 1, 4) == 0.25
    assert share_done(minutes, 4, 1, 4) == 0.5  # the steps are an upper bound
    assert share_done(minutes, 0, 5, 4) == 1


class PacedLine(Line):
    """Also keeps what it is told, and at which step."""

    def __init__(self, **options):
        super().__init__(**options)
        self.told = []

    def pace(self, done):
        self.told.append((self.done, done))


def test_a_task_with_a_pace_is_told_it_before_each_step(tmp_path):
    assert isinstance(PacedLine(), loop.Paced)
    assert not isinstance(Line(), loop.Paced)
    task = PacedLine()
    loop.run(task, LoopSettings(steps=8), out=tmp_path)
    assert task.told == [(step, step / 8) for step in range(8)]
    again = PacedLine()
    with pytest.raises(KeyboardInterrupt):
        loop.run(PacedLine(interrupt=5), LoopSettings(steps=8), out=tmp_path / "part")
    loop.run(again, LoopSettings(steps=8), out=tmp_path / "part", resume=True)
    assert [done for _, done in again.told] == [6 / 8, 7 / 8]  # the interrupted step was still taken


def test_pace_by_minutes_grows_within_its_bounds(tmp_path):
    task = PacedLine()
    loop.run(task, LoopSettings(steps=10**9, schedule="minutes"), out=tmp_path, max_minutes=0.1 / 60)
    shares = [done for _, done in task.told]
    assert len(shares) > 3
    assert shares == sorted(set(shares))
    assert 0 <= shares[0] < 0.5 < shares[-1] <= 1


def test_minutes_are_those_of_all_calls(tmp_path):
    settings = LoopSettings(steps=10**9, schedule="minutes", max_minutes=0.05 / 60)
    first = read_weights(loop.run(Line(), settings, out=tmp_path))[1]["steps"]
    assert read_weights(loop.run(Line(), settings, out=tmp_path, resume=True))[1]["steps"] == first


def test_refuses_what_it_cannot_mean(tmp_path):
    settings = LoopSettings(steps=1)
    with pytest.raises(UsageError, match=r"no checkpoint\.pt in .* to resume"):
        loop.run(Line(), settings, out=tmp_path, resume=True)
    with pytest.raises(UsageError, match=r"give --max-minutes"):
        loop.run(Line(), LoopSettings(steps=1, schedule="minutes"), out=tmp_path)
    loop.run(Line(), settings, out=tmp_path)
    with pytest.raises(OutputError, match="holds a run already"):
        loop.run(Line(), settings, out=tmp_path)
    other = Line()
    other.networks = {"line": nn.Linear(3, 1)}
    with pytest.raises(ModelError, match=r"line\.weight has shape \(1, 2\)"):
        loop.run(other, settings, out=tmp_path, resume=True)
    data = (tmp_path / loop.CHECKPOINT).read_bytes()
    (tmp_path / loop.CHECKPOINT).write_bytes(data[:-100])
    with pytest.raises(ModelError, match="no checkpoint, or is cut off"):
        loop.run(Line(), settings, out=tmp_path, resume=True)


def test_chance_depends_on_seed_and_step_alone():
    drawn = {float(torch.rand((), generator=chance(seed, step))) for seed in (0, 1, 2**32) for step in range(5)}
    assert len(drawn) == 15
    assert float(torch.rand((), generator=chance(1, 2))) in drawn
