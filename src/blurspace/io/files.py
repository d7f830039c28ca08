"""How do bytes come from and go to disk, and which files does the user mean?"""

import errno
import glob
import hashlib
import os
import secrets
import shutil
import socket
import time
import warnings
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import chain
from pathlib import Path
from tempfile import gettempdir

from blurspace.errors import NoInputError, OutputError, PictureError

# By format, the first being the one we give.
FORMAT_SUFFIXES = {
    "JPEG": (".jpg", ".jpeg", ".jpe", ".jfif"),
    "PNG": (".png",),
    "TIFF": (".tif", ".tiff"),
    "WEBP": (".webp",),
    "AVIF": (".avif",),
}
# Of those that are read only. Many RAW begin like a TIFF and hold a small preview, which must not pass for the photo.
HEIC_SUFFIXES = (".heic", ".heif", ".hif")
RAW_SUFFIXES = (
    *(".3fr", ".arw", ".cr2", ".cr3", ".dcr", ".dng", ".erf", ".iiq", ".kdc", ".mef", ".mos", ".mrw", ".nef", ".nrw"),
    *(".orf", ".pef", ".raf", ".raw", ".rw2", ".rwl", ".sr2", ".srf", ".srw", ".x3f"),
)
SUFFIXES = frozenset(chain(*FORMAT_SUFFIXES.values(), HEIC_SUFFIXES, RAW_SUFFIXES))
GIVE = "give PNG, TIFF, JPEG, WebP, AVIF, HEIC or camera RAW files"
PROCESS = secrets.token_hex(4)  # in a container, processes have the same number again and again
OLD = 3600  # seconds; writing one file takes a few
REMEDIES = {
    errno.ENOSPC: "make room, or choose a folder on another disk",
    errno.EDQUOT: "make room, or choose a folder on another disk",
    errno.ENAMETOOLONG: "give an output with a shorter name, or shorten that of the photo",
}


def shown(path: str | Path) -> str:
    """A path for a message of one line: a line break in a file name would make two of it."""
    return "".join(letter if letter.isprintable() else "?" for letter in str(path))


def is_file(path: str | Path) -> bool:
    """Whether it is a file; no, where pathlib raises: on names that cannot be, in folders that are not to be seen."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: str | Path) -> bool:
    """Whether it is a folder, asked as safely."""
    return os.path.isdir(path)  # noqa: PTH112


def exists(path: str | Path) -> bool:
    """Whether there is anything of that name, asked as safely."""
    return os.path.exists(path)  # noqa: PTH110


def hush_pillow() -> None:
    """No warnings of damaged tags in this process: the file's record says what matters."""
    warnings.filterwarnings("ignore", module=r"PIL\.")


def read_bytes(path: str | Path, *, max_bytes: int, remedy: str = "give a smaller file") -> bytes:
    """The bytes of a file; PictureError if it is missing, a folder, unreadable or larger than `max_bytes`."""
    try:
        with Path(path).open("rb") as file:
            # The size is asked first, so that a film is not read; a pipe says 0 and is read up to the limit.
            size = os.fstat(file.fileno()).st_size
            data = b"" if (too_big := size > max_bytes) else file.read(1 + (size or max_bytes))
    except FileNotFoundError:
        raise PictureError(f"{shown(path)} does not exist: give the path of a picture") from None
    except IsADirectoryError:
        raise PictureError(f"{shown(path)} is a folder, where a picture was wanted: give a file") from None
    except (OSError, ValueError) as problem:  # ValueError: a null byte in the path
        reason = getattr(problem, "strerror", None) or problem
        raise PictureError(f"{shown(path)} cannot be read ({reason}): make it readable or give another") from problem
    if too_big or len(data) > max_bytes:
        raise PictureError(f"{shown(path)} is over the limit of {max_bytes} bytes: {remedy}")
    return data


def sha256_of(path: str | Path) -> str:
    """Of what a file holds. Raises PictureError where it cannot be read."""
    try:
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError) as problem:  # ValueError: a null byte in the path
        reason = getattr(problem, "strerror", None) or problem
        raise PictureError(f"{shown(path)} cannot be read ({reason}): put it where it was") from problem


def write_bytes(path: str | Path, data: bytes, *, overwrite: bool) -> None:
    """Write a whole file or nothing: first under a temporary name beside it, then renamed.

    OutputError if the file exists (without `overwrite`), or its folder is missing or not writable.
    """
    with written_whole(Path(path), overwrite=overwrite) as temporary, temporary.open("xb") as file:
        file.write(data)


