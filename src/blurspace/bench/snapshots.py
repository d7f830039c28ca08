"""What do photos look like as people have them? Made from sharp ones, of many kinds, with the truth beside them.

The kinds themselves are in `kinds`. A camera blurs light, or a program blurs stored values; noise is added to what is
stored; then the picture is framed, stamped, cut out, compressed or saved with few colours. All chance hangs on a name.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
import PIL.Image
import torch
from torch import Tensor
from torch.nn import functional

from blurspace.bench.result import Row
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import disk, gaussian, line, normalise, shake, trim
from blurspace.blur.paths import deposit
from blurspace.errors import NoInputError
from blurspace.io.images import read_photo
from blurspace.levels import to_8_bits, to_levels
from blurspace.pixels import inner, luminance
from blurspace.sharpness import SHARP, edge_sharpness
from blurspace.types import AnyImage, AnyKernel, Kernel

SIDES = (400, 600)  # px: of the longer side; most of what a search needs, in a few seconds
MOVES = 500  # pushes of a hand during an exposure
# The scores leave out so many px at the frame, and search the best shift within so many.
FRAME, MAX_SHIFT = 16, 6
T = TypeVar("T")
MOST_DB = 60.0  # of a picture that is its own truth: a change of 0.3 levels of 255


@dataclass(frozen=True)
class Chance:
    """What is drawn for one picture, by a generator (CPU)."""

    generator: torch.Generator

    def between(self, low: float, high: float) -> float:
        """Evenly drawn."""
        return low + (high - low) * float(torch.rand((), generator=self.generator))

    def whole(self, low: int, high: int) -> int:
        """A whole number from `low` to `high`, evenly drawn."""
        return int(torch.randint(low, high + 1, (), generator=self.generator))

    def one_of(self, options: Sequence[T]) -> T:
        """One of them, evenly drawn."""
        return options[self.whole(0, len(options) - 1)]

    def noise(self, picture: Tensor, sigma: float) -> Tensor:
        """A picture with Gaussian noise of standard deviation `sigma`, clamped to [0, 1]."""
        return (picture + sigma * torch.randn(picture.shape, generator=self.generator)).clamp(0, 1)


@dataclass(frozen=True)
class Snapshot:
    """A photo as people have it: the bytes of its `file`, and the truth.

    `sharp` (1 c h w): what it should become; `mask` (1 1 h w): where that is scored. `wanted`: the verdicts that are
    right; `least_gain`: dB, at least, if restored. `scale`: white in `sharp` over white in the file's samples.
    """

    file: bytes = field(repr=False)
    sharp: AnyImage = field(repr=False)
    mask: AnyImage = field(repr=False)
    wanted: tuple[str, ...] = ("restored",)
    least_gain: float = 0.0
    scale: float = 1.0
    facts: Row = field(default_factory=dict)


@dataclass(frozen=True)
class Taken:
    """A sharp picture and the blurry one (1 c h w) that was taken of it, and how."""

    sharp: AnyImage
    blurry: AnyImage
    facts: Row

    @property
    def everywhere(self) -> AnyImage:
        """The mask of all of it."""
        return torch.ones_like(self.sharp[:, :1])


def sharp_photo(paths: Sequence[Path], chance: Chance, *, margin: int = 0) -> AnyImage:
    """A crop (1 3 h w) of a photo, or all of it made smaller, that is sharp by our measure; `margin` px more a side.

    Raises NoInputError where none is sharp.
    """
    first, long = chance.whole(0, len(paths) - 1), chance.whole(*SIDES) + 2 * margin
    for step in range(len(paths)):
        picture = read_photo(paths[(first + step) % len(paths)]).pixels.expand(-1, 3, -1, -1)
        for share in (chance.between(1.0, 1.6), 1.0):  # a crop of what is a little smaller, then all of it
            found = _cut(_shrunk(picture, share * long), long, chance)
            if edge_sharpness(luminance(found)) >= SHARP:
                return found
    raise NoInputError(f"none of {len(paths)} photos is sharp: give sharp ones")


def taken(
    paths: Sequence[Path],
    kernel: Kernel,
    chance: Chance,
    *,
    light: bool | None = None,
    sigma: float | None = None,
    sharp: AnyImage | None = None,
) -> Taken:
    """A photo taken of a sharp one under a kernel: what is beyond the frame is real, if `sharp` is not given.

    `light`: blurred in linear light (sRGB), not as stored; drawn where not told, as `sigma` is, of the noise.
    """
    margin = kernel.shape[-1] // 2
    sharp = sharp_photo(paths, chance, margin=margin) if sharp is None else sharp
    light = chance.between(0, 1) < 0.7 if light is None else light
    sigma = chance.between(0.0, 1.0) ** 2 * 0.015 if sigma is None else sigma
    blurry = photograph(sharp, kernel, response="srgb" if light else "linear", border="valid")
    facts = {"kernel_true_px": kernel.shape[-1], "light": "srgb" if light else "stored", "noise": round(sigma, 5)}
    return Taken(inner(sharp, margin), chance.noise(blurry, sigma), facts)


def hand(extent: float, chance: Chance) -> AnyKernel:
    """A hand's thin path: pushes added up twice, less most of the drift; `extent` px across."""
    pushes = torch.randn(MOVES, 2, generator=chance.generator, dtype=torch.float64)
    speed = pushes.cumsum(0)
    path = (speed - chance.between(0.3, 1.0) * speed.mean(0)).cumsum(0)
    path = path - path.mean(0)
    path = path * ((extent - 1) / (path.amax(0) - path.amin(0)).max())
    side = 2 * math.ceil(float(path.abs().max()) + 1) + 1
    drawn = deposit(path + side // 2, torch.full((MOVES,), 1 / MOVES, dtype=torch.float64), side)
    return trim(normalise(drawn).to(torch.float32))


def moved(extent: float, chance: Chance) -> AnyKernel:
    """A shake of `extent` px: a hand's thin path or a drawn one, one as often as the other."""
    if chance.between(0, 1) < 0.5:
        return hand(extent, chance)
    return shake(math.ceil((extent - 1) / 2) * 2 + 1, extent=extent, generator=chance.generator)


def straight(chance: Chance) -> AnyKernel:
    """A line of 5 to 30 px."""
    return line(chance.between(5, 30), chance.between(0, 180))


def soft(low: float, high: float, chance: Chance) -> AnyKernel:
    """A Gaussian whose standard deviation is between those, in px."""
    return gaussian(chance.between(low, high))


def defocused(chance: Chance) -> AnyKernel:
    """A disk of 1.5 to 7 px with a rim that may be soft."""
    sharp = disk(chance.between(1.5, 7))
    rim = gaussian(chance.between(0.3, 1.0))
    return trim(functional.conv2d(sharp, rim, padding=rim.shape[-1] // 2 + sharp.shape[-1] // 2), 1e-4)


def png(picture: AnyImage, alpha: Tensor | None = None, *, colours: int | None = None) -> bytes:
    """The file of a picture (1 c h w); `alpha` (h w, bool): what is seen; `colours`: of a palette."""
    image = _pillow(picture)
    if alpha is not None:
        image.putalpha(PIL.Image.fromarray(alpha.numpy().astype(np.uint8) * 255))
    if colours is not None:
        image = image.quantize(colours, dither=PIL.Image.Dither.NONE)
    return _saved(image, "PNG")


def jpeg_file(picture: AnyImage, quality: int) -> bytes:
    """The file of a picture (1 c h w)."""
    return _saved(_pillow(picture), "JPEG", quality=quality)


def png_of_16_bits(grey: AnyImage, most: int) -> bytes:
    """The file of a grey picture (1 1 h w) whose white is the level `most` of 65535."""
    return _saved(PIL.Image.fromarray((grey[0, 0] * most).round().numpy().astype(np.uint16)), "PNG")


def gained(result: AnyImage, blurry: AnyImage, snapshot: Snapshot) -> float:
    """dB by which a result is nearer to the truth than what was given, each at its best shift, inside the mask."""
    return round(_score(result, snapshot) - _score(blurry, snapshot), 3)


def _score(picture: AnyImage, snapshot: Snapshot) -> float:
    """PSNR in dB inside the mask, 8 bits, at the best shift of up to MAX_SHIFT px: by whole px, then by quarters."""
    picture = to_8_bits(picture * snapshot.scale).expand(-1, snapshot.sharp.shape[1], -1, -1)
    target, mask = inner(snapshot.sharp, FRAME), inner(snapshot.mask, FRAME)
    shown = picture, target, mask
    steps = range(-MAX_SHIFT, MAX_SHIFT + 1)
    thin = (luminance(picture), luminance(target), mask)
    _, row, column = min((_error(*thin, (down, right), every=2), down, right) for down in steps for right in steps)
    near = [quarter / 4 for quarter in range(-3, 4)]
    least = min(_error(*shown, (row + down, column + right)) for down in near for right in near)
    return min(-10 * math.log10(least + 1e-12), MOST_DB)


def _error(picture: AnyImage, target: AnyImage, mask: AnyImage, shift: tuple[float, float], *, every: int = 1) -> float:
    """The mean squared error inside the mask at a shift, of every so many-th row and column."""
    thin = (..., slice(None, None, every), slice(None, None, every))
    rest = (_shifted(picture, *shift)[thin] - target[thin]).square()
    return float((rest * mask[thin]).sum() / (mask[thin].sum() * target.shape[1]))


def _shifted(picture: AnyImage, down: float, right: float) -> AnyImage:
    """The inside of a picture, moved by less than FRAME px: bilinear."""
    for axis, step in ((-2, down), (-1, right)):
        first = math.floor(step)
        length = picture.shape[axis] - 2 * FRAME
        near = picture.narrow(axis, FRAME + first, length)
        part = step - first
        picture = near if part == 0 else near.lerp(picture.narrow(axis, FRAME + first + 1, length), part)
    return picture


def _shrunk(picture: AnyImage, long: float) -> AnyImage:
    scale = long / max(picture.shape[-2:])
    if scale >= 1:
        return picture
    size = [round(side * scale) for side in picture.shape[-2:]]
    return functional.interpolate(picture, size=size, mode="bicubic", antialias=True).clamp(0, 1)


def _cut(picture: AnyImage, long: int, chance: Chance) -> AnyImage:
    """A piece of 4 : 3 or less, at most `long` px wide."""
    height, width = picture.shape[-2:]
    sizes = [
        min(height, long if height > width else long * 3 // 4),
        min(width, long * 3 // 4 if height > width else long),
    ]
    top, left = (chance.whole(0, length - side) for length, side in zip((height, width), sizes, strict=True))
    return picture[..., top : top + sizes[0], left : left + sizes[1]].contiguous()


def _pillow(picture: AnyImage) -> PIL.Image.Image:
    array = to_levels(picture)[0].permute(1, 2, 0).numpy()
    return PIL.Image.fromarray(array[..., 0] if array.shape[-1] == 1 else array)


def _saved(image: PIL.Image.Image, kind: Literal["PNG", "JPEG"], **how: int) -> bytes:
    file = BytesIO()
    image.save(file, kind, **how)
    return file.getvalue()
