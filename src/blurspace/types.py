"""What passes between the rooms? Tensors with named shapes, and a few frozen records.

Tensors are float32 in [0, 1], RGB or grey, display-referred unless a name says `linear`.
"""

from dataclasses import dataclass, field
from typing import Literal, Protocol

from jaxtyping import Float
from torch import Tensor

# A letter is one number within a call, and the tests check it: `Image`s that meet have one size. `AnyImage` and
# `AnyKernel` have a size of their own: what a function crops, pads or resizes.
Image = Float[Tensor, "b c h w"]  # c is 1 (grey) or 3 (RGB)
AnyImage = Float[Tensor, "_b _c _h _w"]
Kernel = Float[Tensor, "_b 1 k k"]  # a convolution kernel: k odd, >= 0, sum 1, centre = no shift
AnyKernel = Float[Tensor, "_b 1 side side"]
Code = Float[Tensor, "_b _c _p _q"]  # a learned encoding of a blur: a map, whose channels mean what they may

Verdict = Literal["restored", "left alone", "refused"]


@dataclass(frozen=True)
class Photo:
    """A picture file in memory: its pixels, and all that must come out as it went in.

    `pixels` (1 c h w) hold grey (c = 1) or RGB (c = 3) in stored orientation; `alpha` (1 1 h w) is kept untouched.
    """

    pixels: Image
    alpha: AnyImage | None = None
    depth: Literal[8, 16] = 8
    format: str = "PNG"  # Pillow's name: PNG, TIFF, JPEG, WEBP
    changes: tuple[str, ...] = ()  # what writing it back cannot keep, a sentence each
    icc: bytes | None = None
    exif: bytes | None = None  # from its TIFF header on, without the name that JPEG puts before it
    xmp: bytes | None = None
    jpeg_tables: tuple[tuple[int, ...], ...] | None = None  # so that a JPEG is written back at its own quality
    jpeg_subsampling: int | None = None
    lossless: bool = True  # WebP: which of its two coders
    # The file's bytes: for "left alone", and for the header blocks that are copied without being understood.
    source: bytes | None = field(default=None, repr=False)


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
    gradient of the restored picture where the scene must be flat, over its mean elsewhere.
    """

    verdict: Verdict
    reason: str
    sigma: float
    reblur_psnr: float
    change_psnr: float
    kernel_length: float
    ringing: float


@dataclass(frozen=True)
class Restoration:
    """One result for all methods: the restored picture, the blur it assumed, and its receipt.

    `confidence` in [0, 1]: in an estimated kernel, see `deblur.candidates.Estimate`; None where nothing is known of it.
    """

    restored: Image
    kernel: Kernel | None
    reblurred: Image
    receipt: Receipt
    method: str
    history: tuple[str, ...] = ()
    confidence: float | None = None


class Deblurrer(Protocol):
    """Anything that turns a blurry picture (1 c h w) into a restoration of the same size."""

    def __call__(self, blurry: Image, *, least_sigma: float = 0.0) -> Restoration:
        """Restore `blurry`, whose noise is at least `least_sigma` (pixel values in [0, 1])."""
        ...


class KernelSpace(Protocol):
    """A learned family of blurs: reads the code of a pair, and blurs any other picture by it (Tran et al. 2021)."""

    def extract(self, sharp: Image, blurry: Image) -> Code:
        """The code of aligned pairs (b c h w)."""
        ...

    def reblur(self, sharp: Image, code: Code) -> Image:
        """`sharp` (b c h w), blurred by a code (1 or b, c, p, q) of whatever map size."""
        ...
