"""Which pairs does a video of one camera hold? Its blurry frames, with the sharp ones near moved onto them.

BluRef (2026): pairs, where they can be had, teach more than translation. A partner counts where `lending` trusts it, so
what moved by itself, or is hidden in the sharp frame, teaches nothing.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from blurspace.io.frames import VideoFrame
from blurspace.levels import to_levels
from blurspace.pixels import central
from blurspace.restore.noise import estimate_sigma
from blurspace.restore.observed import as_float
from blurspace.types import AnyImage, Image
from blurspace.video.lending import Loan, lend
from blurspace.video.looks import Judged
from blurspace.video.nearby import Nearby, lenders

# All numbers are ours. A partner that covers less of its frame is none; half the frames of a shot at 240 fps keep more.
LEAST_COVERED = 0.25
HELD_OUT = 0.2  # of a video, its end: for the report, never trained on
MOST_SIDE = 1024  # px each way, as of the pictures in a pile


@dataclass(frozen=True, eq=False)
class ClipPair:
    """A blurry frame and its partner: `stack` uint8 (3 3 h w) is the sharp picture, the blurry one, and the trust.

    `index`: which frame of its video the blurry one is. `covered`: the mean trust, in [0, 1].
    """

    index: int
    stack: Tensor

    @property
    def covered(self) -> float:
        """How much of the frame has a partner."""
        return float(self.stack[2].float().mean()) / 255

    @property
    def blurry(self) -> Tensor:
        """The blurry frame, uint8 (3 h w)."""
        return self.stack[1]


@dataclass(frozen=True, eq=False)
class Trusted:
    """Pairs (b 3 h w) in [0, 1] that count where `trust` (b 1 h w) says so."""

    sharp: Image
    blurry: Image
    trust: AnyImage

    @classmethod
    def of(cls, stacks: Tensor, device: str = "cpu") -> "Trusted":
        """From stacks (b 3 3 h w) in [0, 1] as `ClipPair` has them, or one uint8 (3 3 h w)."""
        many = stacks if stacks.is_floating_point() else stacks[None].float() / 255
        many = many.to(device)
        return cls(many[:, 0], many[:, 1], many[:, 2, :1])


def border_of(plan: Sequence[Judged]) -> int:
    """The first frame of the end of a video that training never sees."""
    return len(plan) - round(HELD_OUT * len(plan))


def partners(plan: Sequence[Judged], *, most: int) -> dict[int, tuple[int, ...]]:
    """For at most so many blurry frames, evenly spaced, the sharp ones to move onto them; none across the border."""
    border = border_of(plan)
    same = {
        blurry: kept
        for blurry, sharp in lenders(plan).items()
        if (kept := tuple(one for one in sharp if (one < border) == (blurry < border)))
    }
    places = list(same)
    count = min(most, len(places))
    return {places[at * len(places) // count]: same[places[at * len(places) // count]] for at in range(count)}


def clip_pairs(frames: Iterator[VideoFrame], wanted: Mapping[int, Sequence[int]]) -> Iterator[ClipPair]:
    """The pairs of a video whose frames come one by one; `wanted`: as `partners` says.

    Those that cover less than LEAST_COVERED of their frame are left out.
    """
    near = Nearby(frames)
    for frame in near:
        sharp = [one for index in wanted.get(frame.index, ()) if (one := near.at(index)) is not None]
        if sharp and (pair := _pair(frame, sharp)).covered >= LEAST_COVERED:
            yield pair
        if frame.index >= max(wanted, default=-1):
            return


def _pair(frame: VideoFrame, sharp: Sequence[VideoFrame]) -> ClipPair:
    """One blurry frame and what sharp ones lend, upright; of large frames the middle."""
    blurry = as_float(frame.upright())
    sigma, found = estimate_sigma(blurry), None
    for one in sharp:
        loan: Loan = lend(as_float(one.upright()), blurry, sigma=sigma)
        found = loan if found is None else found.before(loan)
    assert found is not None
    stack = torch.cat((found.picture, blurry, found.trust.expand(-1, 3, -1, -1)))
    return ClipPair(frame.index, central(to_levels(stack), MOST_SIDE, MOST_SIDE).clone())
