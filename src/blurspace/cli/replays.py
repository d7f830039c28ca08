"""Which verb makes a result again? `replay`."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated

from typer import Argument, Option

from blurspace.cli.deblurrers import deblurrer_of
from blurspace.cli.options import Overwrite
from blurspace.cli.run import tell, verb
from blurspace.console import Console
from blurspace.errors import UsageError
from blurspace.io.files import is_folder, sha256_of, shown


@verb
def replay(
    console: Console,
    sidecar: Annotated[Path, Argument(metavar="SIDECAR", help="What deblur --sidecar wrote beside a result.")],
    *,
    output: Annotated[Path | None, Option("-o", "--output", help="FILE. Default: where it was.")] = None,
    overwrite: Overwrite = False,
) -> int:
    """Make a result again, and say whether it is the same to the byte (exit 1 where not)."""
    import torch

    from blurspace import __version__
    from blurspace.jobs.deblur import Outcome, VideoOutcome, deblur_files
    from blurspace.jobs.files import Source
    from blurspace.jobs.sidecar import read_sidecar
    from blurspace.jobs.wishes import named_files, wishes_of
    from blurspace.run import pick_device
    from blurspace.runtimes.engines import TORCH, check_runtime

    asked = read_sidecar(sidecar)
    settings, target = asked.settings, output or asked.output
    if is_folder(target) or not target.suffix:  # `-` has none
        raise UsageError(f"{shown(target)} is no name of a file, and a result made again is one: give -o FILE")
    check_runtime(settings.get("runtime", TORCH), pick_device(settings["device"]))
    torch.set_num_threads(asked.threads)
    deblurrer = deblurrer_of(settings)
    read = (sidecar, *named_files(settings).values(), *settings["weights"])
    outcomes = deblur_files(
        [Source(str(asked.input))],
        deblurrer=deblurrer,
        output=str(target),
        wishes=replace(wishes_of(settings), overwrite=overwrite, inputs=read),
        run=replace(console.run(deblurrer.device, half=deblurrer.half), memory=asked.room),
        report=console.message,
    )

    def say(one: Outcome | VideoOutcome) -> str:
        same = one.output is not None and sha256_of(one.output) == asked.output_sha256
        words = "the same, to the byte" if same else f"not the same: {asked.version} made it, and this is {__version__}"
        console.message(f"{one.input}: {one.verdict}: {words}")
        differs.extend([] if same else [1])
        return one.verdict

    differs: list[int] = []
    code = tell(console, outcomes, total=1, what="deblurring", say=say)
    return code or len(differs)
