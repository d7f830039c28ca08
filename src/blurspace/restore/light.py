"""In which light was this photo blurred: in its values as they are stored, or in the light that they stand for?

A camera adds up light; much laboratory data was blurred in stored values. One kernel undoes both in turn. Undone in the
wrong light, an edge between dark and bright rings, for its profile is no integral of that kernel: values leave [0, 1],
the picture varies more, and blurred again it misses the photo by more (ours).
"""

import math
from dataclasses import dataclass, replace

from torch import Tensor
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.fourier import inner_differences
from blurspace.pixels import inner, luminance
from blurspace.restore.deconvolve import Rounds, deconvolve, strength_for
from blurspace.restore.noise import estimate_sigma
from blurspace.restore.origin import UNKNOWN, Origin
from blurspace.types import Image, Kernel

LIGHTS = ("linear", "srgb")
NAMES = {"linear": "stored values", "srgb": "sRGB", "gamma 2.2": "gamma 2.2"}
# px: the side of the square that is looked at, and how far ringing beside clipped pixels reaches into it (ours).
SIDE, SPREAD = 320, 5
ROUNDS = Rounds(12)
# The least noise, in display values, that strength is chosen for: 8-bit rounding and what is left of the model (ours).
LEAST_SIGMA = 0.002
# Log odds of sRGB against stored values, for each measure and for none: with a kernel that is known, and with one that
# was found in sRGB, whose errors hide much. Fitted on 52 training photos, blurred in both lights, by a scratch script;
# `benchmarks/light.py --fit` does the like, but these numbers are not its output. No measure says more than MOST.
KNOWN = {"outside": 0.5, "residual": 1.38, "peaks": 3.84}, 1.17
FOUND = {"outside": 0.37, "residual": 1.2, "peaks": 2.32}, 0.69
MOST = 4.0
# Log odds before anything is seen: cameras add light; files from laboratories can be told with --response linear. The
# same where a file names its camera, which what is blurred by a program seldom does (our guess, as is the first).
CAMERAS, TAKEN = math.log(9), math.log(99)
# How sure a file is that says that its values are light.
SAID = 0.99
UNTOLD = (None, "auto")  # responses that are to be found out
# What keeps logarithms finite: a mean square of 1e-8 is far below 8-bit rounding.
FLOOR = 1e-8


@dataclass(frozen=True)
class Light:
    """In which light a photo was blurred.

    `response`: a name in `blur.exposure.RESPONSES`. `confidence` in [0, 1]: how likely that is right, 1 where it was
    told. `reason`: a sentence.
    """

    response: str
    confidence: float
    reason: str

    @property
    def name(self) -> str:
        """What it is called in words and records: "stored values", "sRGB", or as it was told."""
        return NAMES[self.response]


def told(response: str) -> Light:
    """The light that a user told."""
    return Light(response, 1.0, f"worked in {_words(response)}, as was told")


def known_light(response: str | None, origin: Origin) -> Light | None:
    """The light that a user told, or that a file says its values are; None where it is to be found out."""
    if response not in UNTOLD:
        assert response is not None
        return told(response)
    if origin.response == "linear":
        return Light("linear", SAID, "worked in stored values, for the file says that they are light as they stand")
    return None


def supposed() -> Light:
    """The light of a photo of which nothing is known yet."""
    return Light("linear", 0.5, "the camera's response is not known, so pixel values were used as they stand")


# In which light searches begin, for most photos come from cameras.
CAMERA = Light("srgb", 0.5, "worked in linear light, as most cameras blur")


def begun(origin: Origin) -> Light:
    """In which light searches begin: that of cameras, by the curve that the file tells."""
    return replace(CAMERA, response=origin.response or CAMERA.response)


def before(origin: Origin) -> float:
    """Log odds of light against stored values by what the file says alone."""
    return TAKEN if origin.taken else CAMERAS


def decide(display: Image, trust: Tensor, kernel: Kernel, *, known: bool, origin: Origin = UNKNOWN) -> Light:
    """Stored values or light, judged by how well one kernel (1 1 k k) undoes the blur of a window in each.

    `display` (1 c h w) in [0, 1], `trust` (1 1 h w). `known`: whether the kernel is the true one, and not one that was
    found in light. `origin`: what the file says. Where the kernel is too wide for the window, it is as that says.
    """
    if 2 * kernel.shape[-1] > min(display.shape[-2:]):
        return replace(begun(origin), confidence=1 / (1 + math.exp(-before(origin))))
    seen, (weights, bias) = measure(display, trust, kernel), KNOWN if known else FOUND
    odds = before(origin) + bias + sum(weight * min(max(seen[name], -MOST), MOST) for name, weight in weights.items())
    likely = 1 / (1 + math.exp(-abs(odds)))
    response = begun(origin).response if odds > 0 else "linear"
    reason = f"worked in {_words(response)}, in which one kernel explains bright and dark edges"
    return Light(response, likely, f"{reason}; a camera took it, says the file" if origin.taken else reason)


def measure(display: Image, trust: Tensor, kernel: Kernel) -> dict[str, float]:
    """How much worse stored values do than sRGB in undoing `kernel` (1 1 k k): logarithms of ratios, by name.

    `display` (1 c h w) in [0, 1], `trust` (1 1 h w). All are about 0 where the choice matters little.
    """
    stored, light = (_traces(display, trust, kernel, response) for response in LIGHTS)
    return {name: math.log(stored[name] / light[name]) for name in stored}


def _traces(display: Image, trust: Tensor, kernel: Kernel, response: str) -> dict[str, float]:
    """What undoing the kernel in one light leaves: values outside [0, 1], what is not explained, gradients."""
    seen = luminance(display)
    sigma = max(estimate_sigma(seen), LEAST_SIGMA) * _gain(seen, response)
    hidden = trust == 0  # those are at least 0 and no more is known of them
    light = to_linear(seen, response).masked_fill(hidden, 0)
    sharp = deconvolve(light, kernel, strength=strength_for(sigma), saturated=hidden, rounds=ROUNDS)
    margin = kernel.shape[-1] // 2 + 1
    told = inner(functional.max_pool2d(hidden.float(), 2 * SPREAD + 1, 1, SPREAD) == 0, margin)
    beyond = inner(sharp - sharp.clamp(0, 1), margin)
    missed = inner(to_display(blur(sharp, kernel), response) - seen, margin)
    length = _gradient_lengths(inner(to_display(sharp, response), margin - 1))
    return {
        "outside": _mean(beyond.square(), told),
        "residual": _mean(missed.square(), told),
        "peaks": math.sqrt(_mean(length.square(), told)),
    }


def _gradient_lengths(picture: Image) -> Tensor:
    """For each pixel but the outermost, the length of its gradient."""
    return (inner_differences(picture)[..., 1:, 1:].square().sum(0) + FLOOR).sqrt()


def _words(response: str) -> str:
    return "stored values as they stand" if response == "linear" else f"linear light, with the response {response}"


def _gain(display: Image, response: str) -> float:
    """How much the light, on average, magnifies noise in display values."""
    step = 0.01
    change = to_linear(display + step, response) - to_linear(display - step, response)
    return float(change.square().mean().sqrt()) / (2 * step)


def _mean(values: Tensor, told: Tensor) -> float:
    """The mean of values where something is told; next to 0 where nothing is."""
    return float((values * told).sum() / told.sum().clamp_min(1)) + FLOOR
