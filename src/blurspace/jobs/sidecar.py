"""What is written beside a result, so that it can be made again to the byte? And does what is there still fit?

A JSON object: `blurspace` (version), `schema` 1, `input`, `output` and `files` (each a path from the sidecar's folder
and a SHA-256), `settings` (what was typed), `room` (bytes that the work might take), `threads`, `record`.
"""

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from blurspace import __version__
from blurspace.errors import PictureError, UsageError
from blurspace.io.files import FORMAT_SUFFIXES, read_bytes, sha256_of, shown
from blurspace.jobs.wishes import named_files

SCHEMA, SUFFIX = 1, ".json"
MOST = 2**24  # bytes of a sidecar
MOST_THREADS = 2**15  # far more than any machine has; torch takes no number that C has no int for
NUMBER, NOTHING = (int, float), type(None)
# Of which kinds the settings are, by their names; one may be missing, for older sidecars have none.
SETTINGS: dict[str, tuple[type, ...]] = {
    **dict.fromkeys(("method", "device"), (str,)),
    **dict.fromkeys(("force", "provenance"), (bool,)),
    **dict.fromkeys(("kernel", "camera"), (Path, NOTHING)),
    **dict.fromkeys(("region", "generator"), (Path, str, NOTHING)),
    **dict.fromkeys(("response", "format"), (str, NOTHING)),
    **dict.fromkeys(("size", "seed"), (int, NOTHING)),
    **{"strength": NUMBER, "minutes": (*NUMBER, NOTHING), "max_pixels": (int,), "weights": (tuple,)},
}
MAY_LACK: dict[str, tuple[type, ...]] = {"runtime": (str,)}


@dataclass(frozen=True)
class Sidecar:
    """A sidecar that was read: its paths are found, and what they hold is what it was."""

    input: Path
    output: Path
    output_sha256: str
    settings: dict[str, Any]
    room: int
    threads: int
    version: str


def sidecar_of(target: Path) -> Path:
    """Where the sidecar of a result stands: `photo.deblurred.jpg` -> `photo.deblurred.jpg.json`."""
    return target.with_name(target.name + SUFFIX)


def sidecar_bytes(
    source: Path, target: Path, data: bytes, settings: Mapping[str, Any], record: Mapping[str, object], *, room: int
) -> bytes:
    """The sidecar of `target`, which is to hold `data` and was made from `source`."""
    folder = target.resolve().parent

    def place(path: str | Path, data: bytes | None = None) -> dict[str, str]:
        known = sha256_of(path) if data is None else hashlib.sha256(data).hexdigest()
        return {"path": os.path.relpath(Path(path).resolve(), folder), "sha256": known}

    files = {name: place(path) for name, path in named_files(settings).items()}
    told = {
        "blurspace": __version__,
        "schema": SCHEMA,
        "input": place(source),
        "output": place(target, data),
        "files": files | {"weights": [place(path) for path in settings["weights"]]},
        "settings": {name: value for name, value in settings.items() if name not in (*files, "weights")},
        "room": room,
        "threads": torch.get_num_threads(),
        "record": record,
    }
    return json.dumps(told, indent=1).encode() + b"\n"


def read_sidecar(path: Path) -> Sidecar:
    """What a sidecar asks for. Raises PictureError where it is none, or where a file is not what it was."""
    data = read_bytes(path, max_bytes=MOST, remedy="give a sidecar, which --sidecar wrote")
    try:
        told = json.loads(data)
        if told["schema"] != SCHEMA:
            raise UsageError(
                f"{shown(path)} is a sidecar of schema {told['schema']}: use blurspace {told['blurspace']}"
            )
        files = told["files"]
        weights = tuple(_same(path, one) for one in files.pop("weights"))
        settings = told["settings"] | {name: _same(path, one) for name, one in files.items()} | {"weights": weights}
        _check(path, settings, room=told["room"], threads=told["threads"])
        return Sidecar(
            input=_same(path, told["input"]),
            output=Path(os.path.normpath(path.parent / told["output"]["path"])),
            output_sha256=told["output"]["sha256"],
            settings=settings,
            room=int(told["room"]),
            threads=int(told["threads"]),
            version=str(told["blurspace"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError, RecursionError) as problem:
        raise PictureError(f"{shown(path)} is no sidecar of blurspace: give one that --sidecar wrote") from problem


def _check(sidecar: Path, settings: Mapping[str, Any], *, room: Any, threads: Any) -> None:
    """Raise PictureError where a sidecar was changed by hand to what no setting can be."""
    kinds = SETTINGS | {name: kind for name, kind in MAY_LACK.items() if name in settings}
    wrong = [name for name, kind in kinds.items() if name not in settings or not _is_a(settings[name], kind)]
    if not wrong and settings["format"] not in (None, *FORMAT_SUFFIXES):
        wrong = ["format"]
    if not _is_a(room, (int,)) or room < 1:
        wrong.append("room")
    if not _is_a(threads, (int,)) or not 1 <= threads <= MOST_THREADS:
        wrong.append("threads")
    if wrong:
        raise PictureError(
            f"{shown(sidecar)} was changed, and its {wrong[0]} is none that there can be: give what --sidecar wrote"
        )


def _is_a(value: object, kinds: tuple[type, ...]) -> bool:
    """Whether a value is of one of some kinds; True and False are no numbers."""
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _same(sidecar: Path, one: Mapping[str, str]) -> Path:
    path = Path(os.path.normpath(sidecar.parent / one["path"]))
    if sha256_of(path) != one["sha256"]:
        raise PictureError(f"{shown(path)} is not what it was when {shown(sidecar)} was written: put that file back")
    return path
