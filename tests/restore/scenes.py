"""A made scene with edges at all angles, for tests that need a picture and no file."""

import torch


def made_scene(side: int, *, seed: int, channels: int = 1) -> torch.Tensor:
    """Fallen rectangles and disks of random greys (1 channels side side)."""
    generator = torch.Generator().manual_seed(seed)
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    picture = torch.full((channels, side, side), 0.5)
    for step in range(70):
        row, column = (torch.rand(2, generator=generator) * side).tolist()
        size = 4 + float(torch.rand((), generator=generator)) * side / 8
        turned = float(torch.rand((), generator=generator)) * 3.14
        across = (columns - column) * torch.cos(torch.tensor(turned)) + (rows - row) * torch.sin(torch.tensor(turned))
        along = (rows - row) * torch.cos(torch.tensor(turned)) - (columns - column) * torch.sin(torch.tensor(turned))
        inside = (across.square() + along.square() < size**2) if step % 2 else (across.abs() < size) & (along.abs() < 6)
        colour = 0.05 + 0.85 * torch.rand(channels, 1, generator=generator)
        picture[:, inside] = colour.expand(channels, int(inside.sum()))
    return picture[None]
