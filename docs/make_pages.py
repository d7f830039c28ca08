"""Write the parts of the pages that come from the code again: `python docs/make_pages.py [--check]`.

ARCHITECTURE.md gets the rooms, docs/tree.md every file, from the first sentences of their docstrings; docs/usage.md
gets the verbs, and docs/verbs/ their options, from the command line itself. The papers come from `papers.bib` and the
files that name them, the gallery from benchmarks/gallery.csv. The tables of numbers are
`benchmarks/make_tables.py`'s, the plots `docs/make_plots.py`'s.
"""

import ast
import csv
import inspect
import re
import sys
import tomllib
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer

from blurspace.bench.made import write_or_check

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "blurspace"
BLOCK = re.compile(r"(<!-- made:([\w-]+) -->\n).*?(<!-- /made -->)", re.DOTALL)
# Options that mean the same everywhere are listed once, under this name.
SHARED = {"--json", "--quiet", "--verbose", "--overwrite"}
NEWLINE = "\n"


def question(path: Path) -> str:
    """The first sentence of a file's docstring, or of a folder's `__init__.py`; "" where there is none."""
    file = path / "__init__.py" if path.is_dir() else path
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    first = " ".join(text.partition("\n\n")[0].split())
    return re.split(r"(?<=[?.]) ", first)[0]


def rooms() -> list[Path]:
    """Files and folders directly in the package, from the doors down to the types, as import-linter orders them."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    rows = project["tool"]["importlinter"]["contracts"][0]["layers"]
    layers = [layer.removeprefix("blurspace.") for row in rows for layer in re.split(r"[\s|:]+", row)]
    found = {path.stem: path for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()}
    place = {name: number for number, name in enumerate(layers)}
    return sorted(found.values(), key=lambda path: (place.get(path.stem, -1), path.stem))


def files(room: Path) -> list[Path]:
    """The Python files in a folder but for its `__init__.py`, at any depth."""
    return sorted(path for path in room.rglob("*.py") if path.name != "__init__.py")


def short_tree() -> str:
    """A line for each room."""
    shown = [(f"{room.name}/" if room.is_dir() else room.name, question(room)) for room in rooms()]
    width = max(len(name) for name, _ in shown)
    return "```text\n" + "".join(f"{name:{width}}  {text}\n" for name, text in shown) + "```\n"


def full_tree() -> str:
    """A line for each file, room by room."""
    alone = [f"- `{room.name}`: {question(room)}" for room in rooms() if not room.is_dir()]
    lines = ["", "## On their own", "", *alone]
    for room in (room for room in rooms() if room.is_dir()):
        inside = [f"- `{path.relative_to(room).as_posix()}`: {question(path)}" for path in files(room)]
        lines += ["", f"## {room.name}", "", question(room), "", *inside]
    return "\n".join([*lines[1:], ""])


def verbs() -> dict[str, Callable[..., None]]:
    """What can be typed, by name."""
    from blurspace.cli import VERBS

    return {verb.__name__: verb for verb in VERBS}


def verb_table() -> str:
    """A line for each verb: what its help says first."""
    rows = [f"| [`{name}`](verbs/{name}.md) | {about(name)} |" for name in verbs()]
    return NEWLINE.join(["| verb | does |", "|---|---|", *rows, ""])


def about(name: str) -> str:
    """What a verb's help says first."""
    return (inspect.getdoc(verbs()[name]) or "").partition(NEWLINE)[0]


def options(name: str) -> str:
    """The arguments and options of one verb, with the help that `--help` gives."""
    found = dict(parameters(verbs()[name]))
    own = [line for names, line in found.items() if not SHARED & set(names)]
    also = [f"`{names[0]}`" for names in found if SHARED & set(names)]
    return NEWLINE.join([*own, *([f"- Also {', '.join(also)}."] if also else []), ""])


def shared_options() -> str:
    """The options that several verbs share."""
    found = {names: line for verb in verbs().values() for names, line in parameters(verb) if SHARED & set(names)}
    return NEWLINE.join([*found.values(), ""])


