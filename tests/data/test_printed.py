"""Are lines of print drawn as asked: any text, the same again by the same seed, in fonts that have letters?"""

import pytest
import torch

from blurspace.chance import chance
from blurspace.data.printed import PrintedLines, PrintSettings, draw_text, fonts_in
from blurspace.errors import NoInputError

LINES = PrintedLines()


def test_lines():
    drawn = LINES.draw(chance(0, 0), 6)
    assert drawn.shape == (6, 1, 32, 256)
    assert drawn.dtype == torch.float32
    assert float(drawn.min()) >= 0
    assert float(drawn.max()) <= 1
    assert bool((drawn.amax((1, 2, 3)) - drawn.amin((1, 2, 3)) > 0.2).all())
    assert torch.equal(drawn, LINES.draw(chance(0, 0), 6))
    assert not torch.equal(drawn, LINES.draw(chance(0, 1), 6))


def test_the_text_is_what_is_drawn():
    still = PrintedLines(settings=PrintSettings(sizes=(20, 20), tilts=(0, 0), lifts=(0, 0), starts=(4, 4)))
    one, same, other = (still._mask(text, chance(0, 2)) for text in ("SIGN 7", "SIGN 7", "SIGN 9"))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    assert torch.equal(one[..., :40], other[..., :40])


def test_texts():
    texts = [draw_text(chance(1, index)) for index in range(200)]
    assert all(len(text) >= 34 for text in texts)
    assert all(sign.isascii() and sign.isprintable() for text in texts for sign in text)
    assert set("".join(texts).lower()) >= set("abcdefghijklmnopqrstuvwxyz0123456789")


def test_fonts(tmp_path):
    (tmp_path / "broken.ttf").write_bytes(b"no font")
    assert fonts_in(tmp_path) == ()
    with pytest.raises(NoInputError, match="is not a folder: give one with fonts"):
        fonts_in(tmp_path / "broken.ttf")
