"""What does the command line show while it works? Messages and progress go to stderr, only data goes to stdout."""

import json
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from blurspace.errors import OutputError
from blurspace.io.files import shown

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

    from blurspace.run import Run

T = TypeVar("T")
STDERR = 2  # its number, in C


@dataclass
class Console:
    """One per command: how talkative it may be (`-q`: errors only, `-v`: tracebacks), and whether stdout is JSON."""

    quiet: bool = False
    verbose: bool = False
    as_json: bool = False
    interrupted: bool = False
    _shown: "Progress | None" = None
    _stage: "TaskID | None" = None

    def data(self, record: dict[str, Any], line: str | None) -> None:
        """One line of data on stdout: the record as JSON, or its plain form (None: nothing to say)."""
        text = json.dumps(record, ensure_ascii=False) if self.as_json else line
        if text is None:
            return
        try:
            with _written():
                sys.stdout.write(text + "\n")
                sys.stdout.flush()
        except UnicodeEncodeError:  # the name or the output is not UTF-8: the name's own bytes, or JSON in ASCII
            self.raw((json.dumps(record).encode() if self.as_json else os.fsencode(text)) + b"\n")

    def raw(self, data: bytes) -> None:
        """A picture on stdout."""
        with _written():
            sys.stdout.buffer.write(data)
            sys.stdout.buffer.flush()

    def message(self, text: str) -> None:
        """A sentence for a person, unless `-q`."""
        if not self.quiet:
            sys.stderr.write(shown(text) + "\n")

    def detail(self, text: str) -> None:
        """A sentence for the curious: only with `-v`."""
        if self.verbose:
            sys.stderr.write(shown(text) + "\n")

    def error(self, text: str, error: BaseException | None = None) -> None:
        """One sentence, always shown; with `-v` also where it came from."""
        sys.stderr.write(f"blurspace: {shown(text)}\n")
        if self.verbose and error is not None:
            sys.stderr.write("".join(traceback.format_exception(error)))

    def failure(self, name: str, reason: str, error: BaseException | None) -> None:
        """Like `error`, about one file, named once."""
        self.error(reason if shown(name) in reason else f"{name}: {reason}", error)

    def progress(self, items: Iterable[T], *, total: int, what: str) -> Iterator[T]:
        """Pass `items` on, with a progress bar if stderr is a terminal and `-q` was not given."""
        if self.quiet or not sys.stderr.isatty():
            yield from items
            return
        with _bar() as self._shown:
            files = self._shown.add_task(what, total=total, visible=total > 1)
            self._stage = self._shown.add_task(what, total=None)
            for item in items:
                self._shown.advance(files)
                self._shown.stop()  # what the caller writes must not get mixed with the bar
                yield item
                self._shown.start()
        self._shown = None

    def step(self, stage: str, done: int, total: int) -> None:
        """Show how far the work on one file is, below the bar of all files."""
        if self._shown is not None and self._stage is not None:
            if self._shown.tasks[-1].description != stage:
                self._shown.reset(self._stage, description=stage)
            self._shown.update(self._stage, completed=done, total=total)

    def run(self, device: str = "cpu", *, half: bool = False) -> "Run":
        """How to work, telling this console."""
        from blurspace.run import Run

        return Run(device=device, half=half, on_step=self.step, cancelled=lambda: self.interrupted)


@contextmanager
def _written() -> Iterator[None]:
    """Raise OutputError where standard output cannot be written, as on a full disk; a reader who leaves is no error."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as problem:
        sys.stdout = None  # type: ignore[assignment] # else Python tries once more at its end
        reason = problem.strerror or problem
        raise OutputError(f"standard output cannot be written ({reason}): make room, or give -o FILE") from problem


def _bar() -> "Progress":
    """A rich progress bar on stderr, gone when done; rich respects NO_COLOR by itself."""
    from rich.console import Console as RichConsole
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn

    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    # rich would send stdout to its own stream, where no pipe would find the data.
    return Progress(*columns, console=RichConsole(stderr=True), transient=True, redirect_stdout=False)


@contextmanager
def hushed() -> Iterator[None]:
    """What libraries in C write to stderr by themselves, of damaged files, is not shown; what Python writes is."""
    try:
        ours = sys.stderr.fileno() == STDERR
        kept, nowhere = os.dup(STDERR), os.open(os.devnull, os.O_WRONLY)
    except (AttributeError, OSError, ValueError):  # there is no stderr
        yield
        return
    before = sys.stderr
    before.flush()
    if ours:
        how: dict[str, Any] = {"encoding": before.encoding, "errors": before.errors, "buffering": 1}
        sys.stderr = os.fdopen(os.dup(kept), "w", **how)
    os.dup2(nowhere, STDERR)
    os.close(nowhere)
    try:
        yield
    finally:
        os.dup2(kept, STDERR)
        os.close(kept)
        if ours:
            sys.stderr.flush()  # and not closed: handlers of logging may have kept it
            sys.stderr = before