def parameters(verb: Callable[..., None]) -> Iterator[tuple[tuple[str, ...], str]]:
    """The names and the line of each argument and option."""
    for name, hint in typing.get_type_hints(verb, include_extras=True).items():
        if name == "return":
            continue
        plain, told = hint.__origin__, hint.__metadata__[0]
        if isinstance(told, typer.models.ArgumentInfo):
            shown = told.metavar or name.upper()
            yield (shown,), f"- `{shown}`: {told.help}"
            continue
        names = tuple(one for one in (told.default, *(told.param_decls or ())) if isinstance(one, str))
        value = "" if plain is bool else f" {told.metavar or _kind(plain)}"
        yield names, f"- `{', '.join(names)}{value}`: {told.help}"


def _kind(hint: Any) -> str:
    """What stands for a value of this type."""
    types = typing.get_args(hint) or (hint,)
    inner = next((one for one in types if one is not type(None)), str)
    inner = next(iter(typing.get_args(inner)), inner)
    return {int: "N", float: "X", Path: "FILE"}.get(inner, "TEXT")


def gallery() -> str:
    """A heading for each row of gallery.csv, what was said, and its pictures side by side."""
    parts = []
    for row in csv.DictReader((ROOT / "benchmarks" / "gallery.csv").read_text(encoding="utf-8").splitlines()):
        gain = f", {float(row['gain_db']):+.1f} dB" if row["gain_db"] else ""
        parts += [f"## {row['photo'].capitalize()}: {row['verdict']}{gain}", ""]
        parts += [
            f"`{row['blur']}`. {row['reason'][:1].upper()}{row['reason'][1:]}.",
            "",
            *pictures_of(row["photo"]),
            "",
        ]
    return NEWLINE.join(parts)


def pictures_of(name: str) -> list[str]:
    """The lines that show the pictures of a photo that there are, and say which they are; a narrow page wraps them."""
    files = {kind: f"gallery/{name}-{kind}.jpg" for kind in ("blurry", "restored", "sharp")}
    files |= {"its kernel": f"gallery/{name}-kernel.png"}
    found = {kind: file for kind, file in files.items() if (ROOT / "docs" / file).exists()}
    shown = [f"![{name}, {kind}]({file})" for kind, file in found.items()]
    return [*shown, "", f"*{', '.join(found).capitalize()}.*"]


def papers() -> str:
    """A line for each paper of `papers.bib`: its key, what it is, and the files that name it."""
    from blurspace.papers import PAPERS

    texts = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in sources()}
    rows = []
    for key, paper in PAPERS.items():
        name, year = re.fullmatch(r"([a-z]+)(\d{4})", key).groups()
        told = re.compile(rf"\b{key}\b|\b{name}\b[^.;)]{{0,60}}?\b{year}\b", re.IGNORECASE | re.DOTALL)
        near = {path: text for path, text in texts.items() if name in text.lower()}  # a regular expression takes longer
        found = [f"`{path.removeprefix('src/blurspace/')}`" for path, text in near.items() if told.search(text)]
        rows.append(f"| `{key}` | {paper.text} | {', '.join(found)} |")
    return NEWLINE.join(["| key | paper | named in |", "|---|---|---|", *rows, ""])


def sources() -> list[Path]:
    """The files that may name a paper: code, cards and recipes."""
    return [
        *sorted(SOURCE.rglob("*.py")),
        SOURCE / "cards.toml",
        SOURCE / "bench" / "protocols.toml",
        *sorted((ROOT / "recipes").glob("*.toml")),
    ]


OF_VERBS: dict[str, Callable[[str], str]] = {"about": lambda verb: about(verb) + NEWLINE, "options": options}
PARTS: dict[str, Callable[[], str]] = {
    "rooms": short_tree,
    "files": full_tree,
    "verbs": verb_table,
    "shared": shared_options,
    "papers": papers,
    "gallery": gallery,
}


def make(page: str) -> str:
    """The page, with every marked block made again from the code."""

    def block(found: re.Match[str]) -> str:
        kind, _, verb = found[2].partition("-")
        body = OF_VERBS[kind](verb) if verb else PARTS[kind]()
        return f"{found[1]}{body}{found[3]}"

    return BLOCK.sub(block, page)


def main() -> int:
    """Exit code 1 where `--check` finds a page that is not what the code gives."""
    pages = (ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md")))
    made = {path: make(path.read_text(encoding="utf-8")) for path in pages}
    return write_or_check(made, source="the files of the code", script="docs/make_pages.py")


if __name__ == "__main__":
    sys.exit(main())
