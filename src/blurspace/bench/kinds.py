"""Which kinds of photos do people have? Shaken, soft, framed, stamped, at night, cut out, printed, partly blurred ...

Each is a function from the paths of sharp photos and a chance to a `Snapshot`, and a row of KINDS.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import torch
from torch import Tensor
from torch.nn import functional

from blurspace.bench.snapshots import (
    Chance,
    Snapshot,
    Taken,
    defocused,
    jpeg_file,
    moved,
    png,
    png_of_16_bits,
    sharp_photo,
    soft,
    straight,
    taken,
)
from blurspace.blur.exposure import photograph, to_display, to_linear
from blurspace.blur.kernels import disk
from blurspace.chance import chance_of
from blurspace.pixels import inner, luminance
from blurspace.types import AnyImage, AnyKernel

MAY_REFUSE = ("restored", "refused")
MAY_LEAVE = ("restored", "left alone")
ALONE = ("left alone",)
NEAR = 20  # px around what lies upon a picture, where the truth is not what counts
LAMPS, LAMP_LIGHT = 14, (8.0, 40.0)  # lamps at night, and how much brighter than white
WORDS = (
    "bread",
    "milk",
    "tea",
    "soap",
    "paper",
    "lamp",
    "total",
    "tax",
    "cash",
    "change",
    "date",
    "shop",
    "thank",
    "you",
)
Paths = Sequence[Path]
Kind = Callable[[Paths, Chance], Snapshot]


def _plain(take: Taken, **facts: object) -> Snapshot:
    return Snapshot(png(take.blurry), take.sharp, take.everywhere, facts={**take.facts}, **facts)  # type: ignore[arg-type]


def _blurred(kernel: Callable[[Chance], AnyKernel], *, light: bool | None = None, **facts: object) -> Kind:
    """A plain photo under a kernel that is drawn."""
    return lambda paths, chance: _plain(taken(paths, kernel(chance), chance, light=light), **facts)


def shaken(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken over 5 to 85 px, short ones more often, in whichever light."""
    return _plain(taken(paths, moved(5 * 17 ** chance.between(0, 1), chance), chance), wanted=MAY_REFUSE)


