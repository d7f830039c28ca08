"""Which pictures does a StyleGAN2 make? Its mapping and synthesis networks, in plain torch, by the official names.

Karras et al. 2020, "Analyzing and Improving the Image Quality of StyleGAN", figure 2 and appendix B, as configuration F
with skips to RGB. Parameters are called as in the PyTorch checkpoints (`g_ema`) that most people have.
"""

import math
import re
from collections.abc import Mapping
from itertools import pairwise
from typing import Self

import torch
from torch import Generator, Tensor, nn
from torch.nn import functional

from blurspace.chance import chance, seeded
from blurspace.errors import ModelError, PictureError
from blurspace.io.weights import load_into
from blurspace.nets.sphere import on_sphere
from blurspace.types import AnyImage, Image

SLOPE, GAIN = 0.2, 2**0.5  # of LeakyReLU, and what keeps the variance behind it (Karras et al. 2019, their code)
SLOWER = 0.01  # the learning rate of the mapping, which is a factor of its weights (Karras et al. 2019, appendix C)
SMOOTH = (1.0, 3.0, 3.0, 1.0)  # the filter behind each doubling of the size (section 4; binomial)
TINY = 1e-8  # beside squares below a root (appendix B)
LEAST = 4  # px: the side of the learned constant
FITTED = 10_000  # latents of which `spread` takes mean and covariance; PULSE took a million


class StyleGan2(nn.Module):
    """Latents (1 layers numbers), one on its sphere for each layer, to a picture (1 3 side side); noise is fixed.

    `widths`: channels of the maps at 4, 8, 16, ... px; `numbers` of a latent; `depth` of the mapping. A latent becomes
    a style as in PULSE (Menon et al. 2020): not by the mapping, whose outputs were only measured (`spread`).
    """

    dim = 2  # that of a latent's vectors
    centre: Tensor
    root: Tensor

    def __init__(self, widths: tuple[int, ...], *, numbers: int = 512, depth: int = 8) -> None:
        """Weights are random until loaded, and styles unknown until `spread`."""
        super().__init__()
        self.numbers, self.side, self.layers = numbers, LEAST * 2 ** (len(widths) - 1), 2 * len(widths)
        self.style = nn.Sequential(_Normal(), *(_Dense(numbers, numbers, slower=SLOWER) for _ in range(depth)))
        self.input = _Constant(widths[0])
        self.conv1 = _Styled(widths[0], widths[0], numbers)
        self.to_rgb1 = _ToRgb(widths[0], numbers, grows=False)
        self.convs, self.to_rgbs, self.noises = nn.ModuleList(), nn.ModuleList(), _Noises(len(widths))
        for before, width in pairwise(widths):
            self.convs.extend((_Styled(before, width, numbers, grows=True), _Styled(width, width, numbers)))
            self.to_rgbs.append(_ToRgb(width, numbers))
        self.register_buffer("centre", torch.zeros(numbers), persistent=False)
        self.register_buffer("root", torch.eye(numbers), persistent=False)

    @classmethod
    def of_official(cls, state: Mapping[str, Tensor]) -> Self:
        """The network of a checkpoint's tensors by name, its sizes read from them; not to be trained on.

        Raises ModelError where one is missing or of another shape, or there are more than one knows.
        """
        widths, numbers, depth = _sizes(state)
        with seeded(0):
            network = cls(widths, numbers=numbers, depth=depth)
        # Its filters and noise may be left out of a file: the filters are known, and any noise will do.
        known = {name: one for name, one in network.state_dict().items() if name.endswith("kernel") or "noises" in name}
        tensors = {f"generator.{name}": one for name, one in {**known, **state}.items()}
        load_into({"generator": network}, tensors)
        network.spread()
        return network.requires_grad_(False).eval()

    def forward(self, latent: Tensor) -> Image:
        """The picture (1 3 side side) in [0, 1]."""
        return self.draw(self.styles(latent))

    def styles(self, latent: Tensor) -> Tensor:
        """Styles (1 layers numbers) of latents, which are as likely as the mapping's own: the fit of PULSE."""
        return functional.leaky_relu(self.centre + latent @ self.root, SLOPE)

    def draw(self, styles: Tensor) -> Image:
        """The picture (b 3 side side) in [0, 1] of styles (b layers numbers)."""
        maps = self.conv1(self.input.input.expand(len(styles), -1, -1, -1), styles[:, 0], self.noises[0])
        picture = self.to_rgb1(maps, styles[:, 1])
        for level, to_rgb in enumerate(self.to_rgbs):
            for odd in range(2):
                layer = 2 * level + odd
                maps = self.convs[layer](maps, styles[:, layer + 1], self.noises[layer + 1])
            picture = to_rgb(maps, styles[:, 2 * level + 3], picture)
        return ((picture + 1) / 2).clamp(0, 1)

    @torch.no_grad()
    def spread(self, *, count: int = FITTED, seed: int = 0) -> None:
        """Measure how the mapping's styles lie, before their last LeakyReLU: their mean, and a root of the covariance.

        There a normal distribution fits them (the code of Menon et al. 2020, which takes each number alone).
        """
        drawn = torch.randn(count, self.numbers, generator=chance(seed, 0))
        styles = functional.leaky_relu(self.style(drawn.to(self.centre)), 1 / SLOPE).double()
        values, vectors = torch.linalg.eigh(styles.T.cov())
        self.centre.copy_(styles.mean(0))
        self.root.copy_((vectors * values.clamp_min(0).sqrt()) @ vectors.T)

    def latent(self, size: tuple[int, int], *, generator: Generator | None = None) -> Tensor:
        """A drawn latent (1 layers numbers) for pictures of `size` (h, w).

        Raises PictureError on pictures smaller than the generator's, or not square.
        """
        if size[0] != size[1] or min(size) < self.side:
            given = f"a picture of {size[1]} x {size[0]} px was given to a generator of {self.side} x {self.side}"
            raise PictureError(f"{given}: give a square one of at least that size")
        return on_sphere(torch.randn(1, self.layers, self.numbers, generator=generator), self.dim)

    def begin(self, photo: Image) -> None:
        """None: it cannot read."""

    def of_size(self, picture: Image, size: tuple[int, int]) -> AnyImage:
        """A picture for photos of `size` (h, w)."""
        return picture if picture.shape[-2:] == size else functional.interpolate(picture, size, mode="bicubic")


