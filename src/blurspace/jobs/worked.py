"""Who does the work on many files: this process, several of this machine, or an engine, such as a cluster?"""

from collections.abc import Callable, Sequence
from typing import Any, Protocol, Self, TypeVar

from blurspace.errors import UsageError
from blurspace.jobs.each import Failure, Stream, each
from blurspace.jobs.files import STANDARD, Source
from blurspace.jobs.shared import shared

S = TypeVar("S")
R = TypeVar("R")
Task_contra = TypeVar("Task_contra", contravariant=True)
Made_co = TypeVar("Made_co", covariant=True)


class Portable(Protocol[Task_contra, Made_co]):
    """Work on one file that can be sent to other processes and machines; a job says `__call__` and `again`.

    The rest is as here for work that takes little memory, has no device, and tells nobody how far it is.
    """

    def __call__(self, task: Task_contra) -> Made_co:
        """Do it. Raises what is wrong with the file."""
        ...

    def again(self, task: Task_contra) -> Made_co:
        """Do it after a worker died with it: what that one finished is there, and is no earlier run's."""
        ...

    def apart(self) -> Self:
        """As it can be sent: nobody is told how far it is."""
        return self

    def share(self, jobs: int) -> Self:
        """As one of so many on a machine does it, with its share of the memory."""
        del jobs
        return self

    def on(self, device: str) -> Self:
        """As it is done on another device."""
        del device
        return self


# Does work on many tasks, such as `on_ray.on_ray`.
Engine = Callable[[Sequence[Any], Portable[Any, Any], Callable[[Any, Failure], Any]], Stream[Any]]


def worked(
    tasks: Sequence[S],
    work: Portable[S, R],
    failed: Callable[[S, Failure], R],
    *,
    sources: Sequence[Source],
    jobs: int = 1,
    engine: Engine | None = None,
) -> Stream[R]:
    """What `work` makes of each task, or what `failed` says of it, in the order of the tasks, whoever does it.

    `sources`: what the tasks read, one each. `jobs`: so many processes share the work and its memory, see `processes`.
    `engine`: does it instead, and then UsageError is raised on standard input.
    """
    jobs = processes(sources, jobs)
    if engine is not None:
        if any(source.name == STANDARD for source in sources):
            raise UsageError("an engine's workers cannot read standard input: give a file, or leave --engine out")
        return engine(tasks, work.apart(), failed)
    return each(tasks, work, failed) if jobs <= 1 else shared(tasks, work.share(jobs), failed, jobs=jobs)


def processes(sources: Sequence[Source], jobs: int) -> int:
    """How many processes can share the work: at most one a file, and this one alone reads standard input."""
    return 1 if any(source.name == STANDARD for source in sources) else min(jobs, len(sources))
