"""How are many photos made blurry, one after another, each by its own draw of one kind of blur?

`kinds` says which blurs there are. The files keep what `deblur` keeps, and a bad one never stops the others.
"""

import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from blurspace.chance import chance
from blurspace.errors import NoInputError, OutputError, UsageError
from blurspace.io.files import shown
from blurspace.io.images import encode_and_tell, kernel_bytes
from blurspace.jobs.deblur_video import Report, quiet
from blurspace.jobs.each import Failure, FileRecord, Stream, describe_kernel
from blurspace.jobs.files import (
    STANDARD,
    Source,
    Writing,
    as_asked,
    create_parent,
    find_sources,
    load,
    plan_targets,
    twins,
)
from blurspace.jobs.kinds import KERNELS, KINDS, Options
from blurspace.jobs.worked import Engine, Portable, worked

MARK = ".blurred"


@dataclass(frozen=True)
class Blurred(FileRecord):
    """What became of one file."""

    kind: str = ""
    seed: int = 0
    kernel: dict[str, float | int | None] | None = None
    notes: tuple[str, ...] = ()  # what the file could not keep


def find_sharp(names: Sequence[str], *, output: str | None = None) -> list[Source]:
    """As `find_sources`, without what `blur` wrote into folders. Raises NoInputError where nothing is left."""
    found = find_sources(names, output=output)
    fresh = [one for one in found if one.name in names or Path(Path(one.name).stem).suffix != MARK]
    if not fresh:
        raise NoInputError(f"{names[0]} holds no photo but blurred ones: give a folder of sharp photos, or name a file")
    return fresh


def blur_files(
    sources: Sequence[Source],
    options: Options,
    *,
    seed: int = 0,
    output: str | None = None,
    overwrite: bool = False,
    save_kernel: Path | None = None,
    inputs: Sequence[Path | None] = (),
    report: Report = quiet,
    jobs: int = 1,
    engine: Engine | None = None,
) -> Stream[Blurred]:
    """Blur each source and yield what became of it as soon as it is written.

    `seed`: picture i draws from a generator of `seed` and i, so that one bad file changes no other. `output`: a file,
    a folder, `-` for standard output (then `data`), or None for `name.blurred.ext` beside each input. `save_kernel`:
    a float TIFF of the kernel. `inputs`: what is read besides, see `check_target`. `report` gets a sentence on whatever
    a file cannot keep. `jobs`, `engine`: who does the work, see `worked`. Raises UsageError before any work.
    """
    if save_kernel and len(sources) > 1:
        raise UsageError(f"--save-kernel was given with {len(sources)} inputs: give one input")
    if save_kernel and options.kind not in KERNELS:
        raise UsageError(f"--save-kernel was given with --{options.kind}, which is no single kernel: leave it out")
    targets = plan_targets(sources, output, mark=MARK)
    _, *doubled = twins([[save_kernel] if save_kernel else [], *([one] if one else [] for one in targets)])
    tasks = list(map(Task, count(), sources, targets, doubled))
    work = Work(options, seed, tuple(sources), Writing(overwrite), save_kernel, tuple(inputs))
    return reported(worked(tasks, work, work.failed, sources=sources, jobs=jobs, engine=engine), report)


@dataclass(frozen=True)
class Task:
    """One file: its place among all, where it comes from, and where its result goes.

    `twin`: its result, where that is written before too.
    """

    index: int
    source: Source
    target: Path | None
    twin: Path | None


@dataclass(frozen=True)
class Work(Portable[Task, Blurred]):
    """What is done to one file after another, in this process or in others; `sources`: all of them."""

    options: Options
    seed: int
    sources: tuple[Source, ...]
    writing: Writing
    save_kernel: Path | None
    inputs: tuple[Path | None, ...]

    def __call__(self, task: Task) -> Blurred:
        """Blur one file. Raises what is wrong with it."""
        start, options, source, target = time.perf_counter(), self.options, task.source, task.target
        if task.twin:
            raise OutputError(f"{shown(task.twin)} would be written twice: use two folders, or other names")
        if target:
            create_parent(target, source)
        for path in filter(None, (target, self.save_kernel)):
            self.writing.check(path, self.sources, inputs=self.inputs)
        photo = as_asked(load(source), target, source)
        pixels, kernel = KINDS[options.kind](photo.pixels, options, chance(self.seed, task.index))
        data, note = encode_and_tell(photo, pixels)
        if target:
            self.writing.write(target, data)
        if self.save_kernel and kernel is not None:
            self.writing.write(self.save_kernel, kernel_bytes(kernel))
        return Blurred(
            source.name,
            str(target or STANDARD),
            seconds=round(time.perf_counter() - start, 3),
            kind=options.kind,
            seed=self.seed,
            kernel=None if kernel is None else describe_kernel(kernel),
            notes=(note,) if note else (),
            data=None if target else data,
        )

    def again(self, task: Task) -> Blurred:
        """As a call, after a worker died with it."""
        return replace(self, writing=replace(self.writing, again=True))(task)

    def failed(self, task: Task, why: Failure) -> Blurred:
        """What became of a file that failed."""
        return Blurred(task.source.name, kind=self.options.kind, seed=self.seed, **vars(why))


def reported(outcomes: Stream[Blurred], report: Report) -> Stream[Blurred]:
    """The outcomes, each after a report of what its file could not keep."""
    with closing(outcomes):
        for one in outcomes:
            for note in one.notes:
                report(f"{one.input}: {note}")
            yield one
