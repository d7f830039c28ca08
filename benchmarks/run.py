"""Run one benchmark, keep its rows here, and note in index.csv how they were made.

`python benchmarks/run.py FILE NOTE NAME [--data DATA] [--method METHOD] [--limit N]`
"""

import csv
import os
import platform
import shlex
import sys
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import torch

from blurspace.bench import tran2021_training, tran2021_transfer, transfer, translations
from blurspace.bench.synthetic import SEED
from blurspace.cli import main as blurspace

HERE = Path(__file__).parent
INDEX = HERE / "index.csv"


def main() -> int:
    """The benchmark's exit code; index.csv changes only where that is 0."""
    file, note, *bench = sys.argv[1:]
    code = blurspace(["bench", *bench, "--csv", str(HERE / file), "--overwrite", "--quiet"])
    if code == 0:
        told = [Path(word).name if before == "--data" else word for before, word in pairwise(["", *bench])]
        command = shlex.join(["blurspace", "bench", *told, "--csv", f"benchmarks/{file}"])
        note_down({"file": file, "command": command, "data": _data(bench), "seed": _seed(bench), "note": note})
    return code


def note_down(row: dict[str, str]) -> None:
    """Replace or add the row of that file."""
    with INDEX.open(encoding="utf-8", newline="") as lines:
        reader = csv.DictReader(lines)
        columns = list(reader.fieldnames or ())
        rows = {old["file"]: old for old in reader}
    rows[row["file"]] = {**row, "device": device(), "date": f"{datetime.now(UTC):%Y-%m-%d}"}
    with INDEX.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[file] for file in sorted(rows))


def device() -> str:
    """The processor, its cores for us, and torch's version."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    model = names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
    return f"{model}; {os.cpu_count()} cores, {torch.get_num_threads()} threads; torch {torch.__version__}"


def _data(bench: list[str]) -> str:
    return Path(bench[bench.index("--data") + 1]).name if "--data" in bench else "made"


def _seed(bench: list[str]) -> str:
    made = {"synthetic": SEED, "rotation": SEED, "speed": SEED, "kaufman2020-ablation": 0, "transfer": transfer.SEED}
    seeds = made | dict.fromkeys(("tran2021-transfer", "tran2021-retrieval"), tran2021_transfer.SEED)
    seeds |= dict.fromkeys(("tran2021-swapped", "tran2021-augmented"), tran2021_training.SEED)
    seeds |= dict.fromkeys(("pham2024-adapt", "pham2024-gopro"), translations.SEED)
    return str(seeds.get(bench[0], "none"))


if __name__ == "__main__":
    sys.exit(main())
