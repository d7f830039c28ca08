"""What can a blur be that was found: one kernel, kernels that change over the picture, or a code of a kernel space."""

import math
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch.nn import functional

from blurspace.areas import Area
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import extent, normalise, show, trim
from blurspace.blur.varying import KernelField, blur_varying
from blurspace.io.images import write_kernel
from blurspace.nets.kernel_space import BasisSpace
from blurspace.restore.field import show_field
from blurspace.types import AnyKernel, Code, Image, Kernel

# Of a kernel's largest value: less is what the least squares of a code leave beside the path (ours).
FAINT = 0.02


class _Shown:
    """What all blurs do alike, from the one `kernel` that stands for them."""

    kernel: Kernel

    def __repr__(self) -> str:
        """What it is in a few words, and not its numbers."""
        length, angle = self.length_angle()
        return f"{type(self).__name__}({length:.1f} px at {angle:.0f} degrees)"

    @property
    def reach(self) -> int:
        """How many px light travels at most."""
        return int(self.kernel.shape[-1]) // 2

    def length_angle(self) -> tuple[float, float]:
        """Extent in px and direction in degrees, counter-clockwise from the x axis, of its one kernel."""
        return extent(self.kernel.cpu())

    def show(self) -> Image:
        """A grey picture (1 1 h w) to look at."""
        return show(self.kernel.cpu(), sqrt=True)

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """Write its one kernel as a float TIFF. Raises OutputError where it cannot."""
        write_kernel(path, self.kernel, overwrite=overwrite)


@dataclass(frozen=True, eq=False, repr=False)
class UniformBlur(_Shown):
    """One `kernel` (1 1 k k) for the whole picture."""

    kernel: Kernel

    def reblur(self, sharp: Image, area: Area) -> Image:
        """`sharp` (b c h w), the piece `area` of a picture in the light of the blur, blurred; edges are repeated."""
        del area
        return blur(sharp, self.kernel.to(sharp))

    def shortened(self, strength: float) -> "UniformBlur":
        """Made smaller by the factor `strength` in (0, 1] about its centre."""
        return self if strength == 1 else UniformBlur(shorten(self.kernel, strength))


@dataclass(frozen=True, eq=False, repr=False)
class FieldBlur(_Shown):
    """Kernels that change over the picture."""

    field: KernelField

    @property
    def kernel(self) -> Kernel:  # type: ignore[override]
        """The kernel (1 1 k k) nearest to the middle of the picture."""
        index = self.field.rows // 2 * self.field.columns + self.field.columns // 2
        return self.field.kernels[index : index + 1]

    def reblur(self, sharp: Image, area: Area) -> Image:
        """`sharp` (b c h w), the piece `area` of a picture in the light of the blur, blurred; edges are repeated."""
        return blur_varying(sharp, self.field, area=area)

    def shortened(self, strength: float) -> "FieldBlur":
        """Each kernel made smaller by the factor `strength` in (0, 1] about its centre."""
        if strength == 1:
            return self
        kernels = torch.cat([shorten(kernel, strength, trimmed=False) for kernel in self.field.kernels.split(1)])
        return FieldBlur(replace(self.field, kernels=trim(kernels)))

    def show(self) -> Image:
        """Each kernel at its place, as a grey picture (1 1 h w)."""
        return show_field(self.field)


@dataclass(frozen=True, eq=False, repr=False)
class CodeBlur(_Shown):
    """A `code` (1 c p q) of a kernel `space`, with a cell for every `space.stride` px of the picture."""

    code: Code
    space: BasisSpace

    @cached_property
    def kernel(self) -> Kernel:  # type: ignore[override]
        """The mean kernel (1 1 k k) over the map, without what is faint."""
        with torch.no_grad():
            kernel = self.space.kernels(self.code[:, :-1]).mean((1, 2))[:, None]
        kernel = functional.relu(kernel - FAINT * kernel.amax())
        return trim(normalise(kernel))

    def reblur(self, sharp: Image, area: Area) -> Image:
        """`sharp` (b c h w), the piece `area` of a picture, whose first px begin a cell, blurred and clamped."""
        stride = self.space.stride
        down, across = (slice(first // stride, math.ceil(last / stride)) for first, last in (area.rows, area.columns))
        with torch.no_grad():
            return self.space.reblur(sharp, self.code[..., down, across]).clamp(0, 1)

    def shortened(self, strength: float) -> "CodeBlur":
        """Itself: a network that restores at once knows no strength."""
        del strength
        return self


def shorten(kernel: Kernel, strength: float, *, trimmed: bool = True) -> AnyKernel:
    """The kernel made smaller by the factor `strength` in (0, 1] about its centre: 1 leaves it, near 0 a delta."""
    if strength == 1:
        return kernel
    reach = kernel.shape[-1] // 2
    places = strength * torch.arange(-reach, reach + 1).to(kernel)  # where the light of each row and column goes
    near = math.ceil(strength * reach)
    pixels = torch.arange(-near, near + 1).to(kernel)
    shares = (1 - (pixels[:, None] - places).abs()).clamp_min(0)  # of it, to the two pixels that are nearest
    short = shares @ kernel @ shares.T
    return trim(short) if trimmed else short