class _Normal(nn.Module):
    """Vectors (b n) of mean square 1."""

    def forward(self, vectors: Tensor) -> Tensor:
        return vectors * (vectors.square().mean(1, keepdim=True) + TINY).rsqrt()


class _Dense(nn.Module):
    """A layer whose weights are scaled as it runs; `slower`: by which factor it learns, then with LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, *, slower: float | None = None, offset: float = 0.0) -> None:
        super().__init__()
        self.rate, self.bent = slower or 1.0, slower is not None
        self.weight = nn.Parameter(torch.randn(outputs, inputs) / self.rate)
        self.bias = nn.Parameter(torch.full((outputs,), offset))

    def forward(self, vectors: Tensor) -> Tensor:
        scale = self.rate / math.sqrt(self.weight.shape[1])
        found = functional.linear(vectors, self.weight * scale, self.bias * self.rate)
        return GAIN * functional.leaky_relu(found, SLOPE) if self.bent else found


class _Constant(nn.Module):
    """The learned maps that every picture begins with."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.input = nn.Parameter(torch.randn(1, width, LEAST, LEAST))


class _Noises(nn.Module):
    """The fixed noise of every layer."""

    def __init__(self, levels: int) -> None:
        super().__init__()
        for layer in range(2 * levels - 1):
            side = LEAST * 2 ** ((layer + 1) // 2)
            self.register_buffer(f"noise_{layer}", torch.randn(1, 1, side, side))

    def __getitem__(self, layer: int) -> Tensor:
        return self.get_buffer(f"noise_{layer}")


class _Filter(nn.Module):
    """`upfirdn` of the paper's code, by a grouped convolution: zeros between pixels, zeros around, the filter."""

    kernel: Tensor

    def __init__(self, up: int, pad: tuple[int, int]) -> None:
        super().__init__()
        self.up, self.pad = up, pad
        line = torch.tensor(SMOOTH) / sum(SMOOTH)
        self.register_buffer("kernel", 4 * line[:, None] * line)  # 4: of each 2 x 2 pixels but one are zeros

    def forward(self, maps: Tensor) -> Tensor:
        count, channels, height, width = maps.shape
        if self.up > 1:
            spaced = maps.new_zeros(count, channels, height, self.up, width, self.up)
            spaced[:, :, :, 0, :, 0] = maps
            maps = spaced.view(count, channels, height * self.up, width * self.up)
        padded = functional.pad(maps, self.pad * 2)
        return functional.conv2d(padded, self.kernel.flip(0, 1).expand(channels, 1, -1, -1), groups=channels)


class _Modulated(nn.Module):
    """A convolution whose weights are scaled for each picture by its style (section 2.2, eq. 1 and 3).

    `grows`: of twice the size, smoothed. `steady`: demodulated, so that the outputs' deviation stays.
    """

    def __init__(self, sizes: tuple[int, int, int], numbers: int, *, grows: bool = False, steady: bool = True) -> None:
        super().__init__()
        inputs, outputs, side = sizes
        self.grows, self.steady = grows, steady
        self.weight = nn.Parameter(torch.randn(1, outputs, inputs, side, side))
        self.modulation = _Dense(numbers, inputs, offset=1.0)
        if grows:
            self.blur = _Filter(1, (1, 1))

    def forward(self, maps: Tensor, style: Tensor) -> Tensor:
        count, inputs, height, width = maps.shape
        weight = self.weights(style)
        outputs, side = weight.shape[1], weight.shape[-1]
        grouped = maps.reshape(1, count * inputs, height, width)
        if self.grows:
            swapped = weight.transpose(1, 2).reshape(count * inputs, outputs, side, side)
            grown = functional.conv_transpose2d(grouped, swapped, stride=2, groups=count)
            return self.blur(grown.view(count, outputs, *grown.shape[-2:]))
        found = functional.conv2d(grouped, weight.flatten(0, 1), padding=side // 2, groups=count)
        return found.view(count, outputs, height, width)

    def weights(self, style: Tensor) -> Tensor:
        """Those of each picture (b outputs inputs k k)."""
        scale = 1 / math.sqrt(math.prod(self.weight.shape[2:]))
        weight = scale * self.weight * self.modulation(style)[:, None, :, None, None]
        return weight * (weight.square().sum((2, 3, 4), keepdim=True) + TINY).rsqrt() if self.steady else weight


class _Styled(nn.Module):
    """A modulated convolution, then noise, an offset and LeakyReLU."""

    def __init__(self, inputs: int, outputs: int, numbers: int, *, grows: bool = False) -> None:
        super().__init__()
        self.conv = _Modulated((inputs, outputs, 3), numbers, grows=grows)
        self.noise = nn.ParameterDict({"weight": torch.zeros(1)})
        self.activate = nn.ParameterDict({"bias": torch.zeros(outputs)})

    def forward(self, maps: Tensor, style: Tensor, noise: Tensor) -> Tensor:
        found = self.conv(maps, style) + self.noise["weight"] * noise + self.activate["bias"][:, None, None]
        return GAIN * functional.leaky_relu(found, SLOPE)


class _ToRgb(nn.Module):
    """Adds the colours of maps to the picture so far, which grows to their size."""

    def __init__(self, inputs: int, numbers: int, *, grows: bool = True) -> None:
        super().__init__()
        self.conv = _Modulated((inputs, 3, 1), numbers, steady=False)
        self.bias = nn.Parameter(torch.zeros(1, 3, 1, 1))
        if grows:
            self.upsample = _Filter(2, (2, 1))

    def forward(self, maps: Tensor, style: Tensor, picture: Tensor | None = None) -> Tensor:
        colours = self.conv(maps, style) + self.bias
        return colours if picture is None else colours + self.upsample(picture)


def _sizes(state: Mapping[str, Tensor]) -> tuple[tuple[int, ...], int, int]:
    """Widths, numbers and depth of a checkpoint. Raises ModelError where what tells them is missing."""
    grown = sorted(int(found[1]) for name in state if (found := re.fullmatch(r"convs\.(\d+)\.conv\.weight", name)))
    depth = sum(bool(re.fullmatch(r"style\.\d+\.weight", name)) for name in state)
    needed = ("style.1.weight", "input.input", *(f"convs.{layer}.conv.weight" for layer in grown))
    lacking = next((name for name in needed if name not in state or state[name].ndim < 2), None)
    if lacking or grown != list(range(len(grown))) or len(grown) % 2:
        raise ModelError(f"the weights are of no StyleGAN2: {lacking or 'some of convs'} is missing: give a whole one")
    widths = [int(state["input.input"].shape[1])]
    widths += [int(state[f"convs.{layer}.conv.weight"].shape[1]) for layer in grown[::2]]
    return tuple(widths), int(state["style.1.weight"].shape[1]), depth
