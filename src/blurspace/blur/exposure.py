"""What does a camera do to the light between the lens and the file: response, saturation, noise, 8 bits, JPEG?

Blur adds up light, so it belongs in linear light; files hold display values. The order is that of a camera: linear
light, blur during the exposure, a sensor that fills up, noise, the response curve, rounding and compression.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from io import BytesIO

import numpy as np
import PIL.Image
import torch
from torch import Tensor

from blurspace.blur.convolve import Border, blur
from blurspace.errors import UsageError
from blurspace.levels import to_8_bits, to_levels
from blurspace.types import AnyImage, Image, Kernel

# Below a quarter of an 8-bit level the power curve is a straight line: the gradient of linear -> display stays finite.
TOE = 0.25 / 255


@dataclass(frozen=True)
class Response:
    """A camera response: functions of any shape, differentiable, clamped to [0, 1] and each other's inverse there."""

    name: str
    to_linear: Callable[[Tensor], Tensor]
    to_display: Callable[[Tensor], Tensor]


def to_linear(display: Tensor, response: str = "srgb") -> Tensor:
    """Display values (any shape) to linear light, both clamped to [0, 1]. UsageError on no name in RESPONSES."""
    return _response(response).to_linear(display)


def to_display(linear: Tensor, response: str = "srgb") -> Tensor:
    """Linear light (any shape) to display values, both clamped to [0, 1]. UsageError on no name in RESPONSES."""
    return _response(response).to_display(linear)


def saturate(linear: Tensor, *, gain: float = 1.0) -> Tensor:
    """Expose `gain` times longer and clip at 1, where the sensor is full. Any shape; values below 0 stay."""
    return (linear * gain).clamp(max=1)


def add_noise(image: Tensor, *, sigma: float, shot: float = 0.0, generator: torch.Generator | None = None) -> Tensor:
    """Add sensor noise: zero-mean Gaussian of variance sigma^2 + shot x signal, new for each value; nothing is clamped.

    `sigma`: read noise, standard deviation for values in [0, 1]. `shot`: photon noise, the Gaussian limit of Poisson
    counting (1 / shot = photons at white). `image`: any shape; linear light where shot is used. `generator`: on the
    CPU or the image's device; drawn there. Raises UsageError on negative amounts.
    Source: the Poissonian-Gaussian model of Foi, Trimeche, Katkovnik and Egiazarian 2008 (a = shot, b = sigma^2).
    """
    if sigma < 0 or shot < 0:
        raise UsageError(f"noise of sigma {sigma} and shot {shot} was asked for: give 0 or more of each")
    where = image.device if generator is None else generator.device
    noise = torch.randn(image.shape, generator=generator, device=where, dtype=image.dtype).to(image.device)
    return image + (sigma if shot == 0 else (sigma**2 + shot * image.clamp(min=0)).sqrt()) * noise


def jpeg(image: Image, *, quality: int) -> Image:
    """Save as JPEG in memory and read back: (b 1 or 3 h w) in [0, 1], rounded to 8 bits, 4:2:0 colour (Pillow's way).

    `quality`: 1 to 100, the scale of libjpeg. Not differentiable. Raises UsageError on other qualities or channels.
    """
    if not 1 <= quality <= 100 or image.ndim != 4 or image.shape[1] not in (1, 3):
        given = f"JPEG of quality {quality} and shape {tuple(image.shape)} was asked for"
        raise UsageError(f"{given}: give a quality of 1 to 100 and pictures (batch, 1 or 3, height, width)")
    pixels = to_levels(image).permute(0, 2, 3, 1).cpu().numpy()
    coded = np.stack([_through_jpeg(one, quality) for one in pixels])
    return (torch.from_numpy(coded).permute(0, 3, 1, 2).contiguous() / 255).to(image)


def photograph(
    sharp: AnyImage,
    kernel: Kernel,
    *,
    response: str = "srgb",
    gain: float = 1.0,
    sigma: float = 0.0,
    shot: float = 0.0,
    quality: int | None = None,
    round8: bool = False,
    border: Border = "replicate",
    generator: torch.Generator | None = None,
) -> Image:
    """Take a blurry photo of a sharp one: linear light, blur, gain and saturation, noise, display values, 8 bits, JPEG.

    `sharp` (b c h w) display values in [0, 1]; `kernel` (1 or b, 1, k, k). `gain` above 1 overexposes. `sigma` and
    `shot` are in linear light, so in dark areas the noise seen is stronger (with "srgb" up to 12.9 times); with
    `response="linear"` it is B = I * k + noise of Kaufman and Fattal 2020, "Training Set" (there sigma = 0.02).
    `round8` rounds to 8 bits, as `quality` (JPEG) does anyway. Returns display values in [0, 1], smaller for border
    "valid". Raises UsageError as the single steps do.
    """
    curve = _response(response)
    exposed = saturate(blur(curve.to_linear(sharp), kernel, border=border), gain=gain)
    if sigma or shot:
        exposed = add_noise(exposed, sigma=sigma, shot=shot, generator=generator)
    photo = curve.to_display(exposed)
    if quality is not None:
        return jpeg(photo, quality=quality)
    return to_8_bits(photo) if round8 else photo


def _through_jpeg(pixels: np.ndarray, quality: int) -> np.ndarray:
    """One picture (h w c) uint8 through the coder and back."""
    file = BytesIO()
    PIL.Image.fromarray(pixels[..., 0] if pixels.shape[-1] == 1 else pixels).save(file, "JPEG", quality=quality)
    return np.array(PIL.Image.open(file)).reshape(pixels.shape)


def _from_srgb(display: Tensor) -> Tensor:
    """IEC 61966-2-1: a straight line up to 0.04045, above it a power of 2.4."""
    display = display.clamp(0, 1)
    return torch.where(display <= 0.04045, display / 12.92, ((display + 0.055) / 1.055) ** 2.4)


def _to_srgb(linear: Tensor) -> Tensor:
    linear = linear.clamp(0, 1)
    # The power's own clamp keeps its gradient finite where `where` discards its value. Written so that 1 gives 1
    # exactly (1.055 - 0.055 does not): a full pixel stays full.
    power = 1 + 1.055 * (linear.clamp(min=0.0031308) ** (1 / 2.4) - 1)
    return torch.where(linear <= 0.0031308, linear * 12.92, power)


def _from_power(gamma: float) -> Callable[[Tensor], Tensor]:
    def function(display: Tensor) -> Tensor:
        display = display.clamp(0, 1)
        return torch.where(display <= TOE, display * TOE ** (gamma - 1), display**gamma)

    return function


def _to_power(gamma: float) -> Callable[[Tensor], Tensor]:
    def function(linear: Tensor) -> Tensor:
        linear = linear.clamp(0, 1)
        toe = TOE**gamma
        return torch.where(linear <= toe, linear * TOE ** (1 - gamma), linear.clamp(min=toe) ** (1 / gamma))

    return function


RESPONSES: dict[str, Response] = {
    "srgb": Response("srgb", _from_srgb, _to_srgb),
    "gamma 2.2": Response("gamma 2.2", _from_power(2.2), _to_power(2.2)),
    "linear": Response("linear", partial(torch.clamp, min=0, max=1), partial(torch.clamp, min=0, max=1)),
}


def _response(name: str) -> Response:
    if name not in RESPONSES:
        raise UsageError(f"camera response {name!r} is unknown: choose one of {', '.join(RESPONSES)}")
    return RESPONSES[name]
