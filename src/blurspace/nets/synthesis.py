"""Which sharp picture, given the blurry one and its kernel, by a network that the kernel steers?

Kaufman and Fattal 2020, "Deblurring using Analysis-Synthesis Networks Pair", section 3.2. Undoing a blur is one global
operator that the kernel alone decides, so at every layer of a U-Net the kernel sets multipliers and biases, the same
for the whole picture: r * (1 + m(k)) + b(k) (Eq. 1).

The paper's letters: B, blurry; I, sharp; k, kernel; r, the result of a convolution; m(k), multipliers; b(k), biases.
"""

from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.types import Image, Kernel

Guidance = Literal["none", "additive", "multiplicative", "both"]  # the rows of table 3

# Section 3.2: un-pooling is followed by 5x5 filters; each layer has three more convolutions of 3x3.
UNPOOL_SIDE, CONVOLUTIONS = 5, 3
# Ours: the last layer of a guide starts at a tenth of torch's usual weights, so Eq. 1 starts near r itself; at zero
# the layers before it would get no gradient in the first step.
QUIET = 0.1


class KernelGuide(nn.Module):
    """From a kernel to the multipliers and biases of one layer: three fully connected layers, ReLU but for the last.

    `side`: of the kernel in px. `channels`: of the layer. `hidden`: neurons between. `guidance` says which of the two
    are learned; the other is zero. The kernel's pixels are multiplied by `side` (ours): as they are, thousandths, they
    drown in the first layer's biases. Source: Kaufman and Fattal 2020, section 3.2, Eq. 1 and figure 3.
    """

    def __init__(self, *, side: int, channels: int, hidden: int = 128, guidance: Guidance = "both") -> None:
        """Build the guide with random weights that leave a layer nearly as it is."""
        super().__init__()
        self.side, self.channels, self.guidance = side, channels, guidance
        last = nn.Linear(hidden, 2 * channels if guidance == "both" else channels)
        with torch.no_grad():
            last.weight.mul_(QUIET)
            last.bias.zero_()
        self.layers = nn.Sequential(
            nn.Linear(side * side, hidden), nn.ReLU(), nn.Linear(hidden, hidden), nn.ReLU(), last
        )

    def forward(self, kernel: Kernel) -> tuple[Tensor, Tensor]:
        """Kernels (b 1 side side) -> multipliers and biases, each (b channels 1 1), any range."""
        found = self.layers(self.side * kernel.flatten(1))[..., None, None]
        if self.guidance == "both":
            return found[:, : self.channels], found[:, self.channels :]
        nothing = torch.zeros_like(found)
        return (nothing, found) if self.guidance == "additive" else (found, nothing)


