"""Is a shift between two kernels found to fractions of a px, and is it seen when they are not the same?"""

import pytest
import torch

from blurspace.blur.agreement import FINENESS, offset
from blurspace.blur.kernels import shake


def blob(down, right, side=33):
    """Two smooth spots of unequal weight, moved by fractions of a px."""
    rows, columns = torch.arange(side)[:, None] - side // 2 - down, torch.arange(side) - side // 2 - right
    first = torch.exp(-((rows - 1) ** 2 + (columns + 2) ** 2) / 2)
    second = 0.5 * torch.exp(-((rows + 2) ** 2 + (columns - 2) ** 2) / 4)
    return ((first + second) / (first + second).sum())[None, None]


@pytest.mark.parametrize("moved", [(0, 0), (1.25, -0.5), (-2.375, 3), (0.03, 4.9)])
def test_offset_finds_fractions_of_a_px(moved):
    down, right, agreement = offset(blob(*moved), blob(0, 0))
    assert (down, right) == pytest.approx(moved, abs=0.5 / FINENESS + 1e-3)
    assert agreement > 0.99
    assert offset(blob(*moved, side=39), blob(0, 0))[:2] == pytest.approx((down, right), abs=0.01)


def test_offset_says_when_kernels_do_not_agree():
    first, second = (shake(31, generator=torch.Generator().manual_seed(seed), extent=31) for seed in (1, 2))
    assert offset(first, first)[2] == pytest.approx(1, abs=1e-4)
    assert offset(first, second)[2] < 0.75
