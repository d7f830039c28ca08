"""Which verbs look at photos or change them? `deblur`, `kernel` and `diagnose`."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from typer import Argument, Option

from blurspace.cli.options import Device, Overwrite, Paths, Response, Size, check_json, parse_bytes
from blurspace.cli.run import find_or_record, summarise, tell, verb
from blurspace.console import Console
from blurspace.errors import PictureError, UsageError

if TYPE_CHECKING:
    from blurspace.restore.deblurrer import Deblurrer

# What --camera leaves no room for.
SEARCHES: dict[str, Any] = {"minutes": None, "seed": None, "generator": None}
UNSET = {"size": None, "response": None, "strength": 1.0, "weights": (), **SEARCHES}


@verb
def deblur(
    console: Console,
    paths: Paths,
    *,
    output: Annotated[str | None, Option("-o", "--output", help="FILE, FOLDER (no suffix) or - for stdout.")] = None,
    overwrite: Overwrite = False,
    method: Annotated[str, Option("--method", help="auto, or a model's name: see `blurspace models`.")] = "auto",
    fast: Annotated[bool, Option("--fast", help="Short for --method fast: half the time, often less gain.")] = False,
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
    memory: Annotated[
        str | None, Option("--memory", help="Hold at most so much, such as 2GB. Default: half of what is free.")
    ] = None,
    max_pixels: Annotated[int, Option("--max-pixels", min=1, help="Refuse photos with more.")] = 200_000_000,
    max_minutes: Annotated[
        float | None, Option("--max-minutes", help="Of a search: at most about so many, by fewer steps.")
    ] = None,
    seed: Annotated[int | None, Option("--seed", help="Of a search: what it draws at first. Default: 0.")] = None,
    generator: Annotated[
        str | None, Option("--generator", help="Of method manifold: printer, or a StyleGAN2 checkpoint of yours.")
    ] = None,
    every: Annotated[
        bool, Option("--all", help="Of a video: try every frame, not only those that are blurry.")
    ] = False,
    alone: Annotated[
        bool, Option("--no-borrow", help="Of a video: each frame by itself, with nothing from sharp ones near it.")
    ] = False,
    plot: Annotated[bool, Option("--plot", help="Also write pictures of the kernel and of both sides.")] = False,
    strict: Annotated[bool, Option("--strict", help="Exit 6 where a result was refused.")] = False,
) -> int:
    """Remove the blur of each photo or video; writes name.deblurred.ext beside it."""
    from blurspace.catalog import current_name
    from blurspace.jobs.deblur import Outcome, VideoOutcome, Wishes, deblur_files
    from blurspace.jobs.files import find_sources

    check_json(console, output, paths)
    if fast and method not in ("auto", "fast"):
        raise UsageError("--fast and --method were both given: --fast is a method of its own, leave one out")
    called = "fast" if fast else current_name(method, console.message)
    settings = {"size": size, "response": response, "strength": strength, "weights": tuple(weights or ())}
    settings |= {"minutes": max_minutes, "seed": seed, "generator": generator}
    held = None if memory is None else parse_bytes(memory)
    named = (kernel, camera, *(None if one in (None, "auto", "printer") else Path(one) for one in (region, generator)))
    named += tuple(weights or ())
    read = tuple(path for path in named if path)
    frames = {"every": every, "alone": alone}
    wishes = Wishes(overwrite, plot, strict, inputs=read, memory=held, max_pixels=max_pixels, **frames)
    deblurrer = _deblurrer(called, camera, device, kernel=kernel, force=force, region=region, **settings)
    sources = find_or_record(console, paths, find_sources, lambda name, why: Outcome(name, reason=why).record())
    outcomes = deblur_files(
        sources,
        deblurrer=deblurrer,
        output=output,
        wishes=wishes,
        run=console.run(deblurrer.device),
        report=console.message,
    )

    def say(one: Outcome | VideoOutcome) -> str:
        console.message(f"{one.input}: {one.verdict}: {one.reason}")
        for note in one.notes:
            console.detail(f"  {note}")
        return one.verdict

    return tell(console, outcomes, total=len(sources), what="deblurring", say=say)


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
) -> int:
    """Say whether each photo or frame of a video is blurry, how, and how much; changes nothing."""
    from blurspace.jobs.each import exit_code
    from blurspace.jobs.files import find_sources
    from blurspace.jobs.inspect import diagnose_files, failed_record

    sources, codes, kinds = find_or_record(console, paths, find_sources, failed_record), [], []
    records = diagnose_files(sources, plot=plot, keep=keep, overwrite=overwrite, run=console.run())
    for record, why in console.progress(records, total=len(sources), what="diagnosing"):
        codes.append(0 if why is None else why.exit_code)
        kinds.append(str(record["kind"]))
        if why is not None:
            console.failure(str(record["input"]), why.reason, why.error)
        length = "" if why or record["length_px"] is None else ", {length_px} px at {angle_deg} degrees"
        line = None if why else f"{{input}}: {{kind}}{length}; {{reason}}"
        console.data(record, line and line.format(**record))
    summarise(console, kinds, len(sources))
    return exit_code(codes)


def _deblurrer(method: str, camera: Path | None, device: str, **settings: Any) -> "Deblurrer":
    """What the options ask for. Raises UsageError where they contradict each other."""
    from blurspace.builders import build_deblurrer
    from blurspace.io.images import read_kernel, read_photo
    from blurspace.restore.region import as_mask
    from blurspace.run import pick_device

    place, kernel, force = pick_device(device), settings.pop("kernel"), settings.pop("force")
    region = settings.pop("region")
    if region not in (None, "auto"):
        painted = _option(read_photo, Path(region))
        region = as_mask(painted.samples, painted.alpha)
    if camera is not None:
        from blurspace.builders import build_camera

        if method != "auto" or kernel is not None or force or settings != UNSET:
            raise UsageError("--camera brings its own method: leave --method, --kernel, --size and the like out")
        return replace(build_camera(camera, device=place), region=region)
    if settings["weights"] and method != "auto":
        raise UsageError("--weights and --method were both given: the weights say which method they are of")
    if kernel is not None and settings["size"] is not None:
        raise UsageError("--kernel and --size were both given: a given kernel has its own size, leave --size out")
    given = None if kernel is None else _option(read_kernel, kernel)
    return build_deblurrer(method, kernel=given, device=place, force=force, region=region, **settings)


def _option(read: Callable[[Path], Any], path: Path) -> Any:
    """What an option's file holds. Raises UsageError where it cannot be read: no photo has failed yet."""
    try:
        return read(path)
    except PictureError as error:
        raise UsageError(str(error)) from error
