"""What every deblurrer must do, whatever its method."""

import functools

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import gaussian, line
from blurspace.builders import build_deblurrer

KERNEL = line(7, 40.0)
DEBLURRERS = {
    "classical, known kernel": build_deblurrer("classical", kernel=KERNEL),
    "classical, bounded": build_deblurrer("classical", size=11, response="linear"),
    "classical, linear light": build_deblurrer("classical", kernel=gaussian(1.2), response="srgb"),
    "classical, half strength": build_deblurrer("classical", kernel=KERNEL, strength=0.5),
    "learned, known kernel": build_deblurrer("learned", kernel=KERNEL),
    "auto, known kernel": build_deblurrer("auto", kernel=KERNEL),
    "auto": build_deblurrer("auto", size=11, response="linear"),
    "classical, any size": build_deblurrer("classical"),
    "rotation": build_deblurrer("rotation", size=11, response="linear"),
    "belt": build_deblurrer("belt"),
    "mild": build_deblurrer("mild"),
    "kaufman2020-small": build_deblurrer("kaufman2020-small"),
}
SMALLEST = (64, 64)
# Sizes with channels: each size once more for each number of channels would tell nothing new, and searches take time.
SHAPES = [(SMALLEST, 1), (SMALLEST, 3), ((65, 91), 3), ((120, 48), 1)]


def blurry(size, channels):
    generator = torch.Generator().manual_seed(5)
    coarse = torch.rand(1, channels, size[0] // 6 + 2, size[1] // 6 + 2, generator=generator)
    blocks = coarse.repeat_interleave(6, -1).repeat_interleave(6, -2)[..., : size[0], : size[1]]
    return blur(blocks, KERNEL)


@functools.cache
def called(name, size, channels):
    """A picture, as it was before a deblurrer saw it and after, and the result."""
    picture = blurry(size, channels)
    before = picture.clone()
    return before, picture, DEBLURRERS[name](picture)


@pytest.mark.parametrize("name", DEBLURRERS)
@pytest.mark.parametrize(("size", "channels"), SHAPES)
def test_size_range_and_the_input_stays(name, size, channels):
    before, picture, first = called(name, size, channels)
    assert first.restored.shape == picture.shape
    assert first.restored.isfinite().all()
    assert 0 <= first.restored.min() <= first.restored.max() <= 1
    assert torch.equal(picture, before)
    assert first.receipt.verdict in ("restored", "left alone", "refused")
    assert first.receipt.reason
    assert "\n" not in first.receipt.reason
    if first.receipt.verdict != "restored":
        assert first.restored is picture


@pytest.mark.parametrize("name", DEBLURRERS)
@pytest.mark.parametrize("channels", [1, 3])
def test_the_same_call_gives_the_same(name, channels):
    _, picture, first = called(name, SMALLEST, channels)
    second = DEBLURRERS[name](picture)
    assert torch.equal(first.restored, second.restored)
    assert first.receipt == second.receipt
