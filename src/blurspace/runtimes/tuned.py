"""Which runtime is the fastest here? Measured once, and kept; until then it is torch."""

import json
import os
import platform
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from blurspace.run import Run, fast_in_half
from blurspace.runtimes.engines import AUTO, TORCH, check_runtime, installed, versioned
from blurspace.runtimes.exported import plain
from blurspace.runtimes.kept import keep, kept
from blurspace.runtimes.parts import Part, parts_of
from blurspace.runtimes.served import engine_of

NAME = "tuned.json"
# px: of the picture that each part sees; and how often each runtime is asked, taking turns: the shortest time counts.
SIZE, TURNS = (768, 1024), 3
# A runtime's pictures differ from torch's in the last digit, so it must be worth it: a tenth at least (ours).
WORTH = 1.1


@dataclass(frozen=True)
class Speed:
    """How long runtimes take for one part: `seconds` by the runtime's name."""

    network: str
    part: str
    seconds: Mapping[str, float]


def tuned() -> str:
    """The runtime that was the fastest when it was measured here, with the versions that are here now; else torch."""
    data = kept(NAME)
    if data is None:
        return TORCH
    told = json.loads(data)
    return str(told["runtime"]) if told.get("here") == here() else TORCH


def pick_runtime(name: str = AUTO, device: str = "cpu") -> str:
    """The runtime of that name, "auto" being the one that was measured to be the fastest, and torch on other devices.

    Raises UsageError where it is not known or cannot work there, ModelError where it is not here.
    """
    if name == AUTO:
        return tuned() if device == "cpu" else TORCH
    return check_runtime(name, device)


def here() -> dict[str, object]:
    """What a measurement holds for: the machine and the versions of the runtimes."""
    versions = [versioned(name) for name in installed()]
    return {"machine": platform.machine(), "cores": os.cpu_count(), "versions": versions}


def keep_choice(speeds: Sequence[Speed], runtime: str) -> bool:
    """Keep it for `tuned`; False where nothing can be kept."""
    told = {"here": here(), "runtime": runtime, "threads": torch.get_num_threads(), "speeds": [vars(s) for s in speeds]}
    return keep(NAME, json.dumps(told, indent=1).encode())


def fastest(speeds: Sequence[Speed]) -> str:
    """The runtime that is the fastest for all parts together, each counting alike; torch, where none is worth it."""
    share = {name: sum(one.seconds[name] / one.seconds[TORCH] for one in speeds) / len(speeds) for name in installed()}
    best = min(share, key=lambda name: share[name])
    return best if share[best] * WORTH <= 1 else TORCH


def speeds_of(
    network: nn.Module, name: str, *, size: tuple[int, int] = SIZE, turns: int = TURNS, run: Run | None = None
) -> list[Speed]:
    """How long each runtime takes for the parts of a network, for a photo of `size`.

    torch works as it would for a photo, in half precision where that is fast. Raises ModelError where a runtime says
    something else than torch.
    """
    how, found = run or Run(), []
    for path, module, part in parts_of(network, served=True):
        how.check()
        step = part.multiple(module) * part.smaller
        inputs = part.draw(module, (size[0] // step, size[1] // step))
        runners = {TORCH: _torch(module, inputs)}
        for runtime in installed()[1:]:
            runners[runtime] = _other(module, part, runtime, inputs)
        found.append(Speed(name, path, _shortest(runners, turns, how)))
    return found


def _torch(module: nn.Module, inputs: Sequence[Tensor]) -> Callable[[], object]:
    network, run = plain(module), Run(half=fast_in_half("cpu"))

    def work() -> object:
        with torch.inference_mode(), run.networks():
            return network(*inputs)

    return work


def _other(module: nn.Module, part: Part, runtime: str, inputs: Sequence[Tensor]) -> Callable[[], object]:
    engine = engine_of(module, part, runtime, torch.get_num_threads())
    return lambda: engine(inputs)


def _shortest(runners: Mapping[str, Callable[[], object]], turns: int, run: Run) -> dict[str, float]:
    """The shortest of `turns` times, all taking turns, after one that does not count."""
    best = dict.fromkeys(runners, float("inf"))
    for turn in range(turns + 1):
        for name, work in runners.items():
            run.check()
            start = time.perf_counter()
            work()
            if turn:
                best[name] = min(best[name], time.perf_counter() - start)
    return best
