"""How is any task trained? The only training loop: it counts, seeds, times, averages, saves, resumes and stops.

Plain torch and not lightning-fabric: one device and two precisions are a context manager here, and a resumed run that
equals an uninterrupted one bit by bit needs the state to be all our own.
"""

import io
import math
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Generator, nn

from blurspace.chance import chance
from blurspace.errors import BlurspaceError, ModelError, OutputError, UsageError
from blurspace.io.files import shown, write_bytes
from blurspace.io.weights import load_into, write_weights
from blurspace.train.log import Log, Row
from blurspace.train.schedule import rate_factor, share_done
from blurspace.train.settings import LoopSettings
from blurspace.train.steps import Average

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

    def step(self, batch: Any) -> dict[str, float]:
        """Forward, backward and optimiser steps (see `steps.descend`); returns the numbers to log."""

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
) -> Path:
    """Train `task` and return the path of its weights, OUT/weights.safetensors (the running mean, if there is one).

    `max_minutes` (default: the settings') ends this call early, to be resumed; `schedule.share_done` says what else it
    does. OUT also gets log.csv and checkpoint.pt, at every `save_minutes`, at the end and on an interrupt. With the
    schedule "steps" a resumed run equals an uninterrupted one exactly, on the same machine. `about` goes into the
    weights file, with architecture, steps, minutes and device. `progress` gets every row of the log.
    Raises UsageError where `resume` finds nothing, OutputError where OUT holds a run and `resume` is false, ModelError
    on a checkpoint of another architecture, BlurspaceError on a number that is not finite (the last checkpoint stays).
    """
    if resume:
        check_resumable(out)
    elif (out / CHECKPOINT).exists():
        raise OutputError(f"{shown(out)} holds a run already: give --resume to go on with it, or another folder")
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as problem:
        raise OutputError(f"the folder {shown(out)} cannot be made ({problem.strerror}): give another") from problem
    limit = settings.max_minutes if max_minutes is None else max_minutes
    if settings.schedule == "minutes" and limit is None:
        raise UsageError("the schedule 'minutes' needs to know how many: give --max-minutes")
    return _Run(task, settings, out, limit, about or {}, progress).train(resume)


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
    step: int = 0
    before: float = 0.0  # minutes of earlier calls
    began: float = field(default_factory=time.perf_counter)
    saved: float = field(default_factory=time.perf_counter)
    recent: list[dict[str, float]] = field(default_factory=list)

    def _start(self, resume: bool) -> None:
        self.device = next(p for one in self.task.networks.values() for p in one.parameters()).device.type
        self.average = Average(self.task.networks, decay=self.settings.average)
        rates = [float(group["lr"]) for group in self._groups()]
        if resume:
            self._load()
        self.rates = list(zip(self._groups(), rates, strict=True))  # after loading, which makes new groups
        self.log = Log(self.out / LOG, up_to=self.step)
        if not resume:
            measured = self._validate()  # the measure of no training, and a fault in it comes at once
            self.began = self.saved = time.perf_counter()  # the minutes are for steps
            self._report(measured)

    def train(self, resume: bool) -> Path:
        self._start(resume)
        with _interrupts() as interrupted, _batches(self.task, self.settings, self.step) as batches:
            while self.step < self.settings.steps and not self._out_of_time():
                self._advance(next(batches))
                if interrupted:
                    self._save()
                    raise KeyboardInterrupt
                if time.perf_counter() - self.saved >= self.settings.save_minutes * MINUTE:
                    self._save()
        return self._save()

    def _groups(self) -> list[dict[str, Any]]:
        return [group for one in self.task.optimisers.values() for group in one.param_groups]

    @property
    def minutes(self) -> float:
        return self.before + (time.perf_counter() - self.began) / MINUTE

    def _out_of_time(self) -> bool:
        earlier = self.before if self.settings.schedule == "steps" else 0.0
        return self.limit is not None and self.minutes - earlier >= self.limit

    def _advance(self, batch: Any) -> None:
        factor = rate_factor(self.settings, self.step, self.minutes, self.limit)
        for group, rate in self.rates:
            group["lr"] = rate * factor
        if isinstance(self.task, Paced):
            self.task.pace(share_done(self.settings, self.step, self.minutes, self.limit))
        with self._precision():
            scalars = self.task.step(batch)
        for name, value in scalars.items():
            if not math.isfinite(value):
                again = f"start again, or resume from the last checkpoint in {shown(self.out)}"
                raise BlurspaceError(f"{name} is {value} at step {self.step}: lower the learning rate and {again}")
        self.step += 1
        self.average.update(self.step)
        self.recent.append(scalars)
        if self.step % self.settings.log_every == 0:
            self._report({})

    def _report(self, measured: dict[str, float]) -> None:
        """One row: the means over the steps since the last row, and what was measured."""
        row = {"step": float(self.step), "minutes": self.minutes}
        for name in dict.fromkeys(name for one in self.recent for name in one):
            values = [one[name] for one in self.recent if name in one]
            row[name] = sum(values) / len(values)
        self.recent.clear()
        self.progress(self.log.add(row | measured))

    def _save(self) -> Path:
        with self.average.in_place():
            self._report(self._validate())
            path = self.out / WEIGHTS
            architecture = {name: dict(arguments) for name, arguments in self.task.architecture.items()}
            counted = {"steps": self.step, "minutes": round(self.minutes, 2), "device": self.device}
            about = {**self.about, "architecture": architecture, **counted}
            write_weights(path, self.task.networks, about=about, half=self.settings.half)
        state = {
            "step": self.step,
            "minutes": self.minutes,
            "networks": {name: one.state_dict() for name, one in self.task.networks.items()},
            "optimisers": {name: one.state_dict() for name, one in self.task.optimisers.items()},
            "average": self.average.tensors if self.settings.average else None,
        }
        buffer = io.BytesIO()
        torch.save(state, buffer)  # one file, so that weights and optimiser can never be of different steps
        write_bytes(self.out / CHECKPOINT, buffer.getvalue(), overwrite=True)
        self.saved = time.perf_counter()
        return path

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


@contextmanager
def _batches(task: Task, settings: LoopSettings, first: int) -> Iterator[Iterator[Any]]:
    """The batches from step `first` on, drawn by `settings.ahead` threads before they are needed."""

    def draw(step: int) -> Any:
        return task.batch(chance(settings.seed, step))

    def drawn(pool: ThreadPoolExecutor) -> Iterator[Any]:
        waiting: deque[Future[Any]] = deque(pool.submit(draw, first + i) for i in range(settings.ahead))
        for step in range(first, settings.steps):
            waiting.append(pool.submit(draw, step + settings.ahead))
            yield waiting.popleft().result()

    if not settings.ahead:
        yield map(draw, range(first, settings.steps))
        return
    pool = ThreadPoolExecutor(settings.ahead)
    try:
        yield drawn(pool)
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _interrupts() -> Iterator[list[int]]:
    """Within this block the first Ctrl-C only fills the list, so that no step is cut in half; the second one raises."""
    caught: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield caught  # only the main thread may handle signals
        return

    def note(number: int, _: Any) -> None:
        if caught:
            raise KeyboardInterrupt
        caught.append(number)

    usual = signal.signal(signal.SIGINT, note)
    try:
        yield caught
    finally:
        signal.signal(signal.SIGINT, usual)
