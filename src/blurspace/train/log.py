"""What did a run look like? A CSV file, one row per stretch of steps, that survives a resumed run."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

from blurspace.io.files import write_bytes

Row = Mapping[str, float]


class Log:
    """Rows of numbers in `path`; a row may bring new columns, and what a row does not have stays empty."""

    def __init__(self, path: Path, *, up_to: int) -> None:
        """Keep the rows that are there up to step `up_to`: later ones belong to steps that are done once more."""
        self.path = path
        self.rows: list[dict[str, float]] = []
        if path.exists():
            with path.open(newline="", encoding="utf-8") as file:
                read = [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]
            self.rows = [row for row in read if row["step"] <= up_to]
        self.columns = list(dict.fromkeys(key for row in self.rows for key in row))
        self._rewrite()

    def add(self, row: Row) -> Row:
        """Append one row, or complete the last one of the same step; returns it. Written at once."""
        again = bool(self.rows) and self.rows[-1]["step"] == row["step"]
        whole = {**self.rows.pop(), **row} if again else dict(row)
        self.rows.append(whole)
        new = [key for key in row if key not in self.columns]
        self.columns += new
        if new or again:
            self._rewrite()
        else:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                file.write(self._text([whole]))
        return whole

    def _rewrite(self) -> None:
        header = ",".join(self.columns) + "\n"
        write_bytes(self.path, (header + self._text(self.rows)).encode(), overwrite=True)

    def _text(self, rows: list[dict[str, float]]) -> str:
        text = io.StringIO()
        writer = csv.DictWriter(text, self.columns, lineterminator="\n")
        for row in rows:
            writer.writerow({key: int(value) if key == "step" else f"{value:.6g}" for key, value in row.items()})
        return text.getvalue()
