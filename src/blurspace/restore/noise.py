"""How noisy is a picture? Robust estimates that a blurry or a sharp scene hardly disturbs."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.types import Image

# The median of |x| of a unit Gaussian is 0.6745; the mask [1 -2 1] x [1 -2 1] has norm 6 (Immerkaer 1996).
MEDIAN_OF_GAUSSIAN = 0.6745
MASK_NORM = 6.0


def estimate_sigma(*pictures: Image, unknown: Sequence[Tensor | None] = ()) -> float:
    """The standard deviation of the noise of a picture (b c h w), or of pieces of it; pixel values in [0, 1].

    The median absolute response to a mask that cancels smooth shading and straight edges (Immerkaer 1996, with the
    median of Donoho and Johnstone 1994 in place of the mean). It reads a little high on sharp fine texture, and low
    after JPEG, which removes noise together with detail. `unknown` (1 1 h w, bool), one for each: pixels that tell
    nothing; 0 where all do.
    """
    masks = unknown or (None,) * len(pictures)
    responses = torch.cat([_responses(*one) for one in zip(pictures, masks, strict=True)], dim=1)
    if not responses.numel():
        return 0.0
    return float(responses.median(dim=1).values.mean() / MEDIAN_OF_GAUSSIAN)


def _responses(picture: Image, unknown: Tensor | None) -> Tensor:
    """Absolute responses to the mask: (planes, places), at known places only."""
    line = picture.new_tensor([1.0, -2.0, 1.0])
    mask = torch.outer(line, line)[None, None]
    planes = picture.flatten(0, 1)[:, None]
    responses = (functional.conv2d(planes, mask).abs() / MASK_NORM).flatten(1)
    if unknown is None:
        return responses
    return responses[:, functional.max_pool2d(unknown.float(), 3, stride=1).flatten() == 0]
