"""A made scene with edges at all angles, for tests that need a picture and no file."""

import functools

import torch


def made_scene(side: int, *, seed: int, channels: int = 1) -> torch.Tensor:
    """Fallen rectangles and disks of random greys (1 channels side side)."""
    return drawn_scene(side, seed, channels).clone()


@functools.cache
def drawn_scene(side, seed, channels):
    """The same for all: draws only about each shape, and each scene once."""
    generator = torch.Generator().manual_seed(seed)
    places = torch.arange(side)
    picture = torch.full((channels, side, side), 0.5)
    for step in range(70):
        row, column = (torch.rand(2, generator=generator) * side).tolist()
        size = 4 + float(torch.rand((), generator=generator)) * side / 8
        turned = torch.tensor(float(torch.rand((), generator=generator)) * 3.14)
        cosine, sine = turned.cos(), turned.sin()
        near = [slice(max(int(place - size - 7), 0), int(place + size + 7) + 1) for place in (row, column)]
        down, right = places[near[0], None] - row, places[near[1]] - column
        across, along = right * cosine + down * sine, down * cosine - right * sine
        inside = (across.square() + along.square() < size**2) if step % 2 else (across.abs() < size) & (along.abs() < 6)
        colour = 0.05 + 0.85 * torch.rand(channels, 1, generator=generator)
        picture[:, *near][:, inside] = colour.expand(channels, int(inside.sum()))
    return picture[None]
