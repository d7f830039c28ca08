"""Whose work is done next, how far is it, how long will it take, and who may stop it?"""

import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from blurspace.errors import BlurspaceError, Cancelled
from blurspace.jobs.each import as_known_error
from blurspace.run import Run
from blurspace.web.limits import Refusal, busy

State = Literal["waiting", "working", "done", "failed", "cancelled"]
ENDED = ("done", "failed", "cancelled")
# Of the time that a photo is expected to take, the share that its search takes; and from which share of the work on the
# steps themselves tell the time better than experience (ours).
SEARCHING, TELLING = 0.85, 0.3
WEIGHT = 0.3  # of the last photo, in what is known of this machine's speed
FORGET = 200  # jobs that ended, of which the last are remembered


@dataclass(eq=False)
class Job:
    """One piece of `work`. `owner`: whose it is. `expected`: seconds, as a guess; `result`: what came of it."""

    work: Callable[["Job"], Mapping[str, Any]]
    owner: str
    about: str  # what it is about: a photo's id
    kind: str
    expected: float
    asked: Mapping[str, Any] | None = None  # how a photo is to be restored
    id: str = field(default_factory=lambda: secrets.token_urlsafe(12))
    state: State = "waiting"
    stage: str = "waiting"
    share: float = 0.0
    preview: str | None = None
    result: Mapping[str, Any] | None = None
    error: str | None = None
    started: float | None = None
    ended: float | None = None
    stopped: threading.Event = field(default_factory=threading.Event)

    def step(self, stage: str, done: int, total: int) -> None:
        """Note how far it is; the share never goes back, though a search may begin again in another light."""
        part = done / total if total else 1.0
        share = SEARCHING * part if stage != "restoring" else SEARCHING + (1 - SEARCHING) * part
        self.stage, self.share = stage, max(self.share, min(share, 0.99))

    def show(self, address: str) -> None:
        """Note where a preview of the result is."""
        self.preview = address

    def seconds_left(self, pace: float) -> float | None:
        """About how many seconds it takes yet; None where nobody knows. `pace`: of this machine, over the guess."""
        if self.state != "working" or self.started is None:
            return None
        passed = time.monotonic() - self.started
        if self.share >= TELLING:
            return max(1.0, passed * (1 - self.share) / self.share)
        return max(1.0, self.expected * pace - passed)


class Queue:
    """First come, first served, by `workers` threads; more than `waiting` jobs are refused with a sentence."""

    def __init__(self, *, workers: int = 1, waiting: int = 128, job_seconds: float = 900.0) -> None:
        """Start the threads, which end with the process."""
        self.most, self.job_seconds, self.pace = waiting, job_seconds, 1.0
        self._waiting: deque[Job] = deque()
        self._known: dict[str, Job] = {}
        self._there = threading.Condition(threading.RLock())
        self._closed = False
        for number in range(workers):
            threading.Thread(target=self._work, name=f"blurspace-worker-{number}", daemon=True).start()

    def add(self, job: Job) -> Job:
        """Put it last. Raises Refusal where there are too many."""
        with self._there:
            if self._closed:
                raise busy("the server is ending: try again when it was started anew")
            if len(self._waiting) >= self.most:
                raise busy(f"{len(self._waiting)} photos wait already, and no more fit: try again in a while")
            self._waiting.append(job)
            self._known[job.id] = job
            for old in [one.id for one in self._known.values() if one.state in ENDED][:-FORGET]:
                del self._known[old]
            self._there.notify()
        return job

    def find(self, name: str, owner: str) -> Job | None:
        """The job of that id, if it is this owner's."""
        job = self._known.get(name)
        return job if job is not None and job.owner == owner else None

    def under_way(self, owner: str, about: str) -> list[Job]:
        """What waits or is worked on about a photo, the last that was asked for at the end."""
        mine = [one for one in list(self._known.values()) if one.owner == owner and one.about == about]
        return [one for one in mine if one.state not in ENDED]

    def place(self, job: Job) -> int:
        """How many are before it."""
        with self._there:
            return list(self._waiting).index(job) if job in self._waiting else 0

    def cancel(self, job: Job) -> None:
        """Stop it: at once if it waits, at its next step if it is worked on."""
        with self._there:
            job.stopped.set()
            if job in self._waiting:
                self._waiting.remove(job)
                self._end(job, "cancelled")

    def forget(self, owner: str, about: str | None = None) -> None:
        """Stop all of an owner's jobs, or those about one photo."""
        for job in [one for one in self._known.values() if one.owner == owner and about in (None, one.about)]:
            self.cancel(job)
            self._known.pop(job.id, None)

    def close(self) -> None:
        """Stop all, for good."""
        with self._there:
            self._closed = True
            for job in list(self._known.values()):
                self.cancel(job)
            self._there.notify_all()

    def run(self, job: Job, how: Run) -> Run:
        """How a job is worked on: as `how` says, telling the job, stopped by it and by the clock."""
        deadline = time.monotonic() + self.job_seconds
        return replace(how, on_step=job.step, cancelled=job.stopped.is_set, deadline=deadline)

    def told(self, job: Job) -> dict[str, Any]:
        """What a visitor is told of a job."""
        left = job.seconds_left(self.pace)
        return {
            "id": job.id,
            "kind": job.kind,
            "about": job.about,
            "asked": job.asked,
            "state": job.state,
            "stage": job.stage,
            "share": round(job.share, 3),
            "before": self.place(job),
            "seconds_left": None if left is None else round(left, 1),
            "seconds": None if job.ended is None or job.started is None else round(job.ended - job.started, 2),
            "preview": job.preview,
            "error": job.error,
            "result": job.result,
        }

    def _work(self) -> None:
        while True:
            with self._there:
                while not self._waiting and not self._closed:
                    self._there.wait()
                if self._closed:
                    return
                job = self._waiting.popleft()
                job.state, job.stage, job.started = "working", "starting", time.monotonic()
            self._do(job)
            del job  # with all that its work holds, while this thread waits

    def _do(self, job: Job) -> None:
        try:
            job.result = job.work(job)
            self._end(job, "done")
        except Cancelled:
            late = not job.stopped.is_set()
            job.error = f"it took longer than {self.job_seconds:.0f} s, and was stopped" if late else None
            self._end(job, "failed" if late else "cancelled")
        except Exception as error:  # one bad photo must not end the server
            job.error = _sentence(error)
            self._end(job, "failed")

    def _end(self, job: Job, state: State) -> None:
        job.work, now = _nothing, time.monotonic()
        if state == "done" and job.started is not None and job.expected > 0:
            self.pace = (1 - WEIGHT) * self.pace + WEIGHT * (now - job.started) / job.expected
        job.share = 1.0 if state == "done" else job.share
        job.state = job.stage = state
        job.ended = now  # last: who sees this, sees all


def _nothing(_job: Job) -> Mapping[str, Any]:
    return {}


def _sentence(error: Exception) -> str:
    """What went wrong, without what a server should not tell of itself."""
    if isinstance(error, Refusal):
        return error.sentence
    known = as_known_error(error)
    if isinstance(known, BlurspaceError):
        return " ".join(str(known).split())
    return f"an unexpected error, {type(error).__name__}: try another photo"
