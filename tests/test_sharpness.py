"""Does the measure of sharpness see blur, in whatever direction, and neither brightness nor contrast nor noise?"""

import math

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.sharpness import SHARP, busiest_window, edge_sharpness

from .restore.scenes import made_scene


def test_it_falls_with_the_length_of_the_blur():
    scene = made_scene(200, seed=9)
    values = [edge_sharpness(blur(scene, line(length, 30.0))) for length in (1, 3, 5, 9)]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.33 > values[2]


@pytest.mark.parametrize("seed", range(4))
def test_only_blur_counts(seed):
    clear = made_scene(96, seed=seed)
    blurry = blur(clear, line(11, angle=20.0 * seed))
    assert edge_sharpness(clear) > SHARP > edge_sharpness(blurry)
    assert edge_sharpness(clear / 3 + 0.4) == pytest.approx(edge_sharpness(clear), rel=0.05)
    noise = 0.02 * torch.randn(clear.shape, generator=torch.Generator().manual_seed(seed))
    assert edge_sharpness((blurry + noise).clamp(0, 1)) < SHARP


def test_without_contrast_there_is_nothing_to_judge():
    assert edge_sharpness(torch.full((1, 1, 64, 64), 0.35)) == math.inf
    assert edge_sharpness(made_scene(96, seed=0)[..., :12, :12]) == math.inf


def test_the_busiest_window_finds_the_detail():
    picture = torch.zeros(1, 1, 256, 320)
    picture[..., 180:220, 250:290] = torch.rand(40, 40, generator=torch.Generator().manual_seed(0))
    rows, columns = busiest_window(picture, 96)
    assert rows.start <= 180
    assert rows.stop >= 220
    assert columns.start <= 250
    assert columns.stop >= 290
    assert (rows.stop - rows.start, columns.stop - columns.start) == (96, 96)
