"""What is known of a photo, computed once: its light, its noise, what of it tells nothing, its sharpness, its blur."""

from collections.abc import Callable
from functools import cached_property
from typing import TypeVar

import torch
from torch import Tensor

from blurspace.areas import Area, tiles, whole
from blurspace.blur.exposure import RESPONSES, to_display, to_linear
from blurspace.errors import UsageError
from blurspace.levels import CLIPPED, from_levels, to_levels
from blurspace.pixels import luminance
from blurspace.restore.light import SIDE, UNTOLD, Light, decide, known_light, supposed
from blurspace.restore.noise import estimate_sigma
from blurspace.restore.origin import UNKNOWN, Origin
from blurspace.restore.parts import Parts, find_parts
from blurspace.restore.region import check_mask, weights
from blurspace.restore.untouched import filled, untouched
from blurspace.run import Run
from blurspace.sharpness import CELL, LARGEST, busiest, edge_sharpnesses, energy_cells
from blurspace.types import Blur, Image, Kernel

# px: noise is measured on pieces that hold so many, which tell as much as a whole big photo.
TELLING, PIECES = 2**20, 16
# px: bands of so many rows are looked at together, whole cells of `sharpness`.
BAND = 64 * CELL
# Bits of a sensor whose values are kept as they are in 16, and the share of its white that a photo's brightest value
# reaches: of training photos, blurred, 95 in 100 do. What is darker may as well be an under-exposed photo of 16 bits.
SENSOR_BITS, NEAR_WHITE = (10, 12, 14), 0.75
CPU = torch.device("cpu")
T = TypeVar("T")


