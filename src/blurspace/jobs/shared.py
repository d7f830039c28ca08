"""What must be so for work to be done by other processes: few threads each, and errors that can be sent home?"""

import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import torch

from blurspace.errors import BlurspaceError
from blurspace.io.files import hush_pillow
from blurspace.jobs.each import Failure, Stream, each, failure
from blurspace.jobs.workers import spread

S = TypeVar("S")
R = TypeVar("R")


def shared(tasks: Sequence[S], work: Callable[[S], R], failed: Callable[[S, Failure], R], *, jobs: int) -> Stream[R]:
    """As `each`, by so many processes: the same records in the same order; a file whose process dies has failed."""
    guarded = Guarded(work, failed, max(1, torch.get_num_threads() // jobs))
    return spread(tasks, guarded, lambda task, why, seconds: failed(task, failure(why, seconds)), jobs=jobs)


@dataclass(frozen=True)
class Guarded(Generic[S, R]):
    """Work on one file that never raises, by so many threads."""

    work: Callable[[S], R]
    failed: Callable[[S, Failure], R]
    threads: int

    def __call__(self, task: S) -> R:
        """What became of one file."""
        torch.set_num_threads(self.threads)
        hush_pillow()
        (outcome,) = each([task], self.work, self.portably_failed)
        return outcome

    def portably_failed(self, task: S, why: Failure) -> R:
        """What became of a file that failed, of which the error is sent too."""
        return self.failed(task, replace(why, error=portable(why.error)))


def portable(error: Exception) -> Exception:
    """An error that can be sent to another process, which says where it came from."""
    sent = BlurspaceError(str(error))
    sent.add_note("".join(traceback.format_exception(error)))
    return sent


def why_not(task: object, why: Failure) -> str:
    """What is said of work that failed, and has no record."""
    del task
    return why.reason
