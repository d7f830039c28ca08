"""What is known of a photo, computed once: its light, its noise, what of it tells nothing, its sharpness, its blur."""

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor

from blurspace.areas import Area, whole
from blurspace.blur.exposure import RESPONSES, to_linear
from blurspace.errors import UsageError
from blurspace.levels import from_levels, to_levels
from blurspace.pixels import luminance
from blurspace.restore.light import SIDE, Light, decide, supposed, told
from blurspace.restore.noise import estimate_sigma
from blurspace.run import Run
from blurspace.sharpness import CELL, LARGEST, busiest, edge_sharpness, energy_cells
from blurspace.types import Blur, Image, Kernel

# Pixels at or above this display value count as clipped: JPEG scatters a clipped 255 over the last few levels.
CLIPPED = 250 / 255
# px: noise is measured on pieces that hold so many, which tell as much as a whole big photo.
TELLING, PIECES = 2**20, 16
# px: bands of so many rows are looked at together, whole cells of `sharpness`.
BAND = 64 * CELL
UNTOLD = (None, "auto")  # responses that are to be found out
T = TypeVar("T")


class Observed:
    """A photo and what is known of it.

    `pixels` (1 c h w): display values in [0, 1] as float32, or as they are stored, uint8 or uint16; only pieces of them
    are ever turned into float32. `response`: the camera's, if known ("srgb", "gamma 2.2" or "linear"): the blur is then
    undone in linear light; where it is not known (None or "auto") `settle` finds it out, and until then the values are
    used as they stand. `least_sigma`: the noise is at least this (pixel values in [0, 1]), for instance because of
    JPEG's quantisation. `given`: the blur, if it is known. `near`: a blur like it, such as the last frame's, from which
    searches may start. Raises UsageError on an unknown response or another shape.
    """

    def __init__(
        self,
        pixels: Tensor,
        *,
        response: str | None = None,
        least_sigma: float = 0.0,
        given: Blur | None = None,
        near: Blur | None = None,
    ) -> None:
        """Keep them; everything else is computed when it is first asked for."""
        check_response(response)
        if pixels.ndim != 4 or pixels.shape[0] != 1 or pixels.shape[1] not in (1, 3):
            raise UsageError(f"a picture of shape {tuple(pixels.shape)} was given: give (1, 1 or 3, height, width)")
        self.pixels, self.given, self.near = pixels, given, near
        self.settled = response not in UNTOLD
        self.lit = supposed() if response is None or not self.settled else told(response)
        self.least_sigma = least_sigma
        self._known: dict[object, object] = {}

    @property
    def response(self) -> str:
        """Of the light in which its blur is to be undone."""
        return self.lit.response

    @property
    def note(self) -> str:
        """In which light it is worked, and why."""
        return self.lit.reason

    def settle(self, kernel: Kernel) -> bool:
        """Find out by a kernel (1 1 k k) in which light it was blurred, unless that is known; True where it changed."""
        before = self.response
        if not self.settled:
            window = self.window(SIDE, light=False)
            lit = decide(
                self.display(window).to(kernel.device),
                self.trust(window).to(kernel.device),
                kernel,
                known=self.given is not None,
            )
            self._work_in(lit)
            self.settled = True
        return self.response != before

    def suppose(self, light: Light) -> None:
        """Work in a light until it is known."""
        if not self.settled:
            self._work_in(light)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.pixels.shape[-2], self.pixels.shape[-1]

    @property
    def area(self) -> Area:
        """All of it."""
        return whole(self.size)

    def display(self, area: Area) -> Image:
        """The display values of a piece, float32 in [0, 1]."""
        return as_float(area.cut(self.pixels))

    def light(self, area: Area) -> Image:
        """The light of a piece, in which its blur is to be undone."""
        return to_linear(self.display(area), self.response)

    def grey(self, area: Area) -> Image:
        """The luminance (1 1 h w) of the light of a piece."""
        return luminance(self.light(area))

    def clipped(self, area: Area) -> Tensor:
        """Which values (1 c h w, bool) of a piece are clipped, and so only known to be at least what is seen."""
        return self.display(area) >= CLIPPED

    def saturated(self, area: Area, device: torch.device) -> Tensor | None:
        """The same on a device; None where no value is."""
        clipped = self.clipped(area)
        return clipped.to(device) if clipped.any() else None

    def trust(self, area: Area) -> Image:
        """How far each pixel (1 1 h w) of a piece is to be believed, in [0, 1]: 0 where it tells nothing."""
        return (~self.clipped(area).any(1, keepdim=True)).float()

    @cached_property
    def sigma(self) -> float:
        """The noise: standard deviation of pixel values in [0, 1]."""
        return max(estimate_sigma(*(self.display(piece) for piece in self._telling())), self.least_sigma)

    @cached_property
    def grey_sigma(self) -> float:
        """The noise in the luminance of the light, as it is seen there."""
        return estimate_sigma(*(self.grey(piece) for piece in self._telling()))

    @cached_property
    def sharpness(self) -> float:
        """How sharp its edges are: see `sharpness.edge_sharpness`."""
        return edge_sharpness(luminance(self.display(self.window(LARGEST, light=False))))

    def window(self, side: int, *, light: bool = True) -> Area:
        """The window of at most `side` px with the most gradient energy of the luminance, of light or as displayed."""
        if max(self.size) <= side:
            return self.area
        return busiest(self._cells(light), self.size, side)

    def find(self, finder: "Callable[[Observed, Run], T]", run: Run) -> T:
        """What a finder finds in it. Finders that are equal are asked once, which is how `auto` searches once."""
        if finder not in self._known:
            self._known[finder] = finder(self, run)
        return self._known[finder]  # type: ignore[return-value]

    def _work_in(self, light: Light) -> None:
        """Forget what was measured in another light."""
        if light.response != self.response:
            self.__dict__.pop("grey_sigma", None)
        self.lit = light

    def _cells(self, light: bool) -> Tensor:
        """The gradient energy of each cell; band by band, each with the next one's first row."""
        bands = [Area((top, min(top + BAND + 1, self.size[0])), (0, self.size[1]), self.size) for top in self._tops()]
        greys = (self.grey(band) if light else luminance(self.display(band)) for band in bands)
        return torch.cat([energy_cells(grey) for grey in greys], dim=-2)

    def _tops(self) -> range:
        return range(0, max(self.size[0] - 1, 1), BAND)

    def _telling(self) -> list[Area]:
        """All of a small photo, of a big one bands that are spread over it."""
        height, width = self.size
        if height * width <= TELLING:
            return [self.area]
        rows = min(max(TELLING // width // PIECES, 16), height)
        tops = {(height - rows) * piece // (PIECES - 1) for piece in range(PIECES)}
        return [Area((top, top + rows), (0, width), self.size) for top in sorted(tops)]


def check_response(response: str | None) -> None:
    """Raise UsageError on a camera response that is not known; None and "auto" are found out."""
    if response not in (*UNTOLD, *RESPONSES):
        raise UsageError(f"camera response {response!r} is unknown: choose one of auto, {', '.join(RESPONSES)}")


def as_float(values: Tensor) -> Tensor:
    """Stored values of 8 or 16 bits as float32 in [0, 1]; floats as they are."""
    return values if values.is_floating_point() else from_levels(values)


def as_stored(values: Tensor, dtype: torch.dtype) -> Tensor:
    """Values in [0, 1] as they are stored, rounded to the nearest level; levels stay, as do floats that stay floats."""
    return (
        values
        if dtype.is_floating_point or not values.is_floating_point()
        else to_levels(values, 8 if dtype == torch.uint8 else 16)
    )
