"""How are many photos deblurred, one after another, with one honest record for each?

A bad file never stops the others, and "left alone" is the input byte for byte.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from blurspace.areas import middle
from blurspace.blur.kernels import show
from blurspace.errors import UsageError
from blurspace.io.files import clear_parts, sha256_of
from blurspace.io.images import write_bytes
from blurspace.io.remux import partial
from blurspace.io.video import is_video
from blurspace.jobs.deblur_video import Report, VideoOutcome, deblur_video, left_of, quiet
from blurspace.jobs.develop import Developed, Stamp, develop, within
from blurspace.jobs.each import REFUSED, Deblurred, Failure, Stream, picture_bytes
from blurspace.jobs.files import (
    KERNEL,
    SIDES,
    STANDARD,
    Source,
    as_asked,
    beside,
    create_parent,
    load,
)
from blurspace.jobs.journal import Entry, Journal, hash_of
from blurspace.jobs.sidecar import sidecar_bytes, sidecar_of
from blurspace.jobs.stored import InStore, in_store
from blurspace.jobs.tasks import Task, plan_tasks
from blurspace.jobs.wishes import Wishes
from blurspace.jobs.worked import Engine, processes, worked
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Restoration
from blurspace.restore.observed import as_float
from blurspace.run import Run, fast_in_half
from blurspace.types import Photo

SHOWN = 2048  # px: the sides of a picture of before and after
SKIPPED = "a file of the result's name is there, and was not looked at"


@dataclass(frozen=True)
class Outcome(Deblurred):
    """What became of one photo: the contract's JSON record, version 1, and what the doors need besides.

    Numbers that are infinite or unknown are None: `change_psnr` of an untouched picture.
    """

    confidence: float | None = None
    probability_better: float | None = None
    expected_gain_db: float | None = None
    method: str | None = None
    kernel: dict[str, float | int | None] | None = None
    region: dict[str, object] | None = None  # where it was to be restored
    light: str | None = None  # in which it was blurred
    light_confidence: float | None = None
    reblur_psnr: float | None = None
    change_psnr: float | None = None
    sigma: float | None = None


def deblur_files(
    sources: Sequence[Source],
    *,
    deblurrer: Deblurrer,
    output: str | None = None,
    wishes: Wishes | None = None,
    run: Run | None = None,
    report: Report = quiet,
    jobs: int = 1,
    engine: Engine | None = None,
    rebuild: Callable[[str], Deblurrer] | None = None,
) -> Stream[Outcome | VideoOutcome]:
    """Deblur each source, photos and videos (see `deblur_video`), and yield its outcome as soon as it is written.

    `output`: a file, a folder, `-` for standard output (the outcome's `data`), or None for `name.deblurred.ext` beside
    each input; all of them may be addresses in a storage. `report` gets a sentence on whatever a file cannot keep. A
    refused file is an error where `wishes` say so, and on standard output, which stays empty. `jobs`: so many processes
    share the work and the memory; the outcomes are the same, in the same order. `engine`: who does the work instead,
    such as `on_ray.on_ray`; `rebuild`: the same deblurrer on a device that only a worker has. Raises UsageError before
    any work.
    """
    asked, how = wishes or Wishes(), run or deblurrer.run()
    stored = in_store(sources, output, asked)
    tasks = plan_tasks(sources, output, asked, create=not stored, clustered=engine is not None)
    for folder in {task.target.parent for task in tasks if task.target and not stored}:
        clear_parts(folder)
    stamp = Stamp(tuple(sha256_of(path) for path in asked.weights)) if asked.provenance else None
    here = Work(deblurrer, tuple(sources), asked, how, stamp, report, rebuild=rebuild)
    work = InStore.over(here, failed, tasks) if stored else here
    if engine is not None:
        check_engine(tasks, asked)
    outcomes = worked(tasks, work, failed, sources=sources, jobs=jobs, engine=engine)
    elsewhere = engine is None and processes(sources, jobs) > 1
    return reported(outcomes, report, tasks if elsewhere else ())


@dataclass(frozen=True)
class Work:
    """What is done to one file after another, in this process or in others; `sources`: all of them.

    `journals`: those that were read here: a task that was sent brings one that has read nothing.
    """

    deblurrer: Deblurrer
    sources: tuple[Source, ...]
    asked: Wishes
    run: Run
    stamp: Stamp | None = None
    report: Report = quiet
    journals: dict[Journal, Journal] = field(default_factory=dict)
    rebuild: Callable[[str], Deblurrer] | None = None

    def __call__(self, task: Task) -> Outcome | VideoOutcome:
        """Deblur one file. Raises what is wrong with it."""
        start, asked = time.perf_counter(), self.asked
        if task.journal:
            task = replace(task, journal=self.journals.setdefault(task.journal, task.journal))
        source, target = task.source, task.target
        state = task.state(asked)
        if state.skipped:
            return kind_of(source.name)(source.name, str(target), SKIPPED, verdict="skipped", code="skipped")
        if state.done:
            return self.done_before(task, state.done)
        if target:
            create_parent(target, source)
            task.check_results(state, self.sources, asked)
        # What is left of an earlier run is replaced, and only when there is something to replace it by.
        work = replace(self, asked=replace(asked, overwrite=True)) if state.left else self
        if target and is_video(source.name):
            return work.video(task, target, state.content)
        return work.photo(task, state.content, start)

    def photo(self, task: Task, content: str | None, start: float) -> Outcome:
        """Deblur one photo, and note it before its files are written. `start`: when the work on it began."""
        asked, source, target = self.asked, task.source, task.target
        photo = load(source, max_pixels=asked.max_pixels)
        written = as_asked(photo, target, source, format=asked.format)
        run = self.bounded(photo)
        developed = develop(photo, self.deblurrer, run, written=written, stamp=self.stamp)
        outcome = Outcome(
            source.name,
            None if developed.data is None else str(target or STANDARD),
            data=None if target else developed.data,
            exit_code=self.code_of(task, developed.restoration.receipt.verdict),
            seconds=round(time.perf_counter() - start, 3),
            told=developed.loss,
            **developed.record,  # type: ignore[arg-type]
        )
        if target:
            files = self.files(source, target, photo, developed, run.room())
            if task.journal and content:
                task.journal.note(content, target, files, outcome.record())
            for path, data in files.items():
                write_bytes(path, data, overwrite=asked.overwrite)
        return outcome

    def video(self, task: Task, target: Path, content: str | None) -> VideoOutcome:
        """Deblur one video, and note it before it gets its name, as a photo."""

        def note(outcome: VideoOutcome, made: Path | None) -> None:
            if task.journal and content:
                task.journal.note_hashes(content, target, {target: hash_of(made)} if made else {}, outcome.record())

        how: dict[str, Any] = {"deblurrer": self.deblurrer, "wishes": self.asked, "run": self.run}
        return deblur_video(task.source, target, report=self.report, note=note, **how)

    def bounded(self, photo: Photo) -> Run:
        """The run for one photo, in so much memory as is allowed; with a sidecar, in as much as that will tell."""
        run = within(self.run, self.asked.memory, photo=photo, jobs=self.asked.jobs)
        # Tiles of other sizes would differ a little.
        return run if self.asked.sidecar is None else replace(run, memory=run.room())

    def files(self, source: Source, target: Path, photo: Photo, developed: Developed, room: int) -> dict[Path, bytes]:
        """All that is to be written of a photo that there is a result of, made in `room` bytes."""
        if developed.data is None:
            return {}
        files, typed = {target: developed.data}, self.asked.sidecar
        if self.asked.plot:
            files |= plots(target, photo, developed.restoration)
        if typed is not None:
            told = sidecar_bytes(Path(source.name), target, developed.data, typed, developed.record, room=room)
            files[sidecar_of(target)] = told
        return files

    def share(self, jobs: int) -> "Work":
        """The work as one of so many processes does it: with its share of the memory; nobody is told how far it is."""
        held = self.asked.memory
        asked = replace(self.asked, memory=None if held is None else held // jobs, jobs=jobs)
        return replace(self.apart(), asked=asked, run=self.run.share(jobs))

    def apart(self) -> "Work":
        """The work as it can be sent: nobody is told how far it is."""
        return replace(self, run=self.run.apart(), report=quiet)

    def again(self, task: Task) -> Outcome | VideoOutcome:
        """As a call, after a worker died with it: what that one noted is read, and is no earlier run's."""
        unread = replace(task, journal=task.journal and replace(task.journal))
        return replace(replace(self, journals={})(unread), done_before=False)

    def on(self, device: str) -> "Work":
        """The work on another device, with a deblurrer that is built there."""
        if self.rebuild is None:
            return self
        run = replace(self.run, device=device, half=fast_in_half(device))
        return replace(self, deblurrer=self.rebuild(device), run=run)

    def done_before(self, task: Task, entry: Entry) -> Outcome | VideoOutcome:
        """The outcome of an earlier run, which noted it."""
        kind = kind_of(task.source.name)
        known = {one.name for one in fields(kind) if "private" not in one.metadata}
        record: dict[str, Any] = {name: value for name, value in entry.record.items() if name in known}
        output, code = str(task.target) if entry.files else None, self.code_of(task, str(record["verdict"]))
        return kind(**record | {"input": task.source.name, "output": output, "exit_code": code, "done_before": True})

    def code_of(self, task: Task, verdict: str) -> int:
        """The exit code for a verdict: a refused file counts where that was asked, and where it leaves a pipe empty."""
        return REFUSED if verdict == "refused" and (self.asked.strict or task.target is None) else 0


def check_engine(tasks: Sequence[Task], asked: Wishes) -> None:
    """Raise UsageError where a second try could not tell its own result from another's."""
    if not asked.overwrite and any(task.journal is None for task in tasks):
        raise UsageError(
            "an engine goes on after a worker died by the journal of a folder: give a folder, or -o FOLDER/"
        )


def reported(
    outcomes: Stream[Outcome | VideoOutcome], report: Report, shared: Sequence[Task] = ()
) -> Stream[Outcome | VideoOutcome]:
    """The outcomes, each after a report of what its file cannot keep.

    `shared`: what is done by other processes, which report nothing: what an interrupt left of videos is told here.
    """
    named = ((task.source.name, task.target) for task in shared)
    left = {name: partial(target) for name, target in named if target and is_video(name)}
    try:
        with closing(outcomes):  # processes end here, whatever ends the loop
            for one in outcomes:
                left.pop(one.input, None)
                if one.told:
                    report(f"{one.input}: {one.told}")
                yield one
    except KeyboardInterrupt:
        for said in filter(None, (left_of(name, kept) for name, kept in left.items())):
            report(said)
        raise


def kind_of(name: str) -> type[Outcome] | type[VideoOutcome]:
    """What is told of a file of that name."""
    return VideoOutcome if is_video(name) else Outcome


def failed(task: Task, why: Failure) -> Outcome | VideoOutcome:
    """What became of a file that failed."""
    return kind_of(task.source.name)(task.source.name, **vars(why))


def plots(target: Path, photo: Photo, restoration: Restoration) -> dict[Path, bytes]:
    """Beside the result: the blur, and before and after with the blur in the corner (of huge photos the middle)."""
    window = middle((photo.samples.shape[-2], photo.samples.shape[-1]), SHOWN)
    blurry, after = (as_float(window.cut(picture)) for picture in (photo.samples, restoration.restored))
    both = torch.cat((functional.pad(blurry, (0, 4, 0, 0), value=1.0), after), dim=-1).clone()
    drawn = dict[str, bytes]()
    if restoration.blur is not None:
        drawn[KERNEL] = picture_bytes(restoration.blur.show())
        side = min(min(after.shape[-2:]) // 4, 127)
        both[..., :side, :side] = show(restoration.blur.kernel.cpu(), size=side, sqrt=True)
    drawn[SIDES] = picture_bytes(both)
    return {beside(target, mark, ".png"): data for mark, data in drawn.items()}
