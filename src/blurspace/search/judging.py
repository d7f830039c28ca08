"""May the receipt's word on a search be taken? Its weights were fitted on other methods, so more is asked of a search.

What is refused here never reaches the driver's own judgement. All numbers are ours, measured on made photos and lines
that no protocol uses (docs/search.md).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from blurspace.restore.driver import Found, Method, Restored, in_tiles
from blurspace.restore.evidence import LEAST_NOISE
from blurspace.restore.observed import Observed
from blurspace.restore.verdict import REASONS, Referee
from blurspace.run import Run
from blurspace.types import Receipt

# How far a photo may be from what was made for it, blurred again: times its noise, and of what was changed. In 23
# trials on made lines 13 of 14 gains were within both, and one of 9 losses: 0.8 dB, of which the receipt was 0.89 sure.
MOST, MOST_OF_CHANGE = 2.2, 0.45
SURE = 0.9  # the probability from which a search is believed: at 0.88 one lost 0.4 dB


@dataclass(frozen=True)
class Judged:
    """The finder of a `method`, whose results a `judge` may refuse."""

    method: Method
    judge: Callable[[Method, Observed, Found, Run], Found]

    def __call__(self, seen: Observed, run: Run) -> Found | None:
        """What the method finds, refused where the judge says so."""
        found = self.method.find(seen, run)
        return None if found is None else self.judge(self.method, seen, found, run)


def sure(method: Method, seen: Observed, found: Found, run: Run) -> Found:
    """What was found, with a refusal where the receipt is less than SURE of a gain, or knows no number."""
    receipt = _receipt(seen, in_tiles(seen, method, found, run), found)
    if receipt.verdict != "restored" or (receipt.probability_better or 0) >= SURE:
        return found
    return _refused(found, receipt, "no_gain")


def explained(method: Method, seen: Observed, found: Found, run: Run) -> Found:
    """What was found, with a refusal where too much of the photo is left, once it is blurred again.

    A picture that a generator made looks sharp whatever the photo shows, so that the receipt alone believes too much.
    """
    done = in_tiles(seen, method, found, run)
    if done.evidence.rest <= min(MOST * max(seen.sigma, LEAST_NOISE), MOST_OF_CHANGE * done.evidence.changed):
        return sure(method, seen, found, run)
    return _refused(found, _receipt(seen, done, found), "unexplained")


def _receipt(seen: Observed, done: Restored, found: Found) -> Receipt:
    return Referee().after(seen, done, method="", confidence=found.confidence, known=found.known, at_once=False)


def _refused(found: Found, receipt: Receipt, code: str) -> Found:
    changed = replace(receipt, verdict="refused", code=code, reason=REASONS[code], confidence=None)
    return replace(found, refusal=changed)
