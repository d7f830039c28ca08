"""Which verbs look at photos or change them? `deblur`, `kernel` and `diagnose`."""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

from typer import Argument, Option

from blurspace.cli.deblurrers import deblurrer_of, rebuilt
from blurspace.cli.log import Log
from blurspace.cli.options import (
    Device,
    EngineName,
    Jobs,
    Overwrite,
    Paths,
    Response,
    Runtime,
    Size,
    check_json,
    parse_bytes,
)
from blurspace.cli.run import find_or_record, summarise, tell, tell_written, verb
from blurspace.cli.ways import engine_of, rehearsed
from blurspace.console import Console
from blurspace.errors import UsageError

if TYPE_CHECKING:
    from blurspace.jobs.each import Stream

MAY_CHANGE = ("device", "max_pixels")  # settings with which what a journal knows stays done


@verb
def deblur(
    console: Console,
    paths: Paths,
    *,
    output: Annotated[str | None, Option("-o", "--output", help="FILE, FOLDER (no suffix) or - for stdout.")] = None,
    overwrite: Overwrite = False,
    skip_existing: Annotated[
        bool, Option("--skip-existing", help="Leave photos alone whose result's name exists, whatever it holds.")
    ] = False,
    method: Annotated[str, Option("--method", help="auto, or a model's name: see `blurspace models`.")] = "auto",
    fast: Annotated[
        bool, Option("--fast", help="Short for --method fast: two thirds of the time, often less gain.")
    ] = False,
    strength: Annotated[
        float, Option("--strength", help="Share of the blur to remove, above 0 and up to 1: shortens the kernel.")
    ] = 1.0,
    kernel: Annotated[Path | None, Option("--kernel", help="Use this kernel, do not estimate one.")] = None,
    force: Annotated[bool, Option("--force", help="Undo the given kernel whatever the receipt says.")] = False,
    camera: Annotated[
        Path | None, Option("--camera", help="The file of this camera, which `blurspace adapt` wrote.")
    ] = None,
    weights: Annotated[
        list[Path] | None, Option("--weights", help="Use these, which `blurspace train` wrote; may be repeated.")
    ] = None,
    size: Size = None,
    region: Annotated[
        str | None,
        Option("--region", help="Restore only where this grey picture is white; auto: where it is blurred."),
    ] = None,
    response: Response = None,
    device: Device = "auto",
    runtime: Runtime = "auto",
    memory: Annotated[
        str | None, Option("--memory", help="Hold at most so much, such as 2GB. Default: half of what is free.")
    ] = None,
    jobs: Jobs = None,
    engine: EngineName = None,
    max_pixels: Annotated[int, Option("--max-pixels", min=1, help="Refuse photos with more.")] = 200_000_000,
    max_minutes: Annotated[
        float | None, Option("--max-minutes", help="Of a search: at most about so many, by fewer steps.")
    ] = None,
    seed: Annotated[int | None, Option("--seed", help="Of a search: what it draws at first. Default: 0.")] = None,
    generator: Annotated[
        str | None, Option("--generator", help="Of method manifold: printer, or a StyleGAN2 checkpoint of yours.")
    ] = None,
    format: Annotated[
        str | None,
        Option("--format", help="png, tiff, jpeg, webp or avif. Default: as -o says, or the input."),
    ] = None,
    no_provenance: Annotated[
        bool, Option("--no-provenance", help="Do not write into the result's XMP what made it.")
    ] = False,
    sidecar: Annotated[
        bool, Option("--sidecar", help="Also write RESULT.json, from which `replay` makes it again.")
    ] = False,
    every: Annotated[
        bool, Option("--all", help="Of a video: try every frame, not only those that are blurry.")
    ] = False,
    alone: Annotated[
        bool, Option("--no-borrow", help="Of a video: each frame by itself, with nothing from sharp ones near it.")
    ] = False,
    plot: Annotated[bool, Option("--plot", help="Also write pictures of the kernel and of both sides.")] = False,
    log: Annotated[Path | None, Option("--log", help="Add a JSON line for each file to this file.")] = None,
    rehearse: Annotated[
        bool, Option("--dry-run", help="Say what would be done, for how long, in how much room; write nothing.")
    ] = False,
    strict: Annotated[bool, Option("--strict", help="Exit 6 where a result was refused.")] = False,
) -> int:
    """Remove the blur of each photo or video; writes name.deblurred.ext beside it."""
    from blurspace.catalog import current_name
    from blurspace.io.images import format_of
    from blurspace.io.store import plain
    from blurspace.jobs.deblur import Outcome, VideoOutcome, deblur_files, kind_of
    from blurspace.jobs.dry_run import search_seconds
    from blurspace.jobs.files import check_no_input, find_sources
    from blurspace.jobs.journal import settings_hash
    from blurspace.jobs.wishes import named_files, wishes_of
    from blurspace.run import pick_device
    from blurspace.runtimes.tuned import pick_runtime

    paths, output = [plain(name) for name in paths], output and plain(output)
    check_json(console, output, paths)
    if rehearse and log:
        raise UsageError("--log and --dry-run were both given, and a dry run writes nothing: leave --log out")
    if fast and method not in ("auto", "fast"):
        raise UsageError("--fast and --method were both given: --fast is a method of its own, leave one out")
    done_by = engine_of(engine, jobs, device)
    called = "fast" if fast else current_name(method, console.message)
    if sidecar and max_minutes is not None:
        raise UsageError("--sidecar and --max-minutes were both given: time differs from run to run, leave one out")
    place = "cpu" if engine else pick_device(device)
    settings: dict[str, Any] = {
        "size": size,
        "response": response,
        "strength": strength,
        "weights": tuple(weights or ()),
        "minutes": max_minutes,
        "seed": seed,
        "generator": generator,
        "method": called,
        "camera": camera,
        "kernel": kernel,
        "force": force,
        "region": region,
        "device": place,
        "runtime": pick_runtime(runtime, place),
        "max_pixels": max_pixels,
        "provenance": not no_provenance,
        "format": None if format is None else format_of(format),
    }
    held = None if memory is None else parse_bytes(memory)
    read = (*named_files(settings).values(), *settings["weights"])
    frames = {"every": every, "alone": alone}
    known = {name: value for name, value in settings.items() if name not in MAY_CHANGE}
    wishes = replace(
        wishes_of(settings),
        overwrite=overwrite,
        plot=plot,
        strict=strict,
        inputs=read,
        memory=held,
        sidecar=settings if sidecar else None,
        skip_existing=skip_existing,
        settings=settings_hash(known | frames | {"inputs": read}),
        every=every,
        alone=alone,
    )
    find = partial(find_sources, output=output, videos=True, stored=True)
    sources = find_or_record(console, paths, find, lambda name, why: kind_of(name)(name, reason=why).record())
    if rehearse:
        deblurrer_of(settings)  # what cannot be done is told
        search = None if camera or weights else search_seconds(called, given=kernel is not None)
        return rehearsed(console, sources, output, wishes, jobs=jobs or 1, search=search)
    if log is not None:
        check_no_input(log, (*(source.name for source in sources), *read))
    kept = Log(log, console.error)

    def outcomes() -> "Stream[Outcome | VideoOutcome]":
        deblurrer = deblurrer_of(settings)  # here, so that an interrupt while it is built ends with a summary too
        yield from deblur_files(
            sources,
            deblurrer=deblurrer,
            output=output,
            wishes=wishes,
            run=console.run(deblurrer.device, half=deblurrer.half),
            report=console.message,
            jobs=jobs or 1,
            engine=done_by,
            rebuild=partial(rebuilt, settings),
        )

    def say(one: Outcome | VideoOutcome) -> str:
        console.message(f"{one.input}: {'done before: ' * one.done_before}{one.verdict}: {one.reason}")
        for note in one.notes:
            if note not in (one.told or ""):  # else it was said already
                console.detail(f"  {note}")
        return "done before" if one.done_before else one.verdict

    return tell(console, outcomes(), total=len(sources), what="deblurring", say=say, log=kept)


