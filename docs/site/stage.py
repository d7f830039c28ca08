"""What are the sources of the site? The pages that are read in the repository, each link set to where its target is.

Examples are run and become pages, plots become part of theirs so that they take its colours, and the lists of the front
page become the navigation.
"""

import os
import re
import shutil
import sys
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # for who loads this file from elsewhere, as its tests do
from examples import as_page

ROOT = Path(__file__).parent.parent.parent
STAGE = ROOT / "build" / "site"
FENCE = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s#:]+)(#[^)\s]*)?\)")
PLOT = re.compile(r"^!\[[^\]]*\]\(((?:\.\./)*plots/\w[\w-]*\.svg)\)$", re.MULTILINE)
TAKEN = {Path("docs/search.md"): Path("search-of-minutes.md")}  # names of Sphinx's own pages
MADE = "pictures"  # the folder of what examples show
ENTRY = re.compile(r"\[[^\]]*\]\(([^)\s#:]+)\)")


@cache
def pages() -> list[Path]:
    """Every page of the site, as it is called in the repository."""
    found = [
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / name for name in ("ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "benchmarks/README.md")),
        *(ROOT / "examples").glob("*.py"),
    ]
    return [path.relative_to(ROOT) for path in sorted(found)]


def place(path: Path) -> Path:
    """Where a file of the repository is in the site's sources."""
    if path in TAKEN:
        return TAKEN[path]
    if path.parts[0] == "docs":
        return Path(*path.parts[1:])
    if path.parts[0] == "examples":
        return path.with_suffix(".md")
    return Path("project") / path


def moved(text: str, page: Path) -> str:
    """The page with every link as it is in the site."""

    def link(found: re.Match[str]) -> str:
        if found[1].startswith(f"{MADE}/"):
            return found[0]
        new = place(linked(page, found[1]))
        return f"]({Path(os.path.relpath(new, place(page).parent)).as_posix()}{found[2] or ''})"

    parts = FENCE.split(text)
    return "".join(part if part.startswith("```") else LINK.sub(link, part) for part in parts)


def linked(page: Path, address: str) -> Path:
    """The file that a link of a page leads to, as it is called in the repository."""
    return Path(os.path.normpath(page.parent / address))


def downloads(text: str, page: Path) -> set[Path]:
    """What a page links to that is no page: files that are copied into the site."""
    parts = (part for part in FENCE.split(text) if not part.startswith("```"))
    addresses = (address for part in parts for address, _ in LINK.findall(part) if not address.startswith(f"{MADE}/"))
    return {linked(page, address) for address in addresses} - set(pages())


def with_plots(text: str, page: Path) -> str:
    """The page with its plots in it; an <img> would not know which theme the reader chose."""

    def plot(found: re.Match[str]) -> str:
        svg = (ROOT / page.parent / found[1]).read_text(encoding="utf-8")
        svg = re.sub(r"<style>.*?</style>\n?", "", svg, flags=re.DOTALL)
        return f'```{{raw}} html\n<figure class="plot">\n{svg.strip()}\n</figure>\n```'

    return PLOT.sub(plot, text)


def navigation(text: str) -> str:
    """A hidden list of contents for each heading with links below it, which the side bar shows."""
    lists = []
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        caption, _, body = part.partition("\n")
        entries = [entry for entry in ENTRY.findall(body) if entry.endswith(".md")]
        if entries:
            lists.append(contents(entries, caption))
    return text + "".join(lists)


def contents(entries: list[str], caption: str = "") -> str:
    """One hidden list of contents."""
    title = f":caption: {caption}\n" if caption else ""
    return f"\n```{{toctree}}\n:hidden:\n{title}\n" + "\n".join(dict.fromkeys(entries)) + "\n```\n"


def source(page: Path) -> str:
    """The text of a page, whose links are as in the repository; an example is run."""
    if page.suffix == ".py":
        return as_page(ROOT / page, STAGE / place(page).parent / MADE)
    return with_plots((ROOT / page).read_text(encoding="utf-8"), page)


def stage() -> None:
    """Write the sources of the site."""
    shutil.rmtree(STAGE, ignore_errors=True)
    for page in pages():
        text = source(page)
        for file in downloads(text, page):
            copied = STAGE / place(file)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / file, copied)
        text = moved(text, page)
        if page == Path("docs/index.md"):
            text = navigation(text)
        if page == Path("docs/usage.md"):
            text += contents(re.findall(r"\((verbs/[\w-]+\.md)\)", text))
        target = STAGE / place(page)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
