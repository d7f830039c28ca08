"""What is kept of a visitor, and until when? All in memory, by ids that the server made; nothing of it on disk."""

import secrets
import threading
import time
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from blurspace.types import Kernel
from blurspace.web.limits import Limits, Refusal, busy


class Sized(Protocol):
    """What takes memory: so many bytes."""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""


T = TypeVar("T")
S = TypeVar("S", bound=Sized)
COOKIE = "blurspace-visitor"


def new_id() -> str:
    """An id that nobody can guess."""
    return secrets.token_urlsafe(12)


@dataclass(frozen=True)
class File:
    """Bytes to be sent: their `kind` (a media type), and the `name` under which they are saved."""

    data: bytes = field(repr=False)
    kind: str
    name: str = ""

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return len(self.data)


@dataclass(frozen=True)
class KeptKernel:
    """A kernel (1 1 k k) for a photo, in stored orientation. `origin`: where it is from, in words."""

    kernel: Kernel
    origin: str

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return self.kernel.nbytes


@dataclass(eq=False)
class Held:
    """One photo as it came: `file`, and what is known of it. `orientation`: EXIF's. `view`: what a browser can show."""

    file: File
    width: int
    height: int
    orientation: int
    view: File
    id: str = field(default_factory=new_id)
    results: "dict[str, Outcome]" = field(default_factory=dict)
    masks: dict[str, Any] = field(default_factory=dict)  # tensors (1 1 h w), in stored orientation
    kernels: dict[str, KeptKernel] = field(default_factory=dict)
    previews: dict[str, File] = field(default_factory=dict)
    asked: bool = False  # whether it was ever to be restored: others are for a transfer

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        view = 0 if self.view.data is self.file.data else self.view.nbytes
        tensors = _nbytes(self.masks) + _nbytes(self.kernels)
        return self.file.nbytes + view + tensors + _nbytes(self.previews) + _nbytes(self.results)


@dataclass(eq=False)
class Outcome:
    """What came of a photo: `told` for the page, and `files` by what they show."""

    told: dict[str, Any]
    files: dict[str, File]
    id: str = field(default_factory=new_id)

    @property
    def nbytes(self) -> int:
        """Bytes that it takes."""
        return sum({id(one.data): len(one.data) for one in self.files.values()}.values())


@dataclass(eq=False)
class Visitor:
    """One browser. `reports`: pages that `adapt` wrote; `transfers`: what came of pairs."""

    id: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    photos: dict[str, Held] = field(default_factory=dict)
    reports: dict[str, File] = field(default_factory=dict)
    transfers: dict[str, Outcome] = field(default_factory=dict)
    seen: float = field(default_factory=time.monotonic)
    uploads: int = 0  # that are under way

    @property
    def keeps_nothing(self) -> bool:
        """Whether nothing would be lost without it."""
        return not (self.photos or self.transfers or self.reports or self.uploads)

    @property
    def nbytes(self) -> int:
        """Bytes that are kept for it."""
        return _nbytes(self.photos) + _nbytes(self.reports) + _nbytes(self.transfers)


class Visitors:
    """All of them. `forgotten` is called with the id of each that leaves, and those of its photos."""

    def __init__(self, limits: Limits) -> None:
        """Begin with none."""
        self.limits = limits
        self.forgotten: Callable[[str, tuple[str, ...]], None] = lambda _visitor, _photos: None
        self._all: dict[str, Visitor] = {}
        self._lock = threading.RLock()

    def find(self, name: str | None) -> Visitor | None:
        """The visitor with that cookie, if it is not forgotten."""
        self.sweep()
        with self._lock:
            found = self._all.get(name or "")
            if found is not None:
                found.seen = time.monotonic()
            return found

    def welcome(self, name: str | None) -> Visitor:
        """The visitor with that cookie, or a new one. Raises Refusal where there are too many."""
        found = self.find(name)
        if found is not None:
            return found
        with self._lock:
            if len(self._all) >= self.limits.visitors:
                looked = [one for one in self._all.values() if one.keeps_nothing]
                for one in sorted(looked, key=lambda one: one.seen)[:1]:  # the longest idle of those who only looked
                    del self._all[one.id]
            if len(self._all) >= self.limits.visitors:
                raise busy(f"{len(self._all)} visitors are here already: try again in a while")
            fresh = Visitor()
            self._all[fresh.id] = fresh
            return fresh

    def sweep(self, now: float | None = None) -> None:
        """Forget those who were not seen for long."""
        now = time.monotonic() if now is None else now
        with self._lock:
            late = [one.id for one in self._all.values() if now - one.seen > self.limits.idle_seconds]
        for name in late:
            self.drop(name)

    def drop(self, name: str) -> None:
        """Forget one, and all that was kept for it."""
        with self._lock:
            gone = self._all.pop(name, None)
        if gone is not None:
            self.forgotten(name, tuple(gone.photos))

    def room(self, size: int) -> None:
        """Raise Refusal where so many bytes more do not fit."""
        with self._lock:
            held = _nbytes(self._all)
        if held + size > self.limits.held_bytes:
            raise busy("the memory that is set aside for photos is full: remove some, or try again in a while")

    def keep(self, of: dict[str, T], thing: T, *, most: int, what: str) -> str:
        """Keep a thing by its id. Raises Refusal where there are `most` already."""
        with self._lock:
            if len(of) >= most:
                raise Refusal(429, f"{len(of)} {what} are kept already, and no more fit: remove some")
            return _put(of, thing)

    def replace_oldest(self, of: dict[str, S], thing: S, *, most: int, used: Container[str] = ()) -> str:
        """Keep a thing by its id. Where there are `most` already, the oldest give way, but for those in `used`.

        Raises Refusal where it does not fit even so.
        """
        with self._lock:
            spare = [name for name in of if name not in used]
            gone = spare[: max(0, len(of) + 1 - most)]
            self.room(thing.nbytes - sum(of[name].nbytes for name in gone))
            for name in gone:
                del of[name]
            return _put(of, thing)


def _put(of: dict[str, T], thing: T) -> str:
    """Keep a thing by its own id or a new one."""
    name = str(getattr(thing, "id", None) or new_id())
    of[name] = thing
    return name


def _nbytes(of: Mapping[str, Sized]) -> int:
    return sum(one.nbytes for one in list(of.values()))
