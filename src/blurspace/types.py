"""What passes between the rooms? Tensors with named shapes, and a few frozen records.

Tensors are float32 in [0, 1], RGB or grey, display-referred unless a name says `linear`.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol, Self

import torch
from jaxtyping import Float, Shaped
from torch import Tensor

from blurspace.areas import Area
from blurspace.levels import from_levels, to_levels

# A letter is one number within a call, and the tests check it: `Image`s that meet have one size. `AnyImage` and
# `AnyKernel` have a size of their own: what a function crops, pads or resizes.
Image = Float[Tensor, "b c h w"]  # c is 1 (grey) or 3 (RGB)
AnyImage = Float[Tensor, "_b _c _h _w"]
Samples = Shaped[Tensor, "_b _c h w"]  # as a file stores them: uint8, uint16, or float32 in [0, 1]
Kernel = Float[Tensor, "_b 1 k k"]  # a convolution kernel: k odd, >= 0, sum 1, centre = no shift
AnyKernel = Float[Tensor, "_b 1 side side"]
Code = Float[Tensor, "_b _c _p _q"]  # a learned encoding of a blur: a map, whose channels mean what they may

Verdict = Literal["restored", "left alone", "refused"]


class Coding(Protocol):
    """What a file format knows of a photo that no other does, and how it writes one; opaque outside `io`."""

    @property
    def format(self) -> str:
        """Pillow's name: PNG, TIFF, JPEG, WEBP, AVIF."""

    def encode(self, photo: "Photo") -> bytes:
        """The bytes of a file."""


@dataclass(frozen=True)
class Photo:
    """A picture file in memory: its samples, and all that must come out as it went in.

    `samples` (1 c h w) hold grey (c = 1) or RGB (c = 3) in stored orientation, uint8, uint16 or float32 in [0, 1], and
    lie in memory as the decoder left them; `alpha` (1 1 h w), of the same type, is kept untouched. Without `coding` it
    is written as a PNG.
    """

    samples: Samples
    alpha: Samples | None = None
    coding: Coding | None = None
    changes: tuple[str, ...] = ()  # what writing it back cannot keep, a sentence each
    icc: bytes | None = None
    exif: bytes | None = None  # from its TIFF header on, without the name that JPEG puts before it
    xmp: bytes | None = None
    # The file's bytes: for "left alone", and for the header blocks that are copied without being understood.
    source: bytes | None = field(default=None, repr=False)

    @classmethod
    def of(cls, pixels: Image, *, depth: Literal[8, 16] = 8, **kept: Any) -> Self:
        """A photo of float pixels (1 c h w), clamped and rounded to `depth` bits; `kept`: any other field."""
        return cls(to_levels(pixels, depth), **kept)

    @property
    def pixels(self) -> Image:
        """The samples as float32 in [0, 1] (1 c h w); made anew each time, four bytes for each of theirs."""
        return from_levels(self.samples)

    @property
    def depth(self) -> Literal[8, 16, 32]:
        """Bits a sample; 32 are floating-point."""
        return 8 if self.samples.dtype == torch.uint8 else 32 if self.samples.is_floating_point() else 16

    @property
    def format(self) -> str:
        """The name of its file format: PNG, TIFF, JPEG, WEBP or AVIF."""
        return self.coding.format if self.coding else "PNG"


@dataclass(frozen=True)
class Pair:
    """The same scene, sharp and blurry, aligned: both (b c h w)."""

    sharp: Image
    blurry: Image


@dataclass(frozen=True)
class Receipt:
    """What was done to a picture, and whether to believe it.

    `sigma`: estimated noise standard deviation, pixel values in [0, 1]. `reblur_psnr`: dB between the blurry picture
    and the restored one blurred again. `change_psnr`: dB between blurry and restored (high = little was changed).
    `kernel_length`: px, the extent of the kernel along its longest direction. `ringing` in [0, 1]: mean
    gradient of the restored picture where the scene must be flat, over its mean elsewhere. `code`: a stable word for
    the reason. `probability_better` in [0, 1]: that the result is nearer to the sharp picture than the photo is, and
    `expected_gain_db`: by how many dB; None where nothing was tried or is known.
    `confidence` in [0, 1]: how sure the verdict is.
    """

    verdict: Verdict
    reason: str
    sigma: float
    reblur_psnr: float
    change_psnr: float
    kernel_length: float
    ringing: float
    code: str = ""
    probability_better: float | None = None
    expected_gain_db: float | None = None
    confidence: float | None = None


class Blur(Protocol):
    """A blur that was found, of whatever kind (see `restore.blurs`)."""

    @property
    def kernel(self) -> Kernel:
        """The one kernel (1 1 k k) that stands for it."""

    @property
    def reach(self) -> int:
        """How many px light travels at most."""

    def reblur(self, sharp: Image, area: Area) -> Image:
        """`sharp` (b c h w), which is the piece `area` of a picture in the light of the blur, blurred: same shape."""

    def shortened(self, strength: float) -> "Blur":
        """What is left to remove of it if only the share `strength` in (0, 1] is wanted."""

    def length_angle(self) -> tuple[float, float]:
        """Extent in px and direction in degrees, counter-clockwise from the x axis."""

    def show(self) -> Image:
        """A grey picture (1 1 h w) to look at."""

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write its one kernel as a float TIFF."""


class KernelSpace(Protocol):
    """A learned family of blurs: reads the code of a pair, and blurs any other picture by it (Tran et al. 2021)."""

    def extract(self, sharp: Image, blurry: Image) -> Code:
        """The code of aligned pairs (b c h w)."""

    def reblur(self, sharp: Image, code: Code) -> Image:
        """`sharp` (b c h w), blurred by a code (1 or b, c, p, q) of whatever map size."""
