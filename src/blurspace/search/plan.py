"""How long does a search take, and how many of its steps is there time for? Said before it begins."""

from dataclasses import dataclass, replace
from math import ceil

from blurspace.errors import PictureError
from blurspace.search.solver import Joint

FEWEST = 0.2  # the share of the steps below which nothing is begun (ours)


@dataclass(frozen=True)
class Plan:
    """`share` of the steps, in (0, 1], and the `minutes` that they take here, about."""

    share: float
    minutes: float

    @property
    def about(self) -> str:
        """How long, as the rest of the name of a stage."""
        return f", {self.minutes:.1f} min in all"

    @property
    def note(self) -> str:
        """How long, as a sentence."""
        return f"a search of about {self.minutes:.1f} minutes, with {self.share:.0%} of the steps"

    def shortened(self, joint: Joint) -> Joint:
        """With so many of its steps."""
        return replace(joint, steps=ceil(self.share * joint.steps))


def planned(seconds: float, minutes: float | None) -> Plan:
    """The plan of a search whose steps all take so many `seconds`, where `minutes` were given (None: as it needs).

    Raises PictureError where they are too few for it.
    """
    needed = seconds / 60
    share = min(1.0, (minutes or needed) / needed)
    if share < FEWEST:
        given = f"{minutes:g} minutes were given for a search that takes {needed:.2f} here"
        raise PictureError(f"{given}: give --max-minutes of at least {FEWEST * needed:.2f}, or a smaller photo")
    return Plan(share, share * needed)
