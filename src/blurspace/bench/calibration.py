"""Is a stated probability how often it is right? Protocol `calibration`: photos of all kinds, and what each would gain.

What a photo becomes is scored also where it is refused or left alone, so that both mistakes are counted: what is
restored at a loss, and what would have gained.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from statistics import fmean

from torch import Tensor

from blurspace.bench.kinds import KINDS, snapshot
from blurspace.bench.methods import build, gave
from blurspace.bench.result import BenchResult, Progress, Row, grouped, no_progress
from blurspace.bench.snapshots import Snapshot, gained
from blurspace.catalog import deblurrers
from blurspace.errors import UsageError
from blurspace.io.images import find_photos, read_photo
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.observed import Observed, as_float
from blurspace.restore.verdict import Referee, Tried, clues
from blurspace.types import Receipt

SEED = 2026
COUNT = 400
# How many of 40 photos are of a kind; of all others there is one.
SHARES = {"sharp": 5, "shaken": 7, "JPEG": 4, "a little soft": 3, "soft": 2, "defocus": 3, "line": 2, "noise": 2}
ORDER = [kind for kind in KINDS for _ in range(SHARES.get(kind, 1))]
LOSS, LOST_GAIN = -0.3, 1.0  # dB: a restored photo that loses more is a mistake, a refused one that would gain more too
TENTHS = 10
PROTOCOL = (
    f"calibration 1: seed {SEED} with the number of a photo; {COUNT} photos, every {len(ORDER)} of them of all kinds "
    f"of `bench.kinds` in shares of {SHARES} and 1; made from the sharp photos of a folder; each is restored whatever "
    "the receipt says; gain in dB inside the truth's mask at the best shifts, 8 bits; a photo's probability: of the "
    "result that was taken, or of the first, and none where it was left alone"
)
METHODS = deblurrers()


@dataclass(frozen=True)
class Try:
    """What a method made of a photo: the `picture`, the clues, and the receipt."""

    method: str
    picture: Tensor
    clues: dict[str, float]
    receipt: Receipt


@dataclass(frozen=True)
class Witness(Referee):
    """A referee who has everything tried, and notes it; `all_methods`: also those after the first that is believed."""

    all_methods: bool = False
    looks: list[Receipt | None] = field(default_factory=list)
    tries: list[Try] = field(default_factory=list)

    def before(self, seen: Observed) -> Receipt | None:
        """Notes why a photo would be left alone, and leaves none."""
        self.looks.append(super().before(seen))
        return None

    def after(
        self, seen: Observed, tried: Tried, *, method: str, confidence: float | None, known: bool, at_once: bool
    ) -> Receipt:
        """Notes the receipt."""
        how = {"method": method, "confidence": confidence, "known": known, "at_once": at_once}
        receipt = super().after(seen, tried, **how)  # type: ignore[arg-type]
        self.tries.append(Try(method, tried.picture, clues(seen, tried, confidence=confidence), receipt))
        return replace(receipt, verdict="refused") if self.all_methods else receipt


def run(data: Path, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """The verdict on each made photo, and what it would gain."""
    deblurrer, paths = _deblurrer(method), find_photos([data])
    numbers = range(min(limit or COUNT, COUNT))
    return [measure(number, paths, deblurrer) for number in progress(numbers, total=len(numbers), what="calibration")]


def measure(number: int, paths: Sequence[Path], deblurrer: Deblurrer) -> Row:
    """One row: what was said of one photo, and what is true."""
    kind = ORDER[number % len(ORDER)]
    made = snapshot(kind, paths, f"{SEED} {number}")
    witness, gains = judged(made, deblurrer)
    look, taken = witness.looks[0], len(witness.tries) - 1
    chosen = taken if witness.tries[taken].receipt.verdict == "restored" else 0
    receipt = look or witness.tries[chosen].receipt
    return {
        "number": number,
        "kind": kind,
        "verdict": receipt.verdict,
        "code": receipt.code,
        "method": witness.tries[chosen].method,
        "probability": _rounded(receipt.probability_better),
        "expected_gain_db": _rounded(receipt.expected_gain_db),
        "would_gain_db": gains[chosen],
        "right_verdict": receipt.verdict in made.wanted,
    }


def judged(made: Snapshot, deblurrer: Deblurrer, *, all_methods: bool = False) -> tuple[Witness, list[float]]:
    """What the methods make of a made photo, and what each gains, in dB."""
    witness, photo = Witness(all_methods=all_methods), read_photo(made.file)
    gave(replace(deblurrer, referee=witness), photo)
    if not witness.tries:
        raise UsageError("a photo was given back untried: measure a method that finds a blur in each")
    return witness, [gained(as_float(one.picture), photo.pixels, made) for one in witness.tries]


def summary(rows: Sequence[Row]) -> Row:
    """Adds how often each probability is right, and both kinds of mistakes."""
    restored = [row for row in rows if row["verdict"] == "restored"]
    others = [row for row in rows if row["verdict"] != "restored" and row["kind"] not in ("sharp", "bokeh", "nothing")]
    sharp = [row for row in rows if row["kind"] == "sharp"]
    lost = sum(row["would_gain_db"] < LOSS for row in restored)
    missed = sum(row["would_gain_db"] > LOST_GAIN for row in others)
    return {
        "restored": len(restored),
        "restored_at_a_loss": lost,
        "not_restored": len(others),
        "would_have_gained": missed,
        "sharp": len(sharp),
        "sharp_left_alone": sum(row["verdict"] == "left alone" for row in sharp),
        "right_verdicts": sum(row["right_verdict"] for row in rows),
        "farthest_from_stated": max((line["off"] for line in reliability(rows)), default=None),
        "reliability": reliability(rows),
        "groups": grouped(rows, [{"kind": kind} for kind in KINDS], _said),
    }


def reliability(rows: Sequence[Row]) -> list[Row]:
    """For each tenth of stated probabilities: how often a result was better."""
    lines = []
    for tenth in range(TENTHS):
        low = tenth / TENTHS
        members = [row for row in rows if row["probability"] is not None and _tenth(row["probability"]) == tenth]
        if members:
            stated, right = fmean(row["probability"] for row in members), fmean(_better(row) for row in members)
            line = {"probability": f"{low:.1f} to {low + 1 / TENTHS:.1f}", "n": len(members)}
            lines.append(
                {**line, "stated": round(stated, 3), "right": round(right, 3), "off": round(abs(stated - right), 3)}
            )
    return lines


def table(results: Sequence[BenchResult]) -> list[Row]:
    """One line per method and data."""
    columns = ("restored", "restored_at_a_loss", "not_restored", "would_have_gained", "sharp", "sharp_left_alone")
    return [
        {"photos": result.summary["data"], "method": result.summary["method"], "n": result.summary["n"]}
        | {column.replace("_", " "): result.summary[column] for column in columns}
        for result in results
    ]


def _better(row: Row) -> bool:
    return bool(row["would_gain_db"] > 0)


def _tenth(probability: float) -> int:
    return min(int(probability * TENTHS), TENTHS - 1)


def _said(rows: list[Row]) -> Row:
    return {
        "restored": sum(row["verdict"] == "restored" for row in rows),
        "right": sum(row["right_verdict"] for row in rows),
        "would_gain_db": round(fmean(row["would_gain_db"] for row in rows), 3),
    }


def _deblurrer(method: str) -> Deblurrer:
    deblurrer = build(method, response=None)
    assert deblurrer is not None
    return deblurrer


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
