"""How is work done otherwise than here and now: on a cluster, or, of `deblur`, only rehearsed?"""

from functools import partial
from typing import TYPE_CHECKING

from blurspace.cli.run import tell
from blurspace.console import Console
from blurspace.errors import UsageError

if TYPE_CHECKING:
    from blurspace.jobs.engines import Engine
    from blurspace.jobs.files import Source
    from blurspace.jobs.wishes import Wishes


def engine_of(name: str | None, jobs: int | None, device: str = "cpu") -> "Engine | None":
    """The engine of that name, with so many workers on such devices; None: no other than this machine.

    Raises UsageError on another name than ray, ModelError where Ray is not installed.
    """
    if name is None:
        return None
    if name != "ray":
        raise UsageError(f"there is no engine {name}: give --engine ray, or leave it out")
    from blurspace.jobs.on_ray import imported, on_ray

    imported()  # here already, where no photo has failed yet
    return partial(on_ray, jobs=jobs, device=device)


def rehearsed(
    console: Console, sources: "list[Source]", output: str | None, wishes: "Wishes", *, jobs: int, search: float | None
) -> int:
    """Tell what would be done."""
    from blurspace.jobs.dry_run import Planned, dry_run, estimate

    planned = list[Planned]()

    def say(one: Planned) -> str:
        planned.append(one)
        console.detail(f"{one.input}: {one.verdict}")
        return one.verdict

    outcomes = dry_run(sources, output=output, wishes=wishes, search=search)
    code = tell(console, outcomes, total=len(sources), what="looking", say=say)
    console.message(estimate(planned, output=output, jobs=jobs, known=search is not None))
    return code
