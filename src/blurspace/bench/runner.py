"""Which benchmarks are there, and how is one of them run by name?"""

from collections.abc import Callable
from pathlib import Path

from blurspace.bench import (
    ablation,
    kohler,
    lai,
    levin,
    pham2024_adapt,
    pham2024_gopro,
    rotation,
    speed,
    sun,
    synthetic,
    tran2021_retrieval,
    tran2021_training,
    tran2021_transfer,
    transfer,
    untouched,
)
from blurspace.bench.methods import CLASSICAL
from blurspace.bench.result import BenchResult, Progress, no_progress
from blurspace.errors import NoInputError, UsageError

__all__ = ["NAMES", "BenchResult", "run"]

PROTOCOLS: dict[str, Callable[..., BenchResult]] = {
    "levin": levin.run,
    "kohler": kohler.run,
    "lai": lai.run,
    "sun": sun.run,
    "synthetic": synthetic.run,
    "rotation": rotation.run,
    "sharp": untouched.run,
    "speed": speed.run,
    "kaufman2020-ablation": ablation.run,
    "transfer": transfer.run,
    "tran2021-transfer": tran2021_transfer.run,
    "tran2021-swapped": tran2021_training.run_swapped,
    "tran2021-retrieval": tran2021_retrieval.run,
    "tran2021-augmented": tran2021_training.run_augmented,
    "pham2024-adapt": pham2024_adapt.run,
    "pham2024-gopro": pham2024_gopro.run,
}
NAMES = tuple(PROTOCOLS)
MAKE_THEIR_OWN_DATA = ("speed",)


def run(
    name: str,
    *,
    data: Path | None = None,
    method: str = CLASSICAL,
    progress: Progress | None = None,
    limit: int | None = None,
) -> BenchResult:
    """Measure a method by a frozen protocol.

    `data`: the protocol's pictures (only "speed" can make its own). `method`: a name in the catalogue, "blurry" (do
    nothing) or "true kernel". `progress`: called as progress(items, total=..., what=...), gives the items back.
    `limit`: the first pictures only, for a quick look (of "kaufman2020-ablation", so many steps). Raises UsageError on
    names that are not known, NoInputError where the data are missing.
    """
    if name not in PROTOCOLS:
        raise UsageError(f"there is no protocol named {name}: give one of {', '.join(NAMES)}")
    if limit is not None and limit < 1:
        raise UsageError(f"a limit of {limit} pictures was given: give 1 or more")
    if data is None and name not in MAKE_THEIR_OWN_DATA:
        raise UsageError(f"protocol {name} needs pictures: give --data FOLDER")
    if data is not None and not data.exists():
        raise NoInputError(f"{data} does not exist: give --data the protocol's pictures")
    return PROTOCOLS[name](data, method=method, progress=progress or no_progress, limit=limit)
