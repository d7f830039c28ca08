"""Which light belongs to a display value, where the camera's exponent is open? One curve for all cameras.

That of sRGB (IEC 61966-2-1) without its straight start, and with its exponent left open: 1 is no curve, 2.4 sRGB's own.
Unlike `exposure.RESPONSES` it is differentiable in the exponent, so that one can be searched for.
"""

from torch import Tensor

OFFSET = 0.055


def to_light(display: Tensor, exponent: Tensor) -> Tensor:
    """Display values to light, any shapes that broadcast; 0 and 1 stay, below 0 is clamped, 1 is no curve."""
    low, high = OFFSET**exponent, (1 + OFFSET) ** exponent
    return ((display.clamp_min(0) + OFFSET) ** exponent - low) / (high - low)


def from_light(light: Tensor, exponent: Tensor) -> Tensor:
    """Light to display values, the inverse of `to_light` for light >= 0; below it is clamped."""
    low, high = OFFSET**exponent, (1 + OFFSET) ** exponent
    return (light.clamp_min(0) * (high - low) + low) ** (1 / exponent) - OFFSET


def slope(display: Tensor, exponent: Tensor) -> Tensor:
    """The derivative of display values by light."""
    low, high = OFFSET**exponent, (1 + OFFSET) ** exponent
    return (high - low) / (exponent * (display.clamp_min(0) + OFFSET) ** (exponent - 1))
