"""Which pictures does a camera take while it and the things before it move?

Pairs with known truth, of two kinds. `draw_scene` makes them from still pictures: a background and flat things cut out
of other pictures, each of which moves on its own path, seen by a camera that turns. `average_frames` makes them from
the frames of a real high-speed camera.

The sharp moment is where nothing is displaced, so nothing in it is resampled. All paths have mean 0 over the
exposure, so the blurry picture is not shifted against it. A curved path need not pass through its mean: then the sharp
picture shows where everything is on average, which may be at no moment of the exposure.
"""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from blurspace.blur.cameras import SceneCamera, Span
from blurspace.blur.exposure import add_noise, jpeg, saturate, to_display, to_linear
from blurspace.blur.paths import spline_basis
from blurspace.blur.varying import draw_rotation_path, rotation_displacements
from blurspace.errors import UsageError
from blurspace.types import Image, Pair

FOCAL = 1.0  # focal length in longer sides of the picture: a 36 mm lens before 35 mm film
NODES = 17  # per side, at which a turn's displacements are exact; between them they are linear, off by 0.006 px at most
# All ours: half axes of a thing, as shares of the picture's shorter side, from a hand to a passer-by; how uneven its
# outline is, the standard deviation of bumps as a share of its radius, and the nodes per side at which they are drawn.
THING_SIZE, BUMPS, BUMP_NODES = (0.08, 0.25), 0.15, 7
EDGE = 2.0  # px over which it goes from nothing to solid: as steep as a pixel's area allows, and not stepped
ARC_POINTS = 3  # control points of a thing's curved path: what has mass makes no zigzag in one exposure


@dataclass(frozen=True)
class Scene:
    """One picture taken sharp and blurry, and what moved how.

    `sharp`, `blurry` (1 c h w): display values in [0, 1]. `things` (n h w), in [0, 1]: how much of each is seen at each
    pixel of the sharp picture, back to front. `turns` (t 3): the camera's rotation vectors at each moment, and `paths`
    (n t 2): where each thing is then, px (row, column) from where the sharp picture shows it.
    """

    sharp: Image
    blurry: Image
    things: Float[Tensor, "n h w"]
    turns: Float[Tensor, "t 3"]
    paths: Float[Tensor, "n t 2"]

    def displacements(self) -> Float[Tensor, "t h w 2"]:
        """By how many px (row, column) what each pixel of `sharp` shows has moved; of a thing where it covers half."""
        moved = _carried(self.turns, self.things.new_zeros(len(self.turns), 2), self.things)
        for path, share in zip(self.paths, self.things, strict=True):
            inside = share > 0.5
            moved[:, :, inside] = _carried(self.turns, path, self.things)[:, :, inside]
        return moved.permute(0, 2, 3, 1)


@dataclass(frozen=True)
class _Thing:
    """A flat thing: its light times its mask, then the mask (1 c+1 h w), and where it is at each moment (t 2), px."""

    layer: Tensor
    path: Tensor


def draw_scene(pictures: Image, *, camera: SceneCamera, generator: torch.Generator | None = None) -> Scene:
    """Draw what `camera` makes of still pictures (n c h w), display values in [0, 1]: sharp, blurry, and the truth.

    The first picture is the background; the others, over and over again, are the textures of the things. At each
    moment all of it is composed back to front in linear light, and the moments are averaged. Then follow gain and a
    sensor that fills up, noise, response and JPEG; the sharp picture has neither noise nor JPEG. What comes into the
    frame from outside is its edge pixel. `generator`: on the CPU; None = torch's own. All results are on the pictures'
    device. Raises UsageError on pictures of other shapes, or too few of them.
    Source: layers and moments as in Nah, Kim and Lee 2017 (averaging) and Whyte et al. 2012 (turning).
    """
    _check_pictures(pictures, camera)
    size = (pictures.shape[-2], pictures.shape[-1])
    turns = _draw_turns(camera, FOCAL * max(size), generator)
    light = to_linear(pictures[: 1 + camera.things[1]], camera.response)
    things = _draw_things(light[1:], camera, generator)
    still = _compose(light[:1].clone(), [thing.layer for thing in things])
    sharp = _develop(still, replace(camera, sigma=0.0, jpeg=None), None)
    blurry = _develop(_expose(light[:1], things, turns), camera, generator)
    paths = torch.stack([thing.path for thing in things]) if things else light.new_zeros(0, camera.moments, 2)
    return Scene(sharp, blurry, _visible(things, light), turns, paths)


