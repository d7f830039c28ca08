"""Which part of the pair is worth what? Protocol `kaufman2020-ablation`: the paper's table 3, on our data at our scale.

Kaufman and Fattal 2020, table 3: how the kernel guides the synthesis network, and in which order the two networks are
trained. The networks here are tiny, the blur is short and made, and a training has a thousandth of the paper's steps:
only the order of the rows, and the signs of their differences, may be compared with the paper, never the numbers.
"""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from blurspace.bench.methods import BLURRY
from blurspace.bench.result import Progress, Row, no_progress
from blurspace.bench.tables import rows_table
from blurspace.blur.kernels import trim
from blurspace.errors import ModelError, install
from blurspace.io.weights import load_into, read_weights

if TYPE_CHECKING:
    from blurspace.data.triplets import Triplets
    from blurspace.train.one_loss import OneLoss

STEPS = 1500  # our choice: all of it in half an hour or so on one thread
END_TO_END_SHARE = 0.5  # of STEPS, after the pre-training; the paper has a tenth of far more steps
SEED = 0
EXTENTS, RANGES = (3, 15), ((3, 9), (9, 15))  # px; the paper has three ranges up to 85 px
LOOP = {"seed": SEED, "warm_up": 50, "average": 0.99, "save_minutes": 1e6}
ADAM = {"learning_rate": 1e-3, "clip": 1.0}
# Batch and the greater sigma are the paper's (section 4).
DATA = {"side": 64, "batch": 4, "sigmas": (0.01, 0.02), "validation": 256}
ANALYSIS = {"side": 15, "levels": 2, "width": 12, "features": 6, "filter": 5, "flipped": False}
SYNTHESIS = {"side": 15, "levels": 2, "width": 24, "hidden": 64}
PROTOCOL = (
    f"kaufman2020-ablation 1: table 3 at our scale; {STEPS} steps per training, end to end {END_TO_END_SHARE} of them "
    f"more, random initialisation the sum; half a cosine; loop {LOOP}; adam {ADAM}; shakes of {EXTENTS} px, plain "
    f"camera, data {DATA}; analysis {ANALYSIS}; synthesis {SYNTHESIS}; scale-optimised: end to end on {RANGES} px "
    f"apart from the same pre-trained networks, and the true kernel's side tells which pair restores; mean PSNR over "
    f"the triplets held out, the same for all, of the running mean of the weights"
)
# Configuration -> dB in table 3.
PAPER = {
    "true kernel, no guidance": 24.80,
    "true kernel, additive guidance": 28.58,
    "true kernel, multiplicative guidance": 28.41,
    "true kernel, both": 28.73,
    "random initialisation, end to end": 25.70,
    "pre-training only": 24.82,
    "pre-training, then end to end": 26.78,
    "scale-optimised": 27.12,
}
GUIDANCES = ("none", "additive", "multiplicative", "both")


