"""Which files does a job read, and where does each result go?

Everything about names is settled here, before any work is done: a result that could not be written is never computed.
"""

import os
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from blurspace.errors import NoInputError, OutputError, PictureError, UsageError
from blurspace.io import files, store
from blurspace.io.convert import converted
from blurspace.io.files import FORMAT_SUFFIXES, SUFFIXES, clear_parts, exists, is_file, is_folder, shown, write_bytes
from blurspace.io.folders import Found, find_below
from blurspace.io.images import FORMATS, HEAD, MAX_PIXELS, SMALLER, fitting_suffix, format_of, most_bytes, read_photo
from blurspace.io.remux import PARTIAL
from blurspace.io.video import VIDEO_SUFFIXES, is_video
from blurspace.types import Photo

STANDARD = "-"  # standard input or standard output
# What we write beside a photo; a folder that is deblurred twice must not deblur its own results.
DEBLURRED = ".deblurred"
PLOTS = (KERNEL, SIDES) = (".kernel", ".side-by-side")  # pictures of a result
PARTS, FRAMES = ".parts", ".blur"  # what `diagnose` draws of a photo, and of a video
DRAWN = tuple(f"{mark}.png" for mark in (*PLOTS, PARTS, FRAMES))
STILLS = ".sharpest"  # how folders end that get the stills of a video


@dataclass(frozen=True)
class Source:
    """One input: `name` as the user wrote it (`-` is standard input), and a sentence if it cannot even be opened.

    A name may be an address in object storage (see `io.store`); paths that come of it are then those of no file here.
    `root`: the folder that it was found in, at whatever depth; None: the file itself was named.
    """

    name: str
    problem: str | None = None
    root: Path | None = None


@dataclass(frozen=True)
class Writing:
    """May results replace what is there? `overwrite`: as the user says.

    `again`: a worker died with this file, and what it finished is taken for the result where it is just that.
    """

    overwrite: bool = False
    again: bool = False

    def check(self, target: Path, sources: Sequence[Source], *, inputs: Sequence[Path | None] = ()) -> None:
        """Raise OutputError, before any work, as `check_target`."""
        check_target(target, sources, overwrite=self.overwrite or self.again, inputs=inputs)

    def write(self, target: Path, data: bytes) -> None:
        """Write a whole file or nothing. Raises OutputError as `write_bytes`."""
        there = None
        if self.again:
            clear_parts(target.parent)
            there = target.read_bytes() if is_file(target) else None
        if there != data:  # where there are no hard links, a name is reserved by an empty file
            write_bytes(target, data, overwrite=self.overwrite or there == b"")


def find_sources(
    names: Sequence[str], *, output: str | None = None, videos: bool = False, stored: bool = False
) -> list[Source]:
    """Files, folders with their subfolders, globs, addresses and `-`, as a list of files without repetition.

    `output`: a folder for results, which is not read where it lies within a folder that is. `videos`: those in folders
    count too. `stored`: addresses may be named. A name that leads nowhere stays in the list with its problem, so that
    the others are done. Raises NoInputError where no name leads anywhere, UsageError on an address that may not be.
    """
    without = Path(output) if output and output != STANDARD else None
    if not stored and (address := next(filter(store.is_address, names), None)):
        raise UsageError(f"{shown(address)} is an address, which deblur alone reads: copy it to this machine")
    found = {_place(source): source for name in names for source in _sources(name, without, videos)}
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


def plan_targets(
    sources: Sequence[Source],
    output: str | None,
    *,
    mark: str = DEBLURRED,
    format: str | None = None,
    create: bool = True,
) -> list[Path | None]:
    """Where each result goes: beside its input, to the file or folder `output`, or None for standard output.

    An `output` without suffix is a folder, in which the subfolders of a folder that was read are made again. `mark`:
    what stands between the name and the suffix, where we make up the name; the suffix is then that of `format` (such as
    JPEG), or of the input's content.
    Raises UsageError where several results would go to one place, or one to a name of another format. A folder
    `output` is created where it does not exist (OutputError if it cannot be), unless that is not to be (`create`).
    """
    several = len(sources) > 1
    if output == "":
        raise UsageError("an empty name was given for the output: give -o FILE, -o FOLDER/ or none")
    if create and output and store.is_address(output):
        raise UsageError(f"{shown(output)} is an address, where deblur alone writes: give -o FOLDER/")
    if several and output == STANDARD:
        raise UsageError(f"{len(sources)} inputs cannot all go to standard output: give -o FOLDER")
    if several and output and not _is_folder(output):
        raise UsageError(f"{len(sources)} inputs cannot all go to the file {shown(output)}: give -o FOLDER/")
    if output and output != STANDARD and not _is_folder(output) and any(one.root for one in sources):
        raise UsageError(f"what is found in a folder goes to a folder, and {shown(output)} is a file: give -o FOLDER/")
    suffix = FORMAT_SUFFIXES[format][0] if format else None
    stored = [one.name for one in sources if suffix is None and store.is_address(one.name)]
    first = store.beginnings(stored, HEAD)
    how: dict[str, Any] = {"mark": mark, "several": several, "suffix": suffix}
    targets = [_target(source, output, first=first.get(source.name), **how) for source in sources]
    if format and output and targets == [Path(output)] and Path(output).suffix.lower() not in FORMAT_SUFFIXES[format]:
        raise UsageError(f"{shown(output)} is no name of a {format}: leave --format out, or name it {suffix}")
    if create and output and output != STANDARD and targets != [Path(output)]:
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
    if exists(target) and any(_same_file(target, str(name)) for name in inputs if name):
        raise OutputError(f"{shown(target)} is an input, and inputs are never overwritten: give another output")


