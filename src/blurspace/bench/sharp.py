"""Are sharp photos left alone, bit for bit? Protocol `sharp`: a folder of photos that nobody shook."""

from collections.abc import Sequence
from pathlib import Path

import torch

from blurspace.bench.methods import build, restore
from blurspace.bench.result import BenchResult, Progress, Row, no_progress, reduced
from blurspace.catalog import deblurrers
from blurspace.io.images import find_photos, read_photo
from blurspace.restore.deblurrer import Deblurrer

PROTOCOL = (
    "sharp 1: each photo as it is, response not told; left alone = that verdict; bit-exact = the pixels that come out "
    "are the pixels that went in"
)
METHODS = deblurrers()


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """The verdict on each sharp photo of a folder, all or the first `limit`."""
    deblurrer, paths = build(method), find_photos([data])[:limit]
    return [measure(path, deblurrer) for path in progress(paths, total=len(paths), what="sharp")]


def measure(path: Path, deblurrer: Deblurrer | None) -> Row:
    """One row: was this photo left alone?"""
    pixels = read_photo(path).pixels
    outcome = restore(deblurrer, pixels.clone())  # a deblurrer that writes into its input must not pass
    return {
        "picture": path.name,
        "verdict": outcome.verdict,
        "bit_exact": torch.equal(outcome.output, pixels),
        "seconds": outcome.seconds,
        "reason": outcome.reason,
    }


def summary(rows: Sequence[Row]) -> Row:
    """Adds the counts."""
    alone = [row for row in rows if row["verdict"] == "left alone"]
    counts = {"left_alone": len(alone), "bit_exact": sum(row["bit_exact"] for row in alone)}
    return {**counts, "max_seconds": reduced(max, rows, "seconds")}


def table(results: Sequence[BenchResult]) -> list[Row]:
    """One line per folder of sharp photos."""
    columns = {"sharp photos": "data", "n": "n", "left alone": "left_alone", "of these bit-exact": "bit_exact"}
    return [{shown: result.summary[name] for shown, name in columns.items()} for result in results]
