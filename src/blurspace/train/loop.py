"""How is any task trained? The only training loop: it counts, seeds, times, averages, saves, resumes and stops.

A process alone, or several that do the same steps (`train.team`): the leader measures, writes and looks at the clock,
and after each step all know what all have seen. Nothing that is kept depends on how many they are.
"""

import io
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Generator, nn

from blurspace.errors import BlurspaceError, ModelError, OutputError, UsageError
from blurspace.io.files import shown, write_bytes
from blurspace.io.weights import load_into, write_weights
from blurspace.train.batches import drawn
from blurspace.train.interrupts import noted_interrupts
from blurspace.train.log import Log, Row
from blurspace.train.schedule import rate_factor, share_done
from blurspace.train.settings import LoopSettings
from blurspace.train.steps import Average, Step, take
from blurspace.train.team import ALONE, Team

CHECKPOINT, WEIGHTS, LOG = "checkpoint.pt", "weights.safetensors", "log.csv"
MINUTE = 60.0


class Task(Protocol):
    """What is trained: networks, already on their device, their optimisers, and how one step goes."""

    @property
    def networks(self) -> Mapping[str, nn.Module]:
        """What is trained, by the names that the weights file will use."""

    @property
    def optimisers(self) -> Mapping[str, torch.optim.Optimizer]:
        """Made with the full learning rates, which the loop scales."""

    @property
    def architecture(self) -> Mapping[str, Mapping[str, Any]]:
        """What each network was built with, for the weights file."""

    def batch(self, generator: Generator) -> Any:
        """Draw one batch; all chance comes from `generator` (CPU). May be called from another thread."""

    def step(self, batch: Any) -> Step:
        """Forward, and yield a `steps.Descent` where weights shall change; returns the numbers to log."""

    def validate(self) -> dict[str, float]:
        """Measure on data that training never sees, always the same."""


@runtime_checkable
class Paced(Protocol):
    """A task whose loss changes on the way, as in a curriculum."""

    def pace(self, done: float) -> None:
        """Called before each step: this share of the training, in [0, 1), is behind us."""