class GuidedBlock(nn.Module):
    """One layer of the U-Net: a convolution that the kernel modulates (Eq. 1), ReLU, then three 3x3 ones with ReLU.

    `inputs`, `width`: channels before and after. `first`: side in px of the modulated convolution. With guidance
    "none" there is no guide. Source: Kaufman and Fattal 2020, section 3.2 and figure 3; the published code modulates
    each of three convolutions instead.
    """

    def __init__(
        self, *, inputs: int, width: int, side: int, hidden: int = 128, first: int = 3, guidance: Guidance = "both"
    ) -> None:
        """Build the layer with random weights."""
        super().__init__()
        self.first = nn.Conv2d(inputs, width, first, padding=first // 2)
        guided = guidance != "none"
        self.guide = KernelGuide(side=side, channels=width, hidden=hidden, guidance=guidance) if guided else None
        self.convolutions = nn.ModuleList(nn.Conv2d(width, width, 3, padding=1) for _ in range(CONVOLUTIONS))

    def forward(self, maps: Tensor, kernel: Kernel) -> Tensor:
        """Maps (b inputs h w) and kernels (b or 1, 1, side, side) -> (b width h w), >= 0."""
        maps = self.first(maps)
        if self.guide is not None:
            multipliers, biases = self.guide(kernel)
            maps = torch.addcmul(biases, maps, 1 + multipliers)
        maps = functional.relu(maps, inplace=True)
        for convolution in self.convolutions:
            maps = functional.relu(convolution(maps), inplace=True)
        return maps


class Synthesis(nn.Module):
    """Restore a blurry picture whose kernel is known: a U-Net, guided by the kernel at every layer.

    `side`: of the largest kernel in px, odd. `width`: channels of all layers. `hidden`: neurons of the guides.
    `levels`: times the picture is halved. `colours`: channels of the pictures. `guidance`: what the kernel sets.
    `residual`: the network gives what is to be added to the blurry picture.
    Raises UsageError on an even `side`, or an unknown `guidance`.

    Source: Kaufman and Fattal 2020, section 3.2 and figure 3. Where it is silent, or we differ:
    - The residual is ours (the published code has none): a new network need not learn to copy.
    - Halving takes the largest of 2x2 px, as the U-Net that the paper refers to.
    - Un-pooling x2 and its 5x5 convolution are one transposed convolution.
    """

    def __init__(
        self,
        *,
        side: int = 85,
        width: int = 128,
        hidden: int = 128,
        levels: int = 4,
        colours: int = 3,
        guidance: Guidance = "both",
        residual: bool = True,
    ) -> None:
        """Build the network with random weights; the defaults are the paper's, four levels those of its code."""
        super().__init__()
        if side % 2 == 0:
            raise UsageError(f"a side of {side} px was given: give an odd number, so that a kernel has a centre")
        if guidance not in get_args(Guidance):
            raise UsageError(f"guidance {guidance!r} is unknown: choose one of {', '.join(get_args(Guidance))}")
        self.side, self.colours, self.levels, self.residual = side, colours, levels, residual

        def block(inputs: int, first: int) -> GuidedBlock:
            return GuidedBlock(inputs=inputs, width=width, side=side, hidden=hidden, first=first, guidance=guidance)

        self.encode = nn.ModuleList(block(width if level else colours, 3) for level in range(levels + 1))
        self.join = nn.ModuleList(_Join(width) for _ in range(levels))
        self.decode = nn.ModuleList(block(2 * width, 1) for _ in range(levels))
        self.last = nn.Conv2d(width, colours, 3, padding=1)
        # Twice as fast on a CPU: benchmarks/runtimes.csv. (The type stub knows no memory format.)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    def forward(self, blurry: Image, kernel: Kernel) -> Image:
        """Restore pictures (b c h w) that were blurred by `kernel` (b or 1, 1, k, k), k odd: (b c h w), not clamped.

        `blurry`: in [0, 1], any size; its edge pixels are repeated up to a multiple of 2^levels, and cut off again.
        `kernel`: >= 0, sum 1; one smaller than `side` gets zeros around it.
        Raises UsageError on other shapes, or a kernel larger than `side`.
        """
        self._check(blurry, kernel)
        rim = (self.side - kernel.shape[-1]) // 2
        kernel = functional.pad(kernel, (rim, rim, rim, rim))
        (top, bottom), (left, right) = (_rims(length, 2**self.levels) for length in blurry.shape[-2:])
        maps = self._layers(functional.pad(blurry, (left, right, top, bottom), mode="replicate"), kernel)
        restored = maps[..., top : maps.shape[-2] - bottom, left : maps.shape[-1] - right]
        return blurry + restored if self.residual else restored

    def _layers(self, maps: Tensor, kernel: Tensor) -> Tensor:
        kept: list[Tensor] = []
        for level, encode in enumerate(self.encode):
            maps = encode(functional.max_pool2d(maps, 2) if level else maps, kernel)
            kept.append(maps)
        kept.pop()
        for join, decode in zip(self.join, self.decode, strict=True):
            maps = decode(join(maps, kept.pop()), kernel)
        return self.last(maps)

    def _check(self, blurry: Tensor, kernel: Tensor) -> None:
        if blurry.ndim != 4 or blurry.shape[1] != self.colours:
            given = f"a picture of shape {tuple(blurry.shape)} was given"
            raise UsageError(f"{given}: give (batch, {self.colours}, height, width)")
        shape, batch = tuple(kernel.shape), blurry.shape[0]
        if kernel.ndim != 4 or shape != (shape[0], 1, shape[-1], shape[-1]) or shape[-1] % 2 == 0:
            raise UsageError(f"the kernel has shape {shape}: give (batch, 1, k, k) with k odd")
        if shape[0] not in (1, batch) or shape[-1] > self.side:
            wanted = f"one kernel, or one per picture, of at most {self.side} px, or make the picture smaller"
            raise UsageError(f"{shape[0]} kernels of {shape[-1]} px were given for {batch} pictures: give {wanted}")


class _Join(nn.Module):
    """Coarse maps un-pooled x2, beside the filtered ones of the encoder: (b c h w), (b c 2h 2w) -> (b 2c 2h 2w).

    As in the published code the un-pooled ones pass a ReLU and the others do not; the paper does not say.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.unpool = nn.ConvTranspose2d(
            width, width, UNPOOL_SIDE, stride=2, padding=UNPOOL_SIDE // 2, output_padding=1
        )
        self.skip = nn.Conv2d(width, width, 3, padding=1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        return torch.cat((functional.relu(self.unpool(coarse), inplace=True), self.skip(fine)), 1)


def _rims(length: int, multiple: int) -> tuple[int, int]:
    """How many px before and after bring `length` to a multiple."""
    missing = -length % multiple
    return missing // 2, missing - missing // 2
