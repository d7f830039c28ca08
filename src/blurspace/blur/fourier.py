"""Which small pieces do the solvers share? Differences, their spectrum, and a seamless frame.

A discrete Fourier transform sees a picture as wrapped round. `extend` makes that harmless by growing the picture so
that its opposite edges meet smoothly; the solvers then treat the grown part as unknown and cut it off at the end.
"""

from functools import lru_cache

import torch
from torch import Tensor

from blurspace.blur.convolve import fast_size
from blurspace.types import AnyImage, Image


def differences(picture: Image) -> Tensor:
    """Circular forward differences, along x then y: (b c h w) -> (2 b c h w)."""
    return torch.stack((picture.roll(-1, -1) - picture, picture.roll(-1, -2) - picture))


def add_differences(gradients: Tensor, picture: AnyImage, share: float = 1.0) -> None:
    """Add `share` times the circular forward differences of a picture (b c h w) to gradients (2 b c h w), in place."""
    for gradient, axis in zip(gradients, (-1, -2), strict=True):
        last = picture.shape[axis] - 1
        gradient.sub_(picture, alpha=share)
        gradient.narrow(axis, 0, last).add_(picture.narrow(axis, 1, last), alpha=share)
        gradient.narrow(axis, last, 1).add_(picture.narrow(axis, 0, 1), alpha=share)


def differences_adjoint(gradients: Tensor) -> Image:
    """The adjoint of `differences`: (2 b c h w) -> (b c h w)."""
    adjoint = -gradients[0] - gradients[1]
    for gradient, axis in zip(gradients, (-1, -2), strict=True):
        last = adjoint.shape[axis] - 1
        adjoint.narrow(axis, 1, last).add_(gradient.narrow(axis, 0, last))
        adjoint.narrow(axis, 0, 1).add_(gradient.narrow(axis, last, 1))
    return adjoint


def inner_differences(picture: Image) -> Tensor:
    """Forward differences where both neighbours are inside the frame: (b c h w) -> (2 b c h-1 w-1), x then y."""
    corner = picture[..., :-1, :-1]
    return torch.stack((picture[..., :-1, 1:] - corner, picture[..., 1:, :-1] - corner))


def gradient_power(size: tuple[int, int], device: torch.device) -> Tensor:
    """|transfer function of `differences`|^2 summed over both directions, on the half spectrum (h w//2+1)."""
    height, width = size
    return _power_along(height, device)[:, None] + _power_along(width, device)[: width // 2 + 1]


@lru_cache(maxsize=256)  # lines only: nothing of a picture's size stays in memory
def _power_along(length: int, device: torch.device) -> Tensor:
    return 2 - 2 * (2 * torch.pi * torch.fft.fftfreq(length, device=device)).cos()


def difference_otfs(size: tuple[int, int], device: torch.device) -> Tensor:
    """The transfer functions of `differences`, along x then y, on the half spectrum (2 1 1 h w//2+1)."""
    down, across = (_step_along(length, device) for length in size)
    x, y = across[None, : size[1] // 2 + 1], down[:, None]
    return torch.stack((x.expand(size[0], -1), y.expand(-1, x.shape[-1])))[:, None, None]


@lru_cache(maxsize=256)
def _step_along(length: int, device: torch.device) -> Tensor:
    return torch.exp(2j * torch.pi * torch.fft.fftfreq(length, device=device)) - 1


def gaussian_otf(size: tuple[int, int], sigma: float, device: torch.device) -> Tensor:
    """The transfer function of a Gaussian of `sigma` px, on the half spectrum (h w//2+1)."""
    down, across = (_gaussian_along(length, sigma, device) for length in size)
    return down[:, None] * across[: size[1] // 2 + 1]


@lru_cache(maxsize=256)
def _gaussian_along(length: int, sigma: float, device: torch.device) -> Tensor:
    return (-2 * (torch.pi * sigma * torch.fft.fftfreq(length, device=device)).square()).exp()


def extended_size(size: tuple[int, int], margin: int) -> tuple[int, int]:
    """The next sizes good for the FFT that leave at least `margin` px beyond the picture on the wrapped frame."""
    return fast_size(size[0] + margin), fast_size(size[1] + margin)


def extend(picture: Image, size: tuple[int, int]) -> AnyImage:
    """Grow a picture below and to the right to `size`, blending each edge smoothly into the opposite one."""
    height, width = picture.shape[-2:]
    across = _ramp(size[1] - width, picture)
    picture = torch.cat((picture, picture[..., -1:].lerp(picture[..., :1], across)), dim=-1)
    down = _ramp(size[0] - height, picture)[:, None]
    return torch.cat((picture, picture[..., -1:, :].lerp(picture[..., :1, :], down)), dim=-2)


def _ramp(steps: int, like: Tensor) -> Tensor:
    """From just above 0 to just below 1 with level ends (the smoothstep polynomial)."""
    place = torch.linspace(0, 1, steps + 2, dtype=like.dtype, device=like.device)[1:-1]
    return place * place * (3 - 2 * place)