@verb
def kernel(
    console: Console,
    image: Annotated[str | None, Argument(help="A photo, or - for standard input.")] = None,
    *,
    pair: Annotated[
        tuple[Path, Path] | None,
        Option("--pair", metavar="SHARP BLURRY", help="Read the blur between two pictures instead."),
    ] = None,
    space: Annotated[
        Path | None, Option("--weights", "--space", help="With --pair: weights of a kernel space. Default: ours.")
    ] = None,
    field: Annotated[
        bool, Option("--field", help="Estimate how the kernel changes across the photo; --plot then shows the field.")
    ] = False,
    save: Annotated[Path | None, Option("--save", help="Write it as a float TIFF (odd size, sum 1).")] = None,
    plot: Annotated[Path | None, Option("--plot", help="Write it as a PNG to look at.")] = None,
    overwrite: Overwrite = False,
    size: Size = None,
    response: Response = None,
) -> None:
    """Estimate the blur kernel of one photo, or read it from a sharp-blurry pair."""
    if save is not None and save == plot:
        raise UsageError(f"--save and --plot both name {save}: give two names")
    if (image is None) == (pair is None):
        raise UsageError("the kernel of one photo or of one pair can be told: give either IMAGE or --pair")
    if pair is not None:
        if field or size is not None or response is not None:
            raise UsageError("--field, --size and --response are for one photo: leave them out with --pair")
        from blurspace.builders import build_space
        from blurspace.jobs.pairs import inspect_pair

        built = build_space(space)
        record = inspect_pair(*pair, space=built, save=save, plot=plot, overwrite=overwrite, inputs=(space,))
        line = "" if record["length_px"] is None else "on average {length_px} px long at {angle_deg} degrees; "
        line += "explains the blurry picture by {reblur_psnr} dB, the sharp one alone by {sharp_psnr} dB"
    else:
        if space is not None:
            raise UsageError("--space is for the blur between two pictures: give --pair, or leave it out")
        from blurspace.jobs.files import find_sources
        from blurspace.jobs.inspect import inspect_kernel
        from blurspace.restore.finders import KernelFinder

        sources = find_sources([str(image)])
        if len(sources) > 1:
            raise UsageError(f"{image} is {len(sources)} photos: give one")
        record = inspect_kernel(
            sources[0],
            finder=KernelFinder(size),
            field=field,
            response=response,
            save=save,
            plot=plot,
            overwrite=overwrite,
            run=console.run(),
        )
        line = "{size} px square, {length_px} px long at {angle_deg} degrees"
        if field:
            line += ", varying by {variation_px} px across the photo" if record["varies"] else ", the same everywhere"
    console.data(record, line.format(**record))
    tell_written(console, record.get("saved"), record.get("plotted"))


