"""What do the processes of a team train in the tests? The same tiny recipes that one process trains.

`python members.py OUT PHOTOS PILES` is one of two processes, as `torchrun` or `srun` would start it; RANK says which.
"""

import csv
import os
import signal
import sys
from pathlib import Path

import torch

from blurspace.jobs.train import train_recipe
from blurspace.train import loop
from blurspace.train.settings import LoopSettings
from blurspace.train.steps import Descent
from blurspace.train.team import joined

RECIPES = Path(__file__).parents[2] / "recipes"
TINY = ["schedule=steps", "accumulate=4", "save_minutes=1000", "log_every=1", "steps=4"]
SYNTHESIS = ["synthesis.side=9", "width=4", "hidden=4", "levels=1", "data.side=32", "batch=1", "validation=2"]
SYNTHESIS += ["extents=[3, 9]", "average=0.9"]
GAME = ["data.side=64", "batch=1", "restorer.widths=[4, 4, 4]", "critic.width=2", "critic.layers=1"]
# Name of a run -> its recipe and settings; features change a buffer beside their descent, games train in turn.
RUNS = {
    "synthesis": ("kaufman2020-small-synthesis", [*TINY, *SYNTHESIS]),
    "features": ("features", [*TINY, "data.side=16", "place=64", "places=2", "batch=3", "kernels=4", "ahead=2"]),
    "dualgan": ("dualgan", [*TINY, *GAME]),
}


def train(name, folder, photos, piles, *more, resume=False):
    """One of the runs, in this process or with others."""
    recipe, overrides = RUNS[name]
    data = piles if name == "dualgan" else photos
    train_recipe(RECIPES / f"{recipe}.toml", data=data, out=folder, overrides=[*overrides, *more], resume=resume)


def rows(folder):
    """The log, without what takes time."""
    with (folder / loop.LOG).open(newline="") as file:
        read = csv.DictReader(file)
        return [{name: float(one) for name, one in row.items() if one and name != "minutes"} for row in read]


class Interrupted:
    """A task of which one process hears Ctrl-C in its third step."""

    def __init__(self, rank):
        self.networks, self.architecture = {"net": torch.nn.Linear(1, 1)}, {"net": {}}
        self.rank, self.done = rank, 0
        self.optimisers = {"net": torch.optim.SGD(self.networks["net"].parameters(), lr=0.1)}

    def batch(self, generator):
        return torch.rand(1, 1, generator=generator)

    def step(self, batch):
        self.done += 1
        if self.rank == 1 and self.done == 3:
            signal.raise_signal(signal.SIGINT)
            signal.raise_signal(signal.SIGINT)  # as torchrun says it once more
        loss = self.networks["net"](batch).square().mean()
        yield Descent(loss, self.optimisers["net"])
        return {"loss": float(loss.detach())}

    def validate(self):
        return {}


def as_srun_says(variables):
    """The same numbers by SLURM's names, and torchrun's no more."""
    names = {"SLURM_PROCID": "RANK", "SLURM_LOCALID": "RANK", "SLURM_NTASKS": "WORLD_SIZE"}
    names |= {"SLURM_NTASKS_PER_NODE": "WORLD_SIZE"}
    told = {"SLURM_STEP_ID": "0", "SLURM_NODEID": "0", "SLURM_NNODES": "1", "SLURM_JOB_NAME": "train"}
    variables.update(told | {name: variables[other] for name, other in names.items()})
    for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"):
        del variables[name]


def main(out, photos, piles):
    """All that two processes do in the tests, one thing after the other."""
    for name in RUNS:
        train(name, out / name, photos, piles)
    as_srun_says(os.environ)
    train("synthesis", out / "two-then-one", photos, piles, "steps=2")
    train("synthesis", out / "one-then-two", photos, piles, resume=True)
    with joined("cpu") as team:
        task = Interrupted(team.rank)
        try:
            loop.run(task, LoopSettings(steps=9, accumulate=2), out=out / "interrupted", team=team)
        except KeyboardInterrupt:
            (out / f"{team.rank} of {team.count} stopped").write_text(str(task.done), encoding="utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
