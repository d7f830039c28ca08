"""Does a sharp frame lend what the blurry one shows, and nothing else?"""

from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from blurspace.bench.clips import views
from blurspace.blur.agreement import offset
from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.kernels import line, shake
from blurspace.metrics import psnr
from blurspace.restore.blurs import UniformBlur
from blurspace.video.lending import Loan, kernel_between, lend
from blurspace.video.looks import Look, judged
from blurspace.video.nearby import REACH, Nearby, lenders

from ..restore.scenes import made_scene

SIDE, MOVED = 128, 2  # px


@pytest.fixture(scope="module")
def pair():
    """A sharp frame, the next one, the same shaken, and the kernel."""
    wide = made_scene(SIDE + 16, seed=2, channels=3)
    first, second = wide[..., 8:-8, 8:-8], wide[..., 8:-8, 8 + MOVED : -8 + MOVED]
    kernel = shake(9, generator=torch.Generator().manual_seed(3), extent=9.0)
    blurry = to_display(blur(to_linear(wide, "srgb"), kernel), "srgb")[..., 8:-8, 8 + MOVED : -8 + MOVED]
    return first, second, blurry, kernel


def test_kernel_between_two_frames(pair):
    _, second, blurry, kernel = pair
    grey = [to_linear(one.mean(1, keepdim=True), "srgb") for one in (second, blurry)]
    down, across, alike = offset(kernel_between(*grey), kernel)
    assert (abs(down), abs(across)) < (0.3, 0.3)
    assert alike > 0.95


def test_loan_is_the_sharp_frame_moved(pair):
    first, second, blurry, kernel = pair
    for known in (None, kernel):
        loan = lend(first, blurry, sigma=0.002, known=known)
        assert loan.share > 0.7
        assert psnr(loan.over(blurry), second, crop=12) > psnr(blurry, second, crop=12) + 3


def test_what_is_not_seen_is_not_lent(pair):
    """Something that is in the blurry frame alone is not painted over, nor is what only the sharp one shows."""
    first, _, blurry, _ = pair
    there, gone = blurry.clone(), first.clone()
    there[..., 40:70, 40:70] = torch.rand(1, 3, 30, 30, generator=torch.Generator().manual_seed(0)).round()
    gone[..., 84:114, 84:114] = 1 - gone[..., 84:114, 84:114]
    loan = lend(gone, there, sigma=0.002)
    assert float(loan.trust[..., 44:66, 44:66].max()) < 0.05
    assert float(loan.trust[..., 88:108, 88:108].mean()) < 0.2
    assert float(loan.trust[..., 84:110, 10:60].mean()) > 0.5
    base = torch.zeros_like(blurry)
    assert torch.equal(loan.over(base)[..., 50:60, 50:60], base[..., 50:60, 50:60])


def test_print_and_codes_are_lent():
    """Their edges are so strong that a tenth of a px is more than the noise: here the camera turned a little, too."""
    side, noise = 160, seeded(1)
    cells = torch.rand(1, 1, 12, 12, generator=seeded(5)).round() * 0.84 + 0.06
    wide = made_scene(side + 32, seed=2, channels=3)
    wide[..., 60:120, 60:120] = functional.interpolate(cells, scale_factor=5)
    (turned,) = views(wide, [np.array([[1, 0.006, 1.3], [-0.006, 1, 0.4]])], (side + 32, side + 32))
    shaken = to_display(blur(to_linear(turned, "srgb"), shake(11, generator=seeded(3), extent=11.0)), "srgb")
    first, second, blurry = (one[..., 16:-16, 16:-16] for one in (wide, turned, shaken))
    first, blurry = (one + 0.004 * torch.randn(one.shape, generator=noise) for one in (first, blurry))
    loan = lend(first, blurry, sigma=0.004)
    code = (..., slice(48, 100), slice(48, 100))
    assert float(loan.trust[code].mean()) > 0.9
    assert psnr(loan.over(blurry)[code], second[code]) > psnr(blurry[code], second[code]) + 15


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def test_a_strange_frame_lends_nothing(pair):
    assert lend(made_scene(SIDE, seed=9, channels=3), pair[2], sigma=0.002).share < 0.1


def seen(*sharpness, cuts=()):
    return judged([Look(at, at / 25, value, at == 0 or at in cuts) for at, value in enumerate(sharpness)])


def test_nearest_sharp_frames_lend():
    assert lenders(seen(0.4, 0.41, 0.2, 0.42, 0.2, 0.4)) == {2: (3, 1), 4: (3, 5)}
    assert lenders(seen(0.4, 0.4, 0.4, 0.2, 0.5, 0.5, 0.5, cuts=(4,))) == {3: (2,)}
    assert lenders(seen(0.4, 0.4, 0.4, 0.2, 0.2, 0.4, 0.4)) == {3: (2, 5), 4: (5, 2)}
    assert lenders(seen(*[0.2] * 4)) == {}
    assert lenders(seen(0.24, 0.24, 0.15, 0.24)) == {2: (1, 3)}  # of a shot that is soft all over
    assert lenders(seen(0.2, 0.4, 0.4)) == {0: (1,)}


def test_two_loans_are_one(pair):
    first, _, blurry, _ = pair
    loan = lend(first, blurry, sigma=0.002)
    left, right = loan.trust.clone(), loan.trust.clone()
    left[..., 64:], right[..., :64] = 0, 0
    both = replace(loan, trust=left).before(replace(loan, trust=right))
    assert torch.allclose(both.over(blurry), loan.over(blurry), atol=1e-6)
    assert both.share == pytest.approx(loan.share)


@dataclass(frozen=True)
class Frame:
    index: int


def test_frames_nearby_are_at_hand():
    read = []

    def frames():
        for index in range(40):
            read.append(index)
            yield Frame(index)

    near = Nearby(frames())
    for place, frame in enumerate(near):
        assert frame.index == place
        assert near.at(max(place - REACH, 0)).index == max(place - REACH, 0)
        if place == 20:
            assert near.at(28).index == 28
            assert read[-1] == 28
    assert read == list(range(40))
    assert near.at(40) is None


def test_what_fills_gaps_stays_within_what_both_frames_show_near_there():
    sharp, blurry, filled = (torch.full((1, 3, 20, 30), level) for level in (0.4, 0.6, 0.5))
    filled[..., 10, 10], filled[..., 5, 25] = 0.0, 1.0  # specks
    bounded = Loan(sharp, torch.zeros(1, 1, 20, 30), UniformBlur(line(3, 0))).bounded(filled, blurry)
    assert (float(bounded[0, 0, 10, 10]), float(bounded[0, 0, 5, 25])) == pytest.approx((0.4, 0.6))
    assert torch.equal(bounded[..., 15:, :], filled[..., 15:, :])
