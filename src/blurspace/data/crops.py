"""Which sharp photos are there to learn from, and how is a random piece of one cut out?"""

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import torch
from torch import Generator, Tensor

from blurspace.errors import NoInputError, PictureError
from blurspace.io.files import find_photos, is_folder, shown
from blurspace.io.images import read_photo
from blurspace.levels import to_levels
from blurspace.types import Image

Part = Literal["all", "train", "held out"]
# Of the photos, for validation: Kaufman 2020 held out 3k of 45k; a tenth, because our folders are small.
HELD_OUT = 0.1


class SharpPhotos:
    """The photos of a folder, read once into memory as uint8 (3 h w); grey ones get three equal channels.

    `part`: "train" and "held out" never share a photo, and each has one at least; which it is depends on the file's
    name alone, so it stays where it is when others come. `limit`: only the first so many of the part, by name.
    `skipped`: names of the files that could not be read. Raises NoInputError where no photo is left.
    """

    def __init__(self, folder: str | Path, *, limit: int | None = None, part: Part = "all") -> None:
        """Read the photos."""
        self.folder = shown(folder)
        if not is_folder(folder):
            raise NoInputError(f"{self.folder} is not a folder: give a folder of sharp photos")
        self.photos: list[Tensor] = []
        skipped = []
        for path in _part(find_photos([folder]), part, self.folder)[:limit]:
            try:
                self.photos.append(read_pixels(path))
            except PictureError as problem:  # one bad file among thousands must not stop a training
                skipped.append(str(problem))
        self.skipped = tuple(skipped)
        if not self.photos:
            raise NoInputError(f"no photo in {self.folder} can be read: give a folder of sharp photos")

    @classmethod
    def of(cls, photos: Sequence[Tensor]) -> "SharpPhotos":
        """Photos that are uint8 (3 h w) already."""
        one = cls.__new__(cls)
        one.folder, one.skipped, one.photos = "the pictures given", (), list(photos)
        return one

    def crop(self, generator: Generator, *, side: int) -> Image:
        """A random square of `side` px as (1 3 side side) in [0, 1]: photo, place, flip and quarter turn by chance."""
        return self.crop_bytes(generator, side=side)[None] / 255

    def crop_bytes(self, generator: Generator, *, side: int) -> Tensor:
        """Like `crop`, as uint8 (3 side side). Raises NoInputError where every photo is smaller than `side`."""
        return draw_square(self.photos, generator, side=side, named=f"the photos in {self.folder}")


def draw_square(
    pictures: Sequence[Tensor], generator: Generator, *, side: int, named: str, upright: bool = False
) -> Tensor:
    """A square (... side side) of one of the pictures (... h w): picture, place, flip and quarter turn by chance.

    `upright`: at most mirrored from left to right. Raises NoInputError, with `named`, where all are too small.
    """
    big_enough = [picture for picture in pictures if min(picture.shape[-2:]) >= side]
    if not big_enough:
        largest = max((min(picture.shape[-2:]) for picture in pictures), default=0)
        raise NoInputError(
            f"crops of {side} px were wanted and {named} have at most {largest} px on their shorter side: give bigger "
            "pictures or ask for smaller crops"
        )
    picture = big_enough[draw_index(len(big_enough), generator)]
    top, left = (draw_index(length - side + 1, generator) for length in picture.shape[-2:])
    piece = picture[..., top : top + side, left : left + side]
    return turned(piece, 4 * draw_index(2, generator) if upright else draw_index(8, generator))


def read_pixels(path: Path) -> Tensor:
    """A picture file as uint8 (3 h w); a grey one gets three equal channels. Raises PictureError like `read_photo`."""
    pixels = to_levels(read_photo(path).pixels)[0]
    return pixels.expand(3, -1, -1).contiguous()


def _part(paths: list[Path], part: Part, folder: str) -> list[Path]:
    if part == "all":
        return paths
    if len(paths) < 2:
        raise NoInputError(f"{folder} holds one photo, and one more is needed for validation: give two or more")
    ranked = sorted(paths, key=lambda path: rank(path.name))
    count = sum(rank(path.name) < HELD_OUT for path in ranked)
    count = min(max(count, 1), len(paths) - 1)
    return sorted(ranked[:count] if part == "held out" else ranked[count:])


def rank(name: str) -> float:
    """A number in [0, 1) that depends on the name alone."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:6], "big") / 2**48


def digest(pictures: Sequence[Tensor], *, also: str = "") -> str:
    """What tells these pictures, uint8 (3 h w), in this order, from others; and from the same with other words."""
    found = hashlib.blake2b(also.encode(), digest_size=16)
    for picture in pictures:
        found.update(picture.contiguous().numpy().tobytes())
    return found.hexdigest()


def turned(picture: Tensor, turns: int) -> Tensor:
    """One of the eight symmetries of a square (... h w)."""
    picture = torch.rot90(picture, turns % 4, (-2, -1))
    return picture.flip(-1) if turns >= 4 else picture


def draw_between(span: tuple[float, float], generator: Generator) -> float:
    """A number from low to high by chance."""
    return span[0] + (span[1] - span[0]) * float(torch.rand((), generator=generator))


def draw_index(count: int, generator: Generator) -> int:
    """A number in 0 ... `count` - 1 by chance."""
    return int(torch.randint(count, (), generator=generator))
