"""What is kept of a run, for later: one JSON line for each file, as it is finished, and one for the end."""

import json
import os
import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from blurspace.errors import OutputError
from blurspace.io.files import exists, is_file, shown

Record = dict[str, object]
HEAD, MOST = re.compile(rb'\{"time": "[^"]*", "(input|summary)": '), 100  # how a log begins, within so many bytes


class Log:
    """A file to which lines are added, each with the time; without a path nothing is kept.

    Where a line cannot be written, `told` gets one sentence, `failed` is set, and the work goes on without a log.
    """

    def __init__(self, path: Path | None, told: Callable[[str], None]) -> None:
        """Raises OutputError where the file is none of our logs, or cannot be written."""
        self.path, self.told, self.failed = path, told, False
        if path is None:
            return
        if exists(path) and not _is_log(path):
            raise OutputError(f"{shown(path)} is there and is no log: give another --log")
        try:
            path.open("ab").close()
        except (OSError, ValueError) as problem:
            why = getattr(problem, "strerror", None) or problem
            raise OutputError(f"the log {shown(path)} cannot be written ({why}): give another --log") from problem

    def line(self, record: Record) -> None:
        """Add a line."""
        if self.path is None or self.failed:
            return
        text = json.dumps({"time": datetime.now(UTC).isoformat(timespec="seconds"), **record})
        try:
            with self.path.open("ab") as file:
                file.write(text.encode() + b"\n")
        except OSError as problem:
            self.failed = True
            why = problem.strerror or os.strerror(problem.errno or 0)
            self.told(f"the log {shown(self.path)} cannot be written any more ({why}): the work goes on without it")


def _is_log(path: Path) -> bool:
    """Whether a file is one of our logs, or empty. What is no file is not opened: a pipe would wait forever."""
    if not is_file(path):
        return False
    try:
        with path.open("rb") as file:
            beginning = file.read(MOST)
    except OSError:
        return False
    return not beginning or HEAD.match(beginning) is not None
