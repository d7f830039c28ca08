"""May the receipt's word on what a generator made be taken? Its weights were fitted on other methods, so more is asked.

What is refused here never reaches the driver's own judgement. All numbers are ours, measured on made lines that no
protocol uses (docs/search.md).
"""

from dataclasses import dataclass, replace

from blurspace.restore.driver import Found, Method, in_tiles
from blurspace.restore.observed import Observed
from blurspace.restore.verdict import REASONS, Referee
from blurspace.run import Run
from blurspace.types import Receipt

# How far a photo may be from what was made for it, blurred again, as a share of what was changed: of 36 made lines 17
# of the 18 that gained over 2 dB were within it, and two of 14 that lost, up to 1.4 dB; the others had 0.67 and more.
MOST_OF_CHANGE = 0.3
SURE = 0.9  # the probability from which it is believed


@dataclass(frozen=True)
class Judged:
    """The finder of a `method` whose pictures look sharp whatever a photo shows; what does not explain it is refused.

    So is what the receipt is less than SURE of, or knows no number for.
    """

    method: Method

    def __call__(self, seen: Observed, run: Run) -> Found | None:
        """What the method finds, maybe refused."""
        found = self.method.find(seen, run)
        if found is None:
            return None
        done = in_tiles(seen, self.method, found, run)
        receipt = Referee().after(seen, done, method="", confidence=found.confidence, known=found.known, at_once=False)
        explained = done.evidence.rest <= MOST_OF_CHANGE * done.evidence.changed  # not where nothing can be compared
        if not explained:
            return _refused(found, receipt, "unexplained")
        if receipt.verdict == "restored" and (receipt.probability_better or 0) < SURE:
            return _refused(found, receipt, "no_gain")
        return found


def _refused(found: Found, receipt: Receipt, code: str) -> Found:
    changed = replace(receipt, verdict="refused", code=code, reason=REASONS[code], confidence=None)
    return replace(found, refusal=changed)
