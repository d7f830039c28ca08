"""What do all rooms do to the pixels of a picture? Its luminance, middle, means and maxima; `levels` rounds them."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.types import AnyImage, Image

# Red, green and blue in ITU-R BT.601, full range: the Y of JPEG, and MATLAB's rgb2gray.
LUMINANCE = (0.299, 0.587, 0.114)


def luminance(picture: Image) -> AnyImage:
    """Grey (b 1 h w) from grey or RGB (b c h w), in the units of the picture. Source: ITU-R BT.601."""
    if picture.shape[1] == 1:
        return picture
    return (picture * picture.new_tensor(LUMINANCE).view(1, 3, 1, 1)).sum(1, keepdim=True)


def gaussian_means(planes: Tensor, side: int, sigma: float) -> Tensor:
    """The means of planes (n 1 h w) in a Gaussian window of `side` px, odd: (n 1 h-side+1 w-side+1)."""
    steps = torch.arange(side, dtype=planes.dtype, device=planes.device) - side // 2
    window = torch.exp(-0.5 * (steps / sigma) ** 2)
    window = window / window.sum()
    return functional.conv2d(functional.conv2d(planes, window.view(1, 1, -1, 1)), window.view(1, 1, 1, -1))


def inner(picture: Tensor, margin: int) -> Tensor:
    """The picture without `margin` px on each side (... h w)."""
    height, width = picture.shape[-2:]
    return picture[..., margin : height - margin, margin : width - margin]


def central(picture: Tensor, height: int, width: int) -> Tensor:
    """The middle `height` x `width` px (... h w), or all where it has fewer; a view."""
    height, width = min(height, picture.shape[-2]), min(width, picture.shape[-1])
    top, left = (picture.shape[-2] - height) // 2, (picture.shape[-1] - width) // 2
    return picture[..., top : top + height, left : left + width]


def highest(picture: Image, reach: int) -> Image:
    """The largest value within `reach` px of each (b c h w) in both directions, rows first: a square is separable."""
    for axis in (-2, -1):
        picture = _highest_along(picture, reach, axis)
    return picture


def _highest_along(picture: Image, reach: int, axis: int) -> Image:
    """Along one axis, by windows that double: few passes however wide the window."""
    pad = (0, 0, reach, reach) if axis == -2 else (reach, reach)
    highest, width, window = functional.pad(picture, pad, value=-math.inf), 1, 2 * reach + 1
    while width < window:
        step = min(width, window - width)
        length = highest.shape[axis] - step
        highest = torch.maximum(highest.narrow(axis, 0, length), highest.narrow(axis, step, length))
        width += step
    return highest
