"""What can be typed after `blurspace`? One function per verb: arguments in, a job, records out.

torch and all else that is heavy is imported inside the verbs, so that `blurspace --help` answers at once.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from blurspace import __version__
from blurspace.console import Console
from blurspace.errors import BlurspaceError, UsageError

if TYPE_CHECKING:
    from blurspace.types import Deblurrer

INTERRUPTED = 130

app = typer.Typer(
    help="Understand blur: estimate, show and remove it, and say honestly what was done.",
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,  # rich costs 0.1 s of import
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

Paths = Annotated[list[str], typer.Argument(help="Photos, folders, globs, or - for standard input.")]
Json = Annotated[bool, typer.Option("--json", help="One JSON object a line on stdout.")]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="Only data and errors.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", help="Also notes, and tracebacks of errors.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace outputs that exist (never an input).")]
Size = Annotated[int | None, typer.Option("--size", help="Upper bound of the kernel in px, odd. Default: found.")]
Response = Annotated[
    str | None, typer.Option("--response", help="Camera response if known: srgb, linear, or 'gamma 2.2'.")
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"blurspace {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which.")] = False,
) -> None: ...


@app.command()
def deblur(
    paths: Paths,
    *,
    output: Annotated[str | None, typer.Option("-o", "--output", help="FILE, FOLDER, or - for stdout.")] = None,
    overwrite: Overwrite = False,
    kernel: Annotated[Path | None, typer.Option("--kernel", help="Use this kernel, do not estimate one.")] = None,
    size: Size = None,
    response: Response = None,
    plot: Annotated[bool, typer.Option("--plot", help="Also write pictures of the kernel and of both sides.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Exit 6 where a result was refused.")] = False,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Remove the blur of each photo; writes name.deblurred.ext beside it."""
    console = Console(quiet=quiet, verbose=verbose, as_json=as_json)

    def job() -> int:
        deblurrer = _deblurrer(kernel, size, response)
        return _deblur(console, paths, deblurrer, output=output, overwrite=overwrite, plot=plot, strict=strict)

    _run(console, job)


