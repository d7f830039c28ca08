"""What makes a blurry picture of the unknowns? Operators that plug in: any callable (sharp, blur) -> blurry will do."""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.nets.kernel_space import BasisSpace
from blurspace.types import AnyImage, Code, Image, Kernel

Operator = Callable[[Image, Tensor], AnyImage]
DARKEST = 1e-6  # light whose display value still has a finite slope


@dataclass(frozen=True)
class InSpace:
    """The kernel space (Tran et al. 2021): a code, freed of what it moves: the result lies where the photo does."""

    space: BasisSpace

    def __call__(self, sharp: Image, blur: Code) -> Image:
        """`sharp` (1 c h w), blurred."""
        return self.space.reblur(sharp, self.space.centred(blur))


@dataclass(frozen=True)
class Convolution:
    """One kernel for all of the picture, in the light of a `response` (SelfDeblur: the display values themselves)."""

    response: str = "linear"

    def __call__(self, sharp: Image, kernel: Kernel) -> AnyImage:
        """`sharp` (1 c h w), blurred."""
        return to_display(blur(to_linear(sharp, self.response), kernel).clamp_min(DARKEST), self.response)


@dataclass(frozen=True)
class Downsampling:
    """Bicubic, by a whole `factor`, whatever the blur (Menon et al. 2020, PULSE)."""

    factor: int

    def __call__(self, sharp: Image, kernel: Tensor) -> AnyImage:
        """A picture (1 c h/factor w/factor)."""
        del kernel
        return functional.interpolate(sharp, scale_factor=1 / self.factor, mode="bicubic", antialias=True)
