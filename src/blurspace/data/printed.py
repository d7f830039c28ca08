"""What does a line of print look like? Words, numbers and plates, drawn by chance in free fonts on paper or a sign.

Rendered lines are unlimited, and nobody's. All numbers are our choice.
"""

import math
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import torch
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont
from torch import Generator

from blurspace.data.crops import draw_between, draw_index
from blurspace.errors import NoInputError
from blurspace.io.files import is_folder, shown
from blurspace.types import Image

SUFFIXES = frozenset({".ttf", ".otf"})
LETTERS, DIGITS = "etaoinshrdlucmfwypvbgkjqxz", "0123456789"  # letters: the frequent ones first, as in English
RARER = 12  # the place at which a letter is half as likely as the first
OWN_SHARE = 0.25  # of the lines in Pillow's own font, where there are others
DARK_SIGNS = 0.2  # the share of lines that are light on dark
FINER = 2  # a line is drawn so many times larger, to be turned


@dataclass(frozen=True)
class PrintSettings:
    """Lines of `height` x `width` px; `sizes` of type in px, `tilts` in degrees; shades of `ink` and `paper`."""

    height: int = 32
    width: int = 256
    sizes: tuple[float, float] = (14.0, 23.0)
    tilts: tuple[float, float] = (-1.2, 1.2)
    lifts: tuple[float, float] = (-2.0, 2.0)  # px from the middle
    starts: tuple[float, float] = (-12.0, 24.0)  # px from the left edge
    ink: tuple[float, float] = (0.0, 0.35)
    paper: tuple[float, float] = (0.6, 1.0)


@dataclass(frozen=True)
class PrintedLines:
    """Draws lines of print in the fonts of files `paths`, and in Pillow's own (Aileron Regular, CC0)."""

    paths: tuple[Path, ...] = ()
    settings: PrintSettings = field(default_factory=PrintSettings)

    def draw(self, generator: Generator, count: int) -> Image:
        """(count 1 height width) in [0, 1], display values."""
        return torch.cat([self.line(draw_text(generator), generator) for _ in range(count)])

    def line(self, text: str, generator: Generator) -> Image:
        """One `text`, (1 1 height width), cut where the line ends; how it is set is drawn."""
        known = self.settings
        shades = draw_between(known.paper, generator), draw_between(known.ink, generator)
        paper, ink = reversed(shades) if draw_between((0, 1), generator) < DARK_SIGNS else shades
        return paper + (ink - paper) * self._mask(text, generator)

    def _mask(self, text: str, generator: Generator) -> Image:
        """How much ink is where."""
        known = self.settings
        size, tilt, lift, start = (
            draw_between(span, generator) for span in (known.sizes, known.tilts, known.lifts, known.starts)
        )
        font = _font(self._path(generator), round(FINER * size))
        large = Pillow.new("L", (FINER * known.width, FINER * known.height))
        place = FINER * start, FINER * (known.height / 2 + lift)
        ImageDraw.Draw(large).text(place, text, fill=255, font=font, anchor="lm")
        turned = large.rotate(tilt, Pillow.Resampling.BILINEAR)
        samples = bytearray(turned.reduce(FINER).tobytes())
        return torch.frombuffer(samples, dtype=torch.uint8).view(1, 1, known.height, known.width) / 255

    def _path(self, generator: Generator) -> Path | None:
        """A font's file; None for Pillow's own."""
        if not self.paths or draw_between((0, 1), generator) < OWN_SHARE:
            return None
        return self.paths[draw_index(len(self.paths), generator)]


def fonts_in(folder: str | Path) -> tuple[Path, ...]:
    """The fonts in a folder and its subfolders that have Latin letters, by name. Raises NoInputError on no folder."""
    if not is_folder(folder):
        raise NoInputError(f"{shown(folder)} is not a folder: give one with fonts, such as that of fonts-dejavu")
    files = sorted(path for path in Path(folder).rglob("*") if path.suffix.lower() in SUFFIXES)
    return tuple(path for path in files if _is_latin(path))


def draw_text(generator: Generator, *, least: int = 34) -> str:
    """Words, numbers and plates, until there are `least` characters."""
    words: list[str] = []
    while len(" ".join(words)) < least:
        words.append((_word, _word, _word, _number, _plate)[draw_index(5, generator)](generator))
    return " ".join(words)


def _word(generator: Generator) -> str:
    word = "".join(_letter(generator) for _ in range(1 + draw_index(9, generator)))
    word = (word, word, word.capitalize(), word.upper())[draw_index(4, generator)]
    return word + ("", "", "", "", ",", ".", ":", "!")[draw_index(8, generator)]


def _number(generator: Generator) -> str:
    digits = "".join(DIGITS[draw_index(10, generator)] for _ in range(1 + draw_index(6, generator)))
    mark = ("", "", ".", ":", "-", "/")[draw_index(6, generator)]
    middle = draw_index(len(digits), generator)
    return digits[:middle] + (mark if middle else "") + digits[middle:]


def _plate(generator: Generator) -> str:
    drawn = [(LETTERS.upper(), DIGITS)[draw_index(2, generator)] for _ in range(3 + draw_index(5, generator))]
    return "".join(signs[draw_index(len(signs), generator)] for signs in drawn)


def _letter(generator: Generator) -> str:
    """By Zipf's law with an offset, so that the rare ones are learned too."""
    share = draw_between((0, 1), generator)
    place = RARER * (math.exp(share * math.log1p(len(LETTERS) / RARER)) - 1)
    return LETTERS[min(int(place), len(LETTERS) - 1)]


@lru_cache(maxsize=512)
def _font(path: Path | None, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(path, size)


def _is_latin(path: Path) -> bool:
    """Whether a letter and a digit are drawn, and not the same box for both."""
    try:
        font = _font(path, 24)
        drawn = {bytes(font.getmask(sign)) for sign in "ag8"}
    except (OSError, ValueError):  # what is no font
        return False
    return len(drawn) == 3
