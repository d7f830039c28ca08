"""How does the paper's pair deblur a photo: analysis reads the kernel, synthesis is guided by it?

Kaufman and Fattal 2020. For kernels beyond the networks' square the photo is made smaller first, deblurred, and made
larger again, as the paper does beyond 85 px (section 4, "Köhler Dataset"; it costs them 1.6 dB).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.areas import Area
from blurspace.blur.kernels import centre, crop_or_pad, extent, normalise, trim
from blurspace.errors import UsageError
from blurspace.nets.analysis import SIZE_RANGES, Analysis, SizeClassifier
from blurspace.nets.synthesis import Synthesis
from blurspace.pixels import luminance
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.driver import Found, Method
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.types import AnyImage, AnyKernel, Image, Kernel

STAGE = "reading the kernel"
# A kernel that fills this share of the networks' square may be cut off by it: the photo is halved and asked again.
FULL = 0.8
HALVINGS = 2
LEAST_SIDE = 64  # px: what the analysis network needs
MOST_SIDE = 1536  # px: the analysis looks at a window of this side, which holds edges enough
# A network's kernel has no exact zeros; values under this share of its peak are none.
THRESHOLD = 0.05
MARGIN = 48  # px beyond the kernel: about what the synthesis looks at
BYTES_PER_PX = 750  # of memory, for a picture in colour: our measurement


@dataclass(frozen=True)
class FoundAt(Found):
    """What was found at a `scale` of the photo's size, where the kernel (1 1 k k) is `small`; which `pair` found it."""

    scale: float = 1.0
    small: Kernel | None = None
    pair: int = 0


def pair_method(analysis: Analysis, synthesis: Synthesis, *, name: str) -> Method:
    """The method of an analysis and a synthesis network, both for kernels in the same square."""
    return Method(name, AnalysisFinder(analysis), Guided(synthesis, analysis.side))


def sized_pairs(pairs: Sequence[tuple[Analysis, Synthesis]], classifier: SizeClassifier, *, name: str) -> Method:
    """The method of a pair for each of `SIZE_RANGES`, small first, and the network that tells which one fits."""
    if len(pairs) != len(SIZE_RANGES):
        raise UsageError(
            f"{len(pairs)} pairs of networks and a classifier of sizes were given: give {len(SIZE_RANGES)}"
        )
    finders = tuple(AnalysisFinder(analysis) for analysis, _ in pairs)
    both = SizedPairs(classifier, finders, tuple(Guided(synthesis, analysis.side) for analysis, synthesis in pairs))
    return Method(name, both.find, both.restorer)


@dataclass(frozen=True)
class SizedPairs:
    """Reads the kernel, and removes it, by the pair for kernels of its size: section 3.3 of the paper."""

    classifier: SizeClassifier
    finders: tuple["AnalysisFinder", ...]
    guided: tuple["Guided", ...]

    def find(self, seen: Observed, run: Run) -> FoundAt:
        """The kernel, and which pair read it; a given one goes to the smallest pair that can take it."""
        if seen.given is None:
            picture = shrunk(seen.display(seen.window(MOST_SIDE)).to(run.device), 1.0)
            with torch.inference_mode():
                pair = int(self.classifier(luminance(picture)).argmax(1))
        else:
            side = seen.given.kernel.shape[-1]
            pair = sum(one.analysis.side < side for one in self.finders[:-1])
        return replace(self.finders[pair](seen, run), pair=pair)

    def restorer(self, seen: Observed, found: Found, run: Run) -> "GuidedRestorer":
        """The restorer of the pair that read the kernel."""
        assert isinstance(found, FoundAt)
        return self.guided[found.pair](seen, found, run)


