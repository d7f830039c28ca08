"""Which kinds of blur can a photo be given, how is each drawn, and what does it need? The table KINDS has them all."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch
from torch import Generator

from blurspace.blur.cameras import CAMERAS, SceneCamera
from blurspace.blur.exposure import RESPONSES, add_noise, jpeg, photograph, to_display, to_linear
from blurspace.blur.kernels import delta, disk, gaussian, line, shake
from blurspace.blur.scenes import FOCAL, draw_scene
from blurspace.blur.varying import blur_varying, draw_rotation_path, rotation_field
from blurspace.builders import build_space
from blurspace.codes import AnySpace, read_bank
from blurspace.errors import UsageError
from blurspace.io.images import read_kernel
from blurspace.types import Code, Image, Kernel

# px; no hand is so unsteady, and a field of kernels of this size still fits into memory.
MOST = 300.0
# Nodes along the longer side of a rotating camera's field: one per px of extent, so that neighbouring kernels differ
# by half a px where the camera rolls as much as it pitches, and no more than this many, which bounds the memory.
MOST_NODES = 24


@dataclass(frozen=True)
class Options:
    """Which blur, and through which camera; `plan_blur` fills it in and checks it.

    `kind`: a name in KINDS. `amount`: px, its size: extent of a shake or rotation, length of a line, radius of a disk,
    sigma of a Gaussian. `codes`: one of them is drawn for each picture; without any, `space`, which they belong to,
    makes one. `sigma`: noise, in linear light, and of a code in display values. A scene's noise and JPEG are its
    `camera`'s.
    """

    kind: str
    amount: float = 1.0
    angle: float = 0.0
    kernel: Kernel = field(default_factory=delta)
    camera: SceneCamera = CAMERAS["hand"]
    codes: tuple[Code, ...] = ()
    space: AnySpace | None = None
    response: str = "srgb"
    sigma: float = 0.0
    quality: int | None = None


def plan_blur(
    kind: str,
    value: float | str,
    *,
    angle: float = 0.0,
    index: int | None = None,
    space: Path | None = None,
    response: str = "srgb",
    sigma: float | None = None,
    quality: int | None = None,
) -> Options:
    """The options for one kind of blur; reads the files that `value` and `space` name.

    `value`: the amount in px, the camera's name, or the path of a kernel or a bank. The others are for the kinds that
    have them; None = the usual. Raises UsageError on values that make no sense, and what reading raises.
    """
    if kind not in KINDS:
        raise UsageError(f"there is no blur of kind {kind}: give one of {', '.join(KINDS)}")
    if response not in RESPONSES:
        raise UsageError(f"camera response {response!r} is unknown: choose one of {', '.join(RESPONSES)}")
    if kind == "scene":
        if value not in CAMERAS:
            raise UsageError(f"there is no camera {value}: give --scene one of {', '.join(CAMERAS)}")
        camera = CAMERAS[str(value)]
        noise = camera.sigma if sigma is None else sigma
        return Options(kind, camera=replace(camera, sigma=noise, jpeg=camera.jpeg if quality is None else quality))
    options = Options(kind, response=response, sigma=sigma or 0.0, quality=quality)
    if kind == "kernel":
        return replace(options, kernel=read_kernel(str(value)))
    if kind == "sample":
        return replace(options, space=build_space(space))
    if kind == "code":
        built = build_space(space)
        return replace(options, codes=_codes(str(value), index, built), space=built)
    amount, least = float(value), 0.0 if kind in ("disk", "gaussian") else 1.0
    if not least <= amount <= MOST or amount == 0:
        wanted = "1 (no blur)" if least else "more than 0"
        raise UsageError(f"--{kind} {amount:g} was given: give {wanted} and at most {MOST:g} px")
    return replace(options, amount=amount, angle=angle)


Drawn = tuple[Image, Kernel | None]


def _uniform(sharp: Image, options: Options, generator: Generator) -> Drawn:
    kernel = KERNELS[options.kind](options, generator)
    photo = photograph(
        sharp, kernel, response=options.response, sigma=options.sigma, quality=options.quality, generator=generator
    )
    return photo, kernel


def _rotation(sharp: Image, options: Options, generator: Generator) -> Drawn:
    """A turning camera, in the order of `blur.exposure.photograph`."""
    size = (sharp.shape[-2], sharp.shape[-1])
    focal = FOCAL * max(size)
    path = draw_rotation_path(extent=options.amount, focal=focal, generator=generator)
    most = min(MOST_NODES, math.ceil(options.amount))
    rows, columns = (max(1, math.ceil(most * length / max(size))) for length in size)
    kernels = rotation_field(path, size, focal=focal, rows=rows, columns=columns)
    light = blur_varying(to_linear(sharp, options.response), kernels)
    return _developed(light, options.response, options, generator), None


def _scene(sharp: Image, options: Options, generator: Generator) -> Drawn:
    """The photo is the background, and its mirror images are what the moving things are cut out of."""
    pictures = torch.cat((sharp, sharp.flip(-1), sharp.flip(-2), sharp.flip(-2, -1)))
    return draw_scene(pictures, camera=options.camera, generator=generator).blurry, None


def _coded(sharp: Image, options: Options, generator: Generator) -> Drawn:
    if options.space is None:
        raise UsageError("a blur by a code was asked for without a kernel space: give one")
    if options.codes:
        code = options.codes[int(torch.randint(len(options.codes), (), generator=generator))]
    else:
        code = options.space.sample((sharp.shape[-2], sharp.shape[-1]), generator=generator)
    return _developed(options.space.reblur(sharp, code), "linear", options, generator), None


def _developed(light: Image, response: str, options: Options, generator: Generator) -> Image:
    exposed = add_noise(light, sigma=options.sigma, generator=generator) if options.sigma else light
    photo = to_display(exposed, response)
    return photo if options.quality is None else jpeg(photo, quality=options.quality)


KERNELS: dict[str, Callable[[Options, Generator], Kernel]] = {
    "shake": lambda options, generator: shake(
        2 * math.ceil((options.amount - 1) / 2) + 1, extent=options.amount, generator=generator
    ),
    "line": lambda options, _: line(options.amount, options.angle),
    "disk": lambda options, _: disk(options.amount),
    "gaussian": lambda options, _: gaussian(options.amount),
    "kernel": lambda options, _: options.kernel,
}
KINDS: dict[str, Callable[[Image, Options, Generator], Drawn]] = {
    **dict.fromkeys(KERNELS, _uniform),
    "rotation": _rotation,
    "scene": _scene,
    "code": _coded,
    "sample": _coded,
}


def _codes(path: str, index: int | None, space: AnySpace) -> tuple[Code, ...]:
    """The code of a bank at `index`, or all of them. Raises UsageError where they belong to another space."""
    bank = read_bank(path).of(space)
    if index is None:
        return bank.codes
    if not 0 <= index < len(bank.codes):
        raise UsageError(f"--index {index} was given and {path} holds {len(bank.codes)} codes: count from 0")
    return bank.codes[index : index + 1]
