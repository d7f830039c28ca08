"""Which files does a job read, and where does each result go?

Everything about names is settled here, before any work is done: a result that could not be written is never computed.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from blurspace.errors import NoInputError, OutputError, PictureError, UsageError
from blurspace.io import files
from blurspace.io.files import FORMAT_SUFFIXES, is_file, is_folder, shown
from blurspace.io.images import MAX_PIXELS, SMALLER, find_photos, fitting_suffix, most_bytes, read_photo
from blurspace.types import Photo

STANDARD = "-"  # standard input or standard output
# What we write beside a photo; a folder that is deblurred twice must not deblur its own results.
DEBLURRED = ".deblurred"
OUR_MARKS = (DEBLURRED, ".kernel", ".side-by-side", ".parts", ".blur")


@dataclass(frozen=True)
class Source:
    """One input: `name` as the user wrote it (`-` is standard input), and a sentence if it cannot even be opened."""

    name: str
    problem: str | None = None


def find_sources(names: Sequence[str]) -> list[Source]:
    """Files, folders, globs and `-`, as a list of files without repetition.

    A name that leads nowhere stays in the list with its problem, so that the others are done. Raises NoInputError
    where no name leads anywhere.
    """
    found = {source.name: source for name in names for source in _sources(name)}
    if all(source.problem for source in found.values()):
        raise NoInputError(
            next((source.problem for source in found.values() if source.problem), "no input was given: give a photo")
        )
    return list(found.values())


def load(source: Source, *, max_pixels: int = MAX_PIXELS) -> Photo:
    """Read one source of at most so many pixels. Raises PictureError where there is nothing to read."""
    if source.problem:
        raise PictureError(source.problem)
    if source.name != STANDARD:
        return read_photo(Path(source.name), max_pixels=max_pixels)
    most = most_bytes(max_pixels)
    data = sys.stdin.buffer.read(most + 1)
    if len(data) > most:
        raise PictureError(f"standard input is over the limit of {most} bytes: {SMALLER}")
    return read_photo(data, max_pixels=max_pixels)


def plan_targets(sources: Sequence[Source], output: str | None, *, mark: str = DEBLURRED) -> list[Path | None]:
    """Where each result goes: beside its input, to the file or folder `output`, or None for standard output.

    An `output` without suffix is a folder. `mark`: what stands between the name and the suffix, where we make up the
    name; the suffix is then that of the input's content.
    Raises UsageError where several results would go to one place. A folder `output` is created where it does
    not exist (OutputError if it cannot be).
    """
    several = len(sources) > 1
    if output == "":
        raise UsageError("an empty name was given for the output: give -o FILE, -o FOLDER/ or none")
    if several and output == STANDARD:
        raise UsageError(f"{len(sources)} inputs cannot all go to standard output: give -o FOLDER")
    if several and output and not _is_folder(output):
        raise UsageError(f"{len(sources)} inputs cannot all go to the file {shown(output)}: give -o FOLDER/")
    targets = [_target(source, output, mark=mark, several=several) for source in sources]
    if output and output != STANDARD and targets != [Path(output)]:
        create_folder(Path(output))
    return targets


def check_target(
    target: Path, sources: Sequence[Source], *, overwrite: bool, inputs: Sequence[Path | None] = ()
) -> None:
    """Raise OutputError, before any work, where `target` is an input, exists already or cannot be written.

    `inputs`: what is read besides the sources, such as weights; None counts for nothing.
    """
    check_no_input(target, (*(source.name for source in sources), *inputs))
    files.check_target(target, overwrite=overwrite)


def check_no_input(target: Path, inputs: Iterable[str | Path | None]) -> None:
    """Raise OutputError where `target` is one of the files that are read."""
    if any(_same_file(target, str(name)) for name in inputs if name):
        raise OutputError(f"{shown(target)} is an input, and inputs are never overwritten: give another output")


def check_format(target: Path | None, photo: Photo, source: Source) -> Photo:
    """The photo; it says so where it is no file of its suffix, and the result is named by what it is.

    Raises UsageError where the name promises another format than the input's, which is the one that is written.
    """
    allowed = FORMAT_SUFFIXES[photo.format]
    if target is None:
        return photo
    if target.suffix.lower() not in allowed:
        raise UsageError(f"{shown(target)} was asked for, but a {photo.format} input stays one: name it {allowed[0]}")
    if source.name == STANDARD or Path(source.name).suffix.lower() in allowed:
        return photo
    told = f"it is a {photo.format} file whatever its name says, and the result is named {target.suffix}"
    return replace(photo, changes=(*photo.changes, told))


def beside(target: Path, mark: str, suffix: str) -> Path:
    """The companion of a result: `photo.deblurred.jpg` -> `photo.kernel.png`."""
    return target.with_name(target.stem.removesuffix(DEBLURRED) + mark + suffix)


def _sources(name: str) -> list[Source]:
    if not name:
        raise UsageError("an empty name was given: give a photo, or . for this folder")
    if name == STANDARD or is_file(name):
        return [Source(name)]
    try:
        photos = find_photos([Path(name)])
    except NoInputError as error:
        return [Source(name, problem=str(error))]
    fresh = [Source(str(path)) for path in photos if Path(path.stem).suffix not in OUR_MARKS]
    return fresh or [Source(name, problem=f"{shown(name)} holds only results of blurspace: give photos")]


def create_folder(folder: Path) -> None:
    """Make a folder where there is none. Raises OutputError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {shown(folder)} cannot be created: give another -o FOLDER") from error


def _is_folder(output: str) -> bool:
    return output.endswith(("/", os.sep)) or is_folder(output) or not Path(output).suffix


def _target(source: Source, output: str | None, *, mark: str, several: bool) -> Path | None:
    if output == STANDARD or (output is None and source.name == STANDARD):
        return None
    path = Path(source.name)
    name = f"{path.stem}{mark}{fitting_suffix(path)}"
    if output is None:
        return path.with_name(name)
    if not (several or _is_folder(output)):
        return Path(output)
    if source.name == STANDARD:
        raise UsageError(f"a picture from standard input has no name to use in {shown(output)}: give -o FILE")
    return Path(output) / name


def _same_file(target: Path, name: str) -> bool:
    try:
        return name != STANDARD and target.samefile(name)
    except OSError:
        return False