def run(
    task: Task,
    settings: LoopSettings,
    *,
    out: Path,
    resume: bool = False,
    max_minutes: float | None = None,
    about: Mapping[str, Any] | None = None,
    progress: Callable[[Row], None] = lambda _: None,
    team: Team = ALONE,
) -> Path:
    """Train `task` and return the path of its weights, OUT/weights.safetensors (the running mean, if there is one).

    `max_minutes` (default: the settings') ends this call early, to be resumed; `schedule.share_done` says what else it
    does. OUT also gets log.csv and checkpoint.pt, at every `save_minutes`, at the end and on an interrupt. With the
    schedule "steps" a resumed run equals an uninterrupted one exactly, on the same machine. `about` goes into the
    weights file, with architecture, steps, minutes and device. `progress` gets every row of the log. In a `team` all
    call this, with the same task and an OUT that all see; when it returns, the leader's files are there.
    Raises UsageError where `resume` finds nothing, or a team cannot share out the batches of a step, OutputError where
    OUT holds a run and `resume` is false, ModelError on a checkpoint of another architecture, BlurspaceError on a
    number that is not finite (the last checkpoint stays).
    """
    if resume:
        check_resumable(out)
    elif (out / CHECKPOINT).exists():
        raise OutputError(f"{shown(out)} holds a run already: give --resume to go on with it, or another folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(f"the folder {shown(out)} cannot be made ({problem.strerror}): give another") from problem
    if settings.accumulate % team.count:
        shared = f"{team.count} processes cannot share {settings.accumulate} batches a step evenly"
        raise UsageError(f"{shared}: give --set accumulate={-(-settings.accumulate // team.count) * team.count}")
    limit = settings.max_minutes if max_minutes is None else max_minutes
    if settings.schedule == "minutes" and limit is None:
        raise UsageError("the schedule 'minutes' needs to know how many: give --max-minutes")
    return _Run(task, settings, out, limit, about or {}, progress, team).train(resume)


def check_resumable(out: Path) -> None:
    """Raise UsageError where the folder `out` holds no run to go on with."""
    if not (out / CHECKPOINT).is_file():
        raise UsageError(f"there is no {CHECKPOINT} in {shown(out)} to resume: leave --resume out to start there")


@dataclass
class _Run:
    task: Task
    settings: LoopSettings
    out: Path
    limit: float | None
    about: Mapping[str, Any]
    progress: Callable[[Row], None]
    team: Team
    step: int = 0
    before: float = 0.0  # minutes of earlier calls
    minutes: float = 0.0  # of all calls, as the team agreed after the last step or save
    began: float = field(default_factory=time.perf_counter)
    saved: float = 0.0  # when, in minutes
    stopping: bool = False
    recent: list[dict[str, float]] = field(default_factory=list)

    def _start(self, resume: bool) -> None:
        networks = self.task.networks.values()
        self.device = next(p for one in networks for p in one.parameters()).device.type
        self.average = Average(self.task.networks, decay=self.settings.average)
        rates = [float(group["lr"]) for group in self._groups()]
        if resume:
            self._load()
        self.rates = list(zip(self._groups(), rates, strict=True))  # after loading, which makes new groups
        self.team.follow(one for network in networks for one in network.state_dict().values())
        self.buffers = [one for network in networks for one in network.buffers()]
        if self.team.leads:
            self.log = Log(self.out / LOG, up_to=self.step)
        if self.team.leads and not resume:
            measured = self._validate()  # the measure of no training, and a fault in it comes at once
            self.began = time.perf_counter()  # the minutes are for steps
            self._report(measured)
        self._agree({})
        self.saved = self.minutes

    def train(self, resume: bool) -> Path:
        self._start(resume)
        with (
            noted_interrupts(echo=self.team.count > 1) as heard,
            drawn(self.task.batch, self.settings, first=self.step, team=self.team) as batches,
        ):
            while self.step < self.settings.steps and not self._out_of_time():
                self._advance(next(batches), heard)
                if self.stopping:
                    self._save()
                    raise KeyboardInterrupt
                if self.minutes - self.saved >= self.settings.save_minutes:
                    self._save()
        return self._save()

    def _groups(self) -> list[dict[str, Any]]:
        return [group for one in self.task.optimisers.values() for group in one.param_groups]

    def _out_of_time(self) -> bool:
        earlier = self.before if self.settings.schedule == "steps" else 0.0
        return self.limit is not None and self.minutes - earlier >= self.limit

    def _advance(self, batches: list[Any], heard: Sequence[float]) -> None:
        factor = rate_factor(self.settings, self.step, self.minutes, self.limit)
        for group, rate in self.rates:
            group["lr"] = rate * factor
        if isinstance(self.task, Paced):
            self.task.pace(share_done(self.settings, self.step, self.minutes, self.limit))
        with self._precision():
            seen = take([self.task.step(one) for one in batches], buffers=self.buffers, team=self.team)
        scalars = self._agree(seen, heard)
        for name, value in scalars.items():
            if not math.isfinite(value):
                again = f"start again, or resume from the last checkpoint in {shown(self.out)}"
                raise BlurspaceError(f"{name} is {value} at step {self.step}: lower the learning rate and {again}")
        self.step += 1
        self.average.update(self.step)
        if self.team.leads:
            self.recent.append(scalars)
        if self.step % self.settings.log_every == 0:
            self._report({})

    def _agree(self, scalars: Mapping[str, float], heard: Sequence[float] = ()) -> dict[str, float]:
        """The means of what all have seen; and they look at the leader's clock, and stop where one heard Ctrl-C."""
        clock = self._clock() if self.team.leads else 0.0
        self.minutes, heard_it, *sums = self.team.told([clock, len(heard), *scalars.values()])
        self.stopping = heard_it > 0
        return {name: one / self.team.count for name, one in zip(scalars, sums, strict=True)}

    def _clock(self) -> float:
        return self.before + (time.perf_counter() - self.began) / MINUTE

    def _report(self, measured: dict[str, float]) -> None:
        """One row: the means over the steps since the last row, and what was measured."""
        if not self.team.leads:
            return
        row = {"step": float(self.step), "minutes": self._clock()}
        for name in dict.fromkeys(name for one in self.recent for name in one):
            values = [one[name] for one in self.recent if name in one]
            row[name] = sum(values) / len(values)
        self.recent.clear()
        self.progress(self.log.add(row | measured))

    def _save(self) -> Path:
        if self.team.leads:
            self._write()
        self._agree({})  # after the leader's files are there
        self.saved = self.minutes
        return self.out / WEIGHTS

    def _write(self) -> None:
        with self.average.in_place():
            self._report(self._validate())
            architecture = {name: dict(arguments) for name, arguments in self.task.architecture.items()}
            counted = {"steps": self.step, "minutes": round(self._clock(), 2), "device": self.device}
            about = {**self.about, "architecture": architecture, **counted}
            write_weights(self.out / WEIGHTS, self.task.networks, about=about, half=self.settings.half)
        state = {
            "step": self.step,
            "minutes": self._clock(),
            "networks": {name: one.state_dict() for name, one in self.task.networks.items()},
            "optimisers": {name: one.state_dict() for name, one in self.task.optimisers.items()},
            "average": self.average.tensors if self.settings.average else None,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)  # one file, so that weights and optimiser can never be of different steps
        write_bytes(self.out / CHECKPOINT, buffer.getvalue(), overwrite=True)

    def _validate(self) -> dict[str, float]:
        training = {name: one.training for name, one in self.task.networks.items()}
        for one in self.task.networks.values():
            one.eval()
        with torch.no_grad(), self._precision():
            measured = self.task.validate()
        for name, one in self.task.networks.items():
            one.train(training[name])
        return measured

    def _load(self) -> None:
        path = self.out / CHECKPOINT
        try:
            state = torch.load(path, map_location="cpu", weights_only=True)
            networks, optimisers, average = state["networks"], state["optimisers"], state["average"]
            self.step, self.before = int(state["step"]), float(state["minutes"])
        except Exception as problem:  # unpickling damaged bytes raises what it likes
            says = f"{shown(path)} is no checkpoint, or is cut off"
            raise ModelError(f"{says}: start again in another folder") from problem
        live = {f"{name}.{key}": one for name, network in networks.items() for key, one in network.items()}
        load_into(self.task.networks, live)
        try:
            for name, one in self.task.optimisers.items():
                one.load_state_dict(optimisers[name])
        except (KeyError, ValueError) as problem:
            raise ModelError(f"{shown(path)} is of other optimisers: resume it with its own recipe") from problem
        self.average.restore(average or live)

    def _precision(self) -> torch.autocast:
        return torch.autocast(self.device, dtype=torch.bfloat16, enabled=self.settings.precision == "bf16")
