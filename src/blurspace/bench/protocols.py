"""Which frozen protocols are there, and what does each need? The table, one row each.

A protocol lives in the file of its name, `bench/levin.py` for "levin", which has

    PROTOCOL                                 what it does, in words: two results may be compared if these are the same
    METHODS                                  what it can measure, where that is more than its default; else no `method`:
    run(data, *, method, progress, limit)    its rows
    summary(rows)                            what their summary has beside the contract's fields
    table(results)                           the lines of a page's table, from results of several methods or data
    PUBLISHED                                what others measured, if there is anything

Those import torch; this table does not, so that `blurspace --help` and `cite` are instant.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

from blurspace.bench.published import beside
from blurspace.bench.result import BenchResult, Row, summarise


@dataclass(frozen=True)
class Protocol:
    """A row. `default`: the method that is measured where none is asked for. `papers`: keys of `blurspace.papers`.

    `needs`: what must lie below `--data`; () where the data are pictures under any name, None where it makes its own.
    `data`: what those are called in a summary, where not like their folder. `trains`: whether it trains networks.
    """

    name: str
    default: str = "classical"
    needs: tuple[str, ...] | None = ()
    papers: tuple[str, ...] = ()
    data: str | None = None
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


_PHOTOS, _SCENES = "train/photos", "test/kodak24"
_FRAMES = ("train/gopro_half", "train/reds_half", "test/gopro")
_NAH = ("nah2017", "nah2019")

PROTOCOLS: dict[str, Protocol] = {
    row.name: row
    for row in (
        Protocol("levin", data="levin32.npz", papers=("levin2009",)),
        Protocol("kohler"),
        Protocol("lai"),
        Protocol("sun"),
        Protocol("synthetic"),
        Protocol("rotation", papers=("whyte2012",)),
        Protocol("sharp"),
        Protocol("speed", needs=None),
        Protocol("kaufman2020-ablation", default="kaufman2020", papers=("kaufman2020",), trains=True),
        Protocol(
            "transfer",
            default="kernel-space",
            needs=(_SCENES, "test/cid22", "test/gopro", "train/reds_half", "train/gopro_240fps_half"),
            papers=("tran2021", *_NAH),
        ),
        Protocol(
            "tran2021-transfer",
            default="kernel-space",
            needs=("bench/levin2009", _PHOTOS, _SCENES, "test/cid22"),
            papers=("tran2021", "levin2009"),
            trains=True,
        ),
        Protocol(
            "tran2021-swapped",
            default="kernel-space",
            needs=("train/gopro_half", "test/gopro"),
            papers=("tran2021", "nah2017"),
            trains=True,
        ),
        Protocol(
            "tran2021-retrieval",
            default="kernel-space",
            needs=(_PHOTOS, _SCENES, *_FRAMES),
            papers=("tran2021", *_NAH),
            trains=True,
        ),
        Protocol(
            "tran2021-augmented",
            default="kernel-space",
            needs=(_PHOTOS, _SCENES, "train/reds_half", "test/gopro"),
            papers=("tran2021", *_NAH),
            trains=True,
        ),
        Protocol(
            "pham2024-adapt",
            default="ours",
            needs=(_PHOTOS, _SCENES),
            papers=("pham2024", "tran2021", "cho2021", "isola2017", "gulrajani2017", "zhu2017", "yi2017"),
            trains=True,
        ),
        Protocol(
            "pham2024-gopro",
            default="ours",
            needs=(*_FRAMES, "train/gopro_240fps_half"),
            papers=("pham2024", "tran2021", *_NAH),
            trains=True,
        ),
    )
}
