"""Which frozen protocols are there, and what does each need? Those in `protocols.toml`.

A protocol lives in the file of its name, `bench/levin.py` for "levin", which has

    PROTOCOL                                 what it does, in words: two results may be compared if these are the same
    METHODS                                  what it can measure, where that is more than its default; else no `method`:
    run(data, *, method, progress, limit)    its rows
    summary(rows)                            what their summary has beside the contract's fields
    table(results)                           the lines of a page's table, from results of several methods or data
    VIEWS                                    other tables by name, if there are any
    PUBLISHED                                what others measured, if there is anything

Those import torch; this table does not, so that `blurspace --help` and `cite` are instant.
"""

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType

from blurspace.bench.published import beside
from blurspace.bench.result import BenchResult, Row, summarise


@dataclass(frozen=True)
class Protocol:
    """A row. `default`: the method that is measured where none is asked for. `papers`: keys of `blurspace.papers`.

    `needs`: what must lie below `--data`; () where the data are pictures under any name. `data`: what those are called
    in a summary, where not like their folder. `own`: whether it can make its own. `trains`: whether it trains networks.
    """

    name: str
    default: str = "classical"
    needs: Sequence[str] = ()
    papers: Sequence[str] = ()
    data: str | None = None
    own: bool = False
    trains: bool = False

    @property
    def file(self) -> str:
        """The name of its file, without suffix."""
        return self.name.replace("-", "_")

    @property
    def code(self) -> ModuleType:
        """Its file; this imports torch."""
        return import_module(f"blurspace.bench.{self.file}")

    def result(self, rows: Sequence[Row], *, method: str, data: str) -> BenchResult:
        """The rows with their summary."""
        summary = summarise(rows, name=self.name, protocol=self.code.PROTOCOL, method=method, data=data)
        summary |= self.code.summary(rows)
        if hasattr(self.code, "PUBLISHED"):
            summary["published"] = beside(self.code.PUBLISHED, summary)
        return BenchResult(list(rows), summary)


def _read() -> dict[str, Protocol]:
    rows = tomllib.loads(Path(__file__).with_suffix(".toml").read_text("utf-8"))
    return {name: Protocol(name, **row) for name, row in rows.items()}


PROTOCOLS = _read()