@contextmanager
def written_whole(path: Path, *, overwrite: bool) -> Iterator[Path]:
    """A temporary name beside `path`, of the same suffix, which becomes `path` when all went well; see `write_bytes`.

    The temporary file is gone afterwards, unless it was moved away.
    """
    check_target(path, overwrite=overwrite)
    temporary = path.parent / f"{_part()}-{secrets.token_hex(8)}.part{path.suffix}"
    try:
        yield temporary
        _settle(temporary, must=True)
        _move(temporary, path, overwrite=overwrite)
        _settle(path.parent, must=False)
    except FileExistsError:
        raise _exists(path) from None
    except OSError as problem:
        raise _unwritable(path, problem) from problem
    finally:  # also on KeyboardInterrupt
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A folder of this machine that is gone afterwards; those of killed processes are cleared first."""
    place = Path(gettempdir())
    clear_parts(place)
    folder = place / f"{_part()}-{secrets.token_hex(8)}.part"
    folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear_parts(folder: Path) -> None:
    """Remove what killed processes left in a folder: unfinished files, and folders, under temporary names."""
    with suppress(OSError):
        for part in folder.glob(".blurspace-*.part*"):
            if not _is_left_over(part):
                continue
            if is_folder(part):
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)


def check_target(path: Path, *, overwrite: bool) -> None:
    """Raise OutputError where `path` exists already, is a folder, or is in no folder that may be written to."""
    if is_folder(path):
        raise OutputError(f"{shown(path)} is a folder: give a file name")
    if exists(path) and not is_file(path):  # a device or a pipe, which a rename would replace
        raise OutputError(f"{shown(path)} is no file: give a file name, or - for standard output")
    if not overwrite and os.path.lexists(path):
        raise _exists(path)
    if not is_folder(path.parent):
        raise OutputError(f"the folder {shown(path.parent)} does not exist: create it or give another output")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise OutputError(f"the folder {shown(path.parent)} is not writable: give another output")
    try:
        path.lstat()
    except FileNotFoundError:
        pass
    except OSError as problem:  # such as a name that is too long
        raise _unwritable(path, problem) from problem


def find_photos(paths: Iterable[str | Path]) -> list[Path]:
    """Every picture that files, folders (not their subfolders) and glob patterns name, in order, each once.

    A missing file is kept, so that reading it fails as that one file; NoInputError if nothing else was found.
    """
    paths = list(paths)
    found = list(dict.fromkeys(path for given in paths for path in _expand(given)))
    if not any(exists(path) for path in found):
        if found:
            raise NoInputError(f"{shown(found[0])} {_lacking(found[0])}: give a photo, or a folder of photos")
        names = ", ".join(shown(path) for path in paths[:3]) + (", ..." if len(paths) > 3 else "")
        raise NoInputError(f"no picture was found in {names or 'an empty list'}: {GIVE}")
    return found


def _move(temporary: Path, path: Path, *, overwrite: bool) -> None:
    """Give the finished file its name; without `overwrite` FileExistsError, even for a file that came just now."""
    if overwrite:
        temporary.replace(path)
        return
    try:
        path.hardlink_to(temporary)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links: reserve the name, then replace our own empty file
        path.touch(exist_ok=False)
        try:
            temporary.replace(path)
        except BaseException:
            path.unlink()
            raise


def _settle(path: Path, *, must: bool) -> None:
    """Wait until a file, or the names in a folder, are on the disk, so that a power cut leaves no name without them."""
    try:
        number = os.open(path, os.O_RDWR if must else os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)
    except OSError:  # not every system can do that to a folder
        if must:
            raise


def _part() -> str:
    """How temporary names of this process begin: with its machine and its number."""
    return f".blurspace-{machine()}-{os.getpid()}-{PROCESS}"


def machine() -> str:
    """What stands for this machine in names of files; it is made of its host's name."""
    return f"{zlib.crc32(socket.gethostname().encode()):08x}"


def _is_left_over(part: Path) -> bool:
    """Whether nobody writes it any more: its process is gone, or, where that cannot be known, it is old."""
    host, process, *_ = [*part.name.removeprefix(".blurspace-").split("-"), ""]
    if part.name.startswith(_part()):
        return False
    if os.name == "posix" and host == machine() and process.isdigit():
        return int(process) == os.getpid() or not _is_alive(int(process))
    return time.time() - part.stat().st_mtime > OLD


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:  # it is another user's
        return True
    return True


def _exists(path: Path) -> OutputError:
    return OutputError(f"{shown(path)} exists already: give overwrite (--overwrite) or another output")


def _unwritable(path: Path, problem: OSError) -> OutputError:
    reason = problem.strerror or problem
    remedy = REMEDIES.get(problem.errno or 0, "choose a folder you may write to")
    return OutputError(f"{shown(path)} cannot be written ({reason}): {remedy}")


def _lacking(path: Path) -> str:
    """Why there is nothing of that name, as the rest of a sentence."""
    try:
        path.stat()
    except (OSError, ValueError) as problem:  # ValueError: a null byte
        if not isinstance(problem, FileNotFoundError):
            return f"cannot be opened ({getattr(problem, 'strerror', None) or problem})"
    return "does not exist"


def _expand(given: str | Path) -> list[Path]:
    path = Path(given)
    if is_folder(path) and os.access(path, os.R_OK | os.X_OK):  # any other folder fails when it is read, as one file
        return _pictures(path.iterdir())
    if not exists(path) and glob.has_magic(str(given)):
        return _pictures(Path(match) for match in glob.glob(str(given), recursive=True))  # noqa: PTH207
    return [path]


def _pictures(candidates: Iterable[Path]) -> list[Path]:
    visible = (path for path in candidates if not path.name.startswith("."))  # macOS leaves ._photo.jpg, not a JPEG
    return sorted(path for path in visible if path.suffix.lower() in SUFFIXES and is_file(path))
