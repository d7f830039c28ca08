"""How do committed rows become the tables of a page? Between `<!-- bench:NAME -->` and `<!-- /bench -->`.

Every summary is computed again from its rows, so that no number can be typed in. What a table's lines are, says the
`table` of its protocol, with the helpers below.
"""

import csv
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from blurspace.bench.methods import BLURRY, TRUE_KERNEL
from blurspace.bench.protocols import PROTOCOLS
from blurspace.bench.result import BenchResult, Row, markdown, read_csv
from blurspace.errors import UsageError

BLOCK = re.compile(r"(<!-- bench:([\w-]+)(?:\.(\w+))? -->\n).*?(<!-- /bench -->)", re.DOTALL)
ROWS = re.compile(r"(<!-- rows:([\w.-]+) -->\n).*?(<!-- /rows -->)", re.DOTALL)
DIGEST = "digest"  # a column that no table shows: of the code that measured the row, see `benchmarks/run.py`
BEFORE = ".before.csv"  # how files end whose rows come from older code: `benchmarks/run.py --before`
# Columns of a table from left to right: nothing done, then blind methods, then those that are told the kernel.
ORDER = (
    BLURRY,
    "kaufman2020",
    "kaufman2020-small",
    "classical-0.1",
    "classical",
    "fourier-pair",  # what "learned" was called
    "learned",
    "rotation",
    "auto",
    "kernel-space",
    *(TRUE_KERNEL, "fourier-pair with true kernel", "learned with true kernel"),
)

HEADINGS = {
    "psnr": "ours, dB",
    "paper_psnr": "paper, dB",
    "sharp_psnr": "sharp picture, dB",
    "worst_psnr": "worst, dB",
    "peak_mib": "peak MiB",
}


def regenerate(page: str, folder: Path) -> str:
    """The page, with every marked block made again from the CSV files in `folder` whose names begin like it.

    A block `bench:NAME.VIEW` is another table, that of the protocol's `VIEWS`; `rows:FILE` is the rows of that file.
    Raises UsageError on a block that is neither a protocol's name nor the beginning of a file's.
    """

    def block(found: re.Match[str]) -> str:
        results = load(folder, found[2])
        if not results and found[2] not in PROTOCOLS:
            raise UsageError(f"the page has a block bench:{found[2]}: use one of {', '.join(PROTOCOLS)}")
        lines = view(results, found[3])(results) if results else []
        return f"{found[1]}{markdown(lines) if lines else ''}{found[4]}"

    def rows(found: re.Match[str]) -> str:
        lines = list(csv.DictReader((folder / found[2]).read_text(encoding="utf-8").splitlines()))
        lines = [{name: cell for name, cell in line.items() if name != DIGEST} for line in lines]
        return f"{found[1]}{markdown(lines)}{found[3]}"

    return ROWS.sub(rows, BLOCK.sub(block, page))


def view(results: Sequence[BenchResult], name: str | None) -> Callable[[Sequence[BenchResult]], list[Row]]:
    """What makes a protocol's table, or another one of its views. Raises UsageError where it has none of that name."""
    protocol = PROTOCOLS[results[0].summary["name"]]
    views = {None: protocol.code.table, **getattr(protocol.code, "VIEWS", {})}
    if name not in views:
        raise UsageError(f"the page has a block bench:{protocol.name}.{name}: {protocol.name} has no such table")
    return views[name]


def load(folder: Path, name: str) -> list[BenchResult]:
    """All committed results of one protocol: nothing done first, the true kernel last, all else between.

    Raises UsageError where a summary is not that of its rows, or of another protocol than today's.
    """
    results = []
    for path in (path for path in sorted(folder.glob(f"{name}*.csv")) if not path.name.endswith(BEFORE)):
        read = read_csv(path.read_text(encoding="utf-8"))
        protocol = PROTOCOLS[read.summary["name"]]
        fresh = protocol.result(read.rows, method=read.summary["method"], data=read.summary["data"])
        if fresh.summary != read.summary:
            raise UsageError(f"{path} has a summary that its rows do not give today: run its benchmark again")
        results.append(fresh)
    place = {method: number for number, method in enumerate(ORDER)}  # all others in the order of their files
    return sorted(results, key=lambda one: (one.summary["data"], place.get(one.summary["method"], len(ORDER))))


def methods_table(results: Sequence[BenchResult], more: Callable[[dict[str, Any]], Row] = lambda _: {}) -> list[Row]:
    """One line per method: means, what `more` makes of its summary, and what is worst and slow; nothing of no work."""
    lines: list[Row] = []
    for summary in (result.summary for result in results):
        nothing = summary["method"] == BLURRY
        lines.append(
            {
                "method": word(summary["method"]),
                "PSNR, dB": fixed(summary["mean_psnr"], 2),
                "SSIM": fixed(summary["mean_ssim"], 3),
                **more(summary),
                "worst gain, dB": "" if nothing else fixed(summary["min_gain_db"], 2),
                "s per picture (median)": "" if nothing else fixed(summary["median_seconds"], 2),
            }
        )
    return lines


def rows_table(*columns: str, **headings: str) -> Callable[[Sequence[BenchResult]], list[Row]]:
    """A table of the rows themselves: the columns named, under their names in HEADINGS or those given."""
    shown = {column: column.replace("_", " ") for column in columns} | HEADINGS | headings

    def table(results: Sequence[BenchResult]) -> list[Row]:
        rows = [row for result in results for row in result.rows]
        return [
            {shown[name]: fixed(row[name], 2) if isinstance(row[name], float) else row[name] for name in columns}
            for row in rows
        ]

    return table


def word(method: str) -> str:
    """What a page calls a method."""
    told = "classical with true kernel" if method == TRUE_KERNEL else method
    return "blurry input" if method == BLURRY else told.replace(" with true kernel", ", true kernel")


def fixed(value: float | None, digits: int) -> str:
    """With so many decimals; nothing for None."""
    return "" if value is None else f"{value:.{digits}f}"
