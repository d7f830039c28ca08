"""Write the plots of docs/results.md again from the rows in benchmarks/: `python docs/make_plots.py [--check]`.

Plain SVG, since bars and dots are all that is wanted: no library, no date, the same bytes from the same rows, so that a
test can tell a stale plot. Each is readable on light and on dark; on the site it takes the page's colours.
"""

import sys
from collections.abc import Callable, Sequence
from html import escape
from pathlib import Path
from statistics import fmean

sys.path.insert(0, str(Path(__file__).parent))  # for who loads this file from elsewhere, as its tests do
from palette import colours

from blurspace.bench.result import BenchResult, Row
from blurspace.bench.tables import load, word

HERE = Path(__file__).parent
ROWS, PLOTS = HERE.parent / "benchmarks", HERE / "plots"
WIDE, LEFT, RIGHT, BAR, GAP, TOP = 720, 190, 80, 13, 12, 54  # px
SQUARE, EDGE = 300, 60  # px of the plot of probabilities, and of the margin around it
COLOURS = ("first", "second", "none")  # of the series; the theme says what they are


def theme(ours: dict[str, str]) -> str:
    """The rules of one theme, in the colours of our pages."""
    both = "".join(
        f".plot .{name}{{fill:{ours[mine]};stroke:{ours[mine]}}}"
        for name, mine in {"first": "accent", "second": "doubt"}.items()
    )
    plain = f".plot{{color:{ours['ink']}}}.plot .quiet,.plot .none{{fill:{ours['faint']}}}"
    return f"{plain}.plot .grid{{stroke:{ours['line']}}}{both}"


LIGHT, DARK = map(theme, colours())
STYLE = f"""<style>
.plot{{font-family:system-ui,"Liberation Sans",sans-serif}}
{LIGHT}
@media(prefers-color-scheme:dark){{{DARK}}}
</style>"""

Bars = dict[str, Sequence[tuple[float, str]]]  # a group's name -> for each series how long its bar is, and what it says


def bars(title: str, series: Sequence[str], groups: Bars) -> str:
    """Lying bars in dB from zero, in groups, with a word at the end of each."""
    values = [value for group in groups.values() for value, _ in group]
    low, high = min(0.0, *values), max(values)
    scale = (WIDE - LEFT - RIGHT) / (high - low)
    parts, zero = [legend(series)], LEFT - low * scale
    y = top = TOP if len(series) > 1 else TOP - 22
    for name, group in groups.items():
        middle = y + len(group) * BAR / 2 + 4
        parts.append(text(LEFT - 44 if low < 0 else LEFT - 12, middle, name, anchor="end"))
        for (value, said), colour in zip(group, COLOURS, strict=False):
            end = zero + value * scale
            box = f'x="{min(zero, end):.1f}" y="{y}" width="{abs(value) * scale:.1f}" height="{BAR - 3}"'
            parts.append(f'<rect class="{colour}" stroke="none" {box} rx="2"/>')
            place, anchor = (end - 6, "end") if value < 0 else (end + 6, "start")
            parts.append(text(place, y + BAR - 4, said, anchor=anchor, size=11, quiet=True))
            y += BAR
        y += GAP
    parts.append(f'<line class="grid" x1="{zero:.1f}" x2="{zero:.1f}" y1="{top - 6}" y2="{y - GAP + 4}"/>')
    return svg(title, WIDE, y + 4, parts)


def legend(series: Sequence[str]) -> str:
    """Which colour is which, if there are several."""
    if len(series) < 2:
        return ""
    parts, x = [], LEFT
    for name, colour in zip(series, COLOURS, strict=False):
        parts += [f'<circle class="{colour}" cx="{x}" cy="34" r="5"/>', text(x + 11, 38, name, size=12)]
        x += 30 + 7 * len(name)
    return "\n".join(parts)


def text(x: float, y: float, words: str, *, anchor: str = "start", size: int = 13, quiet: bool = False) -> str:
    """A line of words."""
    colour = 'class="quiet"' if quiet else 'fill="currentColor"'
    return f'<text x="{x:.1f}" y="{y:.1f}" {colour} text-anchor="{anchor}" font-size="{size}">{escape(words)}</text>'


def svg(title: str, wide: int, high: float, parts: Sequence[str]) -> str:
    """The whole picture."""
    size = f'width="{wide}" viewBox="0 0 {wide} {high:.0f}"'
    head = f'<svg class="plot" xmlns="http://www.w3.org/2000/svg" {size} role="img"'
    body = "\n".join(part for part in parts if part)
    shown = f'<text x="0" y="15" fill="currentColor" font-size="14" font-weight="600">{escape(title)}</text>'
    return f'{head} aria-label="{escape(title)}">\n{STYLE}\n{shown}\n{body}\n</svg>\n'