@app.command()
def kernel(
    image: Annotated[str, typer.Argument(help="A photo, or - for standard input.")],
    *,
    save: Annotated[Path | None, typer.Option("--save", help="Write it as a float TIFF (odd size, sum 1).")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write it as a PNG to look at.")] = None,
    overwrite: Overwrite = False,
    size: Size = None,
    response: Response = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Estimate the blur kernel of one photo."""
    console = Console(quiet=quiet, verbose=verbose, as_json=as_json)

    def job() -> int:
        from blurspace.jobs.files import find_sources
        from blurspace.jobs.inspect import inspect_kernel

        sources = find_sources([image])
        if len(sources) > 1:
            raise UsageError(f"{image} is {len(sources)} photos: give one")
        record = inspect_kernel(
            sources[0], deblurrer=_deblurrer(None, size, response), save=save, plot=plot, overwrite=overwrite
        )
        console.data(record, "{size} px square, {length_px} px long at {angle_deg} degrees".format(**record))
        return 0

    _run(console, job)


@app.command()
def diagnose(paths: Paths, as_json: Json = False, quiet: Quiet = False, verbose: Verbose = False) -> None:
    """Say whether each photo is blurry, how, and how much; changes nothing."""
    console = Console(quiet=quiet, verbose=verbose, as_json=as_json)

    def job() -> int:
        from blurspace.jobs.deblur import exit_code
        from blurspace.jobs.files import find_sources
        from blurspace.jobs.inspect import diagnose_files

        sources, codes = find_sources(paths), []
        for record, error in console.progress(diagnose_files(sources), total=len(sources), what="diagnosing"):
            codes.append(0 if error is None else getattr(error, "exit_code", 1))
            if error is not None:
                console.failure(str(record["input"]), str(record["reason"]), error)
            line = None if error else "{input}: {kind}, {length_px} px at {angle_deg} degrees; {reason}"
            console.data(record, line and line.format(**record))
        return exit_code(codes)

    _run(console, job)


@app.command()
def bench(
    name: Annotated[str, typer.Argument(help="The protocol: levin, synthetic, sharp or speed.")],
    *,
    data: Annotated[Path | None, typer.Option("--data", help="Folder or file with the protocol's pictures.")] = None,
    method: Annotated[str, typer.Option("--method", help="A model's name, blurry or true-kernel.")] = "classical",
    limit: Annotated[int | None, typer.Option("--limit", help="Only the first so many pictures.")] = None,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write one row per picture here.")] = None,
    overwrite: Overwrite = False,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Measure by a frozen protocol: a table, rows as CSV, or JSON."""
    console = Console(quiet=quiet, verbose=verbose, as_json=as_json)

    def job() -> int:
        from blurspace.bench import runner
        from blurspace.io.images import write_bytes
        from blurspace.jobs.files import check_target

        if name not in runner.NAMES:
            raise UsageError(f"there is no protocol named {name}: give one of {', '.join(runner.NAMES)}")
        if csv:
            check_target(csv, [], overwrite=overwrite)
        result = runner.run(name, data=data, method=method, progress=console.progress, limit=limit)
        if csv:
            write_bytes(csv, result.csv().encode(), overwrite=overwrite)
        console.data({**result.summary, "rows": result.rows}, result.table().rstrip("\n"))
        return 0

    _run(console, job)


@app.command()
def models(
    action: Annotated[str, typer.Argument(help="list, show NAME or verify [NAME].")] = "list",
    name: Annotated[str | None, typer.Argument(help="A model's name.")] = None,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """List the models, show one, or verify their files against their hashes."""
    console = Console(verbose=verbose, as_json=as_json)

    def job() -> int:
        from blurspace.catalog import CARDS, find_card, verify

        if action not in ("list", "show", "verify"):
            raise UsageError(f"models {action} is not known: give list, show NAME or verify")
        if action == "show" and name is None:
            raise UsageError(f"models show needs a name: give one of {', '.join(CARDS)}")
        for card in [find_card(name)] if name else CARDS.values():
            record: dict[str, Any] = card.record()
            line = f"{card.name}: {card.task}, {card.parameters} parameters, {card.licence}"
            if action == "show":
                line = "\n".join(f"{key}: {value}" for key, value in record.items())
            elif action == "verify":
                line = verify(card)
                record["verified"] = line
            console.data(record, line)
        return 0

    _run(console, job)


@app.command()
def cite(
    names: Annotated[list[str] | None, typer.Argument(help="Models, protocols or keys. Default: all models.")] = None,
    bibtex: Annotated[bool, typer.Option("--bibtex", help="As BibTeX entries.")] = False,
    as_json: Json = False,
    verbose: Verbose = False,
) -> None:
    """Print the papers behind what was used."""
    console = Console(verbose=verbose, as_json=as_json)

    def job() -> int:
        from blurspace.catalog import CARDS, PAPERS, papers_behind

        for key in dict.fromkeys(key for name in names or CARDS for key in papers_behind(name)):
            paper = PAPERS[key]
            line = paper.bibtex if bibtex else f"{key}: {paper.text}"
            console.data({"key": key, "text": paper.text, "bibtex": paper.bibtex}, line)
        return 0

    _run(console, job)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; every error is one sentence on stderr."""
    try:
        code = app(args=None if arguments is None else list(arguments), prog_name="blurspace", standalone_mode=False)
    except (KeyboardInterrupt, typer.Abort):
        sys.stderr.write("blurspace: interrupted\n")
        return INTERRUPTED
    except Exception as error:
        # Usage errors of typer's own parser; which module they come from depends on its version.
        text = getattr(error, "format_message", None)
        if text is None:
            raise
        sentence = text().strip()
        sys.stderr.write(sentence + "\n" if sentence.startswith("Usage") else f"blurspace: {sentence}\n")
        return int(getattr(error, "exit_code", UsageError.exit_code))
    return int(code or 0)


def _run(console: Console, job: Callable[[], int]) -> None:
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
        from blurspace.jobs.deblur import as_known_error, sentence

        known = as_known_error(error)
        console.error(sentence(known), error)
        code = getattr(known, "exit_code", 1)
    raise typer.Exit(code)


def _deblurrer(kernel: Path | None, size: int | None, response: str | None) -> "Deblurrer":
    """The deblurrer the options ask for. Raises UsageError where they contradict each other."""
    from blurspace.catalog import find_card, load_builder
    from blurspace.io.images import read_kernel

    if kernel is not None and size is not None:
        raise UsageError("--kernel and --size were both given: a given kernel has its own size, leave --size out")
    given = None if kernel is None else read_kernel(kernel)
    deblurrer: Deblurrer = load_builder(find_card("classical"))(kernel=given, size=size, response=response)
    return deblurrer


def _deblur(
    console: Console,
    paths: list[str],
    deblurrer: "Deblurrer",
    *,
    output: str | None,
    overwrite: bool,
    plot: bool,
    strict: bool,
) -> int:
    """Deblur and tell, file by file; a summary comes last."""
    from blurspace.jobs.deblur import deblur_files, exit_code
    from blurspace.jobs.files import STANDARD, find_sources

    if console.as_json and (output == STANDARD or (output is None and STANDARD in paths)):
        raise UsageError("--json and the picture both want standard output: give -o FILE")
    sources = find_sources(paths)
    outcomes = deblur_files(
        sources,
        deblurrer=deblurrer,
        output=output,
        overwrite=overwrite,
        plot=plot,
        strict=strict,
        report=console.message,
    )
    done = []
    for outcome in console.progress(outcomes, total=len(sources), what="deblurring"):
        if outcome.verdict == "failed":
            console.failure(outcome.input, outcome.reason, outcome.error)
        else:
            console.message(f"{outcome.input}: {outcome.verdict}: {outcome.reason}")
        for note in outcome.notes:
            console.detail(f"  {note}")
        if outcome.data is not None:
            console.raw(outcome.data)
        else:
            console.data(outcome.record(), outcome.output)
        done.append((outcome.verdict, outcome.exit_code))
    if len(done) > 1:
        verdicts = [verdict for verdict, _ in done]
        console.message(", ".join(f"{verdicts.count(one)} {one}" for one in dict.fromkeys(verdicts)))
    return exit_code(code for _, code in done)
