"""How is the work done: on which device, in how much memory, who is told how far it is, and who may stop it?"""

import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import torch

from blurspace.errors import Cancelled, UsageError

DEVICES = ("auto", "cpu", "cuda", "mps")
# Of the memory that is free, the share that work may take unless told; and what counts as free where nobody says.
SHARE, UNKNOWN_FREE = 0.5, 2 * 2**30
OUT_OF_MEMORY = ("not enough memory", "out of memory", "can't allocate memory")
T = TypeVar("T")


@dataclass(frozen=True)
class Run:
    """How to work; the default works on the CPU, tells nobody, and stops for nobody.

    `device`: where networks and transforms run. `half`: networks in half precision (transforms stay in float32).
    `on_step(stage, done, total)` is called as the work goes on. `cancelled()` is asked often, and `deadline` is a time
    of `time.monotonic()`: after either, `check` raises. `memory`: bytes that the work may take beside the picture and
    its result; None = half of what is free.
    """

    device: torch.device | str = "cpu"
    half: bool = False
    on_step: Callable[[str, int, int], None] | None = None
    cancelled: Callable[[], bool] | None = None
    deadline: float | None = None
    memory: int | None = None

    def check(self) -> None:
        """Raise Cancelled where somebody wants to stop, or the time is over."""
        if self.cancelled is not None and self.cancelled():
            raise Cancelled("the work was cancelled")
        if self.deadline is not None and time.monotonic() > self.deadline:
            raise Cancelled("the deadline passed before the work was done")

    def step(self, stage: str, done: int, total: int) -> None:
        """Tell that `done` of `total` pieces of a stage are done, and check."""
        self.check()
        if self.on_step is not None:
            self.on_step(stage, done, total)

    def steps(self, stage: str, pieces: Sequence[T]) -> Iterator[T]:
        """The pieces of a stage, one after the other, each with a step."""
        for done, piece in enumerate(pieces):
            self.step(stage, done, len(pieces))
            yield piece
        self.step(stage, len(pieces), len(pieces))

    def apart(self) -> "Run":
        """The same for work that is sent to another process: nobody is told how far it is, or can stop it."""
        return replace(self, on_step=None, cancelled=None)

    def share(self, jobs: int) -> "Run":
        """The same for one of so many processes on this machine: with its share of the memory."""
        return replace(self.apart(), memory=self.room() // jobs)

    def networks(self) -> AbstractContextManager[object]:
        """The precision that networks run in, as a context."""
        kind = torch.device(self.device).type
        dtype = torch.float16 if kind == "cuda" else torch.bfloat16
        return torch.autocast(kind, dtype=dtype) if self.half else nullcontext()

    def room(self) -> int:
        """Bytes that the work may take."""
        return self.memory if self.memory is not None else int(SHARE * free_memory())


def full_precision(device: torch.device) -> AbstractContextManager[object]:
    """All bits, whatever precision networks run in: for light and for least squares."""
    known = torch.amp.is_autocast_available(device.type)
    return torch.autocast(device.type, enabled=False) if known else nullcontext()


def pick_device(name: str = "auto", among: Sequence[str] = DEVICES) -> str:
    """The device of that name, "auto" being CUDA, then MPS, then the CPU. Raises UsageError where it is not there."""
    there = {"cpu": True, "cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if name not in among:
        raise UsageError(f"the device {name} is not known: give one of {', '.join(among)}")
    if name == "auto":
        return next(kind for kind in ("cuda", "mps", "cpu") if there[kind])
    if not there[name]:
        raise UsageError(f"the device {name} was asked for and there is none: give --device cpu")
    return name


def fast_in_half(device: str) -> bool:
    """Whether networks are faster there in half precision: on CUDA, and on processors with matrix units (AMX)."""
    tiles = getattr(torch.cpu, "_is_amx_tile_supported", None)  # torch has no public question for it
    return device == "cuda" or (device == "cpu" and tiles is not None and bool(tiles()))


def free_memory() -> int:
    """Bytes of memory that are free: what Linux says, within the limit of a container; a guess elsewhere."""
    free = UNKNOWN_FREE
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        facts = dict(line.split(":") for line in meminfo.read_text(encoding="ascii").splitlines())
        free = int(facts["MemAvailable"].split()[0]) * 1024
    group = Path("/sys/fs/cgroup")
    try:
        limit = (group / "memory.max").read_text(encoding="ascii").strip()
        if limit != "max":
            free = min(free, int(limit) - int((group / "memory.current").read_text(encoding="ascii")))
    except (OSError, ValueError):
        pass  # no container, or one that does not say
    return max(free, 0)


def held_memory() -> int:
    """Bytes that this process holds now (Linux), or the most that it has held so far; 0 where nobody says."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return most_memory() or 0


def most_memory() -> int | None:
    """The most bytes that this process has held so far; None where nobody says (Windows)."""
    try:
        import resource
    except ImportError:
        return None
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most if sys.platform == "darwin" else most * 1024


def is_out_of_memory(error: BaseException) -> bool:
    """Whether memory ran out, however torch, Python or a driver says it."""
    told = isinstance(error, RuntimeError) and any(phrase in str(error).lower() for phrase in OUT_OF_MEMORY)
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or told
