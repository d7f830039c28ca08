"""How is a blurry frame of a video restored: by what sharp frames near it lend, by a search, or not at all?"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from blurspace.io.frames import VideoFrame
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Restoration
from blurspace.restore.noise import estimate_sigma
from blurspace.restore.observed import as_float
from blurspace.run import Run
from blurspace.types import Blur
from blurspace.video.lending import Loan, lend
from blurspace.video.looks import Judged
from blurspace.video.nearby import Nearby, lenders
from blurspace.video.placed import placed

# Of a frame: less of a loan is no restoration; with so much, the rest is not worth a search (ours).
MOST, ENOUGH = 0.5, 0.95
DRIFT = 0.1  # of the expected gain: where so much is lost, the blur is searched for from nothing again (ours)


@dataclass(frozen=True)
class Mended:
    """What became of one frame: the `frame` to show, the one that was given unless it is `restored`.

    `done`: what a search made of it, None where `loan` was enough; `loan`: what sharp frames, its `lenders`, lent.
    """

    frame: VideoFrame = field(repr=False)
    restored: bool
    done: Restoration | None
    loan: Loan | None
    lenders: tuple[int, ...] = ()


class Mender:
    """Restores frames of one video, in their order, whose looks are the `plan`; `alone`: sharp frames lend nothing.

    Nothing is lent either where only a region is to be restored, or only some of the blur is to be removed.
    """

    def __init__(self, deblurrer: Deblurrer, plan: Sequence[Judged], run: Run, *, alone: bool = False) -> None:
        """Keep them."""
        self.deblurrer, self.plan, self.run = deblurrer, plan, run
        whole = deblurrer.region is None and deblurrer.strength == 1
        self.lenders = lenders(plan) if whole and not alone else {}
        self.last: tuple[int, Blur | None] = -1, None  # the frame that was restored last, and its blur
        self.found: float | None = None  # dB: the expected gain of the last search from nothing

    def mended(self, frame: VideoFrame, near: Nearby) -> Mended:
        """One frame; as it is, unless sharp frames lend most of it, or its receipt says that it is better."""
        pixels = frame.pixels()
        loan = self._lent(frame, near, pixels)
        blur: Blur | None = None if loan is None else loan.blur
        if loan is not None and loan.share >= ENOUGH:
            done, new = None, loan.over(as_float(pixels))
        else:
            done = self._tried(frame, pixels, blur)
            blur = done.blur
            new = placed(done, pixels, strength=0.0 if self.deblurrer.given else self.deblurrer.strength)
            if loan is not None and (loan.share < MOST or done.receipt.verdict == "left alone"):
                loan = None
            elif loan is not None:
                new = loan.over(loan.bounded(new, as_float(pixels)))
        if loan is None and done is not None and done.receipt.verdict != "restored":
            return Mended(frame, False, done, None)
        self.last = frame.index, blur
        return Mended(frame.replaced(new), True, done, loan, () if loan is None else self.lenders[frame.index])

    def _lent(self, frame: VideoFrame, near: Nearby, pixels: Tensor) -> Loan | None:
        """What sharp frames lend, as one; None where there are none."""
        blurry, given, found = as_float(pixels), self.deblurrer.given, None
        for index in self.lenders.get(frame.index, ()):
            self.run.check()
            if (sharp := near.at(index)) is not None:
                how: dict[str, Any] = {"response": self.deblurrer.response, "known": given and given.kernel}
                loan = lend(as_float(sharp.pixels()), blurry, sigma=estimate_sigma(blurry), **how)
                found = loan if found is None else found.before(loan)
        return found

    def _tried(self, frame: VideoFrame, pixels: Tensor, between: Blur | None) -> Restoration:
        """A frame deblurred: from the blur `between` it and a sharp one on, or the last one's, at last from nothing.

        Blurs that follow from one another drift: where less is gained than by the last search from nothing, there is
        another, and the better of both is taken.
        """
        quiet, near = replace(self.run, on_step=None), between
        if near is None and self.last[0] == frame.index - 1 >= 0:
            near = self.last[1] if self.plan[frame.index].shot == self.plan[self.last[0]].shot else None
        done = self.deblurrer(pixels, near=near, run=quiet)
        if between is not None or (near is not None and not self._drifted(done)):
            return done
        anew = done if near is None else self.deblurrer(pixels, run=quiet)
        self.found = anew.receipt.expected_gain_db
        return anew if gained(anew) >= gained(done) else done

    def _drifted(self, done: Restoration) -> bool:
        """Whether a search that began with the last blur found too little."""
        return gained(done) < (1 - DRIFT) * (self.found or 0.0)


def gained(done: Restoration) -> float:
    """What its receipt expects, in dB: less than nothing where it was refused, nothing where that is not known."""
    return -math.inf if done.receipt.verdict == "refused" else done.receipt.expected_gain_db or 0.0
