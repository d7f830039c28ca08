"""Which batches does this process draw for each step, and how are they there before they are needed?"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from typing import TypeVar

from torch import Generator

from blurspace.chance import chance
from blurspace.train.settings import LoopSettings
from blurspace.train.team import Team

Batch = TypeVar("Batch")


@contextmanager
def drawn(
    draw: Callable[[Generator], Batch], settings: LoopSettings, *, first: int, team: Team
) -> Iterator[Iterator[list[Batch]]]:
    """For each step from `first` on, the parts of its batch that are for this process.

    A step has `settings.accumulate` parts, each drawn by itself, so it does not matter who draws which: the processes
    take turns. `settings.ahead` threads draw that many parts before they are needed.
    """
    parts = settings.accumulate
    mine = range(team.rank, parts, team.count)
    numbers = (step * parts + part for step in range(first, settings.steps) for part in mine)

    def one(number: int) -> Batch:
        return draw(chance(settings.seed, number))

    if not settings.ahead:
        yield _grouped(map(one, numbers), len(mine))
        return
    pool = ThreadPoolExecutor(settings.ahead)
    try:
        yield _grouped(_ahead(pool, one, numbers, settings.ahead), len(mine))
    finally:
        pool.shutdown(cancel_futures=True)


def _ahead(
    pool: ThreadPoolExecutor, one: Callable[[int], Batch], numbers: Iterator[int], ahead: int
) -> Iterator[Batch]:
    waiting: deque[Future[Batch]] = deque()
    for number in numbers:
        waiting.append(pool.submit(one, number))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    for last in waiting:
        yield last.result()


def _grouped(batches: Iterator[Batch], count: int) -> Iterator[list[Batch]]:
    while group := list(islice(batches, count)):
        yield group
