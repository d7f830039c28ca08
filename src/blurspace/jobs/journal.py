"""Which results of a folder are finished already, so that a run that was interrupted goes on where it stopped?

What is about to be written is noted first, with its hash, and then written whole. After a kill at any point a result is
there as it was noted, or it is not there and made again.
"""

import errno
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from blurspace import __version__
from blurspace.errors import OutputError, PictureError
from blurspace.io.files import is_file, machine, sha256_of, shown

NAME = ".blurspace-journal.jsonl"  # in the folder of results; one line for each of them
NAMES = ".blurspace-journal*.jsonl"  # that, and those of the machines of a cluster
NOTHING = hashlib.sha256().hexdigest()  # of an empty file
VERDICTS = ("restored", "left alone", "refused")  # of what is finished; of what was refused there is no file


@dataclass(frozen=True)
class Entry:
    """What was noted of one result: the hash of each of its files, and its JSON record."""

    files: dict[Path, str]
    record: dict[str, object]

    def holds(self, wanted: Sequence[Path]) -> bool:
        """Whether the files that are wanted are as they were noted; of what was refused there are none."""
        return not self.files or all(path in self.files and hash_of(path) == self.files[path] for path in wanted)

    def left(self) -> frozenset[Path]:
        """Those files that are as noted, or empty: the beginning of a result that was interrupted."""
        return frozenset(path for path, noted in self.files.items() if hash_of(path) in (noted, NOTHING))


@dataclass(frozen=True)
class Journal:
    """The results in `folder` that were made by `settings` (see `settings_hash`). It is read once, at first use.

    `clustered`: several machines write results there. Each adds to a file of its own: on a network file system, lines
    that two machines add to one file may overwrite one another.
    """

    folder: Path
    settings: str
    clustered: bool = False

    @property
    def path(self) -> Path:
        """The file that this machine adds to."""
        return self.folder / (NAMES.replace("*", f"-{machine()}") if self.clustered else NAME)

    @cached_property
    def _files(self) -> list[dict[str, dict[str, Any]]]:
        return [_read(path) for path in sorted(self.folder.glob(NAMES))]

    def find(self, content: str, results: Sequence[Path]) -> Entry | None:
        """What was noted of the result of an input whose hash is `content`; None where nothing was.

        `results`: the file of the result, and then all that may be written with it: a journal says nothing of others.
        """
        key, places = self._key(content, results[0]), {path.name: path for path in results}
        lines = [one[key] for one in self._files if key in one and places.keys() >= one[key]["files"].keys()]
        entries = [Entry({places[name]: told for name, told in one["files"].items()}, one["record"]) for one in lines]
        # Of several machines that noted it, one may have died before it wrote what it noted.
        return entries[0] if len(entries) == 1 else max(entries, key=lambda one: len(one.left()), default=None)

    def note(self, content: str, target: Path, files: Mapping[Path, bytes], record: dict[str, object]) -> None:
        """Note a result before its files are written. Raises OutputError where that cannot be."""
        hashes = {path: hashlib.sha256(data).hexdigest() for path, data in files.items()}
        self.note_hashes(content, target, hashes, record)

    def note_hashes(
        self, content: str, target: Path, hashes: Mapping[Path, str | None], record: dict[str, object]
    ) -> None:
        """As `note`, by the hashes of the files."""
        named = {path.name: digest for path, digest in hashes.items()}
        line = {"key": self._key(content, target), "files": named, "record": record}
        try:
            _append(self.path, json.dumps(line).encode())
        except OSError as problem:
            why = f"cannot be written ({problem.strerror or problem})"
            raise OutputError(f"the journal {shown(self.path)} {why}: make room, or give another -o") from problem

    def _key(self, content: str, target: Path) -> str:
        name = target.relative_to(self.folder).as_posix()
        return hashlib.sha256(json.dumps([content, self.settings, name]).encode()).hexdigest()


def settings_hash(settings: Mapping[str, object]) -> str:
    """What stands for settings in a journal: of files that they name, the content counts; and this version does."""
    told = {name: _told(value) for name, value in settings.items()}
    return hashlib.sha256(json.dumps([__version__, told], sort_keys=True).encode()).hexdigest()


def hash_of(path: Path) -> str | None:
    """The SHA-256 of a file; None where there is none that can be read (a pipe is none, and waits forever)."""
    if not is_file(path):
        return None
    with suppress(PictureError):
        return sha256_of(path)
    return None


def _told(value: object) -> object:
    if isinstance(value, (tuple, list)):
        return [_told(one) for one in value]
    return hash_of(value) or str(value) if isinstance(value, Path) else value


def _read(path: Path) -> dict[str, dict[str, Any]]:
    """The lines of a journal by their keys; those that are no such lines, as after a kill, count for nothing."""
    found = dict[str, dict[str, Any]]()
    if not is_file(path):  # a pipe waits forever
        return found
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return found
    for text in lines:
        try:
            line = json.loads(text)
            if _is_line(line):
                found[line["key"]] = line
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue
    return found


def _is_line(line: Any) -> bool:
    """Whether it says of what it is, with which hashes and what became of it, as `note_hashes` does."""
    files, record = line["files"], line["record"]
    told = (line["key"], record["reason"], *files.values(), *record["notes"])
    whole = all(isinstance(one, str) for one in told) and isinstance(record["notes"], list)
    return whole and record["verdict"] in VERDICTS and bool(files) == (record["verdict"] != "refused")


def _append(path: Path, line: bytes) -> None:
    """Add a line in one piece, after the end of one that was cut off."""
    with path.open("ab+", buffering=0) as file:
        end = file.seek(0, 2)
        if end:
            file.seek(end - 1)
            line = line if file.read(1) == b"\n" else b"\n" + line
        if file.write(line + b"\n") <= len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        os.fsync(file.fileno())  # before the result that it tells of
