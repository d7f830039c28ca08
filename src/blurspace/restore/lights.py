"""How is a photo deblurred round lights that are brighter than white, so that nothing rings there?

A light draws its path and clips. How bright it is can only be guessed, and what is wrong with the guess rings as far as
the kernel reaches. So it is found first, with clipped pixels as lower bounds; then all that it draws counts as not
seen, and the rest is restored from the rest (decoupled latent pixels: Whyte, Sivic and Zisserman 2014).
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.restore.untouched import filled
from blurspace.types import Image

# In times white: what is less bright is no light, but a sky or paper, which deconvolution explains as it is.
LIGHT = 2.0
# What a light may add to a pixel that still counts as seen: less than rounding to 8 bits does (ours).
NOTHING = 2e-3


@dataclass(frozen=True)
class Decoupled:
    """`sharp` (1 c h w): the light with its lights; `beside`: without them; `unseen` (1 1 h w): what did not count."""

    sharp: Image
    beside: Image
    unseen: Tensor | None


def decoupled(
    blurry: Image,
    deconvolved: Callable[[Image, Tensor | None, Tensor | None], Image],
    reblur: Callable[[Image], Image],
    *,
    saturated: Tensor | None,
    unseen: Tensor | None,
) -> Decoupled:
    """The sharp light of `blurry` (1 c h w) by `deconvolved(blurry, saturated, unseen)`, twice where there are lights.

    `reblur`: what the blur makes of a sharp light. `saturated`, `unseen`: see `deconvolve`.
    """
    sharp = deconvolved(blurry, saturated, unseen)
    drawn = None if saturated is None else reached(sharp, reblur)
    if saturated is None or drawn is None:
        return Decoupled(sharp, sharp, unseen)
    hidden = drawn if unseen is None else drawn | unseen
    beside = deconvolved(filled(blurry, hidden), saturated & ~hidden, hidden)
    return Decoupled(torch.where(_lights(sharp), sharp, beside), beside, hidden)


def reached(sharp: Image, reblur: Callable[[Image], Image]) -> Tensor | None:
    """Which pixels (1 1 h w, bool) the lights of a sharp light (1 c h w) are drawn on; None where it has none."""
    lights = _lights(sharp)
    if not bool(lights.any()):
        return None
    lights = functional.max_pool2d(lights.to(sharp), 3, stride=1, padding=1)  # a light's rim is part of it
    return reblur(sharp.clamp_min(0) * lights).amax(1, keepdim=True) > NOTHING


def _lights(sharp: Image) -> Tensor:
    return sharp.amax(1, keepdim=True) > LIGHT
