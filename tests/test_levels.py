"""Is a level the same number on the way in and out, at both depths?"""

import numpy as np
import pytest
import torch

from blurspace.levels import from_levels, to_8_bits, to_levels
from blurspace.types import Photo


@pytest.mark.parametrize(("depth", "kind"), [(8, np.uint8), (16, np.uint16)])
def test_every_level_comes_back(depth, kind):
    levels = np.arange(2**depth).astype(kind)
    pixels = from_levels(torch.from_numpy(levels))
    np.testing.assert_array_equal(pixels.numpy(), levels.astype(np.float32) / np.float32(2**depth - 1))
    again = to_levels(pixels, depth)
    assert again.dtype == getattr(torch, kind.__name__)
    np.testing.assert_array_equal(again.numpy(), levels)


def test_levels_are_clamped_and_the_nearest():
    pixels = torch.tensor([-3.0, 0.49 / 255, 0.51 / 255, 100.6 / 255, 7.0], requires_grad=True)
    assert to_levels(pixels).tolist() == [0, 0, 1, 101, 255]
    assert to_levels(pixels, 16).tolist() == [0, 126, 131, 25854, 65535]
    assert torch.equal(to_8_bits(pixels), from_levels(to_levels(pixels)))
    assert to_8_bits(pixels.double()).dtype == torch.float64


def test_a_photo_of_pixels_holds_their_levels_and_gives_them_contiguous():
    pixels = torch.rand(1, 3, 5, 7, generator=torch.Generator().manual_seed(0))
    photo = Photo.of(pixels, depth=16, icc=b"profile")
    assert (photo.depth, photo.format, photo.icc, photo.samples.dtype) == (16, "PNG", b"profile", torch.uint16)
    assert float((photo.pixels - pixels).abs().max()) < 0.51 / 65535
    turned = Photo(photo.samples.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2))
    assert torch.equal(turned.pixels, photo.pixels)
    assert turned.pixels.is_contiguous()
