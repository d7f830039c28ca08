"""What do the clues of a receipt weigh? Made photos whose truth is known, a regression, and a test on other photos.

    python benchmarks/fit_receipt.py collect PHOTOS ROWS.csv [--count N] [--first N] [--resume]
    python benchmarks/fit_receipt.py fit ROWS.csv [--least P]
    python benchmarks/fit_receipt.py test ROWS.csv

`collect` makes N photos of all kinds of `bench.calibration` from the sharp photos in a folder, lets the methods of
`auto` that share one search restore each, and writes a row of clues and true gain for each method and photo; a row is
there as soon as its photo is done, and `--resume` goes on. `fit` writes src/blurspace/receipt.toml. `test` says how
right that is on rows of photos that it was not fitted on. Of 8 s a photo on one core nearly all is the search.
"""

import argparse
import csv
import json
import math
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from blurspace.bench.calibration import LOSS, LOST_GAIN, ORDER, judged, reliability
from blurspace.bench.kinds import snapshot
from blurspace.bench.methods import build
from blurspace.bench.result import markdown, read_cell
from blurspace.io.images import find_photos
from blurspace.restore.verdict import FARTHEST, WEIGHTS, Belief, Weight
from blurspace.restore.verdict import fitted as believed

METHODS = ("learned", "classical", "mild")  # of `auto`, those that cost little once the kernel is found
FACTS = ("number", "kind", "method", "look", "known", "gain")  # of a row; all else are clues
SEED = "fit"
MOST, LEAST = 8.0, -8.0  # dB: farther gains count as these, or a few would decide
RIDGE, STEPS = 3.0, 40  # of both regressions, in photos; and Newton's steps of the logistic one
FLAT = 1e-3  # standard deviation of a clue below which it tells nothing
ROUNDS = 10  # parts of the photos: each is judged by what was fitted on the others, for a first idea


def main() -> None:
    """Do one of the three."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("collect", "fit", "test"))
    parser.add_argument("paths", type=Path, nargs="+")
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--least", type=float, default=0.8)
    asked = parser.parse_args()
    if asked.what == "collect":
        collect(*asked.paths, range(asked.first, asked.first + asked.count), resume=asked.resume)
    elif asked.what == "fit":
        fit(asked.paths, least=asked.least)
    else:
        show(read(asked.paths), believed())


def collect(photos: Path, file: Path, numbers: range, *, resume: bool) -> None:
    """Append the rows of these photos to a file, but for those that it has."""
    auto, paths = build("auto", response=None), find_photos([photos])
    assert auto is not None
    deblurrer = replace(auto, methods=tuple(method for method in auto.methods if method.name in METHODS))
    done = {row["number"] for row in read([file])} if resume and file.exists() else set()
    for number in numbers:
        if number not in done:
            rows = collected(number, paths, deblurrer)
            append(rows, file, fresh=not done)
            done.add(number)
            print(number, rows[0]["kind"], rows[0]["look"], *(row["gain"] for row in rows), flush=True)


def collected(number: int, paths: Sequence[Path], deblurrer) -> list[dict]:
    """A row for each method that was tried on one made photo."""
    kind = ORDER[number % len(ORDER)]
    made = snapshot(kind, paths, f"{SEED} {number}")
    witness, gains = judged(made, deblurrer, all_methods=True)
    look = witness.looks[0].code if witness.looks[0] else ""
    return [
        {"number": number, "kind": kind, "method": one.method, "look": look, "known": False, "gain": gain}
        | {name: round(value, 5) for name, value in one.clues.items()}
        for one, gain in zip(witness.tries, gains, strict=True)
    ]


def append(rows: list[dict], file: Path, *, fresh: bool) -> None:
    """Write rows; `fresh`: over whatever is there, with a head."""
    with file.open("w" if fresh else "a", newline="", encoding="utf-8") as opened:
        writer = csv.DictWriter(opened, fieldnames=list(rows[0]), lineterminator=os.linesep)
        if fresh:
            writer.writeheader()
        writer.writerows(rows)


def read(files: Sequence[Path]) -> list[dict]:
    """The rows of files."""
    rows = []
    for file in files:
        with file.open(newline="", encoding="utf-8") as opened:
            rows += [{key: read_cell(cell) for key, cell in row.items()} for row in csv.DictReader(opened)]
    return rows


def fit(files: Sequence[Path], *, least: float) -> None:
    """Fit, say how right it is on photos that were held out, and write the weights."""
    rows = read(files)
    held_out: list[dict] = []
    for part in range(ROUNDS):
        others = [row for row in rows if int(row["number"]) % ROUNDS != part]
        belief = fitted(others, least=least)
        held_out += [row | stated(belief, row) for row in rows if int(row["number"]) % ROUNDS == part]
    print("held out:")
    report(held_out, least)
    command = f"python benchmarks/fit_receipt.py fit {' '.join(file.name for file in files)}"
    WEIGHTS.write_text(as_toml(fitted(rows, least=least), command, len({row["number"] for row in rows})), "utf-8")


def varies(values: Sequence[float]) -> bool:
    """Whether a clue tells photos apart: one that hardly ever differs has no weight."""
    return float(np.nanstd(values)) > FLAT


def fitted(rows: Sequence[dict], *, least: float) -> Belief:
    """Ridge regression of the gain, logistic regression of whether there is any, on clues of mean 0 and variance 1.

    Of photos that would be left alone untried nothing is learned: they would bend what is said of the others.
    """
    rows = [row for row in rows if not row["look"]]
    names = [name for name in rows[0] if name not in FACTS and varies([number(row[name]) for row in rows])]
    table = np.array([[number(row[name]) for name in names] for row in rows])
    means = np.nanmean(table, 0)
    scales = np.maximum(np.nanstd(table, 0), 1e-6)
    steps = np.clip(np.nan_to_num((table - means) / scales), -FARTHEST, FARTHEST)
    design = np.column_stack([np.ones(len(rows)), steps])
    gains = np.clip([row["gain"] for row in rows], LEAST, MOST)
    penalty = RIDGE * np.eye(len(names) + 1)
    penalty[0, 0] = 0
    gain = np.linalg.solve(design.T @ design + penalty, design.T @ gains)
    chance = logistic(design, gains > 0, penalty)
    clues = {
        name: Weight(*(round(float(value), 4) for value in (means[k], scales[k], gain[k + 1], chance[k + 1])))
        for k, name in enumerate(names)
    }
    return Belief(round(float(gain[0]), 4), round(float(chance[0]), 4), least, least / 2, METHODS, clues)


def logistic(design: np.ndarray, better: np.ndarray, penalty: np.ndarray) -> np.ndarray:
    """Newton's method, with a penalty on the squares of the weights."""
    weights = np.zeros(design.shape[1])
    for _ in range(STEPS):
        share = 1 / (1 + np.exp(-design @ weights))
        slope = design.T @ (share - better) + penalty @ weights
        weights -= np.linalg.solve((design.T * (share * (1 - share))) @ design + penalty, slope)
    return weights