def signed(value: float) -> tuple[float, str]:
    """A bar that says how long it is."""
    return value, f"{value:+.1f}"


def levin() -> str:
    """The mean gain of each method over the blurry pictures."""
    found = [result for result in load(ROWS, "levin") if result.summary["method"] != "blurry"]
    groups = {word(one.summary["method"]): [signed(fmean(row["gain_db"] for row in one.rows))] for one in found}
    return bars("Levin's 32 shaken pictures: mean gain, dB", [""], groups)


def photos() -> str:
    """What each kind of photo gained; a word where nothing was restored."""
    found = load(ROWS, "photos")
    groups = {row["kind"]: [_said(one, row["kind"]) for one in found] for row in found[0].rows}
    return bars(
        "Photos as people have them: gain, dB, of one photo a kind", [one.summary["data"] for one in found], groups
    )


def _said(result: BenchResult, kind: str) -> tuple[float, str]:
    row = next(row for row in result.rows if row["kind"] == kind)
    return signed(row["gain_db"]) if row["verdict"] == "restored" else (0.0, row["verdict"])


def synthetic() -> str:
    """The mean gain by how long the shake was."""
    names = ("classical", "learned", "learned with true kernel")
    found = {(one.summary["data"], one.summary["method"]): one.rows for one in load(ROWS, "synthetic")}
    groups = {}
    for data in ("kodak24", "cid22"):
        for reach in ("9 to 31", "31 to 61", "61 to 85"):
            rows = [[row["gain_db"] for row in found[data, name] if row["range"] == reach] for name in names]
            groups[f"{data}, {reach} px"] = [signed(fmean(gains)) for gains in rows]
    return bars("Made shakes on photos: mean gain, dB", [word(name) for name in names], groups)


def search() -> str:
    """What `auto` and `search` gained on each crop, as delivered."""
    rows = load(ROWS, "tran2021-search")[0].rows
    groups = {row["name"]: [signed(row["auto_db"]), signed(row["gain_db"])] for row in rows}
    return bars("Things that moved: gain, dB, of auto and of search", ["auto", "search"], groups)


def calibration() -> str:
    """How often a result was better, by what was said of it: on the line, the word is true."""
    lines = load(ROWS, "calibration")[0].summary["reliability"]
    parts = [f'<rect class="grid" fill="none" x="{EDGE}" y="{EDGE}" width="{SQUARE}" height="{SQUARE}"/>']
    parts.append(f'<line class="grid" x1="{EDGE}" y1="{EDGE + SQUARE}" x2="{EDGE + SQUARE}" y2="{EDGE}"/>')
    for tick in (0, 0.5, 1):
        parts.append(text(EDGE + tick * SQUARE, EDGE + SQUARE + 18, str(tick), anchor="middle", size=11, quiet=True))
        parts.append(text(EDGE - 8, EDGE + SQUARE - tick * SQUARE + 4, str(tick), anchor="end", size=11, quiet=True))
    parts += [_dot(line) for line in lines]
    parts.append(
        text(EDGE + SQUARE / 2, EDGE + SQUARE + 36, "stated probability of being better", anchor="middle", size=12)
    )
    parts.append(text(EDGE, EDGE - 12, "share that was better; the number of photos in each tenth", size=12))
    return svg("Is the stated probability right?", EDGE * 2 + SQUARE, EDGE + SQUARE + 48, parts)


def _dot(line: Row) -> str:
    x, y = EDGE + line["stated"] * SQUARE, EDGE + SQUARE - line["right"] * SQUARE
    dot = f'<circle class="first" cx="{x:.1f}" cy="{y:.1f}" r="5"/>'
    return f"{dot}\n{text(x + 9, y + 4, str(line['n']), size=11, quiet=True)}"


MADE: dict[str, Callable[[], str]] = {
    "levin": levin,
    "photos": photos,
    "synthetic": synthetic,
    "search": search,
    "calibration": calibration,
}


def main() -> int:
    """Exit code 1 where `--check` finds a plot that is not what the rows give."""
    stale = []
    for name, make in MADE.items():
        path, new = PLOTS / f"{name}.svg", make()
        if not path.exists() or path.read_text(encoding="utf-8") != new:
            stale.append(path.name)
            if "--check" not in sys.argv[1:]:
                path.parent.mkdir(exist_ok=True)
                path.write_text(new, encoding="utf-8")
    if "--check" in sys.argv[1:] and stale:
        sys.stderr.write(f"{', '.join(stale)}: not what the rows give: run python docs/make_plots.py\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
