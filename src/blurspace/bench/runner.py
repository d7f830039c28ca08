"""How is a benchmark run by its name?"""

from pathlib import Path

from blurspace.bench.protocols import PROTOCOLS
from blurspace.bench.result import BenchResult, Progress, no_progress
from blurspace.catalog import current_name
from blurspace.errors import NoInputError, UsageError


def run(
    name: str,
    *,
    data: Path | None = None,
    method: str | None = None,
    progress: Progress | None = None,
    limit: int | None = None,
) -> BenchResult:
    """Measure a method by a frozen protocol, a row of `PROTOCOLS`.

    `data`: the protocol's pictures (only "speed" can make its own). `method`: one of the row's, among them often names
    in the catalogue, "blurry" (do nothing) and "true kernel"; None = the row's default. `progress`: called as
    progress(items, total=..., what=...), gives the items back. `limit`: the first pictures only, for a quick look (of
    a protocol that trains, often so many steps). Raises UsageError on names that are not known, NoInputError where the
    data are missing, PictureError on a bad file.
    """
    if name not in PROTOCOLS:
        raise UsageError(f"there is no protocol named {name}: give one of {', '.join(PROTOCOLS)}")
    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} pictures was given: give 1 or more")
    protocol = PROTOCOLS[name]
    if data is None:
        if not protocol.own:
            raise UsageError(f"protocol {name} needs pictures: give --data FOLDER")
    elif not data.exists():
        raise NoInputError(f"{data} does not exist: give --data the protocol's pictures")
    for part in protocol.needs:
        if data and not (data / part).exists():
            raise NoInputError(f"{data / part} is missing: give --data a folder that holds {part}")
    methods = getattr(protocol.code, "METHODS", None)
    allowed = methods or (protocol.default,)
    method = current_name(method or protocol.default)  # an old name is today's, and "true-kernel" is "true kernel"
    called = {name.replace("-", " "): name for name in allowed}.get(method.replace("-", " "))
    if called is None:
        raise UsageError(f"method {method} is not measured by this protocol: give one of {', '.join(allowed)}")
    told = {"method": called} if methods else {}
    rows = protocol.code.run(data, **told, progress=progress or no_progress, limit=limit)
    return protocol.result(rows, method=called, data=protocol.data or (data.name if data else "made"))
