"""How is work on files done to objects of a storage, so that none is lost or done twice when a worker dies?

On copies, in a folder of the worker's machine whose paths are the addresses: FOLDER/s3:/bucket/in/photo.jpg. A result's
note in the journal is an object of its own, since nothing can be added to one, and is sent before the result.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from blurspace.errors import OutputError, PictureError, UsageError
from blurspace.io.files import shown, temporary_folder
from blurspace.io.images import SMALLER, most_bytes
from blurspace.io.store import address_of, exists, fetch, fetch_if_there, is_address, place_of, send
from blurspace.io.video import is_video
from blurspace.jobs.deblur_video import quiet
from blurspace.jobs.each import Deblurred, Failure, each
from blurspace.jobs.files import Source, create_folder
from blurspace.jobs.journal import NAME, hash_of
from blurspace.jobs.tasks import Task, results
from blurspace.jobs.wishes import Wishes

if TYPE_CHECKING:
    from blurspace.jobs.deblur import Work

R = TypeVar("R", bound=Deblurred)
NOTES = ".blurspace-journal"  # the folder of notes, in that of the results
ABOUT = "What blurspace noted of the results here, by which a run that was interrupted goes on where it stopped.\n"


def in_store(sources: Sequence[Source], output: str | None, asked: Wishes) -> bool:
    """Whether all of it is in a storage. Raises UsageError where a part is, or what is asked for cannot be there."""
    names = [*(one.name for one in sources), *([] if output is None else [output])]
    stored = [is_address(name) for name in names]
    if not any(stored):
        return False
    if not all(stored):
        name = names[stored.index(False)]
        raise UsageError(f"{shown(name)} is no address, and others are: give addresses, or copy them to this machine")
    if output is not None:
        place_of(output)
    if asked.sidecar is not None and (asked.inputs or len({name.split("/")[0] for name in names}) > 1):
        raise UsageError(
            "--sidecar tells paths from its own folder, and not all files are in one storage: leave it out"
        )
    return True


@dataclass(frozen=True)
class InStore:
    """`work` on one file that is an object, as is its result; `taken`: inputs that are called as some result."""

    work: "Work"
    failed: Callable[[Task, Failure], Any]
    taken: frozenset[Path] = frozenset()

    @classmethod
    def over(cls, work: "Work", failed: Callable[[Task, Failure], Any], tasks: Sequence[Task]) -> "InStore":
        """The work on all these tasks. Nobody is told how far it is: what is left of a video goes with the copies.

        Raises OutputError where no notes can be written.
        """
        inputs = {place_of(task.source.name) for task in tasks if not task.source.problem}
        written = {path for task in tasks if task.target for path in results(task.target, work.asked)}
        taken = frozenset(path for path in written if place_of(address_of(path)) in inputs)
        for folder in {task.journal.folder for task in tasks if task.journal}:
            begin_notes(folder)
        return cls(replace(work, report=quiet, sources=()), failed, taken)

    def __call__(self, task: Task) -> Any:
        """Do the work. Raises what is wrong with the storage."""
        return self.done(task, self.work)

    def again(self, task: Task) -> Any:
        """As a call, after a worker died with it: what that one noted is no earlier run's."""
        return self.done(task, self.work.again)

    def apart(self) -> "InStore":
        """The work as it can be sent."""
        return replace(self, work=self.work.apart())

    def share(self, jobs: int) -> "InStore":
        """The work as one of so many processes does it."""
        return replace(self, work=self.work.share(jobs))

    def on(self, device: str) -> "InStore":
        """The work on another device."""
        return replace(self, work=self.work.on(device))

    def done(self, task: Task, work: Callable[[Task], Any]) -> Any:
        """Copy what is there, do the work, and send what it made: the note first, then the result."""
        assert task.target is not None
        if task.source.problem:
            raise PictureError(task.source.problem)
        written = results(task.target, self.work.asked)
        for path in self.taken.intersection(written):
            raise OutputError(f"{address_of(path)} is an input, and inputs are never overwritten: give another output")
        with temporary_folder() as folder:
            copy = copied(task, folder)
            objects = noted(task, folder) | {folder / path: address_of(path) for path in written}
            self.fetch(Path(copy.source.name), task.source.name, folder / task.target, objects)
            before = {path: hash_of(path) for path in objects}
            (outcome,) = each([copy], work, self.failed)
            self.work.journals.clear()  # each copy has one
            made = [path for path in objects if hash_of(path) not in (None, before[path])]
            for path in made if outcome.error is None else ():
                if path.name == NAME:
                    path.write_text(addressed(path.read_text(errors="replace"), folder))
                send(path, objects[path])
            return told(outcome, task, folder)

    def fetch(self, copy: Path, source: str, target: Path, objects: dict[Path, str]) -> None:
        """Copy the input, and of its note and results what is there. Raises PictureError, OutputError."""
        asked = self.work.asked
        for path in objects:
            create_folder(path.parent)
        if asked.skip_existing and exists(objects[target]):
            target.touch()  # its name is enough
            return
        fetch(source, copy, most=None if is_video(source) else most_bytes(asked.max_pixels), remedy=SMALLER)
        for path, address in objects.items() if not asked.overwrite else ():
            fetch_if_there(address, path)


def copied(task: Task, folder: Path) -> Task:
    """The task as it is done with copies in a folder."""
    source, journal = task.source, task.journal
    return Task(
        replace(source, name=str(folder / source.name), root=source.root and folder / source.root),
        task.target and folder / task.target,
        journal and replace(journal, folder=folder / journal.folder, clustered=False),
        task.twin and folder / task.twin,
    )


def noted(task: Task, folder: Path) -> dict[Path, str]:
    """The journal among the copies, which has this result alone, and the address of that; none where none is kept."""
    if task.journal is None or task.target is None:
        return {}
    place, name = task.journal.folder, task.target.relative_to(task.journal.folder).as_posix()
    return {folder / place / NAME: f"{address_of(place)}/{NOTES}/{name}.jsonl"}


def begin_notes(folder: Path) -> None:
    """Say in a folder of notes what they are, so that one that cannot be written is known before any work."""
    with temporary_folder() as here:
        (here / "about.txt").write_text(ABOUT)
        send(here / "about.txt", f"{address_of(folder)}/{NOTES}/about.txt")


def told(outcome: R, task: Task, folder: Path) -> R:
    """What became of a copy, as it is told of the object."""
    output, loss = (text and addressed(text, folder) for text in (outcome.output, outcome.told))
    notes = tuple(addressed(note, folder) for note in outcome.notes)
    reason = addressed(outcome.reason, folder)
    return replace(outcome, input=task.source.name, output=output, reason=reason, notes=notes, told=loss)


def addressed(text: str, folder: Path) -> str:
    """A text that names addresses where it named copies in a folder."""
    return re.sub(re.escape(f"{folder}/") + r"([a-z][a-z0-9+.-]+):/", r"\1://", text)
