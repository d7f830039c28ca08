"""How do several processes share the work on many files, so that one that dies takes no more than its own file with it?

This file imports nothing heavy: what is heavy comes with the work.
"""

import os
import pickle
import signal
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import get_context, parent_process
from multiprocessing.connection import Connection, wait
from threading import Thread
from typing import Any, Generic, TypeVar

from blurspace.errors import BlurspaceError, MemoryExhaustedError, WorkerError

S = TypeVar("S")
T = TypeVar("T")
START = "spawn"  # a process that begins anew: locks and threads of torch do not outlive a fork
PATIENCE = 10.0  # seconds that a worker gets to clean up: what is done of a video shall be playable


def spread(
    tasks: Sequence[S], work: Callable[[S], T], died: Callable[[S, BlurspaceError, float], T], *, jobs: int
) -> Generator[T, None, None]:
    """What `work` makes of each task, in the order of the tasks, by so many processes at a time.

    `work` and its results must be able to be pickled, and it must not raise. `died` says what becomes of the task of a
    process that died, given why and its seconds; another process takes its place. When this ends, also by an error in
    whoever asks for the results, the processes end. At a KeyboardInterrupt what is finished comes first, with gaps.
    """
    payload, waiting = pickle.dumps(work), list(enumerate(tasks))[::-1]
    workers, ready = list[Worker[S, T]](), dict[int, T]()
    try:
        for place in range(len(tasks)):
            while place not in ready:
                dismiss(workers)
                while len(workers) < min(jobs, len(waiting) + sum(one.task is not None for one in workers)):
                    workers.append(Worker(payload))
                for idle in [one for one in workers if one.task is None][: len(waiting)]:
                    idle.give(*waiting.pop())
                heard = wait([one.pipe for one in workers if one.task])
                for worker in [one for one in workers if one.pipe in heard]:
                    number, result = worker.take(died)
                    ready[number] = result
            yield ready.pop(place)
    except KeyboardInterrupt:
        for worker in [one for one in workers if one.task and one.pipe.poll()]:
            number, result = worker.take(died)
            ready[number] = result
        yield from (ready[place] for place in sorted(ready))
        raise
    finally:
        end_all(workers)


class Worker(Generic[S, T]):
    """One process, and the task that it works on, if any: its place, itself, and since when."""

    def __init__(self, payload: bytes) -> None:
        """Begin it, with pickled work."""
        context = get_context(START)
        self.task: tuple[int, S, float] | None = None
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=serve, args=(other, payload))  # type: ignore[attr-defined]
        with no_interrupt():
            self.process.start()
        other.close()

    def give(self, number: int, task: S) -> None:
        """Let it work on a task; where it is dead already, `take` will notice."""
        self.task = (number, task, time.perf_counter())
        with suppress(OSError):
            self.pipe.send(task)

    def take(self, died: Callable[[S, BlurspaceError, float], T]) -> tuple[int, T]:
        """The place of the task and what became of it, once the pipe says something; it is closed by a death."""
        assert self.task is not None
        number, task, start = self.task
        self.task = None
        try:
            return number, self.pipe.recv()
        except Exception:  # it ended in the middle of a word, or what it said cannot be read
            self.pipe.close()
            self.process.terminate()
            self.process.join()
            return number, died(task, cause(self.process.exitcode), round(time.perf_counter() - start, 3))


def serve(pipe: Connection, payload: bytes) -> None:
    """What a worker does: the work, for each task that comes, until the other end is closed or gone."""
    with suppress(KeyboardInterrupt, EOFError, BrokenPipeError):
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a whole terminal; the parent decides
        signal.signal(signal.SIGTERM, _stop)
        Thread(target=_end_with_parent, daemon=True).start()
        work = pickle.loads(payload)
        while True:
            pipe.send(work(pipe.recv()))


def cause(code: int | None) -> BlurspaceError:
    """Why a process died, by its exit code: that of a signal is below 0."""
    if code == -9:
        return MemoryExhaustedError(
            "its process was killed, as a system does that runs out of memory: give fewer --jobs, or a --memory"
        )
    name = signal.Signals(-code).name if code is not None and -code in set(signal.Signals) else f"exit code {code}"
    return WorkerError(f"its process died ({name}): try this file alone, with -v")


def dismiss(workers: list[Worker[Any, Any]]) -> None:
    """Part with processes that died; one that died idle would take the next file with it."""
    for one in [one for one in workers if one.pipe.closed or not (one.task or one.process.is_alive())]:
        one.pipe.close()
        workers.remove(one)


def end_all(workers: Sequence[Worker[Any, Any]]) -> None:
    """End processes, also those that are working: first asked, so that they clean up, then killed."""
    for worker in workers:
        worker.process.terminate()
    until = time.monotonic() + PATIENCE
    for worker in workers:
        worker.process.join(max(0.0, until - time.monotonic()))
        worker.process.kill()
        worker.process.join()
        worker.pipe.close()


@contextmanager
def no_interrupt() -> Iterator[None]:
    """A process that is started here never hears Ctrl-C, not even before it can say so; this one hears it after."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def _end_with_parent() -> None:
    """Whoever waits for the result is gone, killed perhaps, and somebody may begin again: leave nothing half done."""
    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)
