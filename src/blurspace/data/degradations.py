"""What do others train deblurrers on that know nothing of the camera? Three published ways to spoil sharp photos.

The baselines of Pham et al. 2024, small: lines (imgaug), a practical degradation (Zhang et al. 2021, "Designing a
Practical Degradation Model for Deep Blind Image Super-Resolution", BSRGAN), and a realistic synthesis (Rim et al. 2022,
"Realistic Blur Synthesis for Learning Image Deblurring", RSBlur). Each is a `data.sources.Source`. All is written from
the papers; what is left out stands at each.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Generator
from torch.nn import functional

from blurspace.blur.cameras import CAMERAS
from blurspace.blur.convolve import blur
from blurspace.blur.exposure import add_noise, jpeg, to_display, to_linear
from blurspace.blur.kernels import line, normalise
from blurspace.blur.scenes import draw_scene
from blurspace.data.crops import SharpPhotos, draw_between, draw_index
from blurspace.data.sources import SCENE_MARGIN, Source, from_kernels, mixed
from blurspace.levels import to_8_bits
from blurspace.pixels import inner
from blurspace.types import AnyImage, Image, Kernel, Pair

# imgaug 0.4, MotionBlur: k = (3, 7) and angle = (0, 360); half a turn is enough for an even line.
LENGTHS = (3, 4, 5, 6, 7)
HALF_TURN = 180.0

# Zhang 2021, section 3.1: sides of the Gaussian kernels in px, and their widths for scale factor 2, the least published
# (we restore at the same size). The paper's "length of each axis", 0.5 to 6, is read as a variance: its root, and that
# of 8 for factor 4, are 2.4 and 2.8, which are the isotropic widths.
GAUSSIAN_SIDES = tuple(range(7, 22, 2))
ISOTROPIC_SIGMA = (0.1, 2.4)
AXIS_VARIANCE = (0.5, 6.0)
# Section 3.2: interpolations, without a filter against aliasing; the factor of a detour over a smaller size is ours.
INTERPOLATIONS = ("nearest-exact", "bilinear", "bicubic")
SHRINK = (1.0, 2.0)
# Section 3.3: noise in 8-bit levels, how often its colours correlate somehow, not at all, and fully (grey), JPEG
# quality, and how often there is a JPEG before the last one.
NOISE_LEVELS = (1, 25)
CORRELATIONS = (0.2, 0.4, 0.4)
QUALITIES = (30, 95)
EARLY_JPEG = 0.75
PRACTICAL_MARGIN = GAUSSIAN_SIDES[-1] - 1  # px: what two Gaussians reach

# Rim 2022, section 4: how much more light, over that of white, a saturated pixel of a sharp moment has, and how many
# moments there are after interpolation.
EXCESS = (0.25, 1.75)
MOMENTS = 65
HAND = replace(CAMERAS["hand"], response="linear", moments=MOMENTS, sigma=0.0)  # light in, light out
Step = Callable[[Image, Generator], Image]


@dataclass(frozen=True)
class Sensor:
    """The noise of a camera: Brooks et al. 2019, "Unprocessing Images for Learned Raw Denoising", section 3.1.

    Rim 2022 measures its own camera. `shot` noise evenly in its logarithm; the logarithm of the read variance on a line
    about it, of `slope` and `offset`, with the deviation `spread`.
    """

    shot: tuple[float, float] = (1e-4, 0.012)
    slope: float = 2.18
    offset: float = 1.20
    spread: float = 0.26

    def noisy(self, linear: Image, generator: Generator) -> Image:
        """A picture in linear light with the noise of one exposure."""
        shot = math.exp(draw_between((math.log(self.shot[0]), math.log(self.shot[1])), generator))
        spread = self.spread * float(torch.randn((), generator=generator))
        read = math.exp(self.slope * math.log(shot) + self.offset + spread)
        return add_noise(linear, sigma=math.sqrt(read), shot=shot, generator=generator)


SENSOR = Sensor()


def from_lines(photos: SharpPhotos, *, side: int) -> Source:
    """Photos under straight lines of 3 to 7 px at any angle, on display values, 8 bits: as imgaug's MotionBlur.

    Uniform along the line; imgaug can tilt the weights towards one end, and turns a line by interpolation.
    """

    def one(generator: Generator, _: int) -> Pair:
        length = LENGTHS[draw_index(len(LENGTHS), generator)]
        kernel = line(length, draw_between((0, HALF_TURN), generator), size=LENGTHS[-1])
        return from_kernels(photos, [kernel], side=side)(generator, 1)

    return mixed([one])


def from_practical_degradation(photos: SharpPhotos, *, side: int, steps: Sequence[Step] = ()) -> Source:
    """Photos under two Gaussians, a detour over a smaller size, noise and JPEG in random order, then JPEG: BSRGAN.

    Display values throughout, as there. Left out: the noise of a camera sensor through its processing (a quarter of the
    published ones have it), and all of super-resolution: the size stays. Pham et al. 2024, section 4.1.2, add motion
    blur to it, by averaging neighbouring frames; this has none. `steps`: instead of `PRACTICAL_STEPS`.
    """
    steps = steps or PRACTICAL_STEPS

    def one(generator: Generator, _: int) -> Pair:
        sharp = photos.crop(generator, side=side + 2 * PRACTICAL_MARGIN)
        blurry = sharp
        for index in torch.randperm(len(steps), generator=generator).tolist():
            blurry = steps[index](blurry, generator).clamp(0, 1)
        return Pair(inner(sharp, PRACTICAL_MARGIN), _compress(inner(blurry, PRACTICAL_MARGIN), generator))

    return mixed([one])


def from_realistic_synthesis(photos: SharpPhotos, *, side: int, sensor: Sensor = SENSOR) -> Source:
    """Scenes averaged in linear light; then saturation, shot and read noise, response, 8 bits, in this order: RSBlur.

    The moments come from `blur.scenes` with the camera "hand", where the paper films and interpolates frames. A channel
    that is white in the photo gets up to 1.75 more before averaging (the paper adds the mean of such masks after it,
    which is the same), and the sensor clips. Left out: the paper's way to RAW and back, which is white balance, colour
    matrix, Bayer mosaic and demosaicing, and its camera's own response (here sRGB); so noise is not correlated.
    """

    def one(generator: Generator, _: int) -> Pair:
        pieces = [photos.crop(generator, side=side + 2 * SCENE_MARGIN) for _ in range(1 + max(HAND.things))]
        light = to_linear(torch.cat(pieces))
        most = 1 + draw_between(EXCESS, generator)
        # `draw_scene` takes up to 1, so all light is scaled down; its gain scales it back and clips.
        light = torch.where(light >= 1, 1.0, light / most)
        scene = draw_scene(light, camera=replace(HAND, gain=most), generator=generator)
        exposed = sensor.noisy(inner(scene.blurry, SCENE_MARGIN), generator)
        return Pair(to_display(inner(scene.sharp, SCENE_MARGIN)), to_8_bits(to_display(exposed)))

    return mixed([one])


def gaussian_kernel(side: int, variances: tuple[float, float], *, angle: float) -> Kernel:
    """A Gaussian (1 1 side side) of two variances in px^2, the first along `angle` (degrees, counter-clockwise)."""
    steps = torch.arange(side, dtype=torch.float64) - side // 2
    right, up = steps[None], -steps[:, None]
    cosine, sine = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    along, across = right * cosine + up * sine, up * cosine - right * sine
    drawn = torch.exp(-0.5 * (along**2 / variances[0] + across**2 / variances[1]))
    return normalise(drawn[None, None]).to(torch.float32)


def _isotropic(picture: Image, generator: Generator) -> Image:
    return _blurred(picture, (draw_between(ISOTROPIC_SIGMA, generator) ** 2,) * 2, 0.0, generator)


def _anisotropic(picture: Image, generator: Generator) -> Image:
    variances = draw_between(AXIS_VARIANCE, generator), draw_between(AXIS_VARIANCE, generator)
    return _blurred(picture, variances, draw_between((0, HALF_TURN), generator), generator)


def _blurred(picture: Image, variances: tuple[float, float], angle: float, generator: Generator) -> Image:
    side = GAUSSIAN_SIDES[draw_index(len(GAUSSIAN_SIDES), generator)]
    return blur(picture, gaussian_kernel(side, variances, angle=angle), border="reflect")


def _detour(picture: Image, generator: Generator) -> Image:
    """Down to a smaller size and up again, each by an interpolation of its own."""
    size, factor = list(picture.shape[-2:]), draw_between(SHRINK, generator)
    return _resized(_resized(picture, [round(length / factor) for length in size], generator), size, generator)


def _resized(picture: Image, size: list[int], generator: Generator) -> AnyImage:
    return functional.interpolate(picture, size, mode=INTERPOLATIONS[draw_index(len(INTERPOLATIONS), generator)])


def _noisy(picture: Image, generator: Generator) -> Image:
    """Gaussian noise of one deviation for all channels; they are mixed at random, not at all, or all equal."""
    deviation = (NOISE_LEVELS[0] + draw_index(NOISE_LEVELS[1] - NOISE_LEVELS[0] + 1, generator)) / 255
    kind = int(torch.multinomial(torch.tensor(CORRELATIONS), 1, generator=generator))
    noise = torch.randn(picture.shape, generator=generator)
    if kind == 0:  # how the covariance is drawn is ours: rows of length 1 keep the deviation
        mixture = functional.normalize(torch.randn(3, 3, generator=generator), dim=1)
        noise = torch.einsum("dc,bchw->bdhw", mixture, noise)
    elif kind == 2:
        noise = noise[:, :1].expand(picture.shape)
    return picture + deviation * noise


def _perhaps_compress(picture: Image, generator: Generator) -> Image:
    return _compress(picture, generator) if draw_between((0, 1), generator) < EARLY_JPEG else picture


def _compress(picture: Image, generator: Generator) -> Image:
    return jpeg(picture, quality=QUALITIES[0] + draw_index(QUALITIES[1] - QUALITIES[0] + 1, generator))


# What Zhang 2021, section 3.4 puts into random order.
PRACTICAL_STEPS: tuple[Step, ...] = (_isotropic, _anisotropic, _detour, _noisy, _perhaps_compress)