class Observed:
    """A photo and what is known of it.

    `pixels` (1 c h w): display values in [0, 1] as float32, or as they are stored, uint8 or uint16; only pieces of them
    are ever turned into float32. `response`: the camera's, if known ("srgb", "gamma 2.2" or "linear"): the blur is then
    undone in linear light; where it is not known (None or "auto") the values are used as they stand until a finder
    supposes a light (`suppose`) or finds it out by a kernel (`settle`). `least_sigma`: the noise is at least this, for
    instance because of JPEG's quantisation. `given`: the blur, if it is known. `near`: a blur like it, such as the last
    frame's, from which searches may start. `alpha` (1 1 h w): as stored; where it is 0 the colours mean nothing.
    `region` (1 1 h w, uint8): where it is 0 the photo stays as it is and has no say. `origin`: what its file says of
    its light. Raises UsageError on an unknown response or another shape.
    """

    def __init__(
        self,
        pixels: Tensor,
        *,
        response: str | None = None,
        least_sigma: float = 0.0,
        given: Blur | None = None,
        near: Blur | None = None,
        alpha: Tensor | None = None,
        region: Tensor | None = None,
        origin: Origin = UNKNOWN,
    ) -> None:
        """Keep them; everything else is computed when it is first asked for."""
        check_response(response)
        if pixels.ndim != 4 or pixels.shape[0] != 1 or pixels.shape[1] not in (1, 3):
            raise UsageError(f"a picture of shape {tuple(pixels.shape)} was given: give (1, 1 or 3, height, width)")
        self.pixels, self.given, self.near, self.alpha, self.region = pixels, given, near, alpha, region
        if region is not None:
            check_mask(region, self.size)
        lit = known_light(response, origin)
        self.settled, self.lit, self.origin = lit is not None, lit or supposed(), origin
        self.least_sigma = least_sigma
        self._known: dict[object, object] = {}
        self._energy: dict[str, Tensor] = {}

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
            seen, trust = self.display(window).to(kernel.device), self.trust(window).to(kernel.device)
            lit = decide(seen, trust, kernel, known=self.given is not None, origin=self.origin)
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
        """The display values of a piece, float32 in [0, 1]; where it was never blurred, smooth ones in their place."""
        plain = self.stored(area)
        return plain if self.untouched is None else filled(plain, area.cut(self.untouched))

    def stored(self, area: Area) -> Image:
        """The display values of a piece as they are, float32 in [0, 1]."""
        values = as_float(area.cut(self.pixels))
        return values if self.gain == 1 else values * self.gain

    def restored(self, display: Image, area: Area) -> Tensor:
        """New display values (1 c h w) of a piece as they are stored; what is not to be restored is as it was."""
        if self.region is not None:
            display = self.stored(area).to(display).lerp(display, weights(self.region, area).to(display))
        new = as_stored(display if self.gain == 1 else display / self.gain, self.pixels.dtype)
        if self.untouched is None:
            return new
        return torch.where(area.cut(self.untouched).to(new.device), area.cut(self.pixels).to(new), new)

    @cached_property
    def untouched(self) -> Tensor | None:
        """Where (1 1 h w, bool) it was never blurred, or is not to be restored: see `untouched`; None for nowhere."""
        hidden = [mask == 0 for mask in (self.alpha, self.region) if mask is not None]
        return untouched(self.stored, self.size, hidden[0] | hidden[-1] if hidden else None)

    def stays(self, area: Area) -> bool:
        """Whether nothing of a piece is to be restored."""
        return self.untouched is not None and bool(area.cut(self.untouched).all())

    @cached_property
    def gain(self) -> float:
        """What stored values are multiplied with: above 1 where 16 bits seem to hold a sensor's values of 10 to 14."""
        if self.pixels.dtype != torch.uint16:
            return 1.0
        whites = (2**bits - 1 for bits in SENSOR_BITS)
        return 65535 / next((white for white in whites if NEAR_WHITE * white <= self.most <= white), 65535)

    @property
    def guesses_white(self) -> bool:
        """Whether its white is only supposed: what seems a sensor's was never full."""
        return self.gain != 1 and round(self.most * self.gain) != 65535

    @cached_property
    def most(self) -> int:
        """The largest value that is stored."""
        return max(int(tile.cut(self.pixels).to(torch.int32).max()) for tile in tiles(self.size, BAND))

    def displayed(self, light: Image) -> Image:
        """The display values of light, in [0, 1]; above a white that is only guessed they go on, as near white."""
        display = to_display(light, self.response)
        if not self.guesses_white:
            return display
        slope = -to_display(torch.tensor(0.5), self.response).log2()
        return display * light.clamp_min(1) ** slope.to(light)

    @cached_property
    def inside(self) -> Area:
        """The rectangle that holds all that is to be restored: the photo without its bars."""
        if self.untouched is None or bool(self.untouched.all()):
            return self.area
        spans = [(~self.untouched).any(axis)[0, 0].nonzero() for axis in (-1, -2)]
        rows, columns = ((int(span[0]), int(span[-1]) + 1) for span in spans)
        return Area(rows, columns, self.size)

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

    def unseen(self, area: Area, device: torch.device) -> Tensor | None:
        """Which pixels (1 1 h w, bool) of a piece were never blurred, on a device; None where none is."""
        if self.untouched is None or not area.cut(self.untouched).any():
            return None
        return area.cut(self.untouched).to(device)

    def trust(self, area: Area) -> Image:
        """How far each pixel (1 1 h w) of a piece is to be believed, in [0, 1]: 0 where it tells nothing."""
        nothing = self.clipped(area).any(1, keepdim=True)
        return (~(nothing if self.untouched is None else nothing | area.cut(self.untouched))).float()

    @cached_property
    def sigma(self) -> float:
        """The noise: standard deviation of pixel values in [0, 1]."""
        return max(self._noise(self.display), self.least_sigma)

    @cached_property
    def grey_sigma(self) -> float:
        """The noise in the luminance of the light, as it is seen there."""
        return self._noise(self.grey)

    @cached_property
    def sharpness(self) -> float:
        """How sharp its edges are: see `sharpness.edge_sharpness`."""
        return min(self.sharpnesses)

    @cached_property
    def sharpnesses(self) -> tuple[float, ...]:
        """The same in each direction: see `sharpness.edge_sharpnesses`."""
        return self.sharpnesses_of(self.display(self.looked_at), self.looked_at)

    def sharpnesses_of(self, picture: Image, area: Area) -> tuple[float, ...]:
        """The same of what was made of a piece of it (1 c h w): edges count where they do in the photo."""
        clipped = self.clipped(area).any(1, keepdim=True)
        return edge_sharpnesses(luminance(picture), untouched=self.unseen(area, CPU), clipped=clipped)

    @cached_property
    def parts(self) -> Parts:
        """Which parts of it are sharp, where it has the most edges."""
        return find_parts(luminance(self.display(self.looked_at)), self.sigma, self.trust(self.looked_at))

    @cached_property
    def looked_at(self) -> Area:
        """Where its sharpness is measured."""
        return self.window(LARGEST, light=False)

    def window(self, side: int, *, light: bool = True) -> Area:
        """The window of at most `side` px with the most gradient energy of the luminance, of light or as displayed."""
        if max(self.inside.size) <= side:
            return self.inside
        response = self.response if light else "linear"
        if response not in self._energy:  # a pass over all of it, for a 256th of its size
            self._energy[response] = self._cells(response)
        return busiest(self._energy[response], self.size, side)

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

    def _cells(self, response: str) -> Tensor:
        """The gradient energy of each cell in a light; band by band, each with the next one's first row."""
        bands = [Area((top, min(top + BAND + 1, self.size[0])), (0, self.size[1]), self.size) for top in self._tops()]
        greys = (luminance(to_linear(self.display(band), response)) for band in bands)
        masks = (self.unseen(band, CPU) for band in bands)
        return torch.cat([energy_cells(*one) for one in zip(greys, masks, strict=True)], dim=-2)

    def _noise(self, look: Callable[[Area], Image]) -> float:
        pieces = self._telling()
        return estimate_sigma(*map(look, pieces), unknown=[self.unseen(piece, CPU) for piece in pieces])

    def _tops(self) -> range:
        return range(0, max(self.size[0] - 1, 1), BAND)

    def _telling(self) -> list[Area]:
        """All of a small photo, of a big one bands that are spread over what may have been blurred."""
        height, width = self.size
        if height * width <= TELLING:
            return [self.area]
        (first, last), columns = self.inside.rows, self.inside.columns
        rows = min(max(TELLING // self.inside.size[1] // PIECES, 16), last - first)
        tops = {first + (last - first - rows) * piece // (PIECES - 1) for piece in range(PIECES)}
        return [Area((top, top + rows), columns, self.size) for top in sorted(tops)]


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