def twins(places: Iterable[Sequence[Path]]) -> list[Path | None]:
    """Of the files that are written for each input, the first that is written for an earlier one too; else None."""
    taken, found = set[Path](), list[Path | None]()
    for own in places:
        found.append(next((path for path in own if path in taken), None))
        taken.update(own)
    return found


def check_twin(twin: Path | None) -> None:
    """Raise OutputError where there is such a file: one of them would be lost."""
    if twin is not None:
        raise OutputError(f"{shown(twin)} is written for another input: use two folders")


def as_asked(photo: Photo, target: Path | None, source: Source, *, format: str | None = None) -> Photo:
    """The photo as the result is written: in the format of the target's name, or `format`, or as it came.

    Its `changes` say what another format loses, and where it is no file of its suffix, so that the result is named by
    what it is. Raises UsageError where the name tells no format that can be written.
    """
    if format is None:
        format = photo.format if target is None else format_of(target.suffix or target.name)
    if format != photo.format:
        return converted(photo, FORMATS[format].coding())
    allowed = FORMAT_SUFFIXES[photo.format]
    if target is None or source.name == STANDARD or photo.source is None or Path(source.name).suffix.lower() in allowed:
        return photo
    told = f"it is a {photo.format} file whatever its name says, and the result is named {target.suffix}"
    return replace(photo, changes=(*photo.changes, told))


def beside(target: Path, mark: str, suffix: str) -> Path:
    """The companion of a result: `photo.deblurred.jpg` -> `photo.kernel.png`."""
    return target.with_name(target.stem.removesuffix(DEBLURRED) + mark + suffix)


def _place(source: Source) -> tuple[str, str]:
    """By what a file is known, however its folder is spelled."""
    if source.problem or source.name == STANDARD:
        return "", source.name
    folder, name = os.path.split(source.name)
    return os.path.realpath(folder), name


def _sources(name: str, without: Path | None, videos: bool) -> list[Source]:
    if not name:
        raise UsageError("an empty name was given: give a photo, or . for this folder")
    if name == STANDARD or is_file(name):
        return [Source(name)]
    find, named = (store.find_stored, store.address_of) if store.is_address(name) else (find_below, str)
    try:
        found = find(name, without=without, suffixes=SUFFIXES | VIDEO_SUFFIXES if videos else SUFFIXES)
    except NoInputError as error:
        return [Source(name, problem=str(error))]
    fresh = [Source(named(one.path), one.problem, one.root) for one in found if one.root is None or not _is_ours(one)]
    return fresh or [Source(name, problem=f"{shown(name)} holds only results of blurspace: give photos")]


def _is_ours(found: Found) -> bool:
    """Whether we wrote it; the stills of a video count where their folder was not named."""
    folder, name = found.path.parent, found.path.name
    left = is_video(name) and Path(found.path.stem).suffix == PARTIAL
    drawn = Path(found.path.stem).suffix == DEBLURRED or name.endswith(DRAWN)
    return left or drawn or (folder.suffix == STILLS and folder != (found.root or folder))


def create_parent(target: Path, source: Source) -> None:
    """Make the folder of a result whose input was found in a folder. Raises OutputError as `create_folder`."""
    if source.root is not None:
        create_folder(target.parent)


def create_folder(folder: Path) -> None:
    """Make a folder where there is none. Raises OutputError where that cannot be."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"the folder {shown(folder)} cannot be created: give another -o FOLDER") from error


def _is_folder(output: str) -> bool:
    return output.endswith(("/", os.sep)) or is_folder(output) or not Path(output).suffix


def _target(
    source: Source, output: str | None, *, mark: str, several: bool, suffix: str | None, first: bytes | None
) -> Path | None:
    if output == STANDARD or (output is None and source.name == STANDARD):
        return None
    path = Path(source.name)
    name = f"{path.stem}{mark}{suffix or fitting_suffix(path, first)}"
    if output is None:
        return path.with_name(name)
    if not (several or _is_folder(output)):
        return Path(output)
    if source.name == STANDARD:
        raise UsageError(f"a picture from standard input has no name to use in {shown(output)}: give -o FILE")
    below = Path() if source.root is None else path.parent.relative_to(source.root)
    return Path(output) / below / name


def _same_file(target: Path, name: str) -> bool:
    try:
        return name != STANDARD and target.samefile(name)
    except OSError:
        return False
