"""How does a smooth path become light on a grid of pixels? What camera shakes and camera rotations share."""

from functools import lru_cache

import torch
from torch import Tensor
from torch.nn import functional


@lru_cache(maxsize=64)
def spline_basis(count: int, samples: int) -> Tensor:
    """The matrix (samples, count) from values at `count` even knots to the natural cubic spline through them."""
    eye = torch.eye(count, dtype=torch.float64)
    # Second derivatives at the inner knots: M[i-1] + 4 M[i] + M[i+1] = 6 (p[i-1] - 2 p[i] + p[i+1]); 0 at the ends.
    differences = 6 * (eye[:-2] - 2 * eye[1:-1] + eye[2:])
    system = 4 * eye[:-2, :-2] + eye[:-2, 1:-1] + eye[1:-1, :-2]
    bend = functional.pad(torch.linalg.solve(system, differences), (0, 0, 1, 1))
    time = torch.linspace(0, count - 1, samples, dtype=torch.float64)
    knot = time.floor().long().clamp(max=count - 2)
    after = (time - knot)[:, None]
    before = 1 - after
    straight = before * eye[knot] + after * eye[knot + 1]
    return straight + ((before**3 - before) * bend[knot] + (after**3 - after) * bend[knot + 1]) / 6


def deposit(points: Tensor, weight: Tensor, size: int) -> Tensor:
    """Lay `weight` (n,) down at sub-pixel (row, column) `points` (n 2), shared bilinearly: keeps the centroid."""
    points = points.clamp(0, size - 1)
    corner = points.floor().clamp(max=max(0, size - 2))
    down, right = (points - corner).unbind(-1)
    first = (corner[:, 0] * size + corner[:, 1]).long()
    index = torch.cat((first, first + 1, first + size, first + size + 1))
    up, left = 1 - down, 1 - right
    light = torch.cat((up * left, up * right, down * left, down * right)) * weight.repeat(4)
    # A size of 1 leaves spare places beyond the square; they hold no light.
    return torch.bincount(index, light, minlength=size * size)[: size * size].view(1, 1, size, size)
