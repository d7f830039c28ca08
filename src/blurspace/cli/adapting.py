"""Which verb fits blurspace to one camera? `adapt`."""

from pathlib import Path
from typing import Annotated

from typer import Option

from blurspace.cli.options import Overwrite
from blurspace.cli.run import verb
from blurspace.console import Console
from blurspace.errors import UsageError


@verb
def adapt(
    console: Console,
    *,
    blurry: Annotated[
        list[Path] | None, Option("--blurry", metavar="FOLDER|VIDEO", help="Blurry pictures; may be repeated.")
    ] = None,
    sharp: Annotated[
        list[Path] | None, Option("--sharp", metavar="FOLDER|VIDEO", help="Sharp ones, of other scenes.")
    ] = None,
    mixed: Annotated[
        list[Path] | None, Option("--mixed", metavar="FOLDER|VIDEO", help="Both in one pile: sorted here.")
    ] = None,
    known: Annotated[
        list[str] | None,
        Option("--known", metavar="NAME|FOLDER", help="belt, shakes or pairs; the nearest of several is taken."),
    ] = None,
    deblurrer: Annotated[
        str | None, Option("--deblurrer", help="What undoes the known blur: a model's name, or weights.")
    ] = None,
    pairs: Annotated[
        Path | None, Option("--pairs", help="A few pairs of this camera, if there are any, for the report alone.")
    ] = None,
    output: Annotated[Path | None, Option("-o", "--output", metavar="FILE", help="camera.safetensors")] = None,
    recipe: Annotated[Path | None, Option("--recipe", help="One with task translator. Default: ours.")] = None,
    every: Annotated[int, Option("--every", help="Of a video, take every so many-th frame.")] = 10,
    max_minutes: Annotated[float | None, Option("--max-minutes", help="Of training. Default: 30.")] = None,
    device: Annotated[str, Option("--device", help="cpu or cuda.")] = "cpu",
    resume: Annotated[bool, Option("--resume", help="Go on from where FILE.training stopped.")] = False,
    overwrite: Overwrite = False,
) -> None:
    """Fit one camera by its unpaired pictures; writes the camera's file, and a report that may say not to use it."""
    if output is None:
        raise UsageError("where the camera's file shall go is not known: give -o camera.safetensors")
    from blurspace.jobs.adapt import Given, adapt_camera
    from blurspace.jobs.train import DEVICES
    from blurspace.run import pick_device
    from blurspace.train.adapt import TranslatorRecipe
    from blurspace.train.recipes import read_recipe

    pick_device(device, DEVICES)
    settings = TranslatorRecipe() if recipe is None else read_recipe(recipe)
    if not isinstance(settings, TranslatorRecipe):
        raise UsageError(f"{recipe} is a recipe of task {settings.task}: give one of task translator")
    piles = (blurry or (), sharp or (), mixed or ())
    given = Given(*piles, known or ("belt", "shakes"), deblurrer=deblurrer, pairs=pairs, every=every)
    record = adapt_camera(
        given,
        out=output,
        recipe=settings,
        minutes=max_minutes,
        device=device,
        resume=resume,
        overwrite=overwrite,
        report=console.message,
    )
    console.message(f"{record['verdict']}: {record['reason']}")
    console.data(record, str(record["camera"]))
