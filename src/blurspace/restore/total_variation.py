"""How is a blur removed that was found, with nothing learned? By deconvolution with total variation."""

from typing import Any

from torch import Tensor

from blurspace.areas import Area
from blurspace.restore.blurs import FieldBlur
from blurspace.restore.deconvolve import Rounds, deconvolve, strength_for
from blurspace.restore.driver import Found
from blurspace.restore.field import deconvolve_field
from blurspace.restore.lights import Decoupled, decoupled
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.types import Blur, Image

# After so many reaches of a kernel, and so many px more, the guess beyond a tile's frame shows by less than a level of
# 255 (our measurement); of a field after more, for its kernels disagree where they are blended.
REACHES, MARGIN = 3, 24
FIELD_REACHES, FIELD_MARGIN = 4, 40
# of memory, for a picture in colour: our measurement.
BYTES_PER_PX = 350


class TotalVariation:
    """The classical `Restorer`, for one kernel or a field of them: see `deconvolve`."""

    multiple = 1
    bytes_per_px = BYTES_PER_PX

    def __init__(self, seen: Observed, found: Found, run: Run, *, rounds: Rounds | None = None) -> None:
        """For a blur that was found in a photo."""
        del run
        assert found.blur is not None
        self.seen, self.blur, self.rounds = seen, found.blur, rounds or Rounds()
        self.margin = margin_of(found.blur)

    def __call__(self, tile: Image, area: Area, run: Run) -> Image:
        """The sharp light (1 c h w) of a tile."""
        return by_total_variation(tile, area, self.seen, self.blur, rounds=self.rounds, run=run).sharp


def by_total_variation(
    tile: Image, area: Area, seen: Observed, blur: Blur, *, rounds: Rounds, run: Run | None
) -> Decoupled:
    """The sharp light of a tile (1 c h w), the piece `area` of a photo, lights apart."""

    def deconvolved(light: Image, saturated: Tensor | None, unseen: Tensor | None) -> Image:
        how: dict[str, Any] = {"strength": strength_for(seen.sigma), "saturated": saturated, "unseen": unseen}
        if isinstance(blur, FieldBlur):
            return deconvolve_field(light, blur.field, area=area, rounds=rounds, run=run, **how)
        return deconvolve(light, blur.kernel.to(light), rounds=rounds, run=run, **how)

    saturated, unseen = seen.saturated(area, tile.device), seen.unseen(area, tile.device)
    return decoupled(tile, deconvolved, lambda sharp: blur.reblur(sharp, area), saturated=saturated, unseen=unseen)


def margin_of(blur: Blur) -> int:
    """px that a tile needs around it so that its own pixels are restored as in the whole picture."""
    if isinstance(blur, FieldBlur):
        return FIELD_REACHES * blur.reach + FIELD_MARGIN
    return REACHES * blur.reach + MARGIN
