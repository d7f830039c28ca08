"""How is a random piece of a sharp-blurry pair cut out?"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Generator, Tensor

from blurspace.data.crops import HELD_OUT, draw_square, rank, read_pixels
from blurspace.data.layouts import PairFiles, find_pairs
from blurspace.errors import NoInputError, PictureError, UsageError
from blurspace.io.files import shown
from blurspace.types import Pair


class PairPhotos:
    """Pairs of files, read once into memory as uint8 (2 3 h w), sharp before blurry; grey gets three equal channels.

    `limit`: only the first so many. `files`: those that were read; `scenes`: their scenes, each once, in order;
    `skipped`: a sentence for each pair with a file that could not be read. Raises UsageError where the two pictures of
    a pair differ in size, NoInputError where no pair is left.
    """

    def __init__(self, files: Sequence[PairFiles], *, limit: int | None = None) -> None:
        """Read the pairs."""
        self.files: list[PairFiles] = []
        self.pairs: list[Tensor] = []
        skipped = []
        for pair in files[:limit]:
            try:
                self.pairs.append(_read(pair))
                self.files.append(pair)
            except PictureError as problem:  # one bad file among thousands must not stop a training
                skipped.append(str(problem))
        self.skipped = tuple(skipped)
        if not self.pairs:
            raise NoInputError(f"none of {len(skipped)} pairs can be read: give sharp and blurry photos")
        self.scenes = sorted({pair.scene for pair in self.files})

    def __len__(self) -> int:
        """How many pairs could be read."""
        return len(self.pairs)

    def draw(self, generator: Generator, *, count: int, side: int) -> Pair:
        """Random squares of `side` px, (count 3 side side) in [0, 1]: pair, place, flip and quarter turn by chance.

        Both pictures of a pair are cut and turned alike. Raises NoInputError where every pair is smaller than `side`.
        """
        return draw_pieces(self.pairs, generator, count=count, side=side)

    def whole(self, index: int) -> Pair:
        """All of one pair, (1 3 h w) in [0, 1]; `index` counts in `files`."""
        sharp, blurry = self.pairs[index].float() / 255
        return Pair(sharp[None], blurry[None])

    def wholes(self) -> list[Pair]:
        """All pairs, see `whole`."""
        return [self.whole(index) for index in range(len(self))]


def spaced_pairs(path: Path, limit: int) -> list[Pair]:
    """At most `limit` whole pairs of a folder, evenly spaced."""
    files = find_pairs(path)
    count = min(limit, len(files))
    return PairPhotos([files[index * len(files) // count] for index in range(count)]).wholes()


def split_by_scene(files: list[PairFiles], *, held_out: float = HELD_OUT) -> tuple[list[PairFiles], list[PairFiles]]:
    """The pairs to train on and those held out, which share no scene; each side gets one scene at least.

    On which side a scene is depends on its name alone, so it stays there when others come; `held_out`: about this share
    of the scenes, in (0, 1). Raises UsageError on another share or a single scene, NoInputError without pairs.
    """
    if not 0 < held_out < 1:
        raise UsageError(f"a share of {held_out} was to be held out: give a number between 0 and 1")
    ranked = sorted({pair.scene for pair in files}, key=rank)
    if not ranked:
        raise NoInputError("no pairs were given, where some of two scenes were wanted: give some")
    if len(ranked) == 1:
        only = f"all pairs are of one scene, {shown(ranked[0])}, which cannot be both trained on and held out"
        raise UsageError(f"{only}: give pairs of two scenes or more")
    count = min(max(sum(rank(scene) < held_out for scene in ranked), 1), len(ranked) - 1)
    kept = set(ranked[count:])
    return [pair for pair in files if pair.scene in kept], [pair for pair in files if pair.scene not in kept]


def draw_pieces(pairs: Sequence[Tensor], generator: Generator, *, count: int, side: int) -> Pair:
    """As `PairPhotos.draw`, from pairs that are uint8 (2 3 h w) already."""
    drawn = [draw_square(pairs, generator, side=side, named="the pairs") for _ in range(count)]
    pieces = torch.stack(drawn).float() / 255
    return Pair(pieces[:, 0], pieces[:, 1])


def _read(pair: PairFiles) -> Tensor:
    """uint8 (2 3 h w)."""
    sharp, blurry = read_pixels(pair.sharp), read_pixels(pair.blurry)
    if sharp.shape != blurry.shape:
        both = ((pair.sharp, sharp), (pair.blurry, blurry))
        sizes = " and its partner ".join(f"{shown(path)} has {x.shape[-1]} x {x.shape[-2]} pixels" for path, x in both)
        raise UsageError(f"{sizes}: give both in the same size")
    return torch.stack((sharp, blurry))
