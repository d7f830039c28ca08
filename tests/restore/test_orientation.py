"""Is a kernel that was given turned or mirrored told from the true one?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import gaussian, line, shake
from blurspace.builders import build_deblurrer
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.observed import Observed
from blurspace.restore.orientation import TURNS, better_turn
from blurspace.run import Run

from .scenes import made_scene

NOISE = 0.01


def shaken(kernel, seed=5):
    """A noisy photo under a kernel."""
    blurry = blur(made_scene(230, seed=seed), kernel, border="valid")
    return (blurry + NOISE * torch.randn(blurry.shape, generator=torch.Generator().manual_seed(seed))).clamp(0, 1)


def said(blurry, kernel):
    return better_turn(Observed(blurry, response="linear", given=UniformBlur(kernel)), Run())


@pytest.mark.parametrize("seed", range(3))
def test_a_turned_kernel_is_told_and_how_to_lay_it(seed):
    kernel = shake(17, extent=15, generator=torch.Generator().manual_seed(seed))
    blurry = shaken(kernel, seed)
    assert said(blurry, kernel) is None
    for words, axes in TURNS.items():
        assert said(blurry, kernel.flip(axes)) == words


@pytest.mark.parametrize("kernel", [gaussian(1.5), line(9, 30.0), line(9, 0.0)], ids=["soft", "line", "level"])
def test_true_kernels_that_are_nearly_the_same_when_turned_never_trip(kernel):
    assert said(shaken(kernel), kernel) is None


def test_a_kernel_too_wide_for_the_photo_is_not_judged():
    kernel = shake(121, generator=torch.Generator().manual_seed(0))
    assert said(shaken(line(9, 0.0)), kernel) is None


def test_the_receipt_refuses_what_is_upside_down_unless_forced():
    """A hook has the same length upside down, and blurs as much."""
    kernel = shake(17, extent=15, generator=torch.Generator().manual_seed(1))
    blurry, upside_down = shaken(kernel), kernel.flip(-2)
    right = build_deblurrer("classical", kernel=kernel, response="linear")(blurry).receipt
    wrong = build_deblurrer("classical", kernel=upside_down, response="linear")(blurry).receipt
    forced = build_deblurrer("classical", kernel=upside_down, response="linear", force=True)(blurry).receipt
    assert (right.verdict, right.code) == ("restored", "restored")
    assert (wrong.verdict, wrong.code, wrong.probability_better) == ("refused", "turned", None)
    assert "fits this photo clearly better when mirrored upside down: give it so" in wrong.reason
    assert (forced.verdict, forced.code, wrong.reason in forced.reason) == ("restored", "forced", True)
