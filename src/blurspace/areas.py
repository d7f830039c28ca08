"""Which rectangles does a picture fall into, so that work on it fits into memory?"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from torch import Tensor


@dataclass(frozen=True)
class Area:
    """A rectangle of a picture in px: `rows` and `columns` (first, after the last), in a `whole` of (height, width)."""

    rows: tuple[int, int]
    columns: tuple[int, int]
    whole: tuple[int, int]

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in px."""
        return self.rows[1] - self.rows[0], self.columns[1] - self.columns[0]

    def cut(self, picture: Tensor) -> Tensor:
        """This piece of a whole picture (... h w)."""
        return picture[..., slice(*self.rows), slice(*self.columns)]

    def cut_from(self, piece: Tensor, outer: "Area") -> Tensor:
        """This piece of what covers `outer` (... h w)."""
        top, left = self.rows[0] - outer.rows[0], self.columns[0] - outer.columns[0]
        return piece[..., top : top + self.size[0], left : left + self.size[1]]

    def grown(self, margin: int, *, multiple: int = 1) -> "Area":
        """With `margin` px more on each side and first px that are multiples, as far as the picture reaches."""
        rows, columns = (
            (max(first - margin, 0) // multiple * multiple, min(last + margin, length))
            for (first, last), length in zip((self.rows, self.columns), self.whole, strict=True)
        )
        return Area(rows, columns, self.whole)


def whole(size: tuple[int, int]) -> Area:
    """The area that is all of a picture of (height, width)."""
    return Area((0, size[0]), (0, size[1]), size)


def middle(size: tuple[int, int], side: int) -> Area:
    """The middle of a picture of (height, width), at most `side` px a side."""
    rows, columns = (((length - min(length, side)) // 2, (length + min(length, side)) // 2) for length in size)
    return Area(rows, columns, size)


def tiles(size: tuple[int, int], side: int, *, multiple: int = 1) -> Iterator[Area]:
    """The picture's area in pieces of nearly one size, at most `side` px a side, row by row.

    All begin at multiples of `multiple` px.
    """
    down, across = (_spans(length, side, multiple) for length in size)
    for rows in down:
        for columns in across:
            yield Area(rows, columns, size)


def _spans(length: int, side: int, multiple: int) -> list[tuple[int, int]]:
    count = ceil(length / max(side, multiple))
    step = ceil(length / count / multiple) * multiple
    return [(first, min(first + step, length)) for first in range(0, length, step)]
