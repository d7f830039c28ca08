"""How does a verb end? With its job's exit code; an error becomes one sentence."""

import sys
from collections.abc import Callable

import typer

from blurspace.console import Console
from blurspace.errors import BlurspaceError

INTERRUPTED = 130


def run(console: Console, job: Callable[[], int]) -> None:
    """Run a job and leave with its exit code; our own errors become one sentence."""
    try:
        code = job()
    except BlurspaceError as error:
        console.error(str(error), error)
        code = error.exit_code
    except KeyboardInterrupt:
        console.error("interrupted")
        code = INTERRUPTED
    except BrokenPipeError:  # the reader of stdout has seen enough, as in `| head`
        sys.stdout = None  # type: ignore[assignment]
        code = 0
    except Exception as error:
        from blurspace.jobs.each import as_known_error, sentence

        known = as_known_error(error)
        console.error(sentence(known), error)
        code = getattr(known, "exit_code", 1)
    raise typer.Exit(code)
