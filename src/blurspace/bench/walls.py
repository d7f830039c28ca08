"""What does a wall look like that a machine can read: markers, codes and lines of print, hung onto a photo?

Markers and QR codes are drawn by OpenCV, bars and print here. All numbers are our choice.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from blurspace.bench.sight import MARKERS, plain
from blurspace.bench.snapshots import Chance
from blurspace.data.printed import PrintedLines, PrintSettings, draw_text
from blurspace.types import AnyImage

INK, PAPER = 0.06, 0.9  # display values
GAP, TRIES = 6, 4000  # px between two things; places tried for one
MARKER_SIDES, QR_CELLS, BAR_WIDTH = (5, 9), (4, 5), 2  # px of a marker's cell; of a QR code's; of a thin bar
COUNTS = {"markers": 6, "QR codes": 2, "bars": 1, "lines": 3}
LINES = PrintSettings(height=36, width=280, sizes=(17.0, 22.0), starts=(8.0, 14.0), lifts=(-1.0, 1.0))
SHORTEST, TEXT = 4, 12  # letters of a word that counts; letters of a line, at least
# How EAN-13 writes a digit in seven bars (1 is ink), and which of the left six are mirrored for the first digit.
DIGITS = ["0001101", "0011001", "0010011", "0111101", "0100011", "0110001", "0101111", "0111011", "0110111", "0001011"]
MIRRORED = ["000000", "001011", "001101", "001110", "010011", "011001", "011100", "010101", "010110", "011010"]


@dataclass(frozen=True)
class Wall:
    """The `picture` (1 3 h w), display values, and what can be read there: by kind, each thing by its content."""

    picture: AnyImage
    there: dict[str, frozenset[str]]


def wall(photo: AnyImage, chance: Chance, *, rim: int) -> Wall:
    """Things hung onto a photo (1 3 h w) where they do not hide one another, and not within `rim` px of its border."""
    things = _things(chance)
    picture, taken = photo.clone(), torch.zeros(photo.shape[-2:], dtype=torch.bool)
    taken[:rim], taken[-rim:], taken[:, :rim], taken[:, -rim:] = True, True, True, True
    there: dict[str, set[str]] = {"markers": set(), "codes": set(), "words": set()}
    for kind, content, patch in sorted(things, key=lambda thing: -thing[2].numel()):
        if (place := _place(taken, patch, chance)) is not None:
            picture[(..., *place)] = patch
            taken[place] = True
            there[kind] |= set(content)
    return Wall(picture, {kind: frozenset(found) for kind, found in there.items()})


def bars(digits: str) -> tuple[str, AnyImage]:
    """Twelve digits as EAN-13: the thirteen of its content, and its bars with quiet zones (1 1 h w)."""
    numbers = [int(digit) for digit in digits]
    check = -sum(one * (3 if at % 2 else 1) for at, one in enumerate(numbers)) % 10
    six = zip(numbers[1:7], MIRRORED[numbers[0]], strict=True)
    left = [_right(one)[::-1] if mirrored == "1" else DIGITS[one] for one, mirrored in six]
    right = [_right(one) for one in (*numbers[7:], check)]
    row = torch.tensor([int(bar) for bar in "".join(("101", *left, "01010", *right, "101"))])
    drawn = row.repeat_interleave(BAR_WIDTH).expand(1, 1, 48, -1).bool()
    return f"{digits}{check}", _paper(drawn, 9 * BAR_WIDTH)


def _right(digit: int) -> str:
    """A digit as the right half of EAN-13 writes it: ink where the left half has paper."""
    return DIGITS[digit].translate(str.maketrans("01", "10"))


def _things(chance: Chance) -> list[tuple[str, Sequence[str], AnyImage]]:
    """Kind, contents and picture of all that is to be hung."""
    dictionary = cv2.aruco.getPredefinedDictionary(MARKERS)
    found: list[tuple[str, Sequence[str], AnyImage]] = []
    for name in torch.randperm(100, generator=chance.generator)[: COUNTS["markers"]].tolist():
        cells, cell = dictionary.markerSize + 2, chance.whole(*MARKER_SIDES)
        drawn = cv2.aruco.generateImageMarker(dictionary, name, cells * cell)
        found.append(("markers", [str(name)], _paper(_ink(drawn), cell)))
    for _ in range(COUNTS["QR codes"]):
        text, cell = f"WALL-{chance.whole(100000, 999999)}", chance.whole(*QR_CELLS)
        drawn = np.kron(cv2.QRCodeEncoder.create().encode(text), np.ones((cell, cell), np.uint8))
        found.append(("codes", [text], _paper(_ink(drawn), 2 * cell)))
    for _ in range(COUNTS["bars"]):
        text, patch = bars(f"{chance.whole(10**11, 10**12 - 1)}")
        found.append(("codes", [text], patch))
    for _ in range(COUNTS["lines"]):
        text = draw_text(chance.generator, least=TEXT)
        words = [word for word in map(plain, text.split()) if len(word) >= SHORTEST]
        found.append(("words", words, PrintedLines(settings=LINES).line(text, chance.generator)))
    return found


def _ink(drawn: Any) -> Tensor:
    """Where (1 1 h w) a drawing of levels is dark."""
    return torch.from_numpy(np.ascontiguousarray(drawn))[None, None] < 128


def _paper(ink: Tensor, quiet: int) -> AnyImage:
    """Ink on paper, with so much of it around."""
    values = torch.full(ink.shape, PAPER).masked_fill(ink, INK)
    return functional.pad(values, (quiet,) * 4, value=PAPER)


def _place(taken: Tensor, patch: AnyImage, chance: Chance) -> tuple[slice, slice] | None:
    """Rows and columns where nothing hangs yet; None where no such place is found."""
    (height, width), (tall, wide) = patch.shape[-2:], taken.shape
    for _ in range(TRIES):
        row, column = chance.whole(GAP, tall - height - GAP), chance.whole(GAP, wide - width - GAP)
        if not taken[row - GAP : row + height + GAP, column - GAP : column + width + GAP].any():
            return slice(row, row + height), slice(column, column + width)
    return None
