"""What is to be done to each file, where does its result go, and what was noted of it before?"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from blurspace.errors import UsageError
from blurspace.io.files import exists, shown
from blurspace.io.video import is_video
from blurspace.jobs.files import PLOTS, STANDARD, Source, beside, check_target, check_twin, plan_targets, twins
from blurspace.jobs.journal import Entry, Journal, hash_of
from blurspace.jobs.sidecar import sidecar_of
from blurspace.jobs.wishes import Wishes

EVERYTHING = Wishes(plot=True, sidecar={})  # that may be written with a result


@dataclass(frozen=True)
class State:
    """How a task stands before the work.

    `content`: the input's hash, by which a journal knows it; None where there is no journal, or nothing to read.
    `skipped`: there is something of the result's name, and that is enough. `done`: what an earlier run noted, if all of
    it is there. `left`: what may be replaced of one that was interrupted, or has less beside it than is asked for.
    """

    content: str | None = None
    skipped: bool = False
    done: Entry | None = None
    left: frozenset[Path] = frozenset()


@dataclass(frozen=True)
class Task:
    """One file: where it comes from, where its result goes, and the journal of that folder, if it has one.

    `twin`: what is written for an earlier task too: the result, or a picture beside it.
    """

    source: Source
    target: Path | None
    journal: Journal | None = None
    twin: Path | None = None

    def state(self, asked: Wishes) -> State:
        """How it stands. Raises UsageError where a video gets less than is asked for, OutputError on a twin."""
        check_video(self.source.name, asked, to_file=self.target is not None)
        check_twin(self.twin)
        if self.target and asked.skip_existing and exists(self.target):
            return State(skipped=True)
        content = hash_of(Path(self.source.name)) if self.journal and not self.source.problem else None
        if not self.journal or not self.target or content is None or asked.overwrite:
            return State(content)
        entry = self.journal.find(content, results(self.target, EVERYTHING))
        if entry is None:
            return State(content)
        there = entry.holds(results(self.target, asked))
        return State(content, done=entry) if there else State(content, left=entry.left())

    def check_results(self, state: State, sources: Sequence[Source], asked: Wishes) -> None:
        """Raise OutputError where a file cannot be written, or is there and not left by what was interrupted."""
        for path in results(self.target, asked) if self.target else ():
            check_target(path, sources, overwrite=asked.overwrite or path in state.left, inputs=asked.inputs)


def plan_tasks(
    sources: Sequence[Source], output: str | None, asked: Wishes, *, create: bool = True, clustered: bool = False
) -> list[Task]:
    """What is to be done to each source, maybe by several machines (`clustered`, see `Journal`).

    `create`: make the folder of results. Raises UsageError where wishes clash.
    """
    targets = plan_targets(sources, output, format=asked.format, create=create)
    if (asked.plot or asked.sidecar is not None) and None in targets:
        raise UsageError("--plot and --sidecar write beside the output, which standard output has not: give -o FILE")
    if asked.sidecar is not None and any(source.name == STANDARD for source in sources):
        raise UsageError("--sidecar tells where the photo is, and standard input is nowhere: give a file")
    if asked.overwrite and asked.skip_existing:
        raise UsageError("--overwrite and --skip-existing contradict each other: give one of them")
    for named in (source.name for source in sources if source.root is None):
        check_video(named, asked, to_file=None not in targets)
    if (asked.every or asked.alone) and not any(is_video(source.name) for source in sources):
        raise UsageError("--all and --no-borrow are for the frames of a video, and none was given: leave them out")
    into = Path(output) if output and targets != [Path(output)] else None
    journals = dict[Path, Journal]()
    tasks, written = list[Task](), [() if target is None else results(target, asked) for target in targets]
    for source, target, twin in zip(sources, targets, twins(written), strict=True):
        folder, journal = into or source.root, None
        if folder is not None and target is not None and asked.settings is not None:
            journal = journals.setdefault(folder, Journal(folder, asked.settings, clustered))
        tasks.append(Task(source, target, journal, twin))
    return tasks


def check_video(name: str, asked: Wishes, *, to_file: bool = True) -> None:
    """Raise UsageError where a file is a video, and more is asked for than a video gets."""
    if is_video(name) and (asked.plot or asked.format or asked.sidecar is not None or not to_file):
        remedy = "leave --plot out (see diagnose --plot), --format and --sidecar too, and give -o FILE"
        raise UsageError(f"{shown(name)} is a video: {remedy}")


def results(target: Path, asked: Wishes) -> tuple[Path, ...]:
    """All files that may be written with a result, and itself."""
    drawn = (beside(target, mark, ".png") for mark in PLOTS if asked.plot)
    return (target, *drawn, *([] if asked.sidecar is None else [sidecar_of(target)]))
