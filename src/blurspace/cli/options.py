"""Which options do several verbs share? One name and one explanation for each."""

from typing import Annotated

import typer

Paths = Annotated[list[str], typer.Argument(help="Photos, folders, globs, or - for standard input.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only data and errors.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Also notes, and tracebacks of errors.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist (never an input).")]
Size = Annotated[int | None, typer.Option("--size", help="Upper bound of the kernel in px, odd. Default: found.")]
Response = Annotated[
    str | None, typer.Option("--response", help="Camera response if known: srgb, linear, or 'gamma 2.2'.")
]
