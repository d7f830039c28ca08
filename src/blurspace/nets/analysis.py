"""Which kernel blurred this picture, by a network that correlates its own features?

Kaufman and Fattal 2020, "Deblurring using Analysis-Synthesis Networks Pair", sections 3.1 and 3.3. Blur shows in how a
picture correlates with shifted copies of itself, so the network multiplies feature maps at all shifts:
C_ij(s, t) = sum over x, y of f_i(x - s, y - t) f_j(x, y), on three scales, and reads the kernel from these maps.

The paper's letters: f, features; C_ij, correlations; m, side; l, level; s and t, a shift.
"""

import math
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.blur.convolve import extend_frame, fast_size
from blurspace.errors import UsageError
from blurspace.types import Image, Kernel

# Kernel sizes in px, (more than, up to), that the networks of section 3.3 specialise on.
SIZE_RANGES = ((0, 31), (31, 61), (61, 85))
HEAD = (24, 16, 8, 1)  # channels of the head: section 3.1, "intermediate maps of 24, 16, 8 and 1 channels"
CONVOLUTIONS = 3  # per level, section 3.1
UNPOOL_SIDE = 5  # px, section 3.1
LEAST_SIDE = 64  # ours: at 64 px the coarsest of three levels still has 8 x 8 px to correlate
FLAT = 1e-5  # ours: float32 leaves a flat map of 1 a deviation of about 1e-7, which divided by would invent structure


def correlations(features: Image, *, reach: int, flipped: bool = False) -> Tensor:
    """Correlate all pairs of feature maps at all shifts of up to `reach` px: the correlation layer.

    `features` (b c h w), any range. Returns (b c*(c+1)/2 2*reach+1 2*reach+1): the pairs i <= j in rows of a table
    (0,0), (0,1) .. (0,c-1), (1,1) .., each C_ij(s) = mean over x of f_i(x - s) f_j(x) with no shift in the middle and
    zeros beyond the frame. Each map is first made zero-mean and unit-variance, or squared means would swamp all else;
    so values are in [-1, 1], and a flat map gives zeros. `flipped` appends C_ji(s) = C_ij(-s) for i < j: (b c*c ...).
    Half precision is computed in float32. Differentiable. At most c spectra are held beside those of the features.
    Source: Kaufman and Fattal 2020, section 3.1, which gives 32 x 31 channels for c = 32 and does not say which; the
    published code has 1056 (also the C_ii twice) and wraps round the frame.
    """
    if features.dtype in (torch.float16, torch.bfloat16):
        features = features.float()
    count, (height, width) = features.shape[1], features.shape[-2:]
    # Rows and columns of zeros as wide as the reach keep what wraps round out of the shifts that are read.
    size = [fast_size(max(length, reach + 1) + reach) for length in (height, width)]
    spectra = torch.fft.rfft2(_standardised(features) / math.sqrt(height * width), s=size)
    # The second factor is a view, so autograd keeps the spectra once, not once per pair.
    rows = [_to_shifts(spectra[:, i : i + 1].conj() * spectra[:, i:], size[1], reach) for i in range(count)]
    if flipped:
        rows += [row[:, 1:].flip(-2, -1) for row in rows[:-1]]
    return torch.cat(rows, 1)


