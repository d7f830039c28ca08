"""What does every benchmark give back? Rows, a summary of them, and both as a table and as CSV.

A committed CSV carries its summary as a comment in the first line; `read_csv` gives both back.
"""

import csv
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean, median
from typing import Any

from blurspace.errors import PictureError

Row = dict[str, Any]
# Called as progress(items, total=..., what=...): gives the items back, and may show how far they are.
Progress = Callable[..., Iterable[Any]]
COMMENT = "# "
HASH_LETTERS = 12


@dataclass(frozen=True)
class BenchResult:
    """`rows`: one per picture, all with the same columns. `summary`: the contract's JSON fields and named extras."""

    rows: list[Row]
    summary: dict[str, Any]

    def table(self) -> str:
        """The rows, the summary's own tables if it has any, and the summary, as Markdown."""
        inner = [markdown(value) for value in self.summary.values() if isinstance(value, list) and value]
        headline = {key: value for key, value in self.summary.items() if not isinstance(value, list)}
        facts = [{"summary": key, "value": value} for key, value in headline.items() if value is not None]
        return "\n".join([markdown(self.rows), *inner, markdown(facts)])

    def csv(self) -> str:
        """The rows as CSV, below one comment line that holds the summary as JSON."""
        file = io.StringIO()
        writer = csv.DictWriter(file, fieldnames=list(self.rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows)
        return f"{COMMENT}{json.dumps(self.summary, ensure_ascii=False)}\n{file.getvalue()}"


def read_csv(text: str) -> BenchResult:
    """What `BenchResult.csv` wrote. Raises PictureError where the first line holds no summary."""
    head, _, body = text.partition("\n")
    try:
        summary = json.loads(head.removeprefix(COMMENT))
    except json.JSONDecodeError as error:
        raise PictureError("a benchmark CSV has no summary in its first line: write it with bench --csv") from error
    return BenchResult(
        [{key: read_cell(cell) for key, cell in row.items()} for row in csv.DictReader(io.StringIO(body))], summary
    )


def summarise(rows: Sequence[Row], *, name: str, protocol: str, method: str, data: str) -> dict[str, Any]:
    """The contract's fields, from the rows' columns psnr, ssim, seconds and gain_db; None where there is no such one.

    `protocol` is the description of the protocol; its hash goes into the summary.
    """
    return {
        "name": name,
        "protocol": protocol_hash(protocol),
        "method": method,
        "n": len(rows),
        "mean_psnr": reduced(fmean, rows, "psnr"),
        "mean_ssim": reduced(fmean, rows, "ssim"),
        "median_seconds": reduced(median, rows, "seconds"),
        "min_gain_db": reduced(min, rows, "gain_db"),
        "data": data,
    }


def blurry_summary(rows: Sequence[Row], more: Row | None = None) -> Row:
    """What there is to add about blurry pictures whose rows come from `methods.scored`, with `more` among it."""
    return {
        "mean_blurry_psnr": reduced(fmean, rows, "blurry_psnr"),
        **(more or {}),
        "max_seconds": reduced(max, rows, "seconds"),
        "restored": sum(row["verdict"] == "restored" for row in rows),
    }


def grouped(rows: Sequence[Row], keys: Iterable[Row], more: Callable[[list[Row]], Row] = lambda _: {}) -> list[Row]:
    """A line for each of the keys, such as {"kernel": 1}, that some rows have: their number, means, and `more`."""
    groups = []
    for key in keys:
        members = [row for row in rows if key.items() <= row.items()]
        if members:
            means = {column: reduced(fmean, members, column) for column in ("psnr", "ssim", "blurry_psnr", "gain_db")}
            groups.append({**key, "n": len(members), **means, **more(members)})
    return groups


def each_of(rows: Sequence[Row], column: str) -> list[Row]:
    """Keys for `grouped`: every value of a column, in order."""
    return [{column: value} for value in sorted({row[column] for row in rows})]


def reduced(function: Callable[[list[float]], float], rows: Sequence[Row], column: str) -> float | None:
    """`function` of the column's numbers, with four decimals; None where it has none."""
    values = [row[column] for row in rows if row.get(column) is not None]
    return round(function(values), 4) if values else None


def protocol_hash(description: str) -> str:
    """Two results may be compared if and only if this agrees."""
    return hashlib.sha256(description.encode()).hexdigest()[:HASH_LETTERS]


def markdown(rows: Sequence[Row]) -> str:
    """A Markdown table of rows that share their columns, ending in a line break."""
    lines = [list(rows[0]), ["---"] * len(rows[0]), *([_shown(value) for value in row.values()] for row in rows)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def no_progress(items: Iterable[Any], *, total: int, what: str) -> Iterable[Any]:
    """Show nothing: what a library does by default."""
    del total, what
    return items


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.4g}" if abs(value) < 1 else f"{value:.2f}"
    return "" if value is None else str(value).replace("|", "\\|")


def read_cell(cell: str) -> object:
    """What a cell of a CSV file stands for: nothing, a truth, a number or a text."""
    if cell in ("", "True", "False"):
        return {"": None, "True": True, "False": False}[cell]
    for kind in (int, float):
        try:
            return kind(cell)
        except ValueError:
            continue
    return cell
