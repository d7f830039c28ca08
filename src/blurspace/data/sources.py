"""Where do the pairs come from that a kernel space or a deblurrer learns from? Made on the fly, or read.

A source is a function: called with a generator (CPU) and a count, it gives a `Pair` of (count 3 side side).
"""

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Generator, Tensor

from blurspace.blur.cameras import SceneCamera
from blurspace.blur.exposure import photograph
from blurspace.blur.scenes import draw_scene
from blurspace.codes import BlurBank, code_for, pick
from blurspace.data.crops import SharpPhotos, draw_index
from blurspace.data.pairs import draw_pieces
from blurspace.data.triplets import draw_triplets
from blurspace.levels import to_8_bits
from blurspace.nets.kernel_space import BasisSpace
from blurspace.pixels import inner
from blurspace.types import Kernel, Pair

Source = Callable[[Generator, int], Pair]
# px that a scene has beyond its crop on every side, so that what moves in is content and not a repeated edge.
SCENE_MARGIN = 16


def from_pairs(pairs: Sequence[Tensor], *, side: int) -> Source:
    """Crops of pairs, uint8 (2 3 h w), such as `PairPhotos.pairs`. Raises NoInputError where all are too small."""
    return lambda generator, count: draw_pieces(pairs, generator, count=count, side=side)


def from_bank(photos: SharpPhotos, bank: BlurBank, space: BasisSpace, *, side: int) -> Source:
    """Photos under the blurs of a bank, as its space makes them, 8 bits."""

    @torch.no_grad()
    def one(generator: Generator) -> Pair:
        sharp = photos.crop(generator, side=side)
        blurry = space.reblur(sharp, code_for(space, pick(bank, generator), (side, side), generator))
        return Pair(sharp, to_8_bits(blurry))

    return one_by_one(one)


def from_shakes(photos: SharpPhotos, **options: Any) -> Source:
    """Photos under drawn uniform kernels; `options`: those of `data.triplets.draw_triplets`, and its errors."""

    def draw(generator: Generator, count: int) -> Pair:
        drawn = draw_triplets(photos, generator, count=count, **options)
        return Pair(drawn.sharp, drawn.blurry)

    return draw


def from_kernels(photos: SharpPhotos, kernels: Sequence[Kernel], *, side: int, response: str = "linear") -> Source:
    """Photos under one of the given kernels (1 1 k k) each, 8 bits, in the light of `response`."""
    reach = max(kernel.shape[-1] for kernel in kernels) // 2

    def one(generator: Generator) -> Pair:
        kernel = kernels[draw_index(len(kernels), generator)]
        roomy = photos.crop(generator, side=side + 2 * reach)
        blurry = photograph(roomy, kernel, response=response, round8=True)
        return Pair(inner(roomy, reach), inner(blurry, reach))

    return one_by_one(one)


def from_scenes(photos: SharpPhotos, camera: SceneCamera, *, side: int) -> Source:
    """Moving things before a moving camera (`blur.scenes`), out of photos."""

    def one(generator: Generator) -> Pair:
        pieces = [photos.crop(generator, side=side + 2 * SCENE_MARGIN) for _ in range(1 + max(camera.things))]
        scene = draw_scene(torch.cat(pieces), camera=camera, generator=generator)
        return Pair(inner(scene.sharp, SCENE_MARGIN), inner(scene.blurry, SCENE_MARGIN))

    return one_by_one(one)


def mixed(sources: Sequence[Source]) -> Source:
    """Each pair from one of the sources, all equally likely."""
    return one_by_one(lambda generator: sources[draw_index(len(sources), generator)](generator, 1))


def one_by_one(one: Callable[[Generator], Pair]) -> Source:
    """A source from what draws one pair."""

    def draw(generator: Generator, count: int) -> Pair:
        pairs = [one(generator) for _ in range(count)]
        return Pair(torch.cat([pair.sharp for pair in pairs]), torch.cat([pair.blurry for pair in pairs]))

    return draw
