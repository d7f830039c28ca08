"""Which verbs look at photos or change them? `deblur`, `kernel` and `diagnose`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blurspace.cli.options import Json, Overwrite, Paths, Quiet, Response, Size, Verbose
from blurspace.cli.run import run
from blurspace.console import Console
from blurspace.errors import UsageError

if TYPE_CHECKING:
    from blurspace.restore.deblurrer import Deblurrer


def deblur(
    paths: Paths,
    *,
    output: Annotated[str | None, typer.Option("-o", "--output", help="FILE, FOLDER, or - for stdout.")] = None,
    overwrite: Overwrite = False,
    method: Annotated[str, typer.Option("--method", help="auto, or a model's name: see `blurspace models`.")] = "auto",
    strength: Annotated[
        float, typer.Option("--strength", help="Share of the blur to remove, above 0 and up to 1: shortens the kernel.")
    ] = 1.0,
    kernel: Annotated[Path | None, typer.Option("--kernel", help="Use this kernel, do not estimate one.")] = None,
    camera: Annotated[
        Path | None, typer.Option("--camera", help="The file of this camera, which `blurspace adapt` wrote.")
    ] = None,
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
        from blurspace.cards import current_name

        called = current_name(method, console.message)
        deblurrer = _deblurrer(called, kernel, size, response, strength=strength, camera=camera)
        return _deblur(console, paths, deblurrer, output=output, overwrite=overwrite, plot=plot, strict=strict)

    run(console, job)


def kernel(
    image: Annotated[str | None, typer.Argument(help="A photo, or - for standard input.")] = None,
    *,
    pair: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--pair", metavar="SHARP BLURRY", help="Read the blur between two pictures instead."),
    ] = None,
    space: Annotated[
        Path | None, typer.Option("--space", help="With --pair: weights of a kernel space. Default: ours.")
    ] = None,
    field: Annotated[
        bool,
        typer.Option("--field", help="Estimate how the kernel changes across the photo; --plot then shows the field."),
    ] = False,
    save: Annotated[Path | None, typer.Option("--save", help="Write it as a float TIFF (odd size, sum 1).")] = None,
    plot: Annotated[Path | None, typer.Option("--plot", help="Write it as a PNG to look at.")] = None,
    overwrite: Overwrite = False,
    size: Size = None,
    response: Response = None,
    as_json: Json = False,
    quiet: Quiet = False,
    verbose: Verbose = False,
) -> None:
    """Estimate the blur kernel of one photo, or read it from a sharp-blurry pair."""
    console = Console(quiet=quiet, verbose=verbose, as_json=as_json)

    def job() -> int:
        if (image is None) == (pair is None):
            raise UsageError("the kernel of one photo or of one pair can be told: give either IMAGE or --pair")
        if pair is not None:
            if field or size is not None or response is not None:
                raise UsageError("--field, --size and --response are for one photo: leave them out with --pair")
            return _kernel_of_pair(console, pair, space, save=save, plot=plot, overwrite=overwrite)
        if space is not None:
            raise UsageError("--space is for the blur between two pictures: give --pair, or leave it out")
        deblurrer = _deblurrer("classical", None, size, response)
        return _kernel_of_photo(
            console,
            str(image),
            deblurrer,
            field=field,
            response=response,
            save=save,
            plot=plot,
            overwrite=overwrite,
        )

    run(console, job)


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

    run(console, job)


def _kernel_of_photo(
    console: Console,
    image: str,
    deblurrer: "Deblurrer",
    *,
    field: bool,
    response: str | None,
    save: Path | None,
    plot: Path | None,
    overwrite: bool,
) -> int:
    from blurspace.jobs.files import find_sources
    from blurspace.jobs.inspect import inspect_kernel

    sources = find_sources([image])
    if len(sources) > 1:
        raise UsageError(f"{image} is {len(sources)} photos: give one")
    record = inspect_kernel(
        sources[0], deblurrer=deblurrer, field=field, response=response, save=save, plot=plot, overwrite=overwrite
    )
    line = "{size} px square, {length_px} px long at {angle_deg} degrees"
    if field:
        line += ", varying by {variation_px} px across the photo" if record["varies"] else ", the same everywhere"
    console.data(record, line.format(**record))
    return 0


def _kernel_of_pair(
    console: Console,
    pair: tuple[Path, Path],
    space: Path | None,
    *,
    save: Path | None,
    plot: Path | None,
    overwrite: bool,
) -> int:
    from blurspace.builders import build_space
    from blurspace.jobs.pairs import inspect_pair

    record = inspect_pair(*pair, space=build_space(space), save=save, plot=plot, overwrite=overwrite)
    line = "on average {length_px} px long at {angle_deg} degrees; explains the blurry picture by {reblur_psnr} dB"
    console.data(record, line.format(**record) + ", the sharp one alone by {sharp_psnr} dB".format(**record))
    return 0


def _deblurrer(
    method: str,
    kernel: Path | None,
    size: int | None,
    response: str | None,
    *,
    strength: float = 1.0,
    camera: Path | None = None,
) -> "Deblurrer":
    """The deblurrer the options ask for. Raises UsageError where they contradict each other."""
    from blurspace.catalog import build_deblurrer
    from blurspace.io.images import read_kernel

    if camera is not None:
        if (method, kernel, size, response, strength) != ("auto", None, None, None, 1.0):
            raise UsageError("--camera brings its own method: leave --method, --kernel, --size and the like out")
        from blurspace.builders import build_camera

        return build_camera(camera)
    if kernel is not None and size is not None:
        raise UsageError("--kernel and --size were both given: a given kernel has its own size, leave --size out")
    given = None if kernel is None else read_kernel(kernel)
    return build_deblurrer(method, kernel=given, size=size, response=response, strength=strength)


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