@verb
def diagnose(
    console: Console,
    paths: Paths,
    *,
    plot: Annotated[
        bool, Option("--plot", help="Also draw which parts are sharp, as name.parts.png; of a video each frame's blur.")
    ] = False,
    keep: Annotated[
        int, Option("--keep-sharpest", min=0, help="Of a video: write so many of its sharpest frames, spread over it.")
    ] = 0,
    overwrite: Overwrite = False,
    jobs: Jobs = None,
    engine: EngineName = None,
) -> int:
    """Say whether each photo or frame of a video is blurry, how, and how much; changes nothing."""
    from blurspace.jobs.each import exit_code
    from blurspace.jobs.files import find_sources
    from blurspace.jobs.inspect import diagnose_files, failed_record

    done_by, find = engine_of(engine, jobs), partial(find_sources, videos=True)
    sources, codes, kinds = find_or_record(console, paths, find, failed_record), [], []
    how: dict[str, Any] = {"plot": plot, "keep": keep, "overwrite": overwrite, "run": console.run()}
    records = diagnose_files(sources, **how, jobs=jobs or 1, engine=done_by)
    for record, why in console.progress(records, total=len(sources), what="diagnosing"):
        codes.append(0 if why is None else why.exit_code)
        kinds.append(str(record["kind"]))
        if why is not None:
            console.failure(str(record["input"]), why.reason, why.error)
        length = "" if why or record["length_px"] is None else ", {length_px} px at {angle_deg} degrees"
        line = None if why else f"{{input}}: {{kind}}{length}; {{reason}}"
        console.data(record, line and line.format(**record))
        tell_written(console, record.get("plotted"), *cast(list[str], record.get("kept") or []))
    summarise(console, kinds, len(sources))
    return exit_code(codes)
