"""Which mistakes can a user make, and which exit code does each one get?

Every message is one sentence that says what was given, what was wanted and what to do.
This file imports nothing, so that the command line can use it without loading torch.
"""


def install(*extras: str) -> str:
    """What to do where these extras of pyproject.toml are missing: blurspace is on no index that pip asks."""
    return f'in the folder of blurspace, pip install ".[{",".join(extras)}]"'


class BlurspaceError(Exception):
    """Base of every error that blurspace raises on purpose; `exit_code` is what the command line returns."""

    exit_code = 1


class PictureError(BlurspaceError):
    """A picture that cannot be read, is not a picture, or is outside the limits (one file failed: exit 1)."""


class OutputError(BlurspaceError):
    """A result that cannot be written: it exists already, or its folder is not writable (one file failed: exit 1)."""


class Cancelled(BlurspaceError):  # noqa: N818 - it is no fault
    """The work was stopped from outside, or ran out of its time; nothing was written."""

    exit_code = 130


class UsageError(BlurspaceError):
    """An argument that makes no sense, before any work was done."""

    exit_code = 2


class NoInputError(BlurspaceError):
    """Not one input was found."""

    exit_code = 3


class ModelError(BlurspaceError):
    """A model or its weights are missing, of the wrong kind, or tampered with."""

    exit_code = 4


class WorkerError(BlurspaceError):
    """The process that worked on a file died."""


class MemoryExhaustedError(BlurspaceError):
    """Out of memory, also after retrying in smaller pieces."""

    exit_code = 5
