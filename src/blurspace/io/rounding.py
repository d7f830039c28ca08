"""How much noise did the way in which a photo was stored add? JPEG's steps, and palettes of few colours."""

import math

import torch
from torch import Tensor

from blurspace.io.jpeg import quantisation_sigma
from blurspace.types import Photo

# A palette holds so many colours at most (GIF, PNG 1.2); so many samples spread over a photo tell whether it has one.
PALETTE, ASKED = 256, 2**16


def storage_sigma(photo: Photo) -> float:
    """The standard deviation, in pixel values of [0, 1], of what storing did to a photo."""
    return max(quantisation_sigma(photo), palette_sigma(photo.samples))


def palette_sigma(samples: Tensor) -> float:
    """The same for a palette of RGB samples (1 3 h w, uint8): as of a step as wide as colours lie apart.

    Each pixel's distance from its colour to the nearest other one counts. 0 where there are more colours, or grey.
    """
    if samples.dtype != torch.uint8 or samples.shape[1] != 3:
        return 0.0
    pixels = samples[0].flatten(1)
    red, green, blue = pixels[:, :: max(pixels.shape[1] // ASKED, 1)].int()
    if len(red) < 4 * PALETTE:
        return 0.0
    colours, counts = (65536 * red + 256 * green + blue).unique(
        return_counts=True
    )  # by rows it takes ten times as long
    if not 2 <= len(colours) <= PALETTE:
        return 0.0
    planes = torch.stack((colours // 65536, colours // 256 % 256, colours % 256), 1).double()
    apart = torch.cdist(planes, planes).fill_diagonal_(math.inf).amin(1)
    steps = apart / math.sqrt(3)  # of one channel
    return float((steps * counts).sum() / counts.sum() / math.sqrt(12) / 255)