def noisy(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken, with noise of 0.01 to 0.03."""
    kernel = moved(chance.between(8, 40), chance)
    return _plain(taken(paths, kernel, chance, sigma=chance.between(0.01, 0.03)), wanted=MAY_REFUSE)


def compressed(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken, soft or defocused, and a JPEG of quality 50 to 95."""
    kernel = chance.one_of(
        (lambda: moved(chance.between(6, 40), chance), lambda: defocused(chance), lambda: soft(0.8, 3, chance))
    )()
    take, quality = taken(paths, kernel, chance, sigma=0.004), chance.whole(50, 95)
    made = _plain(take, wanted=(*MAY_REFUSE, *ALONE))
    return replace(made, file=jpeg_file(take.blurry, quality), facts={**take.facts, "quality": quality})


def sharp(paths: Paths, chance: Chance) -> Snapshot:
    """Nobody shook it: as it is, a little noisy, or a JPEG."""
    truth = sharp_photo(paths, chance)
    seen = chance.noise(truth, chance.one_of((0.0, 0.004, 0.01)))
    if chance.between(0, 1) < 0.4:
        return _own_truth(jpeg_file(seen, chance.whole(60, 95)), truth)
    return _own_truth(png(seen), truth)


def bokeh(paths: Paths, chance: Chance) -> Snapshot:
    """A sharp subject before a soft background: the photo is as it is meant to be."""
    truth = sharp_photo(paths, chance)
    soft_too = photograph(truth, disk(chance.between(4, 9)), border="reflect")
    away = 1 - _oval(truth, chance, low=0.25, high=0.45)
    seen = truth.lerp(soft_too, away)
    return _own_truth(png(seen), seen)


def part_blurred(paths: Paths, chance: Chance) -> Snapshot:
    """A thing moved, or a number was smeared, in a sharp photo: the sharp part stays."""
    truth = sharp_photo(paths, chance)
    kernel = chance.one_of((straight, lambda chance: disk(chance.between(3, 8))))(chance)
    inside = _oval(truth, chance, low=0.2, high=0.33)
    seen = truth.lerp(photograph(truth, kernel, border="reflect"), inside)
    return Snapshot(png(seen), truth, torch.ones_like(truth[:, :1]), MAY_LEAVE)


def _own_truth(file: bytes, truth: AnyImage) -> Snapshot:
    return Snapshot(file, truth, torch.ones_like(truth[:, :1]), ALONE)


def letterbox(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken, with black bars above and below, or beside it."""
    across = chance.between(0, 1) < 0.7
    bar = chance.whole(30, 70)
    return _framed(paths, chance, (0, 0, bar, bar) if across else (bar, bar, 0, 0), 0.0)


def framed(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken, in a frame of one colour."""
    return _framed(paths, chance, (chance.whole(12, 36),) * 4, chance.one_of((1.0, 0.0, 0.9)))


def _framed(paths: Paths, chance: Chance, pad: tuple[int, ...], value: float) -> Snapshot:
    take = taken(paths, moved(chance.between(9, 30), chance), chance)
    mask = functional.pad(take.everywhere, pad)
    truth, seen = (functional.pad(one, pad, value=value) for one in (take.sharp, take.blurry))
    return Snapshot(png(seen), truth, mask, least_gain=2.0, facts=take.facts)


def stamped(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken, with the date upon it."""
    take = taken(paths, moved(chance.between(9, 30), chance), chance)
    height, width = take.sharp.shape[-2:]
    at = (chance.between(0.02, 0.4) * width, chance.between(0.6, 0.9) * height)
    return _overlaid(take, _written("2019 07 14 18:22", chance.whole(16, 28), (255, 150, 30, 255), at, (height, width)))


def watermarked(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken, with a name across it that lets half of it through."""
    take = taken(paths, moved(chance.between(9, 30), chance), chance)
    height, width = take.sharp.shape[-2:]
    at = (chance.between(0.02, 0.2) * width, chance.between(0.1, 0.5) * height)
    over = _written("© SAMPLE", chance.whole(50, 80), (255, 255, 255, 150), at, (height, width))
    return replace(_overlaid(take, over), wanted=MAY_REFUSE)


def _written(
    text: str, height: int, colour: tuple[int, ...], at: tuple[float, float], size: tuple[int, int]
) -> AnyImage:
    """Letters upon nothing (1 4 h w): red, green, blue and how opaque."""
    over = PIL.Image.new("RGBA", size[::-1])
    PIL.ImageDraw.Draw(over).text(at, text, font=PIL.ImageFont.load_default(size=height), fill=colour)
    return torch.frombuffer(bytearray(over.tobytes()), dtype=torch.uint8).view(1, *size, 4).permute(0, 3, 1, 2) / 255


def _overlaid(take: Taken, over: AnyImage) -> Snapshot:
    opaque, paint = over[:, 3:], over[:, :3]
    truth, seen = (one.lerp(paint, opaque) for one in (take.sharp, take.blurry))
    near = functional.max_pool2d((opaque > 0).float(), 2 * NEAR + 1, stride=1, padding=NEAR)
    return Snapshot(png(seen), truth, 1 - near, least_gain=2.0, facts=take.facts)


def night(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken in the dark, with lamps that are far brighter than white: they draw the path."""
    kernel = moved(chance.between(9, 30), chance)
    margin = kernel.shape[-1] // 2
    light = to_linear(sharp_photo(paths, chance, margin=margin)) * chance.between(0.04, 0.35)
    rows, columns = torch.arange(light.shape[-2])[:, None], torch.arange(light.shape[-1])
    for _ in range(LAMPS):
        row, column = (chance.whole(20, side - 20) for side in light.shape[-2:])
        lamp = (rows - row).square() + (columns - column).square() <= chance.between(1, 5)
        light = torch.where(lamp, chance.between(*LAMP_LIGHT), light)
    blurred = functional.conv2d(light.transpose(0, 1), kernel.flip(-1, -2)).transpose(0, 1)
    seen = chance.noise(to_display(blurred), chance.between(0.002, 0.008))
    white = (blurred.amax(1, keepdim=True) > 0.8).float()
    near = functional.max_pool2d(white, 9, stride=1, padding=4)
    return Snapshot(png(seen), to_display(inner(light, margin)), 1 - near, MAY_REFUSE, 1.0)


def cut_out(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken, and cut out: around it nothing is seen, of whatever colour."""
    take = taken(paths, moved(chance.between(9, 25), chance), chance)
    seen_part = _oval(take.sharp, chance, low=0.85, high=0.95, soft=0)
    seen = torch.where(seen_part > 0.5, take.blurry, chance.one_of((0.0, 1.0, 0.4)))
    core = 1 - functional.max_pool2d(1 - seen_part, 25, stride=1, padding=12)
    return Snapshot(png(seen, seen_part[0, 0] > 0.5), take.sharp, core, least_gain=1.5, facts=take.facts)


def code(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken: a code of black and white squares in a scene."""
    kernel = moved(chance.between(8, 20), chance)
    scene = sharp_photo(paths, chance, margin=kernel.shape[-1] // 2) * 0.5 + 0.3
    cell, count = chance.whole(5, 8), 29
    squares = (torch.rand(1, 1, count, count, generator=chance.generator) < 0.5).float()
    squares = functional.pad(squares, (3, 3, 3, 3), value=1.0)
    drawn = functional.interpolate(squares, scale_factor=cell) * 0.85 + 0.05
    height, width = (min(one, other) for one, other in zip(drawn.shape[-2:], scene.shape[-2:], strict=True))
    scene[..., :height, :width] = drawn[..., :height, :width]
    return _plain(taken(paths, kernel, chance, sharp=scene), least_gain=3.0)


def print_(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken: a page of print."""
    page = PIL.Image.new("L", (540, 420), 245)
    draw, font = PIL.ImageDraw.Draw(page), PIL.ImageFont.load_default(size=15)
    for row in range(18):
        text = "  ".join(chance.one_of(WORDS) for _ in range(5)) + f"   {chance.between(1, 99):.2f}"
        draw.text((18, 8 + 23 * row), text, font=font, fill=25)
    values = torch.frombuffer(bytearray(page.tobytes()), dtype=torch.uint8).view(1, 1, 420, 540) / 255
    kernel = moved(chance.between(6, 18), chance)
    return _plain(taken(paths, kernel, chance, sharp=values.expand(-1, 3, -1, -1)), least_gain=2.0)


def palette(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken, saved with 255 colours: contour lines are not noise."""
    take = taken(paths, moved(chance.between(9, 25), chance), chance)
    return replace(_plain(take, wanted=MAY_REFUSE), file=png(take.blurry, colours=chance.one_of((255, 128))))


def twelve_bits(paths: Paths, chance: Chance) -> Snapshot:
    """Shaken, grey, 12 bits in a file of 16."""
    take = taken(paths, moved(chance.between(9, 25), chance), chance, sigma=chance.between(0, 0.004))
    truth, seen = (luminance(one) for one in (take.sharp, take.blurry))
    file = png_of_16_bits(seen, 4095)
    return Snapshot(file, truth, take.everywhere, least_gain=2.0, scale=65535 / 4095, facts=take.facts)


def faint(paths: Paths, chance: Chance) -> Snapshot:
    """A wall, a sky: nothing to judge by, and never called sharp."""
    del paths
    slope = torch.linspace(0, chance.between(0.05, 0.3), 480) + chance.between(0.2, 0.6)
    seen = chance.noise(slope.expand(1, 3, 360, 480).contiguous(), chance.between(0.001, 0.008))
    return Snapshot(png(seen), seen, torch.ones_like(seen[:, :1]), ("left alone", "refused"))


def _oval(picture: Tensor, chance: Chance, *, low: float, high: float, soft: int = 9) -> Tensor:
    """1 in an oval that is somewhere near the middle, `low` to `high` of the sides wide, with a soft rim (1 1 h w)."""
    height, width = picture.shape[-2:]
    rows, columns = torch.linspace(-1, 1, height)[:, None], torch.linspace(-1, 1, width)
    tall, wide = chance.between(low, high), chance.between(low, high)
    room = max(0.0, min(0.4, 1 - max(tall, wide)) - 0.02)
    row, column = chance.between(-room, room), chance.between(-room, room)
    inside = ((rows - row) / tall).square() + ((columns - column) / wide).square() < 1
    inside = inside.float()[None, None]
    return functional.avg_pool2d(inside, soft, 1, soft // 2, count_include_pad=False) if soft else inside


KINDS: dict[str, Kind] = {
    "shake, linear light": _blurred(lambda chance: moved(chance.between(9, 25), chance), light=True, least_gain=2.0),
    "shake, stored values": _blurred(lambda chance: moved(chance.between(9, 25), chance), light=False, least_gain=2.0),
    "line": _blurred(straight, light=True, least_gain=2.0),
    "soft": _blurred(lambda chance: soft(1.0, 3.0, chance), least_gain=0.3),
    "a little soft": _blurred(lambda chance: soft(0.5, 1.0, chance), wanted=MAY_LEAVE),
    "defocus": _blurred(defocused, wanted=MAY_REFUSE, least_gain=1.0),
    "shaken": shaken,
    "noise": noisy,
    "JPEG": compressed,
    "letterbox": letterbox,
    "frame": framed,
    "stamp": stamped,
    "watermark": watermarked,
    "night": night,
    "cut-out": cut_out,
    "code": code,
    "print": print_,
    "part blurred": part_blurred,
    "bokeh": bokeh,
    "palette": palette,
    "12 bits": twelve_bits,
    "nothing": faint,
    "sharp": sharp,
}


def snapshot(kind: str, paths: Paths, name: str) -> Snapshot:
    """One photo of a kind, as a name draws it from sharp ones."""
    return KINDS[kind](paths, Chance(chance_of(f"{kind} {name}")))
