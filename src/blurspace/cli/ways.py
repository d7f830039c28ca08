"""How is work done otherwise than here and now: on a cluster, or, of `deblur`, only rehearsed?"""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from blurspace.cli.run import tell
from blurspace.console import Console
from blurspace.errors import UsageError

if TYPE_CHECKING:
    from blurspace.jobs.files import Source
    from blurspace.jobs.train import Helpers
    from blurspace.jobs.wishes import Wishes
    from blurspace.jobs.worked import Engine


def engine_of(name: str | None, jobs: int | None, device: str = "cpu") -> "Engine | None":
    """The engine of that name, with so many workers on such devices; None: no other than this machine.

    Raises UsageError on another name than ray, ModelError where Ray is not installed.
    """
    if known_engine(name) is None:
        return None
    from blurspace.jobs.on_ray import on_ray

    return partial(on_ray, jobs=jobs, device=device)


def helpers_of(name: str | None, jobs: int | None, report: Callable[[str], None]) -> "Helpers | None":
    """The same for `train`: who helps to make its training cases; `report` gets why somebody could not."""
    if known_engine(name) is None:
        return None
    from blurspace.jobs.on_ray import helped_on_ray

    return partial(helped_on_ray, jobs=jobs, report=report)


def known_engine(name: str | None) -> str | None:
    """The name, where there is such an engine, and it is installed: before any work is done."""
    if name not in (None, "ray"):
        raise UsageError(f"there is no engine {name}: give --engine ray, or leave it out")
    if name:
        from blurspace.jobs.on_ray import imported

        imported()
    return name


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