def run(data: Path, *, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Train and measure every configuration on the photos in `data`; `limit`: so many steps instead of `STEPS`.

    Raises ModelError without pydantic, which training needs.
    """
    if find_spec("pydantic") is None:
        raise ModelError(f"training needs pydantic, which is not here: {install('train')}")
    with tempfile.TemporaryDirectory() as folder:
        bench = _Ablation(data, Path(folder), STEPS if limit is None else limit)
        guided = [partial(bench.guided, kind) for kind in GUIDANCES]
        stages = [*guided, bench.at_random, bench.trained_apart, bench.by_range]
        rows = [row for stage in progress(stages, total=len(stages), what="ablation") for row in stage()]
        rows.insert(0, bench.row(BLURRY, bench.done[GUIDANCES[0]].last["blurry_psnr"], 0, 0.0))
    return rows


def summary(rows: Sequence[Row]) -> Row:
    """A mean over configurations would say nothing, so there is none."""
    return {"mean_psnr": None, "blurry_psnr": rows[0]["psnr"]}


table = rows_table("configuration", "paper_psnr", "psnr", "gain", gain="ours over blurry, dB")


@dataclass(frozen=True)
class _Trained:
    """What one training left: the task, its weights file, and what was measured before and after."""

    task: "OneLoss[Triplets]"
    weights: Path
    first: dict[str, float]
    last: dict[str, float]

    @torch.no_grad()
    def measure(self, pieces: "list[Triplets]") -> torch.Tensor:
        """PSNR of each triplet, with the weights in the file: the task itself holds those of the last step."""
        load_into(self.task.networks, read_weights(self.weights)[0])
        return torch.cat([self.task.measure(piece)["psnr"] for piece in pieces])


@dataclass
class _Ablation:
    """All the trainings, which share some: `done` by their names."""

    data: Path
    folder: Path
    steps: int
    done: dict[str, _Trained] = field(default_factory=dict)

    @property
    def more(self) -> int:
        """Steps end to end, after pre-training."""
        return max(1, round(self.steps * END_TO_END_SHARE))

    def guided(self, kind: str) -> list[Row]:
        """Synthesis with the true kernel."""
        one = self._train(kind, "synthesis", self.steps, synthesis=SYNTHESIS | {"guidance": kind})
        name = "true kernel, both" if kind == "both" else f"true kernel, {kind.replace('none', 'no')} guidance"
        return [self.row(name, one.last["psnr"], self.steps, one.last["minutes"], one)]

    def at_random(self) -> list[Row]:
        """Both networks end to end from random weights."""
        steps = self.steps + self.more
        one = self._train("random", "pair", steps)
        return [self.row("random initialisation, end to end", one.last["psnr"], steps, one.last["minutes"], one)]

    def trained_apart(self) -> list[Row]:
        """Both apart, and what end to end adds; the first measure of the second is the result of the first."""
        analysis = self._train("analysis", "analysis", self.steps)
        one = self._train("pair", "pair", self.more, start=self._start())
        apart, steps = analysis.last["minutes"] + self.done["both"].last["minutes"], self.steps + self.more
        return [
            self.row("pre-training only", one.first["psnr"], self.steps, apart, one),
            self.row("pre-training, then end to end", one.last["psnr"], steps, apart + one.last["minutes"], one),
        ]

    def by_range(self) -> list[Row]:
        """One pair for each range of sizes, on the triplets of all others."""
        pairs = [
            self._train(
                f"{low} to {high}", "pair", self.more, start=self._start(), data=DATA | {"extents": (low, high)}
            )
            for low, high in RANGES
        ]
        pieces = self.done["pair"].task.source.held_out
        sides = torch.tensor([trim(one).shape[-1] for piece in pieces for one in piece.kernel.split(1)])
        small, large = (one.measure(pieces) for one in pairs)
        psnr = float(torch.where(sides <= RANGES[0][1], small, large).mean())
        apart = self.done["analysis"].last["minutes"] + self.done["both"].last["minutes"]
        minutes = apart + sum(one.last["minutes"] for one in pairs)
        row = self.row("scale-optimised", psnr, self.steps + self.more, minutes, *pairs)
        return [row | {"note": "two ranges, not three; pre-training shared; chosen by the true size, no classifier"}]

    def row(self, name: str, psnr: float, steps: int, minutes: float, *trained: _Trained) -> Row:
        """A row; gains are over doing nothing."""
        networks = [network for one in trained for network in one.task.networks.values()]
        return {
            "configuration": name,
            "paper_psnr": PAPER.get(name),
            "psnr": round(psnr, 4),
            "gain": round(psnr - self.done[GUIDANCES[0]].last["blurry_psnr"], 4),
            "steps": steps,
            "minutes": round(minutes, 2),
            "parameters": sum(one.numel() for network in networks for one in network.parameters()),
            "note": None,
        }

    def _start(self) -> dict[str, str]:
        return {"analysis": str(self.done["analysis"].weights), "synthesis": str(self.done["both"].weights)}

    def _train(self, name: str, task: str, steps: int, **tables: Any) -> _Trained:
        """One training, from the recipe of that task with our tables."""
        from blurspace.train import loop
        from blurspace.train.recipes import TASKS

        networks = {"analysis": ANALYSIS, "synthesis": SYNTHESIS}
        table = {
            "task": task,
            "loop": LOOP | {"steps": steps},
            "adam": ADAM,
            "data": DATA | {"extents": EXTENTS},
            **{key: value for key, value in networks.items() if task in (key, "pair")},
        }
        recipe: Any = TASKS[task].recipe.model_validate(table | tables)
        built: Any = TASKS[task].build(recipe, data=self.data, device="cpu", report=lambda _: None)
        measured: list[dict[str, float]] = []
        weights = loop.run(built, recipe.loop, out=self.folder / name, progress=lambda row: measured.append(dict(row)))
        self.done[name] = _Trained(built, weights, measured[0], measured[-1])
        return self.done[name]
