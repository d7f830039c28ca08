"""What is brighter than white in a photo that was exposed too long, or that holds lamps?

A file holds no such light, so it is made: a gain, and lamps drawn upon it. Blurred, it fills the sensor; the sharp
picture is then only known to be white at least, and what a lamp drew must be told from the rest (Whyte, Sivic and
Zisserman 2014). All numbers are our choice.
"""

from dataclasses import dataclass

import torch
from torch import Generator, Tensor

from blurspace.blur.exposure import add_noise, to_display, to_linear
from blurspace.data.crops import draw_between, draw_index
from blurspace.levels import to_8_bits
from blurspace.types import Image

# Gains by day and at night, of linear light; white becomes no brighter than what `restore.lights` takes for a lamp.
DAY, NIGHT = (1.2, 2.0), (0.08, 0.5)
# At most so many lamps, of so many px in radius and so many times white; of that, each colour's share.
MOST_LAMPS, RADII, LIGHTS, TINTS = 12, (0.7, 4.0), (3.0, 60.0), (0.4, 1.0)


@dataclass(frozen=True)
class Exposure:
    """How a photo becomes light: by a camera's `response`, a `gain`, and `lamps` of (row, column, radius, r, g, b)."""

    response: str = "linear"
    gain: float = 1.0
    lamps: tuple[tuple[float, ...], ...] = ()

    def linear(self, photo: Image) -> Image:
        """The light (b c h w) of display values, in [0, 1]: before the gain."""
        return to_linear(photo, self.response)

    def lit(self, linear: Image, *, down: float = 0.0, right: float = 0.0) -> Image:
        """That light with the gain, and with the lamps, which are moved by so many px; up to LIGHTS and more."""
        light = linear * self.gain
        rows, columns = (torch.arange(side) for side in linear.shape[-2:])
        for row, column, radius, *colour in self.lamps:
            away = torch.hypot(rows[:, None] - row - down, columns - column - right)
            light = light + (radius + 0.5 - away).clamp(0, 1) * _column(colour[: linear.shape[1]])
        return light

    def developed(self, light: Image, *, sigma: float, generator: Generator) -> Image:
        """What an 8-bit file shows of light, with noise of display values; in a full sensor it does not show."""
        display = to_display(light, self.response) + (light - 1).clamp_min(0)
        return to_8_bits(add_noise(display, sigma=sigma, generator=generator))


PLAIN = Exposure()


def draw_exposure(size: tuple[int, int], generator: Generator) -> Exposure:
    """By day or at night, with some lamps or none in a picture of `size` (h, w)."""
    gain = draw_between((DAY, NIGHT)[draw_index(2, generator)], generator)
    lamps = (_draw_lamp(size, generator) for _ in range(draw_index(MOST_LAMPS + 1, generator)))
    return Exposure("srgb", gain, tuple(lamps))


def _draw_lamp(size: tuple[int, int], generator: Generator) -> tuple[float, ...]:
    place = (draw_between((0, side), generator) for side in size)
    radius, light = (low * (high / low) ** draw_between((0, 1), generator) for low, high in (RADII, LIGHTS))
    return (*place, radius, *(light * draw_between(TINTS, generator) for _ in range(3)))


def _column(colour: list[float]) -> Tensor:
    return torch.tensor(colour)[:, None, None]
