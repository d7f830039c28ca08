"""How do the machines of a Ray cluster share work on files, so that none is lost or done twice when a worker dies?

Actors, one file at a time each: a death then names its file, which Ray Data's batches would not, and the next worker
begins with a fresh look at the journal. This file is the only one that knows Ray.
"""

import os
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, TypeVar

from blurspace.errors import BlurspaceError, MemoryExhaustedError, ModelError, UsageError, WorkerError, install
from blurspace.jobs.each import Failure, Stream, failure
from blurspace.jobs.shared import Guarded, why_not
from blurspace.jobs.worked import Portable

S = TypeVar("S")
R = TypeVar("R")
TRIES = 3  # workers that a file may take with it; of a machine that is taken away, the first is no fault of the file
# Ray tells nobody of its use, and leaves a GPU's variables alone where a worker has none. Workers of a cluster that is
# begun here are as nice as those of --jobs: by 15, which is Ray's way, they starve beside other work.
QUIET = {"RAY_USAGE_STATS_ENABLED": "0", "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0", "RAY_worker_niceness": "0"}
MISSING = f"the engine ray needs Ray, which is not here: {install('ray')}"


def on_ray(
    tasks: Sequence[S],
    work: Portable[S, R],
    failed: Callable[[S, Failure], R],
    *,
    jobs: int | None = None,
    device: str = "auto",
) -> Stream[R]:
    """As `shared`, by workers of the cluster that RAY_ADDRESS names or that runs here, else of one that is begun here.

    `jobs`: so many workers; None: one for each GPU, or where there is none, or `device` is cpu, for each processor. A
    file that kills TRIES workers has failed. Raises ModelError where Ray is missing, UsageError where GPUs are wanted
    and there are none.
    """
    ray = imported()
    with cluster(ray, jobs):
        there = ray.cluster_resources()
        graphic = device not in ("auto", "cpu") or (device == "auto" and there.get("GPU", 0) >= 1)
        if graphic and there.get("GPU", 0) < 1:
            raise UsageError(f"the device {device} was asked for and the cluster has none: give --device cpu")
        kind = "GPU" if graphic else "CPU"
        count = jobs or max(1, int(there.get(kind, 1)))
        actor = ray.remote(num_cpus=1, num_gpus=int(graphic), max_restarts=0)(Performer)
        sent = ray.put((work, failed, Path.cwd()))
        yield from Crew(ray, lambda: actor.remote(sent, kind, count), failed).results(tasks, count)


@contextmanager
def helped_on_ray(work: Portable[None, None], *, jobs: int | None, report: Callable[[str], None]) -> Iterator[None]:
    """As `workers.helped`, by so many workers of that cluster, or one for each processor (None).

    One that dies begins again. `report` gets why, where one could not help. Raises as `on_ray`, and WorkerError where
    none can begin.
    """
    ray = imported()
    with cluster(ray, jobs):
        count = jobs or max(1, int(ray.cluster_resources().get("CPU", 1)))
        actor = ray.remote(num_cpus=1, max_restarts=TRIES, max_task_retries=TRIES)(Performer)
        sent = ray.put((work, why_not, Path.cwd()))
        helpers = [actor.remote(sent, "CPU", count) for _ in range(count)]
        try:
            begun, _ = ray.wait([one.begin.remote() for one in helpers])
            try:
                ray.get(begun)
            except ray.exceptions.RayError as death:
                raise no_beginning(death) from None
            promises = [one.do.remote(None, False) for one in helpers]
            yield
            ended, _ = ray.wait(promises, num_returns=count, timeout=0)
            for reason in filter(None, ray.get(ended)):
                report(f"a worker of the cluster could not help: {reason}")
        finally:
            for one in helpers:
                ray.kill(one)


class Performer:
    """What a worker is: an actor, in a process of its own on some machine."""

    def __init__(self, sent: tuple[Any, Callable[..., Any], Path], kind: str, count: int) -> None:
        """`sent`: also the folder from which names count; `kind`: CPU or GPU, of which it has one; `count`: of all."""
        import ray

        here = ray.get_runtime_context().get_node_id()
        machine = next(one["Resources"] for one in ray.nodes() if one["NodeID"] == here)
        work, failed, folder = sent
        with suppress(OSError):  # where it is not there, each file will say so
            os.chdir(folder)
        work = work.share(max(1, min(count, int(machine.get(kind, 1)))))
        work = work.on("cuda") if kind == "GPU" else work
        self.first, self.next = Guarded(work, failed, 1), Guarded(work.again, failed, 1)

    def begin(self) -> None:
        """Answers when it is ready."""

    def do(self, task: Any, again: bool) -> Any:
        """What became of one file."""
        return (self.next if again else self.first)(task)


