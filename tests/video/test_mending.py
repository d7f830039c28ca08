"""Is a blurry frame restored by what sharp ones lend where that is nearly all, else by a search, else not at all?"""

from dataclasses import dataclass, replace

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.kernels import line
from blurspace.levels import to_levels
from blurspace.restore.observed import as_float
from blurspace.run import Run
from blurspace.video.looks import Look, judged
from blurspace.video.mending import Mender
from blurspace.video.nearby import Nearby

from ..fakes import Fake
from ..restore.scenes import made_scene


@dataclass(frozen=True)
class Still:
    """A frame that is no video's."""

    index: int
    values: torch.Tensor

    def pixels(self):
        return self.values

    def replaced(self, pixels):
        return replace(self, values=pixels)


@pytest.fixture(scope="module")
def frames():
    """Four of a scene that slides by; the light of the third is moved by 9 px."""
    wide = made_scene(132, seed=0, channels=3)
    views = [wide[:, :, :112, at : at + 128].contiguous() for at in range(4)]
    views[2] = to_display(blur(to_linear(views[2], "srgb"), line(9, 0)), "srgb")
    return [Still(at, to_levels(view, 8)) for at, view in enumerate(views)]


PLAN = judged([Look(at, at / 25, 0.2 if at == 2 else 0.45, at == 0) for at in range(4)])


def mended(frames, deblurrer, **options):
    near = Nearby(iter(frames))
    mender = Mender(deblurrer, PLAN, Run(), **options)
    return next(mender.mended(frame, near) for frame in near if PLAN[frame.index].blurry)


def test_nothing_is_searched_where_sharp_frames_lend_nearly_all(frames):
    deblurrer = Fake("refused")
    done = mended(frames, deblurrer)
    assert (done.restored, done.done, deblurrer.calls, sorted(done.lenders)) == (True, None, 0, [1, 3])
    assert not torch.equal(done.frame.values.float(), frames[2].values.float())


@pytest.mark.parametrize("options", [{"alone": True}, {}])
def test_a_frame_that_nobody_helps_stays_as_it_is(frames, options):
    """Where nothing may be lent, or only some of the blur is to be removed."""
    deblurrer = Fake("refused")
    if not options:
        object.__setattr__(deblurrer, "strength", 0.5)
    done = mended(frames, deblurrer, **options)
    assert (done.restored, done.loan, done.lenders, deblurrer.calls) == (False, None, (), 1)
    assert done.frame is frames[2]


def test_a_good_receipt_is_enough(frames):
    done = mended(frames, Fake("restored"), alone=True)
    assert done.restored
    assert done.done.receipt.verdict == "restored"
    assert torch.equal(done.frame.values, as_float(done.done.restored))
