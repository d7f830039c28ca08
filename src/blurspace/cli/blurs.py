"""Which verb makes photos blurry? `blur`."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated

from typer import Option

from blurspace.cli.options import EngineName, Jobs, Overwrite, Paths, check_json
from blurspace.cli.run import find_or_record, tell, verb
from blurspace.cli.ways import engine_of
from blurspace.console import Console
from blurspace.errors import UsageError

Given = Mapping[str, float | str | Path | None]  # option -> what was given, None = nothing

# What a blur is without an option, and which options belong to which kinds of blur only.
DEFAULT = ("shake", 15.0)
BELONGS = {
    "angle": ("line",),
    "index": ("code",),
    "space": ("code", "sample"),
    "response": ("shake", "line", "disk", "gaussian", "rotation", "kernel"),
}


@verb
def blur(
    console: Console,
    paths: Paths,
    *,
    shake: Annotated[
        float | None, Option("--shake", help="A drawn camera shake of so many px: what is done by default, 15.")
    ] = None,
    line: Annotated[float | None, Option("--line", help="Straight motion of so many px.")] = None,
    angle: Annotated[
        float | None, Option("--angle", min=-360, max=360, help="Of --line: degrees, counter-clockwise.")
    ] = None,
    disk: Annotated[float | None, Option("--disk", help="Out of focus: a disk of this radius in px.")] = None,
    gaussian: Annotated[float | None, Option("--gaussian", help="A Gaussian of this sigma in px.")] = None,
    rotation: Annotated[float | None, Option("--rotation", help="A turning camera: so many px, drawn.")] = None,
    scene: Annotated[
        str | None, Option("--scene", help="Moving things before a moving camera: hand, wheel, belt or mast.")
    ] = None,
    kernel: Annotated[Path | None, Option("--kernel", help="The kernel in this file.")] = None,
    code: Annotated[Path | None, Option("--code", help="A blur of this blur bank.")] = None,
    index: Annotated[int | None, Option("--index", help="Of --code: which, from 0. Default: random.")] = None,
    sample: Annotated[bool, Option("--sample", help="A blur drawn from the kernel space itself.")] = False,
    space: Annotated[
        Path | None, Option("--weights", "--space", help="Of --code and --sample: a kernel space. Default: ours.")
    ] = None,
    response: Annotated[
        str | None, Option("--response", help="Blur in this light: srgb (default), linear, or 'gamma 2.2'.")
    ] = None,
    sigma: Annotated[float | None, Option("--sigma", min=0, max=1, help="Add noise (white is 1).")] = None,
    jpeg: Annotated[int | None, Option("--jpeg", min=1, max=100, help="JPEG artefacts of this quality.")] = None,
    seed: Annotated[int, Option("--seed", help="The same seed draws the same blur.")] = 0,
    save_kernel: Annotated[
        Path | None, Option("--save-kernel", help="Also write the kernel as a float TIFF (one photo only).")
    ] = None,
    output: Annotated[str | None, Option("-o", "--output", help="FILE, FOLDER (no suffix) or - for stdout.")] = None,
    overwrite: Overwrite = False,
    jobs: Jobs = None,
    engine: EngineName = None,
) -> int:
    """Make photos blurry by one kind of blur; writes name.blurred.ext beside each."""
    kinds: Given = {
        "shake": shake,
        "line": line,
        "disk": disk,
        "gaussian": gaussian,
        "rotation": rotation,
        "scene": scene,
        "kernel": kernel,
        "code": code,
        "sample": 0.0 if sample else None,
    }
    asked = [(kind, value) for kind, value in kinds.items() if value is not None]
    if len(asked) > 1:
        raise UsageError(f"{' and '.join(f'--{kind}' for kind, _ in asked)} were given together: give one kind of blur")
    kind, value = asked[0] if asked else DEFAULT
    extras: Given = {"angle": angle, "index": index, "space": space, "response": response}
    for name, extra in extras.items():
        if extra is not None and kind not in BELONGS[name]:
            owners = ", ".join(f"--{owner}" for owner in BELONGS[name])
            raise UsageError(f"--{name} was given with --{kind}, which has none: leave it out, it belongs to {owners}")
    from blurspace.jobs.blur import Blurred, blur_files, find_sharp
    from blurspace.jobs.kinds import plan_blur

    done_by = engine_of(engine, jobs)
    options = plan_blur(
        kind,
        value if isinstance(value, float) else str(value),
        angle=angle or 0.0,
        index=index,
        space=space,
        response=response or "srgb",
        sigma=sigma,
        quality=jpeg,
    )
    check_json(console, output, paths)
    sources = find_or_record(
        console,
        paths,
        partial(find_sharp, output=output),
        lambda name, why: Blurred(name, reason=why, kind=kind, seed=seed).record(),
    )
    results = blur_files(
        sources,
        options,
        seed=seed,
        output=output,
        overwrite=overwrite,
        save_kernel=save_kernel,
        inputs=(kernel, code, space),
        report=console.message,
        jobs=jobs or 1,
        engine=done_by,
    )

    def say(one: Blurred) -> str:
        told = "" if one.kernel is None else ", {length_px} px at {angle_deg} degrees".format(**one.kernel)
        console.message(f"{one.input}: blurred: {one.kind}{told}")
        return "blurred"

    return tell(console, results, total=len(sources), what="blurring", say=say)
