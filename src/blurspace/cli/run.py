"""How does a verb begin and end? With a console, and with its job's exit code; an error becomes one sentence."""

import sys
from collections.abc import Callable, Sequence
from contextlib import closing, nullcontext
from functools import wraps
from inspect import Parameter, Signature, signature
from signal import SIGINT, signal
from threading import current_thread, main_thread
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from blurspace.cli.log import Log
from blurspace.cli.options import Json, Quiet, Verbose
from blurspace.console import Console, hushed
from blurspace.errors import BlurspaceError, Cancelled, NoInputError
from blurspace.io.files import hush_pillow

if TYPE_CHECKING:
    from blurspace.jobs.each import FileRecord, Stream
    from blurspace.jobs.files import Source

Told = TypeVar("Told", bound="FileRecord")
INTERRUPTED = 130
SAID = {"left alone": "left alone (copied)"}  # in summaries, beside the other words
REFUSED = "what is refused is not written; a crop, --region or --method search may do: see docs/faq.md"
TALK = {"as_json": Json, "quiet": Quiet, "verbose": Verbose}  # what every verb can be told about its console


def verb(job: Callable[..., int | None]) -> Callable[..., None]:
    """What is typed for a job: its own options and those of TALK, of which the console is made that it gets first.

    typer reads the signature; the exit code is what the job returns (None: 0), or an error's.
    """

    @wraps(job)
    def typed(*, as_json: bool, quiet: bool, verbose: bool, **given: Any) -> None:
        console = Console(quiet=quiet, verbose=verbose, as_json=as_json)

        def interrupt(*_: object) -> None:
            console.interrupted = True  # libraries swallow the error while they are imported: then the run notices
            raise KeyboardInterrupt

        hush_pillow()
        if current_thread() is main_thread():
            signal(SIGINT, interrupt)
        try:
            with nullcontext() if verbose else hushed():
                code = job(console, **given) or 0
        except (KeyboardInterrupt, Cancelled):
            code = INTERRUPTED  # `main` says so
        except BlurspaceError as error:
            console.error(str(error), error)
            code = error.exit_code
        except BrokenPipeError:  # the reader of stdout has seen enough, as in `| head`
            sys.stdout = None  # type: ignore[assignment]
            code = 0
        except Exception as error:
            from blurspace.jobs.each import as_known_error, sentence

            known = as_known_error(error)
            console.error(sentence(known), error)
            code = getattr(known, "exit_code", 1)
        raise typer.Exit(code)

    own = list(signature(job).parameters.values())[1:]
    talk = [Parameter(name, Parameter.KEYWORD_ONLY, default=False, annotation=hint) for name, hint in TALK.items()]
    typed.__signature__ = Signature([*own, *talk])  # type: ignore[attr-defined]
    typed.__annotations__ = {one.name: one.annotation for one in (*own, *talk)}
    return typed


def find_or_record(
    console: Console,
    paths: list[str],
    find: "Callable[[list[str]], list[Source]]",
    failed: Callable[[str, str], "dict[str, object]"],
) -> "list[Source]":
    """The files that `find` finds in paths; where there are none, first the record of each, by its name and reason."""
    try:
        return find(paths)
    except NoInputError:
        for name in paths:
            try:
                find([name])
            except NoInputError as error:
                console.data(failed(name, str(error)), None)
        raise


def tell(
    console: Console,
    outcomes: "Stream[Told]",
    *,
    total: int,
    what: str,
    say: "Callable[[Told], str]",
    log: Log | None = None,
) -> int:
    """Show each file's record or picture as it comes, and at last how many became what; the exit code of all.

    `say`: tells a person of a file that did not fail, and gives the word for what became of it. `log`: gets all too.
    """
    from blurspace.jobs.each import exit_code

    words, codes, kinds, log = list[str](), list[int](), list[str](), log or Log(None, console.error)

    def show(one: "Told") -> None:
        codes.append(one.exit_code)
        if one.error is None:
            words.append(say(one))
        else:
            console.failure(one.input, str(one.reason), one.error)
            words.append("failed")
            kinds.append(str(one.failure))
        log.line(one.record())
        if one.data is not None:
            console.raw(one.data)
        else:
            console.data(one.record(), one.output)

    with closing(outcomes):  # an interrupt may come between two of them
        try:
            for one in console.progress(outcomes, total=total, what=what):
                show(one)
        except (KeyboardInterrupt, Cancelled):
            words += ["not done"] * (total - len(words))
            log.line({"summary": counted(words), "failures": counted(kinds), "exit_code": INTERRUPTED})
            summarise(console, words, total, kinds)
            raise
    code = exit_code([*codes, *([1] if log.failed else [])])
    log.line({"summary": counted(words), "failures": counted(kinds), "exit_code": code})
    summarise(console, words, total, kinds)
    return code


def tell_written(console: Console, *paths: object) -> None:
    """Say which files were written beside the data."""
    for path in filter(None, paths):
        console.message(f"wrote {path}")


def counted(words: Sequence[str]) -> dict[str, int]:
    """How many there are of each word."""
    return {word: words.count(word) for word in dict.fromkeys(words)}


def summarise(console: Console, words: Sequence[str], total: int, failures: Sequence[str] = ()) -> None:
    """Say how many of some files became what, and of what kinds failures were; of one file only what to try."""
    if total > 1:
        if failures:
            console.message(f"failed: {', '.join(f'{count} {kind}' for kind, count in counted(failures).items())}")
        kinds = sorted(dict.fromkeys(words), key="failed".__eq__)
        console.message(", ".join(f"{words.count(kind)} {SAID.get(kind, kind)}" for kind in kinds))
    if "refused" in words:
        console.message(REFUSED)
