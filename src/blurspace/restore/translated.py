"""How does one camera's own blur go, where only another is known? Pham et al. 2024, section 3.1.

G*_C = G*_C' o G: translate into the known blur, then deblur that.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from blurspace.nets.kernel_space import BasisSpace
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Found, Method, deblur, through
from blurspace.restore.network import BYTES_PER_PX, MARGIN, AlreadyRestored, Network, in_colour, network_method
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.types import Image

NAME = "translated"


@dataclass(frozen=True)
class Translation:
    """Finds the restored picture: translates the photo, and deblurs the translation."""

    translator: Callable[[Image], Image]
    methods: tuple[Method, ...]

    def __call__(self, seen: Observed, run: Run) -> Found:
        """The picture; or, where the methods do not believe in theirs, why there is none."""
        picture = through(self.translate, seen, run, margin=MARGIN, bytes_per_px=BYTES_PER_PX, stage="translating")
        shown = Observed(
            picture, alpha=seen.alpha, region=seen.region, response=seen.response, least_sigma=seen.least_sigma
        )
        known = deblur(shown, self.methods, run)
        notes = ("translated into the known blur", *known.notes)
        if known.receipt.verdict == "refused":  # what the methods do not believe in is not written
            refusal = replace(known.receipt, reason=f"after the translation {known.receipt.reason}")
            return Found(blur=known.blur, refusal=refusal, notes=notes, by=known.method)
        return Found(picture=known.restored, notes=notes, by=known.method)

    def translate(self, blurry: Image) -> Image:
        """A picture (1 c h w) in known blur, clamped to [0, 1]."""
        return in_colour(self.translator, blurry)


@dataclass(frozen=True)
class Camera(Deblurrer):
    """The deblurrer of one camera, and what it consists of: a translation, and what undoes the blur that is known.

    `network`: the one that undoes it, if that is what does.
    """

    translation: Translation | None = None
    network: Network | None = None

    def translate(self, blurry: Image) -> Image:
        """A picture (1 c h w) in known blur, clamped to [0, 1]."""
        assert self.translation is not None
        return self.translation.translate(blurry)

    @property
    def known(self) -> Deblurrer:
        """What undoes the blur that is known."""
        assert self.translation is not None
        return Deblurrer(self.translation.methods)


def camera(
    translator: Callable[[Image], Image], known: Sequence[Method] | Network, space: BasisSpace, *, name: str = ""
) -> Camera:
    """`translator` (1 3 h w) -> the same scene in known blur, then `known`, methods or a network that undo that.

    The receipt is about the photo itself: `space` reads which blur lies between it and the result. `name`: of the
    network.
    """
    network = known if callable(known) else None
    methods = (network_method(known, space, name=name),) if callable(known) else tuple(known)
    translation = Translation(translator, methods)
    return Camera((Method(NAME, translation, restored_picture, space=space),), translation=translation, network=network)


def restored_picture(seen: Observed, found: Found, run: Run) -> AlreadyRestored:
    """The restorer of a picture that was found."""
    del seen, run
    assert found.picture is not None
    return AlreadyRestored(found.picture)
