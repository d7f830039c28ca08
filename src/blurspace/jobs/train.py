"""How does a recipe become weights? The job behind `train`."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from blurspace.errors import BlurspaceError, UsageError
from blurspace.io.weights import read_weights
from blurspace.jobs.each import number
from blurspace.jobs.workers import helped
from blurspace.run import pick_device
from blurspace.train import loop
from blurspace.train.one_loss import Report
from blurspace.train.recipes import TASKS, read_recipe
from blurspace.train.team import joined

DEVICES = ("cpu", "cuda")


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
    report: Report = lambda _: None,
) -> dict[str, object] | None:
    """Train by the recipe on the photos in `data`; the record of what came out.

    `max_minutes`, `overrides` ("table.key=value"): instead of what the recipe says. `jobs`: how many processes make
    training cases, for the recipes that have some made first (`Entry.prepare`). `report` gets a sentence per row
    of the log. The weights, checkpoint and log go to the folder `out`. Where `torchrun` or SLURM started several
    processes, they train together, and all but the first report nothing and get None. Raises UsageError on a wrong
    recipe or device, NoInputError without photos, and what `joined` and `loop.run` raise.
    """
    pick_device(device, DEVICES)
    check_minutes(max_minutes)
    settings = read_recipe(recipe, overrides=overrides)
    entry = TASKS[settings.task]
    if jobs > 1 and entry.prepare is None:
        raise UsageError(f"task {settings.task} has no training cases to make by {jobs} processes: leave --jobs out")
    last: dict[str, float] = {}

    def progress(row: Mapping[str, float]) -> None:
        last.update(row)
        report(line(row))

    with joined(device) as team:
        told = report if team.leads else lambda _: None
        with helped(partial(_prepare, settings, data), helpers=jobs - 1):
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


def _prepare(settings: Any, data: Path, _: None) -> None:
    """What a helper does; what is wrong, the process that it helps finds as well, and says."""
    prepare = TASKS[settings.task].prepare
    with suppress(BlurspaceError):
        if prepare is not None:
            prepare(settings, data=data, report=lambda _: None)


def line(row: Mapping[str, float]) -> str:
    """A row of the log, for people."""
    rest = ", ".join(f"{name} {value:.4g}" for name, value in row.items() if name not in ("step", "minutes"))
    return f"step {row['step']:.0f}, {row['minutes']:.1f} minutes: {rest}"


def check_minutes(minutes: float | None) -> None:
    """Raise UsageError on a time that is none."""
    if minutes is not None and not minutes > 0:
        raise UsageError(f"--max-minutes {minutes} leaves no time: give more than 0")
