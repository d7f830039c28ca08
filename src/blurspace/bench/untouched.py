"""Are sharp photos left alone, bit for bit? Protocol `sharp`: a folder of photos that nobody shook."""

from collections.abc import Sequence
from pathlib import Path

import torch

from blurspace.bench.methods import blind_methods, build, check_method, restore
from blurspace.bench.result import BenchResult, Progress, Row, no_progress, reduced, summarise
from blurspace.io.images import find_photos, read_photo
from blurspace.restore.deblurrer import Deblurrer

PROTOCOL = (
    "sharp 1: each photo as it is, response not told; left alone = that verdict; bit-exact = the pixels that come out "
    "are the pixels that went in"
)


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> BenchResult:
    """The verdict on each sharp photo of a folder, all or the first `limit`."""
    method = check_method(method, blind_methods())
    deblurrer, paths = build(method), find_photos([data])[:limit]
    rows = [measure(path, deblurrer) for path in progress(paths, total=len(paths), what="sharp")]
    return result(rows, method=method, data=data.name)


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


def result(rows: Sequence[Row], *, method: str, data: str) -> BenchResult:
    """The rows with their counts."""
    summary = {
        **summarise(rows, name="sharp", protocol=PROTOCOL, method=method, data=data),
        "left_alone": sum(row["verdict"] == "left alone" for row in rows),
        "bit_exact": sum(row["verdict"] == "left alone" and row["bit_exact"] for row in rows),
        "max_seconds": reduced(max, rows, "seconds"),
    }
    return BenchResult(list(rows), summary)
