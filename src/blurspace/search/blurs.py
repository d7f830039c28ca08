"""What can the unknown blur be? Modules that give it when called: codes of a kernel space, or one convolution kernel.

Each also tells its `norm`, the |k| of Eq. 5 of Tran et al. 2021: of what is searched, so that the likeliest blur costs
least.
"""

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from blurspace.errors import ModelError
from blurspace.nets.kernel_space import BasisSpace
from blurspace.types import AnyKernel, Code

# A blur's latent numbers are alike all over the picture but for a smooth change: its nodes along each side (ours).
NODES = 5
DRAWN = 0.5  # the deviation of latent numbers that a search starts from, where 1 is what pairs have (ours)
WIDTH, INPUTS = 64, 16  # of the network that makes a code from noise: the published one has 512, for a GPU
KERNEL_WIDTH, KERNEL_INPUTS, KERNEL_NOISE = 256, 200, 0.1  # Ren et al. 2020 (SelfDeblur); theirs is 1000 wide
FREQUENCIES = 5  # octaves in which a coordinate network sees its places (Tancik et al. 2020; ours for 33 px)
LEAST = 1e-12  # under a root: a slope at 0
FAINTEST = 1e-3  # of a kernel's sum, spread over it, where it starts from a known one: a logarithm must be finite


class Held(nn.Module):
    """A blur that is not searched."""

    blur: Tensor
    size: Tensor

    def __init__(self, blur: Tensor, size: Tensor | None = None) -> None:
        """`blur`: a code or a kernel; `size`: its norm, which counts for nothing where only the picture moves."""
        super().__init__()
        self.register_buffer("blur", blur.detach().clone())
        self.register_buffer("size", blur.new_zeros(()) if size is None else size.detach().clone())

    def forward(self) -> Tensor:
        """The blur."""
        return self.blur

    def norm(self) -> Tensor:
        """The norm that was given."""
        return self.size


class FreeCode(nn.Module):
    """A code whose numbers are free; `start` (1 c p q), for instance the space's rest code."""

    def __init__(self, start: Code) -> None:
        """Begin at a code."""
        super().__init__()
        self.code = nn.Parameter(start.detach().clone())

    def forward(self) -> Code:
        """The code (1 c p q)."""
        return self.code

    def norm(self) -> Tensor:
        """The root mean square of its numbers."""
        return _rms(self.code)


