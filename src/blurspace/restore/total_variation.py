"""How is a blur removed that was found, with nothing learned? By deconvolution with total variation."""

import math
from typing import Any

from torch import Tensor

from blurspace.areas import Area
from blurspace.blur.exposure import to_display
from blurspace.pixels import inner
from blurspace.restore.blurs import FieldBlur
from blurspace.restore.deconvolve import Rounds, deconvolve, strength_for
from blurspace.restore.driver import LEAST_SIDE, MOST, Found
from blurspace.restore.evidence import LEAST_NOISE
from blurspace.restore.field import deconvolve_field
from blurspace.restore.lights import Decoupled, decoupled
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.types import Blur, Image

# After so many reaches of a kernel, and so many px more, the guess beyond a tile's frame shows by less than a level of
# 255 (our measurement); of a field after more, for its kernels disagree where they are blended.
REACHES, MARGIN = 3, 24
FIELD_REACHES, FIELD_MARGIN = 4, 40
# What a blur leaves above so many times the noise is its own error, as where things move. Undone as exactly as
# the noise allows it stays as stripes, so it counts as noise, so many times as strong as it shows (our measurement).
ERROR_FROM, ERROR = 3.0, 4.0
# of memory, for a picture in colour: our measurement.
BYTES_PER_PX = 350


class TotalVariation:
    """The classical `Restorer`, for one kernel or a field of them: see `deconvolve`.

    `sigma`: what counts as noise, if not the photo's. `tried`: an area, and its sharp light, where these are known.
    """

    multiple = 1
    bytes_per_px = BYTES_PER_PX

    def __init__(
        self,
        seen: Observed,
        found: Found,
        *,
        rounds: Rounds | None = None,
        sigma: float | None = None,
        tried: tuple[Area, Image] | None = None,
    ) -> None:
        """For a blur that was found in a photo."""
        assert found.blur is not None
        self.seen, self.blur, self.rounds = seen, found.blur, rounds or Rounds()
        self.margin, self.sigma, self.tried = margin_of(found.blur), sigma, tried

    def __call__(self, tile: Image, area: Area, run: Run) -> Image:
        """The sharp light (1 c h w) of a tile."""
        if self.tried and area == self.tried[0]:
            return self.tried[1]
        how: dict[str, Any] = {"rounds": self.rounds, "run": run, "sigma": self.sigma}
        return by_total_variation(tile, area, self.seen, self.blur, **how).sharp


def total_variation(seen: Observed, found: Found, run: Run, *, rounds: Rounds | None = None) -> TotalVariation:
    """The restorer for the blur that was found, as strong as the noise and the error of that blur ask for."""
    assert found.blur is not None
    area, rounds = settling_area(seen, run, BYTES_PER_PX), rounds or Rounds()
    done, sigma = settled(seen.light(area).to(run.device), area, seen, found.blur, rounds=rounds, run=run)
    return TotalVariation(seen, found, rounds=rounds, sigma=sigma, tried=(area, done.sharp))


def settled(
    light: Image, area: Area, seen: Observed, blur: Blur, *, rounds: Rounds, run: Run
) -> tuple[Decoupled, float]:
    """The sharp light of a piece (1 c h w), lights apart, and the sigma of noise and error that it took."""
    done = by_total_variation(light, area, seen, blur, rounds=rounds, run=run)
    sigma = sigma_with_error(seen, done, blur, area)
    if sigma > seen.sigma:
        done = by_total_variation(light, area, seen, blur, rounds=rounds, run=run, sigma=sigma)
    return done, sigma


def by_total_variation(
    tile: Image, area: Area, seen: Observed, blur: Blur, *, rounds: Rounds, run: Run | None, sigma: float | None = None
) -> Decoupled:
    """The sharp light of a tile (1 c h w), the piece `area` of a photo, lights apart; `sigma`: see `TotalVariation`."""
    strength = strength_for(seen.sigma if sigma is None else sigma)

    def deconvolved(light: Image, saturated: Tensor | None, unseen: Tensor | None) -> Image:
        how: dict[str, Any] = {"strength": strength, "saturated": saturated, "unseen": unseen}
        if isinstance(blur, FieldBlur):
            return deconvolve_field(light, blur.field, area=area, rounds=rounds, run=run, **how)
        return deconvolve(light, blur.kernel.to(light), rounds=rounds, run=run, **how)

    saturated, unseen = seen.saturated(area, tile.device), seen.unseen(area, tile.device)
    return decoupled(tile, deconvolved, lambda sharp: blur.reblur(sharp, area), saturated=saturated, unseen=unseen)


def sigma_with_error(seen: Observed, done: Decoupled, blur: Blur, area: Area) -> float:
    """The photo's noise, and what a blur leaves of a piece of it unexplained, as one sigma of display values.

    The result may be no darker than black and no brighter than white, which stripes are. Where white is only supposed
    that cannot be said, and the noise alone counts.
    """
    if seen.guesses_white:
        return seen.sigma
    again = to_display(blur.reblur(done.beside.clamp(0, 1), area).clamp(0, 1), seen.response)
    rest = inner(again - seen.display(area).to(again), blur.reach).square()
    for mask in (seen.saturated(area, rest.device), done.unseen):
        rest = rest if mask is None else rest.masked_fill(inner(mask, blur.reach), 0)
    error = float(rest.mean()) - (ERROR_FROM * max(seen.sigma, LEAST_NOISE)) ** 2
    return math.sqrt(seen.sigma**2 + ERROR**2 * error) if error > 0 else seen.sigma


def settling_area(seen: Observed, run: Run, bytes_per_px: int) -> Area:
    """Where it is settled how a photo is restored: all of it, or as big a window as fits, with the most edges."""
    height, width = seen.size
    most = max(min(MOST, run.room() // bytes_per_px), LEAST_SIDE**2)
    return seen.area if height * width <= most else seen.window(int(most**0.5))


def margin_of(blur: Blur) -> int:
    """px that a tile needs around it so that its own pixels are restored as in the whole picture."""
    if isinstance(blur, FieldBlur):
        return FIELD_REACHES * blur.reach + FIELD_MARGIN
    return REACHES * blur.reach + MARGIN
