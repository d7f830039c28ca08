"""Which numbers of all the rows matter most? The first table of docs/results.md, from the summaries of the files."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from blurspace.bench.result import Row, markdown
from blurspace.bench.tables import BLOCK, ROWS

HERE = Path(__file__).parent
PUBLISHED = HERE.parent / "src" / "blurspace" / "bench" / "published.csv"
START, END = "<!-- glance -->\n", "<!-- /glance -->"
UNMEASURED = "\n*Not measured with today's code.*"  # stands below a table that has no rows
Said = Callable[[dict[str, Any]], str]


def decibels(told: dict[str, Any]) -> str:
    """The mean of what came out, and of what went in."""
    return f"{told['mean_psnr']:.2f} dB (blurry: {told['mean_blurry_psnr']:.2f})"


def turned(told: dict[str, Any]) -> str:
    """The same of the photos that a turning camera blurred."""
    group = next(one for one in told["groups"] if one["kind"] == "turned")
    return f"{group['psnr']:.2f} dB (blurry: {group['blurry_psnr']:.2f}), in the {group['n']} that turned"


# What was measured, the file, our number in words, the other number's place: a set in published.csv, or the paper's own
# number in the summary under this key; and the section of the page.
LINES: tuple[tuple[str, str, Said, str, str], ...] = (
    ("Levin's shaken pictures", "levin-auto", decibels, "levin", "levins-shaken-pictures"),
    ("made shakes, Kodak", "synthetic-learned", decibels, "", "made-shakes-on-photos"),
    ("made shakes, CID22", "synthetic-cid22-learned", decibels, "", "made-shakes-on-photos"),
    (
        "photos of 23 kinds, Kodak",
        "photos-kodak24",
        lambda told: f"{told['passed']} as wanted",
        "",
        "photos-as-people-have-them",
    ),
    (
        "photos of 23 kinds, CID22",
        "photos-cid22",
        lambda told: f"{told['passed']} as wanted",
        "",
        "photos-as-people-have-them",
    ),
    ("sharp photos, Kodak", "sharp-kodak24", lambda told: f"{told['left_alone']} left alone", "", "sharp-photos"),
    ("sharp photos, CID22", "sharp-cid22", lambda told: f"{told['left_alone']} left alone", "", "sharp-photos"),
    ("a camera that turned", "rotation-rotation", turned, "", "a-camera-that-turned"),
    (
        "blur from a pair onto another picture",
        "tran2021-transfer",
        lambda told: f"{told['mean_psnr']:.2f} dB",
        "paper_psnr",
        "the-kernel-space",
    ),
    ("a made camera, fitted without pairs", "pham2024-adapt-long", decibels, "", "fit-one-camera"),
)


def glance() -> str:
    """A line for each, as Markdown."""
    with (HERE / "index.csv").open(encoding="utf-8", newline="") as lines:
        commands = {row["file"]: row["command"] for row in csv.DictReader(lines)}
    return markdown([_line(*line, command=commands[f"{line[1]}.csv"]) for line in LINES])


def said_of_empty_tables(page: str) -> str:
    """The page, where a table without rows says so, and no other does."""
    page = page.replace(UNMEASURED, "")
    for pattern, end in ((BLOCK, "<!-- /bench -->"), (ROWS, "<!-- /rows -->")):
        page = pattern.sub(lambda found, end=end: found[0] + UNMEASURED * (found[0] == found[1] + end), page)
    return page


def with_glance(page: str) -> str:
    """The page, with the table made again where it has one, and empty tables named."""
    before, start, rest = said_of_empty_tables(page).partition(START)
    return before + start + glance() + END + rest.partition(END)[2] if start else before


def best(name: str) -> str:
    """The highest mean that was published for a set, as far as we know, and by whom."""
    with PUBLISHED.open(encoding="utf-8", newline="") as lines:
        rows = [row for row in csv.DictReader(lines) if row["set"] == name]
    top = max(rows, key=lambda row: float(row["psnr"]))
    return f"{float(top['psnr']):.2f} dB ({top['method']}; {top['source']})"


def _line(what: str, file: str, ours: Said, other: str, section: str, *, command: str) -> Row:
    first = (HERE / f"{file}.csv").read_text(encoding="utf-8").partition("\n")[0]
    told = json.loads(first[2:])
    published = f"{told[other]:.2f} dB (the paper, other pictures)" if other in told else best(other) if other else ""
    return {
        "set": f"[{what}](#{section})",
        "n": told["n"],
        "ours": ours(told),
        "best other": published or "none known",
        "command": f"`{command.partition(' --csv')[0]}`",
    }