class Analysis(nn.Module):
    """Estimate the kernel of a blurry picture: features on several scales, their correlations, coarse to fine.

    `side`: side of the kernel in px, odd. `levels`: scales, each half the one before. `width`: filters per feature
    convolution, `filter` px wide (odd). `features`: maps that are correlated per level, and channels of all that
    follows. `flipped`: see `correlations`. Raises UsageError on an even `side` or `filter`.

    Source: Kaufman and Fattal 2020, section 3.1 and figure 2. Where it is silent, or we differ:
    - Levels are pooled (averages) from the features of the level above, as in the paper; the published code shrinks
      the grey picture by a learned filter instead and has four levels.
    - The 1x1 convolution before the correlations has no ReLU: derivatives have two signs.
    - Shifts are whole px of each level, up to half the kernel there, rounded up: 42, 21, 11 for 85 px, as in the code.
    - Un-pooling x2 and its 5x5 convolution are one transposed convolution: a shift s lands on 2 s, not between px.
    - The last map goes through a softmax over its pixels, not ReLU and a division: see `forward`.
    """

    def __init__(
        self,
        *,
        side: int = 85,
        levels: int = 3,
        width: int = 64,
        features: int = 32,
        filter: int = 7,
        flipped: bool = True,
    ) -> None:
        """Build the network with random weights; the defaults are the paper's."""
        super().__init__()
        if side % 2 == 0 or filter % 2 == 0 or levels < 1:
            given = f"side {side} px, filter {filter} px and {levels} levels were given"
            raise UsageError(f"{given}: give an odd side, an odd filter and at least one level")
        self.side = side
        margins = [0]  # what the border spoils: each level's own convolutions, and half of what the level above had
        for _ in range(levels):
            margins.append(math.ceil(margins[-1] / 2) + CONVOLUTIONS * (filter // 2))
        reaches = [math.ceil((side // 2) / 2**level) for level in range(levels)]
        self.extract = nn.ModuleList(Extract(width if level else 1, width, filter) for level in range(levels))
        self.relate = nn.ModuleList(
            _Relate(width, features, reach=reach, margin=margin, flipped=flipped)
            for reach, margin in zip(reaches, margins[1:], strict=True)
        )
        self.refine = nn.ModuleList(_Refine(features) for _ in range(levels - 1))
        self.head = _head(features)

    def forward(self, grey: Image) -> Kernel:
        """Estimate the kernels (b 1 side side), >= 0, sum 1, not centred, of blurry pictures.

        `grey` (b 1 h w): display-referred in [0, 1], 64 px or more; each is made zero-mean and unit-variance first
        (section 3.4). Raises UsageError on any other shape.
        """
        # A ReLU divided by its sum, as published, can be zero everywhere: no kernel, no gradient, or NaN. In our trials
        # it stayed where it had begun, and softmax, which always sums to 1, learned fastest.
        evidence = self.evidence(grey).float()
        return evidence.flatten(1).softmax(1).view_as(evidence)

    def evidence(self, grey: Image) -> Tensor:
        """The map (b 1 side side), any range, that `forward` turns into a kernel. Raises UsageError as it does."""
        _check(grey)
        hidden, found = _standardised(grey), []
        for level, (extract, relate) in enumerate(zip(self.extract, self.relate, strict=True)):
            hidden = extract(functional.avg_pool2d(hidden, 2) if level else hidden)
            found.append(relate(hidden))
        merged = found.pop()
        for refine in self.refine:
            merged = refine(merged, found.pop())
        return self.head(merged)


class SizeClassifier(nn.Module):
    """Which of the three `SIZE_RANGES` is the blur's? A single-scale analysis network and a layer of three neurons.

    Arguments as in `Analysis`. The neurons see its map before it is made a kernel.
    Source: Kaufman and Fattal 2020, section 3.3 (no code of it was published).
    """

    def __init__(
        self, *, side: int = 85, width: int = 64, features: int = 32, filter: int = 7, flipped: bool = True
    ) -> None:
        """Build the network with random weights; raises UsageError as `Analysis` does."""
        super().__init__()
        self.analysis = Analysis(side=side, levels=1, width=width, features=features, filter=filter, flipped=flipped)
        self.classify = nn.Linear(side * side, len(SIZE_RANGES))

    def forward(self, grey: Image) -> Tensor:
        """Logits (b 3), one per range of `SIZE_RANGES`, for blurry pictures (b 1 h w) as in `Analysis.forward`."""
        return self.classify(self.analysis.evidence(grey).flatten(1))


class Extract(nn.Module):
    """Three convolutions with ReLU: (b inputs h w) -> (b width h w).

    Valid convolutions leave nothing of a 64 px picture, and zero padding would draw an edge round it. So the maps go on
    as their edge pixels, and `_Relate` leaves the border out.
    """

    def __init__(self, inputs: int, width: int, filter: int) -> None:
        """`inputs` and `width`: channels; `filter`: px, odd."""
        super().__init__()
        channels = (inputs, *[width] * CONVOLUTIONS)
        self.convolutions = nn.ModuleList(nn.Conv2d(before, after, filter) for before, after in pairwise(channels))
        self.reach = filter // 2

    def forward(self, maps: Tensor) -> Tensor:
        """(b inputs h w) -> (b width h w), >= 0."""
        for convolution in self.convolutions:
            maps = functional.relu(convolution(extend_frame(maps, self.reach, "replicate")), inplace=True)
        return maps


class _Relate(nn.Module):
    """Fewer maps, without their border, and how they correlate: (b width h w) -> (b features 2r+1 2r+1), r the reach.

    The `margin` px where the convolutions saw beyond the frame are left out, but at most a quarter of each side.
    """

    def __init__(self, width: int, features: int, *, reach: int, margin: int, flipped: bool) -> None:
        super().__init__()
        self.reduce = nn.Conv2d(width, features, 1)
        pairs = features * features if flipped else features * (features + 1) // 2
        self.squeeze = nn.Conv2d(pairs, features, 1)
        self.reach, self.margin, self.flipped = reach, margin, flipped

    def forward(self, maps: Tensor) -> Tensor:
        height, width = maps.shape[-2:]
        top, left = min(self.margin, height // 4), min(self.margin, width // 4)
        features = self.reduce(maps[..., top : height - top, left : width - left])
        return functional.relu(self.squeeze(correlations(features, reach=self.reach, flipped=self.flipped)))


class _Refine(nn.Module):
    """One step from coarse to fine: (b c k k) and the finer (b c f f), f at most 2k-1 -> (b c f f)."""

    def __init__(self, features: int) -> None:
        super().__init__()
        self.unpool = nn.ConvTranspose2d(features, features, UNPOOL_SIDE, stride=2, padding=UNPOOL_SIDE // 2)
        self.merge = nn.Conv2d(2 * features, features, 1)

    def forward(self, coarse: Tensor, fine: Tensor) -> Tensor:
        wide = functional.relu(self.unpool(coarse))
        # A reach that was rounded up gives 1 px more on each side.
        extra, side = (wide.shape[-1] - fine.shape[-1]) // 2, fine.shape[-1]
        wide = wide[..., extra : extra + side, extra : extra + side]
        return functional.relu(self.merge(torch.cat((wide, fine), 1)))


def _head(features: int) -> nn.Sequential:
    """Convolutions 3x3 with ReLU between them, from `features` channels down to 1."""
    channels = [features, *[min(features, one) for one in HEAD]]
    layers: list[nn.Module] = []
    for before, after in pairwise(channels):
        layers += [nn.Conv2d(before, after, 3, padding=1), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def _standardised(maps: Tensor) -> Tensor:
    """Each map (h w) of (b c h w) with mean 0 and variance 1; a flat one becomes zeros and passes no gradient."""
    mean = maps.mean((-2, -1), keepdim=True)
    centred = maps - mean
    variance = centred.square().mean((-2, -1), keepdim=True)
    flat = variance <= (FLAT * (1 + mean.abs())).square()
    # The root never sees the 0: its infinite gradient, times the zero of the other branch, would be NaN.
    scale = torch.where(flat, torch.ones_like(variance), variance).rsqrt()
    return centred * torch.where(flat, torch.zeros_like(scale), scale)


def _to_shifts(spectra: Tensor, width: int, reach: int) -> Tensor:
    """The inverse of rfft2 (of that `width`), only for shifts -reach .. reach: (b c h w//2+1) -> (b c 2r+1 2r+1)."""
    rows = _around_zero(torch.fft.ifft(spectra, dim=-2), reach, -2)
    return _around_zero(torch.fft.irfft(rows, n=width, dim=-1), reach, -1)


def _around_zero(circular: Tensor, reach: int, dim: int) -> Tensor:
    """Places -reach .. reach of an axis that wraps round."""
    length = circular.shape[dim]
    return torch.cat((circular.narrow(dim, length - reach, reach), circular.narrow(dim, 0, reach + 1)), dim)


def _check(grey: Tensor) -> None:
    if grey.ndim != 4 or grey.shape[1] != 1 or min(grey.shape[-2:]) < LEAST_SIDE:
        wanted = f"grey ones (batch, 1, height, width) of at least {LEAST_SIDE} x {LEAST_SIDE} px"
        raise UsageError(f"a picture of shape {tuple(grey.shape)} was given: give {wanted}")
