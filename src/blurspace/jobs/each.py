"""How is one thing done to each of many files, so that a bad one never stops the others?"""

import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from blurspace.errors import BlurspaceError, Cancelled, MemoryExhaustedError
from blurspace.restore.driver import is_out_of_memory

S = TypeVar("S")
T = TypeVar("T")


@dataclass(frozen=True)
class Failure:
    """Why one file failed: a sentence, the exit code that it means, the error, and the seconds until then."""

    reason: str
    exit_code: int
    error: Exception
    seconds: float


def each(sources: Iterable[S], work: Callable[[S], T], failed: Callable[[S, Failure], T]) -> Iterator[T]:
    """What `work` makes of each source, or what `failed` says of it, one after another: see `several`."""
    return several(sources, lambda source: [work(source)], failed)


def several(sources: Iterable[S], work: Callable[[S], Iterable[T]], failed: Callable[[S, Failure], T]) -> Iterator[T]:
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
            known = as_known_error(error)
            seconds = round(time.perf_counter() - start, 3)
            yield failed(source, Failure(sentence(known), getattr(known, "exit_code", 1), error, seconds))


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