def average_frames(frames: Image, *, response: str) -> Pair:
    """Blur by the frames (t c h w) of a high-speed camera: their mean in linear light, and the middle one as sharp.

    `frames`: display values in [0, 1], in order, t odd and 3 or more. `response`: a name in `blur.exposure.RESPONSES`.
    Returns a pair of (1 c h w). Raises UsageError on other frames or responses.
    Source: Nah, Kim and Lee 2017, "Deep multi-scale convolutional neural network for dynamic scene deblurring" (the
    GoPro data: 7 to 13 frames at 240 per second, response "gamma 2.2").
    """
    shape = tuple(frames.shape)
    if len(shape) != 4 or shape[0] < 3 or shape[0] % 2 == 0:
        raise UsageError(f"frames of shape {shape} were given: give an odd number of 3 or more, (t, c, h, w)")
    mean = to_linear(frames, response).mean(0, keepdim=True)
    return Pair(frames[len(frames) // 2][None], to_display(mean, response))


def _draw_turns(camera: SceneCamera, focal: float, generator: torch.Generator | None) -> Tensor:
    """The camera's rotation vectors (t 3) at moments evenly spread over the exposure, mean 0, in double precision."""
    travel = _between(camera.travel, generator)
    if camera.straight:
        direction, roll = torch.rand(2, generator=generator, dtype=torch.float64)
        direction = torch.deg2rad(camera.directions[0] + (camera.directions[1] - camera.directions[0]) * direction)
        axis = torch.stack((direction.sin(), direction.cos(), camera.roll * (2 * roll - 1)))
        return torch.outer(_times(camera.moments) - 0.5, axis) * (travel / focal)
    path = draw_rotation_path(extent=1 + travel, focal=focal, roll=camera.roll, generator=generator)
    nearest = torch.searchsorted(path.weights.cumsum(0), _times(camera.moments))
    angles = path.angles[nearest.clamp(max=len(path.angles) - 1)]
    return angles - angles.mean(0)


def _draw_things(textures: Tensor, camera: SceneCamera, generator: torch.Generator | None) -> list[_Thing]:
    """Draw things out of linear textures (n c h w), back to front."""
    count = int(torch.randint(camera.things[0], camera.things[1] + 1, (), generator=generator))
    things = []
    for index in range(count):
        texture = textures[index % len(textures)][None]
        mask = _draw_mask((texture.shape[-2], texture.shape[-1]), generator).to(texture)
        things.append(_Thing(torch.cat((texture * mask, mask), 1), _draw_thing_path(camera, generator).to(texture)))
    return things


def _draw_mask(size: tuple[int, int], generator: torch.Generator | None) -> Tensor:
    """The mask (1 1 h w) of one thing: an ellipse with an uneven outline and a soft edge, its centre in the frame."""
    row, column, tilt = torch.rand(3, generator=generator).tolist()
    axes = torch.tensor([_between(THING_SIZE, generator) for _ in range(2)]) * min(size)
    bumps = BUMPS * torch.randn(1, 1, BUMP_NODES, BUMP_NODES, generator=generator)
    bumps = functional.interpolate(bumps, size=size, mode="bicubic", align_corners=True)
    down = torch.arange(size[0])[:, None] - row * (size[0] - 1)
    across = torch.arange(size[1]) - column * (size[1] - 1)
    turn = torch.tensor(torch.pi * tilt)
    along, aside = across * turn.cos() + down * turn.sin(), down * turn.cos() - across * turn.sin()
    radius = ((along / axes[0]) ** 2 + (aside / axes[1]) ** 2).sqrt()
    return ((1 + bumps - radius) * axes.min() / EDGE + 0.5).clamp(0, 1)


def _draw_thing_path(camera: SceneCamera, generator: torch.Generator | None) -> Tensor:
    """Where a thing is at each moment, (t 2) in px (row, column), mean 0: a line, or an arc."""
    travel = _between(camera.thing_travel, generator)
    points = torch.randn(2 if camera.straight else ARC_POINTS, 2, generator=generator, dtype=torch.float64)
    path = spline_basis(len(points), camera.moments) @ points
    path = path - path.mean(0)
    return path * (travel / torch.cdist(path, path).max().clamp(min=1e-12))


def _expose(background: Tensor, things: list[_Thing], turns: Tensor) -> Tensor:
    """The mean over the moments of all that is seen, in linear light: (1 c h w)."""
    size = (background.shape[-2], background.shape[-1])
    nodes = _nodes(size)
    moved = rotation_displacements(turns, nodes, size=size, focal=FOCAL * max(size)).transpose(0, 1)
    half = torch.tensor([size[0] - 1, size[1] - 1], dtype=torch.float64) / 2
    places = ((nodes - moved) / half - 1).flip(-1)  # grid_sample wants (column, row) from -1 to 1
    offsets = [(thing.path / half.to(thing.path)).flip(-1)[:, None, None] for thing in things]
    total = torch.zeros_like(background)
    # One moment after the other: that bounds the memory, and a picture and its grid stay in the processor's cache.
    for moment in range(len(turns)):
        here = _spread(places[moment : moment + 1], size, like=background).permute(0, 2, 3, 1)
        layers = [_sample(thing.layer, here - at[moment]) for thing, at in zip(things, offsets, strict=True)]
        total += _compose(_sample(background, here), layers)
    return total / len(turns)


def _sample(picture: Tensor, grid: Tensor) -> Tensor:
    return functional.grid_sample(picture, grid, padding_mode="border", align_corners=True)


def _compose(light: Tensor, layers: list[Tensor]) -> Tensor:
    """Lay layers (b c+1 h w), light times mask and mask, over `light` (b c h w), which is overwritten."""
    for layer in layers:
        light.mul_(1 - layer[:, -1:]).add_(layer[:, :-1])
    return light


def _develop(linear: Tensor, camera: SceneCamera, generator: torch.Generator | None) -> Image:
    """From light to the file, in the order of `photograph`."""
    exposed = saturate(linear, gain=camera.gain)
    if camera.sigma:
        exposed = add_noise(exposed, sigma=camera.sigma, generator=generator)
    photo = to_display(exposed, camera.response)
    return photo if camera.jpeg is None else jpeg(photo, quality=camera.jpeg)


def _visible(things: list[_Thing], like: Tensor) -> Tensor:
    """How much of each thing is seen in the sharp picture, (n h w): its mask, less what lies over it."""
    seen = like.new_zeros(len(things), *like.shape[-2:])
    free = like.new_ones(like.shape[-2:])
    for index in reversed(range(len(things))):
        mask = things[index].layer[0, -1]
        seen[index] = mask * free
        free = free * (1 - mask)
    return seen


def _carried(turns: Tensor, path: Tensor, like: Tensor) -> Tensor:
    """Where a thing on `path` (t 2) is carried, seen by the turning camera: H (place + path) - place, (t 2 h w)."""
    size = (like.shape[-2], like.shape[-1])
    own = path.to("cpu", torch.float64)[:, None]
    places = (_nodes(size) + own).flatten(0, 1)
    # The inverse turn says where a place goes to, with the sign reversed; each moment has its own places.
    back = rotation_displacements(-turns, places, size=size, focal=FOCAL * max(size))
    back = back.unflatten(0, (len(turns), -1)).diagonal(dim1=0, dim2=2).permute(2, 0, 1)
    return _spread(own - back, size, like=like)


def _nodes(size: tuple[int, int]) -> Tensor:
    """(row, column) of NODES x NODES places from corner to corner of the picture, (n 2), in px."""
    down, across = (torch.linspace(0, length - 1, NODES, dtype=torch.float64) for length in size)
    return torch.stack(torch.meshgrid(down, across, indexing="ij"), -1).flatten(0, 1)


def _spread(values: Tensor, size: tuple[int, int], *, like: Tensor) -> Tensor:
    """Values (t n 2) at the nodes, bilinearly between them: (t 2 h w)."""
    places = (torch.linspace(0, NODES - 1, length)[:, None] for length in size)
    down, across = ((1 - (place - torch.arange(NODES)).abs()).clamp(min=0).to(like) for place in places)
    return down @ values.unflatten(1, (NODES, NODES)).permute(0, 3, 1, 2).to(like) @ across.T


def _times(count: int) -> Tensor:
    """The middles of `count` equal parts of the exposure, which lasts from 0 to 1."""
    return (torch.arange(count, dtype=torch.float64) + 0.5) / count


def _between(span: Span, generator: torch.Generator | None) -> float:
    return span[0] + (span[1] - span[0]) * torch.rand((), generator=generator, dtype=torch.float64).item()


def _check_pictures(pictures: Tensor, camera: SceneCamera) -> None:
    shape = tuple(pictures.shape)
    if len(shape) != 4 or shape[1] not in (1, 3) or min(shape[-2:]) < 2:
        raise UsageError(f"pictures of shape {shape} were given: give (count, 1 or 3, height, width), 2 px or more")
    wanted = 2 if camera.things[1] else 1
    if shape[0] < wanted:
        raise UsageError(f"{shape[0]} pictures were given: give {wanted} or more, a background and textures of things")
