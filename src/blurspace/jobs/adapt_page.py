"""What does the report of `adapt` look like? One HTML page that needs nothing else, made of plain data by a template.

Everything that is put into the template is escaped, since names come from files: a known blur is called like its
folder. `pages/look.css` is shared with the other pages of blurspace.
"""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from blurspace.blur.kernels import show
from blurspace.jobs.each import picture_bytes
from blurspace.types import Image

if TYPE_CHECKING:
    from blurspace.jobs.adapt_report import Found

PAGES = Path(__file__).parent.parent / "pages"
KERNEL_SIDE = 129  # px that the mean kernel is drawn in
SMALL = 10.0  # ssim and niqe are, dB are not
STRIP = ("blurry", "plainly deblurred", "translated", "translated and deblurred", "deblurred as pairs taught")

Row = Mapping[str, object]


@dataclass(frozen=True)
class Section:
    """A part of the page; what is empty is not shown. Rows have the same first key; pictures are data: addresses."""

    title: str
    words: str = ""
    picture: str = ""
    rows: Sequence[Row] = ()
    strips: Sequence[Mapping[str, str]] = ()

    @property
    def columns(self) -> list[str]:
        """The keys of all rows, in order."""
        return list(dict.fromkeys(name for row in self.rows for name in row))


def page(found: "Found", *, use: bool) -> str:
    """The page of what was measured. `use`: whether the verdict is to use what was trained."""
    return render(verdict=found.verdict, reason=found.reason, use=use, facts=facts(found), sections=sections(found))


def render(*, verdict: str, reason: str, use: bool, facts: Mapping[str, str], sections: Sequence[Section]) -> str:
    """Plain data as a page; every word of it is escaped."""
    world = Environment(
        loader=FileSystemLoader(PAGES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    world.filters |= {"begun": begun, "shown": shown}
    look = Markup((PAGES / "look.css").read_text(encoding="utf-8"))  # ours, so not escaped
    return world.get_template("camera.html").render(
        verdict=verdict, reason=reason, use=use, facts=facts, sections=sections, look=look
    )


def facts(found: "Found") -> dict[str, str]:
    """What the training was, in few words each."""
    return {
        "steps of training": str(found.steps),
        "minutes of training": f"{found.minutes:.1f}",
        "a picture, translated and deblurred twice": f"{found.seconds:.2f} s",
        **{f"pictures {name}": str(count) for name, count in found.pictures.items()},
        "changed in averages over 64 px": f"{found.coarse_change:.2%}",
    }


def sections(found: "Found") -> list[Section]:
    """The parts of the page, in order."""
    scenes = "other scenes" if found.other_scenes else "the same scenes: there are too few"
    return [
        *_videos(found),
        Section(
            "With and without the translation",
            f"psnr (and ssim, where all of a picture counts) on {found.truth} "
            f"(worst gain over the better of the first two {found.worst_gain:+.2f} dB); "
            "niqe (lower is more natural) and reblur_psnr (does blurring the result again give the photo?) on blurry "
            f"pictures that training never saw, of {scenes}.",
            rows=[{"way": name, **row, **found.numbers[name]} for name, row in found.pairs.items()],
        ),
        Section(
            "Is it known blur?",
            "The share of pictures that a judge takes for it, before and after the translation.",
            rows=[{"judge": name, **row} for name, row in found.judges.items()],
        ),
        Section(
            "This camera's blur",
            f"The mean kernel, read from power spectra; noise {found.sigma:.4f}. Below, how far each known blur is.",
            picture=address(show(found.mixture.mean(), size=KERNEL_SIDE, sqrt=True)),
            rows=[{"known blur": name, "distance in dB": value} for name, value in found.distances.items()],
        ),
        Section(
            "Look for yourself",
            strips=[dict(zip(STRIP, map(address, strip), strict=False)) for strip in found.strips],
        ),
    ]


def _videos(found: "Found") -> list[Section]:
    """What was learned from pairs of videos, and from which; nothing where there are none."""
    if found.videos is None:
        return []
    words = (
        "Blurry frames, with their sharp neighbours moved onto them by optical flow, where that gives what the blurry "
        "frame shows. A deblurrer learned from them, from the known one on where that is a network of ours; the last "
        'frames of each video it never saw. Below it is "paired" (worst gain over the better of the first two '
        f"{found.paired_worst_gain:+.2f} dB). One shot is one scene: how it does elsewhere is not told."
    )
    rows = [{"of the videos": name, "": value} for name, value in found.videos.items()]
    return [Section("Pairs in the videos", words, rows=rows)]


def begun(sentence: str) -> str:
    """With a capital letter; `capitalize` would make dB db."""
    return sentence[:1].upper() + sentence[1:]


def shown(value: object) -> str:
    """A cell of a table: small numbers with three decimals, others with two; nothing where nothing is known."""
    if isinstance(value, float):
        return f"{value:.3f}" if abs(value) < SMALL else f"{value:.2f}"
    return "" if value is None else str(value)


def address(picture: Image) -> str:
    """A picture as an address that holds it, as PNG."""
    return f"data:image/png;base64,{base64.b64encode(picture_bytes(picture)).decode()}"
