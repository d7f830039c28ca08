"""Which options do several verbs share? One name and one explanation for each."""

import re
from collections.abc import Mapping
from typing import Annotated

from typer import Argument, Option

from blurspace.console import Console
from blurspace.errors import UsageError

Paths = Annotated[list[str], Argument(help="Photos, folders with all in them, globs, or - for standard input.")]
Json = Annotated[bool, Option("--json", help="One JSON object a line on stdout.")]
Quiet = Annotated[bool, Option("-q", "--quiet", help="Only data and errors.")]
Verbose = Annotated[bool, Option("-v", "--verbose", help="Also notes, and tracebacks of errors.")]
Overwrite = Annotated[bool, Option("--overwrite", help="Replace outputs that exist (never an input).")]
Size = Annotated[int | None, Option("--size", help="Upper bound of the kernel in px, odd. Default: found.")]
Response = Annotated[
    str | None,
    Option(
        "--response", help="In which light it was blurred: auto (found out), srgb, linear (as stored), 'gamma 2.2'."
    ),
]
Device = Annotated[str, Option("--device", help="auto (CUDA, then MPS, else CPU), cpu, cuda or mps.")]
Runtime = Annotated[
    str,
    Option("--runtime", help="What computes the networks: auto (as `tune` found, else torch), torch, onnx, openvino."),
]
Jobs = Annotated[
    int | None, Option("--jobs", min=1, help="Photos at a time, each in a process of its own. Default: 1.")
]
EngineName = Annotated[
    str | None, Option("--engine", help="ray: on the machines of a Ray cluster, of which --jobs tells the workers.")
]

UNITS = {"": 1, "K": 10**3, "M": 10**6, "G": 10**9, "KI": 2**10, "MI": 2**20, "GI": 2**30, "T": 10**12, "TI": 2**40}


def parse_bytes(text: str) -> int:
    """How many bytes are 2GB, 1.5GiB or 800M? Raises UsageError on anything else."""
    found = re.fullmatch(r"([0-9.]+)\s*([KMGT]?I?)B?", text.strip().upper())
    try:
        amount = int(float(found[1]) * UNITS[found[2]]) if found else 0
    except (ValueError, KeyError, OverflowError):
        amount = 0
    if not amount:
        raise UsageError(f"{text} is no amount of memory: give one such as 2GB or 800MB")
    return amount


def check_json(console: Console, output: str | None, paths: list[str]) -> None:
    """Raise UsageError where the records and a picture would both go to standard output."""
    if console.as_json and (output == "-" or (output is None and "-" in paths)):
        raise UsageError("--json and the picture both want standard output: give -o FILE")


def refuse(wrong: Mapping[str, object]) -> None:
    """Raise UsageError with the first of these sentences that is true."""
    for sentence, is_true in wrong.items():
        if is_true:
            raise UsageError(sentence)
