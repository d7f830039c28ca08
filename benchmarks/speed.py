"""Protocol `speed` case by case: each row is kept as soon as it is measured, and what is there is not measured again.

    python benchmarks/speed.py METHOD ... --data PHOTO [--only size kernel ...] [--least MP] [--most MP] [--again]

Writes speed-METHOD.csv, which `blurspace bench speed --data PHOTO --method METHOD` with `--csv` would write at once.
`--only`: cases in which that is varied. `--least`, `--most`: those with so many pixels. `--again`: also those beside
which other processes kept more than a tenth of a core busy.
"""

import argparse
from pathlib import Path

from run import DIGEST, HERE, UNKNOWN, digest, note_bench

from blurspace.bench.protocols import PROTOCOLS
from blurspace.bench.result import Row, read_csv
from blurspace.bench.speed import HELP, METHODS, Case, cases, measure

QUIET = 0.1  # cores
VARIED = ("help", "size", "kernel", "kernel given", "threads", "runtime", "one core", "jobs")
NOTE = "whole commands, photos made of one of Kodak's; `others`: cores that other processes kept busy meanwhile"


def main() -> None:
    """Measure what is missing, print and keep every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("methods", nargs="+", choices=METHODS, metavar="METHOD")
    parser.add_argument("--data", type=Path, required=True, metavar="PHOTO")
    parser.add_argument("--only", nargs="+", choices=VARIED, default=VARIED, metavar="VARIED")
    parser.add_argument("--least", type=float, default=0.0, metavar="MEGAPIXELS")
    parser.add_argument("--most", type=float, default=float("inf"), metavar="MEGAPIXELS")
    parser.add_argument("--again", action="store_true")
    asked = parser.parse_args()
    for method in asked.methods:
        rows = read(method)
        for case in cases(method):
            old = next((row for row in rows if vars(case).items() <= row.items()), None)
            wanted = case.varied in asked.only and asked.least <= case.pixels <= asked.most
            if wanted and (old is None or (asked.again and (old["others"] or 0.0) > QUIET)):
                measured = {
                    **measure(case, method, asked.data),
                    DIGEST: digest(f"blurspace bench speed --method {method}"),
                }
                rows = [row for row in rows if row is not old] + [measured]
                keep(method, rows, asked.data)
                print(rows[-1], flush=True)


def read(method: str) -> list[Row]:
    """The rows that are there."""
    path = HERE / f"speed-{method}.csv"
    rows = read_csv(path.read_text(encoding="utf-8")).rows if path.exists() else []
    return [row | {DIGEST: row.get(DIGEST, UNKNOWN)} for row in rows]


def keep(method: str, rows: list[Row], data: Path) -> None:
    """Write all rows, in the order of the cases, with their summary."""
    places = {case: place for place, case in enumerate(cases(method))}
    rows = sorted(rows, key=lambda row: places.get(Case(*(row[name] for name in vars(HELP))), len(places)))
    result = PROTOCOLS["speed"].result(rows, method=method, data=data.name)
    (HERE / f"speed-{method}.csv").write_text(result.csv(), encoding="utf-8")
    note_bench(f"speed-{method}.csv", ["speed", "--data", str(data), "--method", method], NOTE)


if __name__ == "__main__":
    main()
