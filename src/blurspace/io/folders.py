"""Which pictures are in a folder and all its subfolders, or behind a pattern?

Each picture once, sorted. Links to folders are followed, after the real folders, and none is looked into twice, so that
loops end. What begins with a dot is left out, as a shell does.
"""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from glob import has_magic
from pathlib import Path

from blurspace.errors import NoInputError
from blurspace.io.files import GIVE, SUFFIXES, exists, find_photos, is_file, is_folder, shown

ANY_DEPTH = "**"  # in a pattern: this folder and all its subfolders


@dataclass(frozen=True)
class Found:
    """A picture, or a folder that cannot be looked into (`problem`).

    `root`: the folder that was named, or the part of a pattern before its first wildcard; None: the file was named.
    """

    path: Path
    root: Path | None = None
    problem: str | None = None


def find_below(given: str | Path, *, without: Path | None = None, suffixes: Collection[str] = SUFFIXES) -> list[Found]:
    """Every picture that a file, a folder with its subfolders, or a pattern names.

    What exists is taken literally, brackets and all, also within a pattern. `without`: a folder that is left out unless
    it is named. `suffixes`: of what counts as a picture. Raises NoInputError where nothing is found.
    """
    path = Path(given)
    if is_folder(path):
        root, found = path, list(_pictures([path], without, suffixes))
    elif not exists(path) and has_magic(str(given)):
        root, wild = _fixed(path)
        found = list(_pictures(_matches([root], wild, without), without, suffixes))
    else:
        return [Found(one) for one in find_photos([path])]
    if not found:
        raise NoInputError(f"no picture was found in {shown(given)}: {GIVE}")
    unique = dict[tuple[str, str], Found]()
    for one, problem in found:  # those behind links come last
        unique.setdefault((os.path.realpath(one.parent), one.name), Found(one, root, problem))
    return sorted(unique.values(), key=lambda one: one.path)


def _pictures(places: list[Path], without: Path | None, suffixes: Collection[str]) -> Iterator[tuple[Path, str | None]]:
    """The pictures among these files and in these folders; a folder that cannot be opened, with the reason."""
    yield from ((one, None) for one in places if _is_picture(one, suffixes))
    for folder, inside in _folders([one for one in places if is_folder(one)], without):
        if isinstance(inside, OSError):
            why = inside.strerror or inside
            yield folder, f"the folder {shown(folder)} cannot be opened ({why}): make it readable or leave it out"
        else:
            yield from ((one, None) for one in inside if _is_picture(one, suffixes))


def _folders(roots: list[Path], without: Path | None) -> Iterator[tuple[Path, list[Path] | OSError]]:
    """These folders and all below them, each once, with what is in it or why that cannot be known."""
    seen = {_identity(without)} - {None, *map(_identity, roots)}
    real, links = ([one for one in roots if one.is_symlink() == link] for link in (False, True))
    while real or links:
        folder = real.pop() if real else links.pop(0)
        if (identity := _identity(folder)) in seen:
            continue
        seen |= {identity} - {None}
        try:
            inside = _visible(folder)
        except OSError as problem:
            yield folder, problem
            continue
        yield folder, inside
        for one in inside:
            if is_folder(one):
                (links if one.is_symlink() else real).append(one)


def _matches(places: list[Path], wild: tuple[str, ...], without: Path | None) -> list[Path]:
    """What the rest of a pattern names below these folders, part by part."""
    for part in wild:
        places = [match for place in places for match in _step(place, part, without)]
    return list(dict.fromkeys(places))


def _step(place: Path, part: str, without: Path | None) -> list[Path]:
    if part == ANY_DEPTH:
        return [folder for folder, _ in _folders([place], without)] if is_folder(place) else []
    if exists(place / part) or not has_magic(part):
        return [place / part]
    try:
        inside = _visible(place, hidden=part.startswith("."))
    except OSError:  # no folder, or one that is not to be seen
        return []
    left_out = _identity(without)
    return [one for one in inside if fnmatch(one.name, part) and (left_out is None or _identity(one) != left_out)]


def _fixed(pattern: Path) -> tuple[Path, tuple[str, ...]]:
    """A pattern as the folder before its first wildcard, and the parts after it."""
    root, parts = Path(), pattern.parts
    for place, part in enumerate(parts):
        if has_magic(part) and not exists(root / part):
            return root, parts[place:]
        root /= part
    return root, ()


def _visible(folder: Path, *, hidden: bool = False) -> list[Path]:
    return sorted(one for one in folder.iterdir() if hidden or not one.name.startswith("."))


def _is_picture(path: Path, suffixes: Collection[str]) -> bool:
    """By its name; a link that leads nowhere too, so that reading it fails as that one file."""
    return path.suffix.lower() in suffixes and (is_file(path) or (path.is_symlink() and not exists(path)))


def _identity(path: Path | None) -> tuple[int, int] | None:
    """What tells a file from all others, whatever it is called; None where there is none."""
    try:
        facts = os.stat(path) if path is not None else None  # noqa: PTH116 - as safe as `exists`
    except (OSError, ValueError):
        return None
    return None if facts is None else (facts.st_dev, facts.st_ino)