class NetworkCode(nn.Module):
    """A network that makes a code (1 channels p q) from a fixed normal input: Tran et al. 2021, Eq. 7."""

    noise: Tensor

    def __init__(self, channels: int, cells: tuple[int, int], *, generator: Generator | None = None) -> None:
        """Random weights, of torch's own generator; the input is the `generator`'s."""
        super().__init__()
        self.register_buffer("noise", torch.randn(1, INPUTS, *cells, generator=generator))
        self.layers = nn.Sequential(
            nn.Conv2d(INPUTS, WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(WIDTH, channels, 1),
        )

    def forward(self) -> Code:
        """The code (1 channels p q)."""
        return self.layers(self.noise)

    def norm(self) -> Tensor:
        """The root mean square of the code's numbers."""
        return _rms(self())


class PriorCode(nn.Module):
    """A code that a kernel space's prior finds likely: decoded latent numbers, alike all over but for a smooth change.

    `start` (1 c p q): a code to begin at, exactly, however badly the prior knows it; without one, a drawn one.
    """

    begun: Tensor
    likeliest: Tensor
    rest: Tensor

    def __init__(
        self,
        space: BasisSpace,
        size: tuple[int, int],
        *,
        start: Code | None = None,
        generator: Generator | None = None,
    ) -> None:
        """For pictures of `size` (h, w). Raises ModelError where the space has no prior."""
        super().__init__()
        if space.prior is None:
            raise ModelError("this kernel space has no prior of codes: give one trained by task code prior")
        self.cells, self.prior = space.cells(size), space.prior
        with torch.no_grad():
            drawn = DRAWN * torch.randn(1, self.prior.latent, 1, 1, generator=generator).to(space.basis)
            first = drawn if start is None else self.prior.encode(start)[0]
            known = self.prior.decode(first)
        self.register_buffer("begun", first.expand(-1, -1, *self.cells).clone())
        self.register_buffer("likeliest", torch.zeros_like(first) if start is None else first)
        self.register_buffer("rest", torch.zeros_like(known) if start is None else start - known)
        self.whole = nn.Parameter(space.basis.new_zeros(1, self.prior.latent, 1, 1))
        self.change = nn.Parameter(space.basis.new_zeros(1, self.prior.latent, NODES, NODES))

    def latent(self) -> Tensor:
        """What the prior decodes (1 latent p q)."""
        smooth = functional.interpolate(self.change, self.cells, mode="bilinear", align_corners=True)
        return self.begun + self.whole + smooth

    def forward(self) -> Code:
        """The code (1 c p q)."""
        return self.prior.decode(self.latent()) + self.rest

    def norm(self) -> Tensor:
        """How far the latent numbers are from the start's, or without one from the likeliest, which are 0."""
        return _rms(self.latent() - self.likeliest)


class SimplexKernel(nn.Module):
    """One kernel (1 1 side side) by a network with a softmax at its end: Ren et al. 2020 (SelfDeblur), section 3.2.

    `start` (1 1 side side): a kernel to begin at.
    """

    noise: Tensor
    offset: Tensor

    def __init__(self, side: int, *, start: AnyKernel | None = None, generator: Generator | None = None) -> None:
        """Random weights, of torch's own generator; the input is the `generator`'s."""
        super().__init__()
        self.side = side
        self.register_buffer("noise", KERNEL_NOISE * torch.rand(1, KERNEL_INPUTS, generator=generator))
        self.layers = nn.Sequential(
            nn.Linear(KERNEL_INPUTS, KERNEL_WIDTH), nn.ReLU(), nn.Linear(KERNEL_WIDTH, side * side)
        )
        self.register_buffer("offset", _logits(start, self.layers(self.noise).detach()))

    def forward(self) -> AnyKernel:
        """The kernel (1 1 side side): >= 0, sum 1."""
        return (self.layers(self.noise) + self.offset).softmax(1).view(1, 1, self.side, self.side)

    def norm(self) -> Tensor:
        """The root of the sum of its squares."""
        return self().square().sum().sqrt()


class CoordinateKernel(nn.Module):
    """One kernel (1 1 side side) as a function of the place, by a small network: neighbours are alike.

    After SelfDeblur's followers, with the Fourier features of Tancik et al. 2020.
    """

    places: Tensor

    def __init__(self, side: int) -> None:
        """Random weights, of torch's own generator."""
        super().__init__()
        self.side = side
        line = torch.linspace(-1, 1, side)
        grid = torch.stack(torch.meshgrid(line, line, indexing="ij"), -1).view(-1, 2, 1)
        waves = torch.pi * grid * 2.0 ** torch.arange(FREQUENCIES)
        self.register_buffer("places", torch.cat((waves.sin(), waves.cos()), -1).flatten(1))
        self.layers = nn.Sequential(nn.Linear(4 * FREQUENCIES, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 1))

    def forward(self) -> AnyKernel:
        """The kernel (1 1 side side): >= 0, sum 1."""
        return self.layers(self.places).softmax(0).view(1, 1, self.side, self.side)

    def norm(self) -> Tensor:
        """The root of the sum of its squares."""
        return self().square().sum().sqrt()


def _logits(start: AnyKernel | None, before: Tensor) -> Tensor:
    """What is to be added to `before` (1 n) so that the softmax gives `start`."""
    return (
        torch.zeros_like(before)
        if start is None
        else (start.to(before).view(1, -1) + FAINTEST / before.shape[1]).log() - before
    )


def _rms(numbers: Tensor) -> Tensor:
    return (numbers.square().mean() + LEAST).sqrt()
