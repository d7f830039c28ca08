"""Where does a restored frame belong? Where the blurry one lay, by fractions of a pixel.

A blur is known up to a shift. The search centres its kernel by whole pixels, which a photo alone never shows; beside
the frames before and after it a jump of half a pixel is seen. A shake moves nothing on average, so the kernel's
centroid says how far the restored frame lies from there.
"""

import cv2
import numpy as np
import torch
from torch import Tensor

from blurspace.blur.kernels import centroids
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.driver import Restoration
from blurspace.restore.observed import as_float
from blurspace.types import Image, Kernel

LEAST = 0.02  # px: nearer is near enough (ours)


def placed(done: Restoration, pixels: Tensor, *, strength: float = 1.0) -> Image:
    """What was restored of a frame's `pixels` (1 c h w), display values in [0, 1], moved to where these lay.

    `strength`: how much of the blur was removed; 0 for a blur that was told, for that is in its place. So is all but
    one kernel for the whole frame.
    """
    restored = as_float(done.restored)
    if done.receipt.verdict != "restored" or not isinstance(done.blur, UniformBlur):
        return restored
    return moved(restored, as_float(pixels), done.blur.kernel, strength=strength)


def moved(restored: Image, blurry: Image, kernel: Kernel, *, strength: float = 1.0) -> Image:
    """A restored frame (1 c h w), display values, moved by the centroid of the `kernel` (1 1 k k) that was removed.

    `strength`: how much of it was. What the restoration left as it was in `blurry`, such as bars, stays in its place.
    Bilinear, for what that softens is mostly ripple: ours, measured in docs/notebook.md.
    """
    down, right = (strength * (centroids(kernel)[0] - kernel.shape[-1] // 2)).tolist()
    if max(abs(down), abs(right)) < LEAST:
        return restored
    array = restored[0].permute(1, 2, 0).numpy()
    size, matrix = (array.shape[1], array.shape[0]), np.array([[1, 0, right], [0, 1, down]])
    found = cv2.warpAffine(array, matrix, size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    there = torch.from_numpy(found.reshape(array.shape)).permute(2, 0, 1)[None]
    return torch.where((restored != blurry).any(1, keepdim=True), there, restored)
