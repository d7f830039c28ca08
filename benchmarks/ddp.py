"""Do two processes that `torchrun` started train what one trains, also after a Ctrl-C?

    python benchmarks/ddp.py --data kodak24 [--steps 24] [--recipes NAME ...] [--out FILE]

Writes ddp.csv, rows for each of `RECIPES`, trained with gloo on the CPU: by one process, by two, and by two that hear
Ctrl-C on the way, after which one process resumes. The loss of every step and the weights at the end are compared with
those of one process. Seconds are those of the steps, without start-up and first validation; of the run that was
stopped both calls.
"""

import argparse
import csv
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from run import HERE, commit, write

from blurspace.io.weights import read_weights

# A network with one loss, and two that play against two critics; all small, for a few minutes.
SMALL = ["schedule=steps", "log_every=1", "save_minutes=1000", "warm_up=5", "accumulate=4"]
RECIPES = {
    "kaufman2020-small-synthesis": ["batch=1", "data.side=48", "extents=[3, 15]", "validation=4"]
    + [f"synthesis.{size}" for size in ("side=15", "width=8", "hidden=16", "levels=2")],
    "cyclegan": ["batch=1", "data.side=64", "restorer.widths=[4, 8, 12]", "critic.width=4", "critic.layers=2"],
}
LOSS = {"kaufman2020-small-synthesis": "loss", "cyclegan": "translators"}
TOGETHER = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]


def main() -> None:
    """Train, print and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=24)
    parser.add_argument("--recipes", nargs="+", choices=RECIPES, default=[*RECIPES])
    parser.add_argument("--out", type=Path, default=HERE / "ddp.csv")
    asked = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for recipe in asked.recipes:
            data = piles(asked.data, Path(place) / "piles") if recipe == "cyclegan" else asked.data
            alone = Path(place) / recipe / "one"
            for what in ("one", "two", "two, Ctrl-C, then one"):
                out = Path(place) / recipe / what
                command = training(recipe, data, out, asked.steps)
                if what == "one":
                    train(command, 1)
                elif what == "two":
                    train(command, 2)
                else:
                    train(command, 2, stop_at=asked.steps // 2)
                    train([*command, "--resume"], 1)
                rows.append(row(recipe, what, alone, out))
                print(rows[-1], flush=True)
    words = ["--data", asked.data.name, "--steps", str(asked.steps), "--recipes", *asked.recipes]
    command = " ".join(["python benchmarks/ddp.py", *words])
    write(
        rows, asked.out, command=command, data=asked.data.name, seed=0, note="torchrun and gloo; beside much other work"
    )


def piles(photos: Path, folder: Path) -> Path:
    """The same photos as the blurry and as the sharp pile: what is learned does not matter here."""
    folder.mkdir(exist_ok=True)
    for name in ("blurry", "sharp"):
        if not (folder / name).exists():
            (folder / name).symlink_to(photos.resolve(), target_is_directory=True)
    return folder


def training(recipe: str, data: Path, out: Path, steps: int) -> list[str]:
    """What is typed after `blurspace`."""
    settings = [word for one in [*SMALL, *RECIPES[recipe], f"steps={steps}"] for word in ("--set", one)]
    path = HERE.parent / "recipes" / f"{recipe}.toml"
    return ["train", str(path), "--data", str(data), "--out", str(out), *settings]


def train(words: list[str], processes: int, *, stop_at: int | None = None) -> None:
    """By one process or two; `stop_at`: Ctrl-C, as a terminal sends it to all of them, once so many steps are told."""
    launcher = TOGETHER if processes > 1 else []
    environment = os.environ | {"PYTHONPATH": str(HERE.parent / "src"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *launcher, "-m", "blurspace", *words]
    told = []
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        for sentence in process.stderr or ():
            told.append(sentence)
            if stop_at is not None and sentence.startswith(f"step {stop_at},"):
                os.killpg(process.pid, signal.SIGINT)
    if (process.returncode == 0) != (stop_at is None):
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}: {''.join(told[-20:])}")


def row(recipe: str, what: str, alone: Path, out: Path) -> dict[str, object]:
    """What came out, and how far it is from what one process made."""
    curve, wanted = losses(recipe, out), losses(recipe, alone)
    if curve.keys() != wanted.keys():
        raise SystemExit(f"{out} has not the steps of {alone}")
    weights, usual = (read_weights(folder / "weights.safetensors")[0] for folder in (out, alone))
    off = max(float((one - usual[name]).abs().max()) for name, one in weights.items())
    with (out / "log.csv").open(newline="", encoding="utf-8") as lines:
        minutes = float(list(csv.DictReader(lines))[-1]["minutes"])
    return {
        "recipe": recipe,
        "processes": what,
        "steps": max(curve),
        "first loss": f"{curve[1]:.6g}",
        "last loss": f"{curve[max(curve)]:.6g}",
        "most difference of a loss": f"{max(abs(curve[step] / wanted[step] - 1) for step in wanted):.1g}",
        "most difference of a weight": f"{off:.1g}",
        "seconds": round(60 * minutes, 1),
        "commit": commit(HERE.parent),
    }


def losses(recipe: str, out: Path) -> dict[int, float]:
    """The loss of each step."""
    with (out / "log.csv").open(newline="", encoding="utf-8") as lines:
        return {int(one["step"]): float(one[LOSS[recipe]]) for one in csv.DictReader(lines) if one[LOSS[recipe]]}


if __name__ == "__main__":
    main()
