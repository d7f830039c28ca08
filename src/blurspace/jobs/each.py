"""How is one thing done to each of many files, so that a bad one never stops the others, and what is said of each?"""

import time
from collections.abc import Callable, Generator, Iterable
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import TypeVar

import torch

from blurspace.blur.kernels import extent
from blurspace.errors import (
    BlurspaceError,
    Cancelled,
    MemoryExhaustedError,
    ModelError,
    OutputError,
    PictureError,
    UsageError,
    WorkerError,
)
from blurspace.io.images import encode_photo
from blurspace.run import is_out_of_memory, most_memory
from blurspace.types import Image, Kernel, Photo

S = TypeVar("S")
T = TypeVar("T")
Stream = Generator[T, None, None]  # results one after another, which end in order when it is closed
# Of what files fail, for summaries.
FAILURES: dict[str, type[BlurspaceError]] = {
    "unreadable": PictureError,
    "unwritable": OutputError,
    "wrong options": UsageError,
    "out of memory": MemoryExhaustedError,
    "model missing": ModelError,
    "process died": WorkerError,
}
PRIVATE = {"private": True}  # what the doors need, and a JSON record does not have


@dataclass(frozen=True)
class FileRecord:
    """What became of one file: its JSON record, and what the doors need besides. `output` None: it failed."""

    input: str
    output: str | None = None
    reason: str | None = None  # why it failed
    seconds: float | None = 0.0
    failure: str | None = None  # the kind of a failure: a name in FAILURES, or unexpected
    exit_code: int = field(default=0, metadata=PRIVATE)
    error: Exception | None = field(default=None, metadata=PRIVATE)
    data: bytes | None = field(default=None, repr=False, metadata=PRIVATE)  # for standard output

    def record(self) -> dict[str, object]:
        """The JSON object of this file."""
        return {one.name: getattr(self, one.name) for one in fields(self) if "private" not in one.metadata}


@dataclass(frozen=True)
class Failure:
    """Why one file failed: a sentence, the exit code that it means, the error, the seconds until then, and its kind."""

    reason: str
    exit_code: int
    error: Exception
    seconds: float
    failure: str


def each(sources: Iterable[S], work: Callable[[S], T], failed: Callable[[S, Failure], T]) -> Stream[T]:
    """What `work` makes of each source, or what `failed` says of it, one after another: see `several`."""
    return several(sources, lambda source: [work(source)], failed)


def several(sources: Iterable[S], work: Callable[[S], Iterable[T]], failed: Callable[[S, Failure], T]) -> Stream[T]:
    """All that `work` makes of each source, and what `failed` says where it ends in an error.

    Only a cancelled run ends early: Cancelled and KeyboardInterrupt pass through.
    """
    for source in sources:
        start = time.perf_counter()
        try:
            yield from work(source)
        except Cancelled:
            raise
        except Exception as error:  # one bad file, whatever is wrong with it, must not stop the batch
            yield failed(source, failure(error, time.perf_counter() - start))


def failure(error: Exception, seconds: float) -> Failure:
    """What there is to say of an error."""
    known = as_known_error(error)
    return Failure(sentence(known), getattr(known, "exit_code", 1), error, round(seconds, 3), kind_of(known))


def kind_of(error: Exception) -> str:
    """The kind of a failure, in two words at most."""
    return next((name for name, kinds in FAILURES.items() if isinstance(error, kinds)), "unexpected")


def exit_code(codes: Iterable[int]) -> int:
    """The process's exit code for the codes of all files: 0, the code that all failures share, or 1 for mixed ones."""
    failures = {code for code in codes if code}
    return failures.pop() if len(failures) == 1 else int(bool(failures))


def as_known_error(error: Exception) -> Exception:
    """Out-of-memory errors of all kinds as one MemoryExhaustedError; anything else as it is."""
    if is_out_of_memory(error):
        return MemoryExhaustedError("the picture needs more memory than there is: give a smaller one or free some")
    return error


def sentence(error: Exception) -> str:
    """One line for a person: our own errors speak for themselves, others say what they are."""
    text = " ".join(str(error).split())
    if isinstance(error, BlurspaceError):
        return text
    return f"an unexpected error, {type(error).__name__}: {text or 'no details'} (run with -v to see where)"


def describe_kernel(kernel: Kernel, *, confidence: float | None = None) -> dict[str, float | int | None]:
    """The contract's `kernel` object."""
    length, angle = extent(kernel.cpu())
    return {
        "size": kernel.shape[-1],
        "length_px": round(length, 2),
        "angle_deg": round(angle, 1),
        "confidence": confidence,
    }


def picture_bytes(pixels: Image) -> bytes:
    """A plain 8-bit PNG of `pixels` (1 c h w), for looking at."""
    photo = Photo.of(pixels)
    return encode_photo(photo, photo.samples)


def number(value: float | None, digits: int = 5) -> float | None:
    """A number for JSON, which knows no infinity."""
    return round(value, digits) if value is not None and isfinite(value) else None


def peak_mib() -> float | None:
    """`most_memory` in MiB."""
    most = most_memory()
    return None if most is None else round(most / 2**20, 1)


def runtime() -> str:
    """What computed it, as in `torch 2.13.0`."""
    return f"torch {torch.__version__.split('+')[0]}"
