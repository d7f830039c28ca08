"""How does a recipe become weights? The job behind `train`."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blurspace.errors import UsageError
from blurspace.io.weights import read_weights
from blurspace.jobs.each import number
from blurspace.jobs.shared import Guarded, why_not
from blurspace.jobs.worked import Portable
from blurspace.jobs.workers import helped
from blurspace.run import pick_device
from blurspace.train import loop
from blurspace.train.one_loss import Report
from blurspace.train.recipes import TASKS, read_recipe
from blurspace.train.team import joined

DEVICES = ("cpu", "cuda")
Helpers = Callable[[Portable[None, None]], AbstractContextManager[None]]  # do work within the context


def train_recipe(
    recipe: str | Path,
    *,
    data: Path,
    out: Path,
    resume: bool = False,
    max_minutes: float | None = None,
    device: str = "cpu",
    overrides: Sequence[str] = (),
    jobs: int = 1,
    engine: Helpers | None = None,
    report: Report = lambda _: None,
) -> dict[str, object] | None:
    """Train by the recipe on the photos in `data`; the record of what came out.

    `max_minutes`, `overrides` ("table.key=value"): instead of what the recipe says. `jobs`: how many processes make
    training cases, for the recipes that have some made first (`Entry.prepare`). `engine`: who helps with that instead,
    such as `on_ray.helped_on_ray`. `report` gets a sentence per row of the log. The weights, checkpoint and log go to
    the folder `out`. Where `torchrun` or SLURM started several processes, they train together, and all but the first
    report nothing and get None. Raises UsageError on a wrong recipe or device, NoInputError without photos, and what
    `joined`, `loop.run` and an engine raise.
    """
    pick_device(device, DEVICES)
    check_minutes(max_minutes)
    settings = read_recipe(recipe, overrides=overrides)
    entry = TASKS[settings.task]
    if (jobs > 1 or engine) and entry.prepare is None:
        raise UsageError(f"task {settings.task} has no training cases to make: leave --jobs and --engine out")
    last: dict[str, float] = {}

    def progress(row: Mapping[str, float]) -> None:
        last.update(row)
        report(line(row))

    with joined(device) as team:
        told = report if team.leads else lambda _: None
        with helping(Work(settings, data), jobs, engine, leads=team.leads):
            task = entry.build(settings, data=data, device=team.device, report=told)
        weights = loop.run(
            task,
            settings.loop,
            out=out,
            resume=resume,
            max_minutes=max_minutes,
            about={"task": settings.task, "recipe": settings.model_dump(mode="json")},
            progress=progress,
            team=team,
        )
    if not team.leads:
        return None
    about = read_weights(weights)[1]
    if not about["steps"]:
        report("0 steps were done, and the weights are those of the start: give more --max-minutes")
    return {
        "recipe": str(recipe),
        "task": settings.task,
        "weights": str(weights),
        "bytes": weights.stat().st_size,
        **{name: about[name] for name in ("steps", "minutes", "device")},
        "measured": {name: number(value) for name, value in last.items() if name not in ("step", "minutes")},
    }


def helping(work: "Work", jobs: int, engine: Helpers | None, *, leads: bool) -> AbstractContextManager[None]:
    """Those who help a process, as a context: a cluster is for all of a team, and helps the one that leads."""
    if engine is None:
        return helped(Guarded(work, why_not, 1), helpers=jobs - 1)
    return engine(work) if leads else nullcontext()


@dataclass(frozen=True)
class Work(Portable[None, None]):
    """The work of helpers: to make training cases, which shares itself out. What is wrong, the helped one finds too."""

    settings: Any
    data: Path

    def __call__(self, task: None) -> None:
        """Make those that are missing, with all others who do."""
        del task
        prepare = TASKS[self.settings.task].prepare
        if prepare is not None:
            prepare(self.settings, data=self.data, report=lambda _: None)

    def again(self, task: None) -> None:
        """As a call."""
        self(task)


def line(row: Mapping[str, float]) -> str:
    """A row of the log, for people."""
    rest = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name not in ("step", "minutes"))
    return f"step {row['step']:.0f}, {row['minutes']:.1f} minutes: {rest}"


def check_minutes(minutes: float | None) -> None:
    """Raise UsageError on a time that is none."""
    if minutes is not None and not minutes > 0:
        raise UsageError(f"--max-minutes {minutes} leaves no time: give more than 0")
