"""Where is kept, from run to run, what was made or measured for this machine? In the user's folder for such things."""

import hashlib
import os
import sys
from contextlib import suppress
from pathlib import Path

from blurspace.errors import OutputError
from blurspace.io.files import write_bytes

DIGEST = hashlib.sha256().digest_size  # bytes before what is kept


def folder() -> Path:
    """Where: as XDG says, on Windows and macOS where their programs keep such things. It may not exist."""
    told = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    base = Path.home() / ("Library/Caches" if sys.platform == "darwin" else ".cache")
    return (Path(told) if told else base) / "blurspace"


def kept(name: str) -> bytes | None:
    """What was kept under that name; None where nothing is, or where it is not as it was written."""
    try:
        data = (folder() / name).read_bytes()
    except OSError:
        return None
    whole = hashlib.sha256(data[DIGEST:]).digest() == data[:DIGEST]
    return data[DIGEST:] if whole else None


def keep(name: str, data: bytes) -> bool:
    """Keep it under that name, whole or not at all; False where the folder cannot be written: then it is made again."""
    with suppress(OSError, OutputError):
        folder().mkdir(parents=True, exist_ok=True)
        write_bytes(folder() / name, hashlib.sha256(data).digest() + data, overwrite=True)
        return True
    return False
