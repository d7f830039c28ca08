"""Which cameras take made scenes, and how is each of them held?"""

from dataclasses import dataclass

from blurspace.blur.exposure import RESPONSES
from blurspace.errors import UsageError

Span = tuple[float, float]  # from low to high, drawn uniformly


@dataclass(frozen=True)
class SceneCamera:
    """A camera, how it is held and what moves before it: two of these are two domains of blur.

    `response`: a name in `blur.exposure.RESPONSES`. `moments`: how many moments of the exposure are averaged, >= 1.
    `travel`: px, how far its own movement carries the centre of the picture: for a curved path `extent` - 1 of
    `draw_rotation_path` (a side of a square), for a straight one its whole length. `roll`: as in `draw_rotation_path`.
    `things`: from how many to how many things move. `thing_travel`: px, the greatest diameter of a thing's own path.
    `straight`: all paths are lines at constant speed, not curves. `directions`: degrees, between which the camera's own
    line points, for a camera on a mount: 0 is along the rows, 90 along the columns; only if straight. `sigma`: noise,
    `gain`: exposure, both in linear light as in `blur.exposure`. `jpeg`: quality of the blurry file; None = not coded.
    Raises UsageError on impossible numbers.
    """

    response: str
    moments: int
    travel: Span
    roll: float
    things: tuple[int, int]
    thing_travel: Span
    straight: bool = False
    directions: Span = (0.0, 360.0)
    sigma: float = 0.0
    gain: float = 1.0
    jpeg: int | None = None

    def __post_init__(self) -> None:
        """Check the name and the numbers."""
        if self.response not in RESPONSES:
            raise UsageError(f"camera response {self.response!r} is unknown: choose one of {', '.join(RESPONSES)}")
        if self.moments < 1:
            raise UsageError(f"an exposure of {self.moments} moments was asked for: give 1 or more")
        for name in ("travel", "things", "thing_travel"):
            low, high = getattr(self, name)
            if not 0 <= low <= high:
                raise UsageError(f"{name} from {low} to {high} was asked for: give 0 or more, the lower number first")
        if not (self.roll >= 0 and self.sigma >= 0 and self.gain > 0):
            given = f"roll {self.roll}, sigma {self.sigma} and gain {self.gain}"
            raise UsageError(f"{given} were given: give 0 or more of roll and sigma and a gain above 0")
        if self.jpeg is not None and not 1 <= self.jpeg <= 100:
            raise UsageError(f"JPEG of quality {self.jpeg} was asked for: give 1 to 100, or None")


# Made cameras (all numbers ours). "hand": a long exposure by hand, fine steps. "wheel": a driving video camera, few
# moments, of which even a thing that moves along with the camera makes steps of no more than 1.5 px. Two on mounts,
# whose blur has an axis: "belt" sees goods pass along the rows, "mast" sways in the wind along the columns.
CAMERAS: dict[str, SceneCamera] = {
    "hand": SceneCamera("srgb", 24, (3, 12), 1.0, (0, 2), (2, 10), sigma=0.002),
    "wheel": SceneCamera("linear", 9, (4, 7), 0.2, (1, 3), (2, 5), straight=True, sigma=0.005, jpeg=90),
    "belt": SceneCamera("srgb", 16, (4, 8), 0.0, (0, 1), (1, 3), straight=True, directions=(-10, 10), sigma=0.001),
    "mast": SceneCamera(
        "linear", 9, (4, 8), 0.0, (0, 1), (1, 3), straight=True, directions=(80, 100), sigma=0.002, jpeg=95
    ),
}
