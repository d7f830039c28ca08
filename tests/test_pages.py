"""Do the pages tell the truth? Links lead somewhere, commands can be typed, what is made from code is fresh."""

import ast
import functools
import importlib.util
import inspect
import os
import re
import shlex
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
import typer

import blurspace
from blurspace import errors
from blurspace.cli import VERBS
from blurspace.cli.run import INTERRUPTED
from blurspace.jobs.deblur import Outcome

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "blurspace"
PAGES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for path in (*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "benchmarks" / "README.md")
}
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)\s]+)\)")
# In code marks: something with a slash and a suffix that we have.
PATH = re.compile(r"`([\w.*-]+(?:/[\w.*-]+)+\.(?:py|md|csv|toml|png))`")
every_page = pytest.mark.parametrize("page", PAGES)


def usage():
    return PAGES["docs/usage.md"]


def page_of(verb):
    return PAGES[f"docs/verbs/{verb}.md"]


def anchors(text):
    """As GitHub names headings."""
    heads = re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize(("page", "most"), [("README.md", 120), ("ARCHITECTURE.md", 120)])
def test_front_pages_are_short(page, most):
    assert len(PAGES[page].splitlines()) <= most


@every_page
def test_links_lead_somewhere(page):
    for link in LINK.findall(FENCE.sub("", PAGES[page])):
        name, _, anchor = link.partition("#")
        path = (ROOT / page).parent / name if name else ROOT / page
        assert path.exists(), link
        if anchor:
            assert anchor in anchors(path.read_text(encoding="utf-8")), link


@every_page
def test_files_that_are_named_exist(page):
    if page == "CHANGELOG.md":  # what was, need not be
        return
    for name in PATH.findall(PAGES[page]):
        homes = (ROOT, (ROOT / page).parent, SOURCE)
        assert name.startswith("runs/") or any(list(home.glob(name)) for home in homes), name


def linked(page):
    """What a page links to, as seen from the project's folder."""
    links = [link.partition("#")[0] for link in LINK.findall(FENCE.sub("", PAGES[page]))]
    homes = [os.path.normpath((ROOT / page).parent / link) for link in links if link]
    return {Path(home).relative_to(ROOT).as_posix() for home in homes}


def test_every_page_is_linked_from_the_front():
    """From the front page here, or from that of the site; a verb from the list of verbs."""
    front = linked("README.md") | linked("docs/index.md")
    assert {"docs/index.md", "docs/usage.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"} <= front
    assert {page for page in PAGES if page.startswith("docs/")} <= front | linked("docs/usage.md")


def commands():
    """Every line of a page that begins with blurspace, in a block or in code marks, with the page."""
    for page, text in PAGES.items():
        blocks = "\n".join(body for language, body in FENCE.findall(text) if language in ("", "sh"))
        for line in (*blocks.splitlines(), *re.findall(r"^    (blurspace .*)$", text, re.MULTILINE)):
            if line.startswith("blurspace "):
                yield pytest.param(line, id=f"{page}: {line.partition('#')[0].strip()}")
        for line in re.findall(r"`(blurspace [^`]+)`", FENCE.sub("", text)):
            yield pytest.param(line, id=f"{page}: {line}")


@pytest.fixture(scope="module")
def typed():
    """The verbs as they can be typed, but none of them does anything."""
    app = typer.Typer(rich_markup_mode=None)
    for verb in VERBS:

        @functools.wraps(verb)
        def nothing(*_args, **_kwargs):
            return None

        app.command()(nothing)
    return app


def test_a_wrong_option_cannot_be_typed(typed):
    with pytest.raises(Exception, match="--nonsense"):
        typed(["deblur", "photo.jpg", "--nonsense"], standalone_mode=False)


@pytest.mark.parametrize("line", list(commands()))
def test_command_can_be_typed(line, typed):
    words = shlex.split(line, comments=True)[1:]
    ends = [number for number, word in enumerate(words) if word in ("|", "<", ">", "&&", ";")]
    words = words[: ends[0]] if ends else words
    words = [word for word in words if word not in ("...", "--help", "--version")]
    if words in ([], ["VERB"]):  # what belongs to no verb, and what stands for one
        return
    assert words[0] in {verb.__name__ for verb in VERBS}
    if len(words) > 1:  # a verb alone is only named
        typed(words, standalone_mode=False)
    for word in words:
        assert not word.startswith("recipes/") or (ROOT / word).is_file(), word


def test_options_without_a_command_exist():
    """In running text as well: every `--option` is one of some verb, or of a tool that the page names."""
    spec = importlib.util.spec_from_file_location("make_pages", ROOT / "docs" / "make_pages.py")
    made = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(made)
    known = {name for verb in VERBS for names, _ in made.parameters(verb) for name in names}
    others = {"--help", "--version", "--check", "--extra-index-url"}
    for page, text in PAGES.items():
        if page == "CHANGELOG.md":
            continue
        for name in re.findall(r"`(--[a-z][a-z-]*)", text):
            assert name in known | others, f"{page}: {name}"


def python_blocks():
    return [
        pytest.param(body, id=f"{page} {number}")
        for page, text in PAGES.items()
        for number, (language, body) in enumerate(FENCE.findall(text))
        if language == "python"
    ]


@pytest.mark.parametrize("code", python_blocks())
def test_python_names_what_is_public(code):
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.ImportFrom) and node.module == "blurspace":
            assert {name.name for name in node.names} <= set(blurspace.__all__)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "blurspace":
            assert node.attr in blurspace.__all__


def test_what_is_made_from_code_is_fresh():
    """When this fails, run `python docs/make_pages.py`."""
    made = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "make_pages.py"), "--check"], capture_output=True, text=True, check=False
    )
    assert made.returncode == 0, made.stderr
    assert all(f"made:options-{verb.__name__} -->" in page_of(verb.__name__) for verb in VERBS)
    assert "made:verbs -->" in usage()
    for path in SOURCE.rglob("*.py"):
        assert path.name == "__init__.py" or f"{path.name}`" in PAGES["docs/tree.md"], path


def test_every_exit_code_is_explained():
    kinds = [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.BlurspaceError)]
    table = usage().split("## Exit codes")[1].split("## ")[0]
    told = {int(code) for code in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)}
    assert {kind.exit_code for kind in kinds} | {0, 6, INTERRUPTED} == told


def test_every_field_of_the_record_is_explained():
    table = page_of("deblur").split("## The JSON record")[1].split("## ")[0]
    told = set(re.findall(r"`(\w+)`", table))
    assert {one.name for one in fields(Outcome) if "private" not in one.metadata} <= told


def test_every_recipe_is_in_the_table():
    table = PAGES["docs/training.md"].split("## The recipes")[1].split("## ")[0]
    told = set(re.findall(r"`([\w-]+)`", table))
    assert {path.stem for path in (ROOT / "recipes").glob("*.toml")} <= told
