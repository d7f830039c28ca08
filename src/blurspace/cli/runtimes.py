"""Which verbs are about runtimes other than torch? `export` and `tune`."""

from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from blurspace.cli.options import Overwrite
from blurspace.cli.run import verb
from blurspace.console import Console


@verb
def export(
    console: Console,
    name: Annotated[str, Argument(help="A model's name, or a weights file of yours.")],
    *,
    output: Annotated[Path, Option("-o", "--output", metavar="FOLDER", help="Where to. Default: here.")] = Path(),
    overwrite: Overwrite = False,
) -> None:
    """Write the networks of a model as ONNX files for any size of photo, each checked against torch."""
    from blurspace.jobs.export import export_networks

    for record in export_networks(name, folder=output, overwrite=overwrite):
        console.data(record, str(record["output"]))
        console.message(f"{record['network']}: differs from torch by {record['max_error']:.1g} at most")


@verb
def tune(console: Console) -> None:
    """Measure which runtime is the fastest here; `deblur --runtime auto` then takes it."""
    from blurspace.jobs.tune import tune as measure

    record = measure(console.run())
    seconds = record["seconds"]
    assert isinstance(seconds, dict)
    for runtime, took in seconds.items():
        console.message(f"{runtime}: {took} s for the networks of a photo of 0.8 megapixels")
    if record["kept"] is None:
        console.message("the choice could not be kept: give it with --runtime")
    console.data(record, str(record["runtime"]))
