"""What is kept of a visitor, and until when? All in memory, by ids that the server made; nothing of it on disk."""

import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from blurspace.web.limits import Limits, Refusal, busy

T = TypeVar("T")
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
    kernels: dict[str, Any] = field(default_factory=dict)  # (1 1 k k), likewise
    origins: dict[str, str] = field(default_factory=dict)  # of the kernels, in words
    previews: dict[str, File] = field(default_factory=dict)
    asked: bool = False  # whether it was ever to be restored: others are for a transfer

    @property
    def size(self) -> int:
        """Bytes that it takes."""
        tensors = sum(one.nbytes for one in (*self.masks.values(), *self.kernels.values()))
        views = [self.view, *self.previews.values()]
        shown = sum(len(view.data) for view in views if view.data is not self.file.data)
        return len(self.file.data) + shown + tensors + sum(one.size for one in list(self.results.values()))


@dataclass(eq=False)
class Outcome:
    """What came of a photo: `told` for the page, and `files` by what they show."""

    told: dict[str, Any]
    files: dict[str, File]
    id: str = field(default_factory=new_id)

    @property
    def size(self) -> int:
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
    def size(self) -> int:
        """Bytes that are kept for it."""
        kept = sum(one.size for one in list(self.photos.values())) + sum(
            one.size for one in list(self.transfers.values())
        )
        return kept + sum(len(one.data) for one in list(self.reports.values()))


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
            held = sum(one.size for one in self._all.values())
        if held + size > self.limits.held_bytes:
            raise busy("the memory that is set aside for photos is full: remove some, or try again in a while")

    def keep(self, of: dict[str, T], thing: T, *, most: int, what: str, name: str | None = None) -> str:
        """Keep a thing by its id. Raises Refusal where there are `most` already."""
        with self._lock:
            if len(of) >= most:
                raise Refusal(429, f"{len(of)} {what} are kept already, and no more fit: remove some")
            name = name or getattr(thing, "id", None) or new_id()
            of[name] = thing
            return name

    def replace_oldest(self, of: dict[str, T], thing: T, *, most: int) -> str:
        """Keep a thing by its id, in the place of the oldest where there are `most` already."""
        with self._lock:
            while len(of) >= most:
                del of[next(iter(of))]
            name = str(getattr(thing, "id", None) or new_id())
            of[name] = thing
            return name
