"""How do bytes come from and go to object storage, by addresses such as s3://bucket/folder/photo.jpg?

Through fsspec, whose drivers know the storage, the credentials and when to try again. An address is taken literally.
Within a `Path` it has one slash less, as all paths do: s3:/bucket/folder/photo.jpg; `address_of` gives it back.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

from blurspace.errors import BlurspaceError, ModelError, NoInputError, OutputError, PictureError, UsageError, install
from blurspace.io import files
from blurspace.io.files import GIVE, SUFFIXES, shown
from blurspace.io.folders import Found

AT_A_TIME = 10_000  # objects of which the first bytes are asked for, so that memory holds them
SCHEME = re.compile(r"([a-z][a-z0-9+.-]+)://")
EXTRA = install("store")
REMEDIES = {
    FileNotFoundError: "check the name",
    PermissionError: "give this account the right to list, read and write there",
}
REMEDY = "check the credentials, the address of the server and the network"


def is_address(name: str) -> bool:
    """Whether a name leads to a storage, and to no file of this machine."""
    return SCHEME.match(name) is not None


def plain(name: str) -> str:
    """A name of a file of this machine without the scheme that says so: file:///photos/a.jpg -> /photos/a.jpg."""
    return name.removeprefix("file://")


def address_of(path: Path) -> str:
    """The address that a path stands for."""
    return str(path).replace(":/", "://", 1)


def place_of(address: str) -> tuple[Any, str]:
    """The driver's file system, and what the address is called there: one place has one name, however it is spelled.

    Raises ModelError where the driver is missing, UsageError where nobody knows the storage, or parts of the name are
    empty or dots.
    """
    scheme, rest = address.split("://", 1)
    if not (name := rest.strip("/")) or {"", ".", ".."} & set(name.split("/")):
        raise UsageError(f"{shown(address)} is no full address without empty parts and dots: give s3://bucket/folder")
    try:
        from fsspec import get_filesystem_class

        kind = get_filesystem_class(scheme)
        # What other processes write meanwhile is to be seen.
        storage = kind(use_listings_cache=False, **kind._get_kwargs_from_urls(address))
    except ValueError:
        raise UsageError(f"{shown(address)} is of a storage that nobody knows: give s3://bucket/folder") from None
    except ImportError as problem:
        raise ModelError(f"{shown(address)} needs a driver, which is not here ({problem}): {EXTRA} for S3") from None
    except Exception as problem:
        raise UsageError(f"{shown(address)} leads nowhere ({_said(problem)}): {REMEDY}") from problem
    return storage, str(kind._strip_protocol(address)).rstrip("/")


def find_stored(address: str, *, without: Path | None = None, suffixes: Collection[str] = SUFFIXES) -> list[Found]:
    """Every picture that an address names: one object, or all below a folder, as `find_below` does on a disk.

    Raises NoInputError where nothing is found, or it cannot be looked at.
    """
    storage, place = place_of(address)
    root = Path(address.rstrip("/"))
    with _told(address, "opened", NoInputError):
        if storage.info(place)["type"] != "directory":
            return [Found(root)]
        names = [str(one).removeprefix(f"{place}/") for one in storage.find(place)]
    left_out = without if without not in (root, *root.parents) else None
    found = [
        Found(path, root, _problem(root, name))
        for name in names
        if (path := Path(f"{root}/{name}")).suffix.lower() in suffixes
        and not any(part.startswith(".") for part in name.split("/"))
        and left_out not in path.parents
    ]
    if not found:
        raise NoInputError(f"no picture was found in {shown(address)}: {GIVE}")
    return sorted(found, key=lambda one: one.path)


def beginnings(addresses: Sequence[str], length: int) -> dict[str, bytes]:
    """The first bytes of objects, many at a time; b"" of what cannot be read."""
    found = dict[str, bytes]()
    places = {one: place_of(one) for one in addresses}
    for storage in {id(storage): storage for storage, _ in places.values()}.values():
        here = {one: place for one, (its, place) in places.items() if its is storage}
        for start in range(0, len(here), AT_A_TIME):
            some = dict(islice(here.items(), start, start + AT_A_TIME))
            with _told(next(iter(some)), "read", PictureError):
                read = storage.cat_ranges(list(some.values()), 0, length, on_error="return")
            found |= {name: data if isinstance(data, bytes) else b"" for name, data in zip(some, read, strict=True)}
    return found


def exists(address: str) -> bool:
    """Whether there is an object of that address. Raises OutputError where that cannot be known."""
    storage, place = place_of(address)
    with _told(address, "opened", OutputError):
        try:
            return bool(storage.info(place))
        except FileNotFoundError:
            return False


def fetch(address: str, path: Path, *, most: int | None = None, remedy: str = "give a smaller one") -> None:
    """Copy an object of at most so many bytes to a file. Raises PictureError where that cannot be."""
    storage, place = place_of(address)
    with _told(address, "read", PictureError):
        path.parent.mkdir(parents=True, exist_ok=True)
        if most is not None and storage.size(place) > most:
            raise PictureError(f"{shown(address)} is over the limit of {most} bytes: {remedy}")
        storage.get_file(place, str(path))


def fetch_if_there(address: str, path: Path) -> None:
    """Copy an object, or do nothing where there is none. Raises OutputError where neither can be."""
    storage, place = place_of(address)
    with _told(address, "read", OutputError), suppress(FileNotFoundError):
        storage.get_file(place, str(path))


def send(path: Path, address: str) -> None:
    """Make a file an object, whole or not at all, instead of what is there. Raises OutputError where that cannot be."""
    storage, place = place_of(address)
    with _told(address, "written", OutputError):
        storage.put_file(str(path), place)


@contextmanager
def _told(address: str, done: str, kind: type[BlurspaceError]) -> Iterator[None]:
    """Whatever a driver raises, as one sentence."""
    try:
        yield
    except BlurspaceError:
        raise
    except Exception as problem:
        remedy = files.REMEDIES.get(getattr(problem, "errno", None) or 0)
        remedy = remedy or next((said for error, said in REMEDIES.items() if isinstance(problem, error)), REMEDY)
        raise kind(f"{shown(address)} cannot be {done} ({_said(problem)}): {remedy}") from problem


def _said(problem: Exception) -> str:
    if isinstance(problem, FileNotFoundError) and problem.strerror is None:  # it holds a name alone
        return "there is no such place"
    return " ".join(str(getattr(problem, "strerror", None) or problem).split()) or type(problem).__name__


def _problem(root: Path, name: str) -> str | None:
    """What is wrong with a name that no file can have."""
    if "" not in name.split("/"):
        return None
    return f"{shown(address_of(root))}/{shown(name)} has a part without a name: copy it to another name"
