"""What does a command cost in a process of its own: seconds, seconds of processor cores, and memory at most?

`python -m blurspace.bench.alone COMMAND...` runs it and prints what it cost as JSON. It stands between a benchmark and
the command, and imports nothing heavy, because a process counts what its parent held among its own memory (Linux).
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What a command cost, with all the processes that it waited for, and what it said.

    `seconds`: from start to exit. `core_seconds`: of processor cores, all added. `peak_mib`: of its largest process at
    its largest. `others`: how many cores other processes kept busy meanwhile. None: the system does not tell.
    """

    seconds: float
    core_seconds: float | None
    peak_mib: float | None
    others: float | None
    code: int
    stdout: str
    stderr: str


def alone(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Cost:
    """Run a command to its end, with variables of its environment beside ours."""
    call = [sys.executable, "-m", "blurspace.bench.alone", *command]
    done = subprocess.run(
        call, env={**os.environ, **(environment or {})}, stdout=subprocess.PIPE, text=True, check=True
    )
    return Cost(**json.loads(done.stdout))


def watched(command: Sequence[str]) -> Cost:
    """Run a command as the only child of this process."""
    before, start = busy_seconds(), time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    seconds, after = time.perf_counter() - start, busy_seconds()
    used, peak = children()
    others = None
    if before is not None and after is not None and used is not None:
        others = max(0.0, (after - before - used) / seconds)
    return Cost(seconds, used, peak, others, done.returncode, done.stdout, done.stderr)


def children() -> tuple[float | None, float | None]:
    """Seconds of cores, and MiB of the largest, of the children that have ended; None on Windows."""
    try:
        import resource
    except ImportError:
        return None, None
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime, used.ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)


def busy_seconds() -> float | None:
    """Seconds that all cores of the machine have been busy since it began (Linux); None elsewhere."""
    stat = Path("/proc/stat")
    if not stat.exists():
        return None
    user, nice, system, _idle, _waiting, interrupts, soft = stat.read_text("ascii").splitlines()[0].split()[1:8]
    return sum(map(int, (user, nice, system, interrupts, soft))) / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    print(json.dumps(asdict(watched(sys.argv[1:]))))
