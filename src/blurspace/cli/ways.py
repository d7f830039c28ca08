"""How is `deblur` run otherwise than here and now: only rehearsed, or on a cluster?"""

from functools import partial
from typing import TYPE_CHECKING

from blurspace.cli.run import tell
from blurspace.console import Console

if TYPE_CHECKING:
    from blurspace.jobs.deblur import Engine
    from blurspace.jobs.files import Source
    from blurspace.jobs.wishes import Wishes


def engine_of(jobs: int | None, device: str) -> "Engine":
    """A Ray cluster, with so many workers. Raises ModelError where Ray is not installed."""
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