class Crew:
    """Workers, the files that wait, and what each worker is at: the number of a file (None: it begins), since when."""

    def __init__(self, ray: Any, worker: Callable[[], Any], failed: Callable[[Any, Failure], Any]) -> None:
        """`worker` begins another."""
        self.ray, self.worker, self.failed = ray, worker, failed
        self.busy = dict[Any, tuple[Any, int | None, float]]()
        self.idle, self.deaths = list[Any](), Counter[int | None]()

    def results(self, tasks: Sequence[Any], count: int) -> Iterator[Any]:
        """What became of each task, in their order; at a KeyboardInterrupt first all that is known, with gaps."""
        waiting, ready = deque(range(len(tasks))), dict[int, Any]()
        try:
            for place in range(len(tasks)):
                while place not in ready:
                    while len(self.busy) + len(self.idle) < min(count, len(tasks) - place - len(ready)):
                        self.put(worker := self.worker(), worker.begin.remote(), None)
                    self.take(tasks, waiting, ready)
                    self.give(tasks, waiting)  # before whoever asked looks at a result: nobody waits for that
                yield ready.pop(place)
        except KeyboardInterrupt:
            yield from (ready[place] for place in sorted(ready))
            raise
        finally:
            for worker in [*self.idle, *(one for one, _, _ in self.busy.values())]:
                self.ray.kill(worker)

    def put(self, worker: Any, promise: Any, number: int | None) -> None:
        """Remember what a worker is at."""
        self.busy[promise] = (worker, number, time.perf_counter())

    def give(self, tasks: Sequence[Any], waiting: deque[int]) -> None:
        """Let those who have nothing to do begin."""
        while self.idle and waiting:
            number, worker = waiting.popleft(), self.idle.pop()
            self.put(worker, worker.do.remote(tasks[number], self.deaths[number] > 0), number)

    def take(self, tasks: Sequence[Any], waiting: deque[int], ready: dict[int, Any]) -> None:
        """Wait for one worker. Raises WorkerError where workers cannot even begin."""
        (promise, *_), _ = self.ray.wait(list(self.busy))
        worker, number, start = self.busy.pop(promise)
        try:
            result = self.ray.get(promise)
        except self.ray.exceptions.RayError as death:
            self.ray.kill(worker)
            self.deaths[number] += 1
            if number is None and self.deaths[None] >= TRIES:
                raise no_beginning(death) from None
            if number is not None and self.deaths[number] < TRIES:
                waiting.appendleft(number)
            elif number is not None:
                seconds = round(time.perf_counter() - start, 3)
                ready[number] = self.failed(tasks[number], failure(cause(death), seconds))
            return
        self.idle.append(worker)
        if number is None:
            self.deaths[None] = 0
        else:
            ready[number] = result


def no_beginning(death: Exception) -> WorkerError:
    """Why workers could not even begin."""
    told = " ".join(str(death).split())[-300:]
    asked = "is this blurspace installed there, and are the files that were typed?"
    return WorkerError(f"workers of the cluster cannot begin ({told}): {asked}")


def cause(death: Exception) -> BlurspaceError:
    """Why the workers died that had a file."""
    if "running low on memory" in str(death):
        told = f"{TRIES} workers with it were killed, since their machine ran out of memory"
        return MemoryExhaustedError(f"{told}: give fewer --jobs, or a --memory")
    return WorkerError(f"{TRIES} workers died with it: try this file alone, with -v and without --engine")


def imported() -> Any:
    """Ray, which tells nobody that it is used, and prints nothing. Raises ModelError where it is missing."""
    os.environ.update(QUIET)
    try:
        import ray
    except ImportError:
        raise ModelError(MISSING) from None
    # Else it tells of every death on stdout, among the records: `log_to_driver` does not keep it from that.
    ray._private.worker._worker_logs_enabled = False
    return ray


@contextmanager
def cluster(ray: Any, jobs: int | None) -> Iterator[None]:
    """Within it there is a cluster; one that was begun here ends with it."""
    if ray.is_initialized():
        yield
        return
    how: dict[str, Any] = {"log_to_driver": False, "logging_level": "error"}
    try:
        ray.init(address=os.environ.get("RAY_ADDRESS", "auto"), **how)
    except ConnectionError as problem:
        if "RAY_ADDRESS" in os.environ:
            told = f"no Ray cluster answers at RAY_ADDRESS {os.environ['RAY_ADDRESS']}"
            raise UsageError(f"{told}: give the address of one, or unset it") from problem
        ray.init(address="local", num_cpus=jobs, include_dashboard=False, **how)
    try:
        yield
    finally:
        ray.shutdown()