def stated(belief: Belief, row: dict) -> dict:
    """What a belief says of a row."""
    probability, gain = belief.of({name: number(row[name]) for name in belief.clues})
    return {"probability": probability, "expected_gain_db": gain, "would_gain_db": row["gain"]}


def show(rows: list[dict], belief: Belief) -> None:
    """How right it is."""
    report([row | stated(belief, row) for row in rows], belief.least)


def report(rows: list[dict], least: float) -> None:
    """Reliability of all results of photos that are not left alone, then what photos become at several bars."""
    tried = [row for row in rows if not row["look"]]
    print(markdown(reliability(tried)))
    errors = [row["expected_gain_db"] - min(max(row["gain"], LEAST), MOST) for row in tried]
    print(f"expected gain off by {np.sqrt(np.mean(np.square(errors))):.2f} dB (root mean square)")
    photos: dict[int, list[dict]] = {}
    for row in tried:
        photos.setdefault(row["number"], []).append(row)
    print(markdown([outcomes(list(photos.values()), bar) for bar in sorted({least, 0.5, 0.6, 0.7, 0.8, 0.9})]))


def outcomes(photos: Sequence[list[dict]], bar: float) -> dict[str, object]:
    """What photos become, each by its first method whose probability reaches a bar, and how often that is wrong."""
    taken = [next((row for row in tries if believed_row(row, bar)), None) for tries in photos]
    gains = [row["gain"] for row in taken if row]
    refused = [max(row["gain"] for row in tries) for row, tries in zip(taken, photos, strict=True) if not row]
    return {
        "from": bar,
        "restored": len(gains),
        "at a loss": sum(gain < LOSS for gain in gains),
        "mean gain": round(float(np.mean(gains)), 2) if gains else None,
        "refused": len(refused),
        "would gain": sum(gain > LOST_GAIN for gain in refused),
    }


def believed_row(row: dict, bar: float) -> bool:
    """Whether a result would be taken."""
    return row["probability"] >= bar and row["expected_gain_db"] > 0


def number(cell: object) -> float:
    """A number, NaN where there is none."""
    return float(cell) if isinstance(cell, int | float) else math.nan


def as_toml(belief: Belief, command: str, count: int) -> str:
    """The weights file."""
    lines = [
        f"# What the clues of restore/verdict.py weigh, fitted on {count} made photos by `{command}`.",
        *(f"{name} = {getattr(belief, name)}" for name in ("gain", "chance", "least", "least_known")),
        f"methods = {json.dumps(belief.methods)}",
        "",
        "[clues]",
    ]
    for name, weight in belief.clues.items():
        facts = ", ".join(f"{key} = {value}" for key, value in vars(weight).items())
        lines.append(f"{name} = {{ {facts} }}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