@dataclass(frozen=True)
class AnalysisFinder:
    """Reads the kernel, at the largest scale of the photo at which it fits into the network's square."""

    analysis: Analysis

    def __call__(self, seen: Observed, run: Run) -> FoundAt:
        """The kernel at full size, and how it was found."""
        side, known = self.analysis.side, seen.given is not None
        window = seen.area if known else seen.window(MOST_SIDE)
        picture, scale = seen.display(window).to(run.device), 1.0
        for halving in range(HALVINGS + 1):
            run.step(STAGE, halving, HALVINGS + 1)
            scale = 0.5**halving
            kernel = _scaled(seen.given.kernel, scale) if seen.given else self._read(shrunk(picture, scale))
            fits = kernel.shape[-1] <= side if known else extent(kernel.cpu())[0] < FULL * side
            if fits or min(shrunk_size(window.size, scale)) // 2 < LEAST_SIDE:
                break
        run.step(STAGE, HALVINGS + 1, HALVINGS + 1)
        note = "the networks worked at full size" if scale == 1 else f"the networks worked at {scale:.0%} of the size"
        return FoundAt(UniformBlur(_scaled(kernel, 1 / scale)), known=known, notes=(note,), scale=scale, small=kernel)

    def _read(self, picture: Image) -> Kernel:
        with torch.inference_mode():
            kernel = self.analysis(luminance(picture))
            kernel = trim(centre(normalise(torch.where(kernel >= THRESHOLD * kernel.max(), kernel, 0))))
        return kernel.clone()


@dataclass(frozen=True)
class Guided:
    """What builds the restorer of a synthesis network for kernels in a square of `side` px."""

    synthesis: Synthesis
    side: int

    def __call__(self, seen: Observed, found: Found, run: Run) -> "GuidedRestorer":
        """The restorer for a kernel that `AnalysisFinder` found."""
        del seen, run
        assert isinstance(found, FoundAt)
        assert found.small is not None
        guide = normalise(crop_or_pad(found.small, self.side))
        return GuidedRestorer(self.synthesis, guide, found.scale)


class GuidedRestorer:
    """A `Restorer` by the synthesis network, at a scale of the photo's size."""

    bytes_per_px = BYTES_PER_PX

    def __init__(self, synthesis: Synthesis, guide: Kernel, scale: float) -> None:
        """`guide` (1 1 side side): the kernel at that scale."""
        self.synthesis, self.guide, self.scale = synthesis, guide, scale
        self.margin = round((guide.shape[-1] // 2 + MARGIN) / scale)
        self.multiple = round(1 / scale)

    def __call__(self, tile: Image, area: Area, run: Run) -> Image:
        """The sharp light (1 c h w) of a tile."""
        del area
        small = shrunk(tile, self.scale)
        with torch.inference_mode(), run.networks():
            sharp = self.synthesis(small.expand(-1, 3, -1, -1), self.guide.to(small)).float()
        if tile.shape[1] == 1:
            sharp = sharp.mean(1, keepdim=True)
        # Only the change is made larger: what the photo has of detail stays.
        return (sharp if small is tile else tile + resized(sharp - small, tile.shape[-2:])).clone()


def shrunk_size(size: tuple[int, int], scale: float) -> tuple[int, int]:
    """A size (h, w) at a scale, but not below what the networks need."""
    return max(round(size[0] * scale), LEAST_SIDE), max(round(size[1] * scale), LEAST_SIDE)


def shrunk(picture: Image, scale: float) -> AnyImage:
    """The picture (b c h w) at a scale, but not below what the networks need."""
    return resized(picture, shrunk_size((picture.shape[-2], picture.shape[-1]), scale))


def resized(picture: Tensor, size: tuple[int, ...] | torch.Size) -> Tensor:
    """The picture (b c h w) at a size (h, w), bicubic; itself where that is its size."""
    if tuple(picture.shape[-2:]) == tuple(size):
        return picture
    return functional.interpolate(picture, size=list(size), mode="bicubic", antialias=True)


def _scaled(kernel: Kernel, scale: float) -> AnyKernel:
    """The kernel of a picture that was made `scale` times as big."""
    if scale == 1:
        return kernel
    side = round(kernel.shape[-1] * scale) // 2 * 2 + 1
    return normalise(resized(kernel, (side, side)).clamp_min(0))
