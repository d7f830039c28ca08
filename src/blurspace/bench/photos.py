"""What becomes of photos as people have them? Protocol `photos`: one of each of many kinds, with its truth."""

import time
from collections.abc import Sequence
from pathlib import Path

from blurspace.bench.kinds import KINDS, snapshot
from blurspace.bench.methods import build, gave
from blurspace.bench.result import BenchResult, Progress, Row, no_progress
from blurspace.bench.snapshots import gained
from blurspace.bench.tables import word
from blurspace.catalog import deblurrers
from blurspace.io.images import find_photos, read_photo
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.observed import as_float

SEED = 2026
LOSS = -0.3  # dB: no restored photo may lose more
PROTOCOL = (
    f"photos 1: seed {SEED}; of every kind of `bench.kinds` one photo, drawn by its name from a folder of sharp ones; "
    "gain in dB inside the truth's mask at the best shifts of photo and result, 8 bits; a pass: the verdict is one of "
    f"those wanted, and a restored one gains what its kind wants, never losing over {-LOSS} dB"
)
METHODS = deblurrers()


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """The verdict on one photo of each kind, or of the first `limit` kinds, and what it gained."""
    deblurrer, paths, kinds = build(method, response=None), find_photos([data]), list(KINDS)[:limit]
    assert deblurrer is not None
    return [measure(kind, paths, deblurrer) for kind in progress(kinds, total=len(kinds), what="photos")]


def measure(kind: str, paths: Sequence[Path], deblurrer: Deblurrer) -> Row:
    """One row: what was said of a photo, what it gained, and whether that is right."""
    made = snapshot(kind, paths, str(SEED))
    photo = read_photo(made.file)
    start = time.perf_counter()
    result = gave(deblurrer, photo)
    seconds, receipt = round(time.perf_counter() - start, 4), result.receipt
    restored = receipt.verdict == "restored"
    gain = gained(as_float(result.restored), photo.pixels, made) if restored else None
    right = receipt.verdict in made.wanted and (gain is None or gain >= max(made.least_gain, LOSS))
    said = {"verdict": receipt.verdict, "code": receipt.code, "probability": receipt.probability_better}
    return {"kind": kind, **said, "gain_db": gain, "pass": right, "seconds": seconds, "reason": receipt.reason}


def summary(rows: Sequence[Row]) -> Row:
    """Adds how many pass, and how many lose."""
    lost = sum(row["gain_db"] is not None and row["gain_db"] < LOSS for row in rows)
    return {"passed": sum(row["pass"] for row in rows), "restored_at_a_loss": lost}


def table(results: Sequence[BenchResult]) -> list[Row]:
    """A line for each kind, with what each method made of it, and one for how many pass."""
    lines: dict[str, Row] = {}
    for result in results:
        column = f"{word(result.summary['method'])}, {result.summary['data']}"
        for row in result.rows:
            gain = "" if row["gain_db"] is None else f" {row['gain_db']:+.1f} dB"
            lines.setdefault(row["kind"], {"kind": row["kind"]})[column] = f"{row['verdict']}{gain}"
        passed = f"{result.summary['passed']} of {result.summary['n']}"
        lines.setdefault("pass", {"kind": "pass"})[column] = passed
    return list(lines.values())
