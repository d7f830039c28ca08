"""Which numbers did others publish for these sets, and where do they stand? Those in `published.csv`.

Nothing there was measured by us, and nobody fills a gap. `psnr` in dB, `ssim` at most 1 (of Köhler's set what the table
calls MSSIM), means over the set; empty where the source gives no number. What is "collected" came to us second hand:
read, but not compared with the papers themselves.
"""

import csv
from collections.abc import Sequence
from pathlib import Path

from blurspace.bench.result import Row, read_cell

SKIPPED = "without_8_9_10"  # the three biggest trajectories, which table 1 of Kaufman and Fattal also leaves out


def _read(name: str, *more: str) -> tuple[Row, ...]:
    columns = ("method", "psnr", "ssim", *more, "source")
    with Path(__file__).with_suffix(".csv").open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["set"] == name]
    return tuple({column: read_cell(row[column]) for column in columns} for row in rows)


KOHLER = _read("kohler", f"psnr_{SKIPPED}", f"ssim_{SKIPPED}")
LAI = _read("lai")  # in the protocol of `bench lai`
# In another protocol, adapted from Köhler's script: never to be compared with LAI, nor with what `bench lai` measures.
LAI_KOHLER_STYLE = _read("lai by Köhler's script")
SUN: tuple[Row, ...] = ()  # curves and files of results, but no table in this protocol is at hand


def beside(published: Sequence[Row], summary: Row) -> list[Row]:
    """The published rows and, as the last one, what a run measured; no row at all where none was published."""
    ours = {column: summary.get(f"mean_{column}") for column in (published or [{}])[0]}
    told = {"method": f"this run, {summary['method']}", "source": "measured here"}
    return [*published, {**ours, **told}] if published else []
