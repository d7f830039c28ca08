"""The report of `adapt` as a page: whatever a name holds is text, nothing comes from elsewhere, and it can be read."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
import torch

import blurspace
from blurspace.jobs.adapt_page import Section, address, begun, render, shown

HOSTILE = '<script>alert("1")</script>\'"><img src=x onerror=alert(2)>'
PACKAGE = Path(blurspace.__file__).parent
LOOK = (PACKAGE / "pages" / "look.css").read_text(encoding="utf-8")


class Tags(HTMLParser):
    """Every tag that a browser would see, and the text outside of styles."""

    def __init__(self, page):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


def page(name="belt", *, use=True):
    sections = [
        Section(name, name, picture=address(torch.rand(1, 1, 4, 4)), rows=[{name: name, "dB": 1.25}, {"dB": None}]),
        Section("Pictures", strips=[{name: address(torch.rand(1, 3, 4, 4))}]),
    ]
    return render(verdict=name, reason=name, use=use, facts={name: name}, sections=sections)


def test_a_hostile_name_is_text_wherever_it_stands():
    plain, hostile = Tags(page()), Tags(page(HOSTILE))
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in plain.tags]  # nothing was added
    assert not any(name.startswith("on") for _, attributes in hostile.tags for name in attributes)
    assert HOSTILE in hostile.text
    assert any(attributes.get("alt") == HOSTILE for _, attributes in hostile.tags)


def test_it_needs_nothing_else():
    addresses = [value for _, attributes in Tags(page()).tags for name, value in attributes.items() if name == "src"]
    assert len(addresses) == 2
    assert all(value.startswith("data:image/png;base64,") for value in addresses)
    assert not re.search(r"href|url\(|@import|https?:|<script", page())


def test_the_verdict_has_its_colour():
    assert 'class="verdict good"' in page(use=True)
    assert 'class="verdict doubt"' in page(use=False)


def test_what_is_not_known_is_an_empty_cell():
    told = {None: "", "": "", 0.5: "0.500", 1.23456: "1.235", 24.1234: "24.12", -12.0: "-12.00", 3: "3", "belt": "belt"}
    assert {value: shown(value) for value in told} == told
    assert re.search(r'<th scope="row"></th><td></td>', page().replace("\n", ""))


def test_sentences_begin_with_a_capital_and_keep_their_units():
    assert begun("a gain of 2 dB (NIQE)") == "A gain of 2 dB (NIQE)"


def luminance(colour):
    """As WCAG 2 defines it, of #rrggbb."""
    values = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    light = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in values]
    return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2]


def themes():
    found = re.findall(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);", LOOK)
    return [{name: light for name, light, _ in found}, {name: dark for name, _, dark in found}]


def test_every_colour_is_said_once_and_both_pages_have_it():
    names = re.findall(r"^  --([\w-]+):", LOOK, re.MULTILINE)
    assert len(set(names)) == len(names)
    styles = page() + "".join(path.read_text(encoding="utf-8") for path in (PACKAGE / "web" / "page").glob("*.css"))
    used = set(re.findall(r"var\(--([\w-]+)\)", styles))
    assert set(themes()[0]) < set(names)
    assert used - set(names) == {"ratio", "tone"}  # a photo's sides, and the verdict's colour, which is one of them
    assert set(names) - used == set()


@pytest.mark.parametrize("theme", [0, 1])
@pytest.mark.parametrize("behind", ["paper", "card", "sunk", "tint", "bad-tint"])
def test_letters_can_be_read(theme, behind):
    """WCAG's AA wants 4.5 of text."""
    colours = themes()[theme]
    pairs = [(name, behind) for name in ("ink", "faint", "accent", "good", "doubt", "bad")] + [("on-accent", "accent")]
    for above, below in pairs:
        dark, light = sorted((luminance(colours[above]), luminance(colours[below])))
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (above, below)
