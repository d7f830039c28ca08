"""How does one call deblur a picture? Methods, and what a user asked of them."""

from dataclasses import dataclass, replace

from torch import Tensor

from blurspace.errors import UsageError
from blurspace.restore.blurred_part import blurred_part
from blurspace.restore.driver import Method, Restoration, deblur
from blurspace.restore.observed import Observed, check_response
from blurspace.restore.origin import UNKNOWN, Origin
from blurspace.restore.region import Mask, described
from blurspace.restore.verdict import Referee
from blurspace.run import Run, fast_in_half
from blurspace.types import Blur


@dataclass(frozen=True)
class Deblurrer:
    """Turns a blurry picture into a restoration of the same size; it keeps nothing of it, so threads may share one.

    `methods`: tried in order, until one's receipt is good. `given`: the blur, if it is known. `response`, `strength`,
    `referee`: see `Observed` and `driver.deblur`. `device`: where the methods' networks are, `runtime`: what computes
    them. `region` (1 1 h w, uint8): only there a picture is restored, see `region`; "auto" for the part that is blurred
    while another is sharp, or all of one that is blurred alike all over.
    """

    methods: tuple[Method, ...]
    given: Blur | None = None
    response: str | None = None
    strength: float = 1.0
    device: str = "cpu"
    referee: Referee | None = None
    region: Mask = None
    runtime: str = "torch"

    def __post_init__(self) -> None:
        """Raises UsageError on an unknown response, or a strength outside (0, 1]."""
        check_response(self.response)
        if not 0 < self.strength <= 1:
            raise UsageError(f"a strength of {self.strength} was given: give more than 0 and at most 1")

    def __call__(
        self,
        blurry: Tensor,
        *,
        alpha: Tensor | None = None,
        least_sigma: float = 0.0,
        near: Blur | None = None,
        origin: Origin = UNKNOWN,
        run: Run | None = None,
    ) -> Restoration:
        """Restore `blurry` (1 c h w), display-referred: float in [0, 1], or uint8 or uint16; see `driver.deblur`.

        `least_sigma`: the noise is at least this, for instance because of JPEG's quantisation, which hides noise from
        the estimate but returns when the blur is undone. `near`: a blur like it, from which searches start. `alpha`
        (1 1 h w): as stored; where it is 0 nothing is seen. `origin`: what its file says of its light. Raises
        UsageError where the region has another size.
        """
        seen = self.observe(blurry, alpha=alpha, least_sigma=least_sigma, near=near, origin=origin)
        return self.restored(seen, run or self.run())

    def restored(self, seen: Observed, run: Run) -> Restoration:
        """Restore what `observe` saw; asked again, as with another strength, no search is made twice."""
        done = deblur(seen, self.methods, run, strength=self.strength, referee=self.referee)
        return done if seen.region is None else replace(done, region=described(seen.region))

    def observe(
        self,
        blurry: Tensor,
        *,
        alpha: Tensor | None = None,
        least_sigma: float = 0.0,
        near: Blur | None = None,
        origin: Origin = UNKNOWN,
    ) -> Observed:
        """The picture, as the methods will see it."""

        def within(region: Tensor | None) -> Observed:
            return Observed(
                blurry,
                alpha=alpha,
                response=self.response,
                least_sigma=least_sigma,
                given=self.given,
                near=near,
                region=region,
                origin=origin,
            )

        return within(blurred_part(within(None)) if isinstance(self.region, str) else self.region)

    def run(self) -> Run:
        """The plain way to work: on the device of the methods, as fast as it goes, telling nobody."""
        return Run(device=self.device, half=self.half)

    @property
    def half(self) -> bool:
        """Whether its networks are faster in half precision, which torch alone can."""
        return self.runtime == "torch" and fast_in_half(self.device)
