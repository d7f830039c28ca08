"""What can be typed after `blurspace`? The table of verbs, and the door itself.

torch and all else that is heavy is imported inside the verbs, so that `blurspace --help` answers at once.
"""

import sys
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from blurspace import __version__
from blurspace.cli.adapting import adapt
from blurspace.cli.blurs import blur
from blurspace.cli.pages import web
from blurspace.cli.photos import deblur, diagnose, kernel
from blurspace.cli.replays import replay
from blurspace.cli.run import INTERRUPTED
from blurspace.cli.runtimes import export, tune
from blurspace.cli.transfers import transfer
from blurspace.cli.workshop import bench, cite, models, train
from blurspace.errors import UsageError

VERBS: tuple[Callable[..., None], ...] = (
    *(deblur, replay, kernel, diagnose, blur, transfer, adapt),
    *(web, train, bench, models, cite, export, tune),
)

app = typer.Typer(
    help="Understand blur: estimate, show, make, transfer and remove it, and say honestly what was done.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich costs 0.1 s of import
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in VERBS:
    app.command()(verb)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"blurspace {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None: ...


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every error is one sentence on stderr."""
    try:
        code = app(args=None if arguments is None else list(arguments), prog_name="blurspace", standalone_mode=False)
        code = int(code or 0)
    except (KeyboardInterrupt, typer.Abort):
        code = INTERRUPTED
    except Exception as error:
        # Usage errors of typer's own parser; which module they come from depends on its version.
        text = getattr(error, "format_message", None)
        if text is None:
            raise
        sentence = text().strip()
        sys.stderr.write(sentence + "\n" if sentence.startswith("Usage") else f"blurspace: {sentence}\n")
        return int(getattr(error, "exit_code", UsageError.exit_code))
    if code == INTERRUPTED:  # be it while typer reads what was typed, which then says nothing
        sys.stderr.write("blurspace: interrupted\n")
    return code
