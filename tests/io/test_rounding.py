"""Is banding told from many colours?"""

import pytest
import torch

from blurspace.io.rounding import palette_sigma


def test_a_palette_is_as_noisy_as_its_steps_are_wide():
    """Grey ramps in steps of 17 levels: a uniform error of 17 / sqrt 12."""
    steps = (torch.arange(64 * 64).view(1, 1, 64, 64) % 16 * 17).to(torch.uint8).expand(-1, 3, -1, -1)
    assert palette_sigma(steps) == pytest.approx(17 / 12**0.5 / 255, rel=1e-3)


def test_a_photo_of_many_colours_has_none():
    drawn = torch.randint(256, (1, 3, 64, 64), dtype=torch.uint8, generator=torch.Generator().manual_seed(0))
    assert palette_sigma(drawn) == 0
    assert palette_sigma(drawn[:, :1] % 2) == 0  # grey: scanned print has two tones and no palette
