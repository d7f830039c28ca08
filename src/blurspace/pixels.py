"""What do all rooms do to the pixels of a picture? Its luminance, and its middle; `levels` rounds them."""

from torch import Tensor

from blurspace.types import AnyImage, Image

# Red, green and blue in ITU-R BT.601, full range: the Y of JPEG, and MATLAB's rgb2gray.
LUMINANCE = (0.299, 0.587, 0.114)


def luminance(picture: Image) -> AnyImage:
    """Grey (b 1 h w) from grey or RGB (b c h w), in the units of the picture. Source: ITU-R BT.601."""
    if picture.shape[1] == 1:
        return picture
    return (picture * picture.new_tensor(LUMINANCE).view(1, 3, 1, 1)).sum(1, keepdim=True)


def inner(picture: Tensor, margin: int) -> Tensor:
    """The picture without `margin` px on each side (... h w)."""
    height, width = picture.shape[-2:]
    return picture[..., margin : height - margin, margin : width - margin]


def central(picture: Tensor, height: int, width: int) -> Tensor:
    """The middle `height` x `width` px (... h w), or all where it has fewer; a view."""
    height, width = min(height, picture.shape[-2]), min(width, picture.shape[-1])
    top, left = (picture.shape[-2] - height) // 2, (picture.shape[-1] - width) // 2
    return picture[..., top : top + height, left : left + width]
