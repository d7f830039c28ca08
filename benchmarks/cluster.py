"""What does a Ray cluster cost over plain `--jobs`, and what becomes of a folder whose workers are killed?

    python benchmarks/cluster.py --data kodak24 [--photos 1000] [--heavy 40] [--kills 10] [--jobs 2]
                                 [--home FOLDER] [--out FILE]

Writes cluster.csv, a row per run of `PARTS`, in that order. The photos are small crops, each with its own shake and
noise. Most runs tell the command one kernel and force it, so that each photo has a result; `--heavy` photos have
theirs searched by `--method fast`. Seconds are those after start-up: from the record of photo number 5 % (no worker
begins any more) to the last. Processor's seconds are of the same time, of all processes of the run; Ray's own are those
of its servers. Bytes of results and records, but for seconds and MiB, are compared with the first plain run.

`killed`: kill -9 of a random worker at so many random points. `poisoned`: a large photo among some small ones, and
kill -9 of each worker that holds more than `MOST` MiB, as a system does that has no more: it takes three workers.

What was run is kept in `--home`, so that the same command goes on after Ctrl-C; remove the folder to begin anew.
"""

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread
from typing import Any

import PIL.Image
import torch
from folder import contents
from run import DIGEST, HERE, UNKNOWN, commit, digest, write

from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import shake
from blurspace.io.files import find_photos
from blurspace.io.images import read_photo, write_kernel
from blurspace.jobs.on_ray import imported
from blurspace.levels import to_levels

SEED, SIDES, LARGE, EXTENTS, SIGMA = 20, (160, 224), 2800, (5, 13), 0.003
WARM = 0.05  # of the photos, after which start-up is over
FEW = 20  # small photos beside the poisoned one
MOST = 900  # MiB; more than a worker holds that does small photos, and less than the large one takes
MOMENT = 0.3  # seconds; about as long as one photo takes
WORKER, MARK = "ray::Performer", "BLURSPACE_MEASURED"
SERVERS = ("site-packages/ray/", "ray::IDLE")  # what the command lines of Ray's own processes have
LEFT_OUT = ("seconds", "peak_mib", "input", "output")  # of records: no two runs have the same


@dataclass(frozen=True)
class Part:
    """One run: of which photos, by which engine, and who is killed."""

    name: str
    photos: str = "many"
    ray: bool = False
    killed: bool = False


PARTS = (
    Part("plain"),
    Part("ray", ray=True),
    Part("ray again", ray=True),
    Part("plain again"),
    Part("killed", ray=True, killed=True),
    Part("poisoned", photos="poisoned", ray=True),
    Part("heavy plain", photos="heavy"),
    Part("heavy ray", photos="heavy", ray=True),
)


def main() -> None:
    """Run what was not run yet, and write every row."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    usual = {"photos": 1000, "heavy": 40, "kills": 10, "jobs": 2}
    for name, number in usual.items():
        parser.add_argument(f"--{name}", type=int, default=number)
    parser.add_argument("--home", type=Path, default=Path(tempfile.gettempdir()) / "blurspace-cluster")
    parser.add_argument("--out", type=Path, default=HERE / "cluster.csv")
    asked = parser.parse_args()
    imported()  # says what to do where Ray is missing
    numbers = {name: getattr(asked, name) for name in usual}
    home = asked.home / "-".join(map(str, numbers.values()))
    make_photos(home, asked.data, asked.photos, asked.heavy)
    done = {}
    for part in PARTS:
        kept = home / f"{part.name}.json"
        if not kept.is_file():
            kept.write_text(json.dumps(measured(home, part, asked.jobs, asked.kills)))
        done[part] = json.loads(kept.read_text())
        print(row(home, part, done), flush=True)
    told = [f"--{name} {number}" for name, number in numbers.items() if number != usual[name]]
    command = " ".join(["python benchmarks/cluster.py --data", asked.data.name, *told])
    rows, note = [row(home, part, done) for part in PARTS], "whole commands, on a cluster of this machine alone"
    write(rows, asked.out, command=command, data=asked.data.name, seed=SEED, note=note)


def make_photos(home: Path, data: Path, many: int, heavy: int) -> None:
    """The folders of `PARTS`: blurry crops of the photos in `data`; the first of them again, some with a large one."""
    if (home / "kernel.tiff").is_file():  # it is written last
        return
    for name in ("many", "heavy", "poisoned"):
        (home / name).mkdir(parents=True, exist_ok=True)
    chance, paths = torch.Generator().manual_seed(SEED), find_photos([data])
    sharp = [read_photo(path).pixels for path in paths]
    for number in range(many):
        name, (height, width) = f"{number:04}.png", torch.randint(*SIDES, (2,), generator=chance).tolist()
        save(crop(sharp[number % len(sharp)], height, width, chance), home / "many" / name)
        for folder, count in (("heavy", heavy), ("poisoned", FEW)):
            if number < count:
                shutil.copy(home / "many" / name, home / folder)
    mosaic = sharp[0].repeat(1, 1, *(LARGE // length + 2 for length in sharp[0].shape[-2:]))
    save(crop(mosaic, LARGE, LARGE, chance), home / "poisoned" / f"{FEW // 2:04} large.png")  # in the middle of them
    kernel = shake(EXTENTS[1] + 2, extent=EXTENTS[1], generator=chance)
    write_kernel(home / "kernel.tiff", kernel, overwrite=False)


def crop(sharp: torch.Tensor, height: int, width: int, chance: torch.Generator) -> torch.Tensor:
    """A shaken and noisy crop of a photo (1 c h w), of so many pixels, from anywhere in it."""
    extent = int(torch.randint(*EXTENTS, (), generator=chance))
    kernel = shake(EXTENTS[1] + 2, extent=extent, generator=chance)
    border = kernel.shape[-1] - 1
    room = [have - want - border + 1 for have, want in zip(sharp.shape[-2:], (height, width), strict=True)]
    top, left = (int(torch.randint(most, (), generator=chance)) for most in room)
    seen = sharp[..., top : top + height + border, left : left + width + border]
    return photograph(seen, kernel, sigma=SIGMA, border="valid", generator=chance)


def save(picture: torch.Tensor, path: Path) -> None:
    """Write a picture (1 3 h w) as 8 bits."""
    PIL.Image.fromarray(to_levels(picture[0]).movedim(0, -1).contiguous().numpy()).save(path)


def measured(home: Path, part: Part, jobs: int, kills: int) -> dict[str, object]:
    """Run the command of a part: what it told, and what that cost."""
    out, mark, photos = home / "results" / part.name, secrets.token_hex(8), len(list((home / part.photos).iterdir()))
    shutil.rmtree(out, ignore_errors=True)  # of a run that was interrupted
    chance, warm = random.Random(SEED), max(1, int(WARM * photos))
    points = sorted(chance.sample(range(warm, photos - jobs), kills)) if part.killed else []
    environment = os.environ | {MARK: mark, "PYTHONPATH": str(HERE.parent / "src")}
    records, at, used, killed = [], [], {}, 0
    begun = time.perf_counter()
    typed = command(home, part, out, jobs)
    with (
        strangled(mark, MOST if part.photos == "poisoned" else None) as died,
        subprocess.Popen(typed, env=environment, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as running,
    ):
        for line in running.stdout or ():
            records.append(json.loads(line))
            at.append(time.perf_counter() - begun)
            if len(records) in (warm, photos - jobs):  # then all workers are still there
                used[len(records)] = processor_seconds(mark)
            if len(records) in points:
                killed += kill_one(mark, chance)
    spent = [used[photos - jobs][kind] - used[warm][kind] for kind in ("ray", "work")]
    return {
        "records": records,
        "exit code": running.returncode,
        "start-up": at[0],
        "seconds": at[-1] - at[warm - 1],
        "busy": sum(one["seconds"] for one in records[warm:]) / jobs,
        "ray's own": spent[0],
        "processor": sum(spent),
        "killed": killed + len(died),
        "commit": commit(HERE.parent),
        DIGEST: digest("python benchmarks/cluster.py"),
    }


def command(home: Path, part: Part, out: Path, jobs: int) -> list[str]:
    """What is typed."""
    start = [sys.executable, "-m", "blurspace", "deblur", str(home / part.photos), "-o", f"{out}/", "--json", "--quiet"]
    how = ["--method", "fast"] if part.photos == "heavy" else ["--kernel", str(home / "kernel.tiff"), "--force"]
    return [*start, *how, "--jobs", str(jobs), *(["--engine", "ray"] if part.ray else [])]


def processes(mark: str) -> Iterator[Path]:
    """Where Linux tells of each process that has our mark in its environment."""
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it ended
            if f"{MARK}={mark}".encode() in (place / "environ").read_bytes().split(b"\0"):
                yield place


def name_of(place: Path) -> str:
    """Its command line; nothing where it has ended."""
    with suppress(OSError):
        return (place / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def processor_seconds(mark: str) -> dict[str, float]:
    """What the processes of a run used until now: those of the command and its workers, and Ray's servers."""
    used = {"ray": 0.0, "work": 0.0}
    for place in processes(mark):
        with suppress(OSError):
            fields = (place / "stat").read_text(errors="replace").rpartition(")")[2].split()
            theirs = any(word in name_of(place) for word in SERVERS)
            used["ray" if theirs else "work"] += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return used


def workers(mark: str) -> list[int]:
    """The numbers of Ray's workers."""
    return sorted(int(place.name) for place in processes(mark) if name_of(place).startswith(WORKER))


def kill_one(mark: str, chance: random.Random) -> int:
    """Kill -9 of a random worker, a random moment from now: how many died."""
    time.sleep(MOMENT * chance.random())
    there = workers(mark)
    with suppress(ProcessLookupError):
        if there:
            os.kill(chance.choice(there), signal.SIGKILL)
            return 1
    return 0


@contextmanager
def strangled(mark: str, most: int | None) -> Iterator[set[int]]:
    """Kill -9, within this block, of each worker that holds more than so many MiB: who died. None: of nobody."""
    ended, died = Event(), set[int]()

    def watch() -> None:
        while most is not None and not ended.wait(0.02):
            for process in workers(mark):
                with suppress(OSError):
                    pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
                    if pages * os.sysconf("SC_PAGE_SIZE") > most * 2**20:
                        os.kill(process, signal.SIGKILL)
                        died.add(process)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield died
    finally:
        ended.set()
        thread.join()


def row(home: Path, part: Part, done: dict[Part, dict[str, Any]]) -> dict[str, object]:
    """One row: what a part cost, and how far it is from what the plain runs made of the same photos."""
    told, same = done[part], "many" if part.photos == "poisoned" else part.photos
    plain = [one for one in done if one.photos == same and not one.ray]
    usual = sum(done[one]["seconds"] for one in plain) / len(plain)
    records, others = (records_of(done[one]["records"]) for one in (part, plain[0]))
    files, wanted = (contents(home / "results" / one.name) for one in (part, plain[0]))
    gone = told["killed"] or told["processor"] < told["busy"]  # workers that ended took their count with them
    return {
        "run": part.name,
        "photos": len(list((home / part.photos).iterdir())),
        "workers killed": told["killed"],
        "start-up, s": round(told["start-up"], 1),
        "seconds": round(told["seconds"], 2),
        "over plain, %": round(100 * (told["seconds"] / usual - 1), 1) if part.ray and part.photos == same else "",
        "at work, %": round(100 * told["busy"] / told["seconds"], 1),
        "processor, s": "" if gone else round(told["processor"], 1),
        "of it Ray's own, s": "" if gone else round(told["ray's own"], 1),
        "results": len(files),
        "other bytes": sum(wanted.get(name) != data for name, data in files.items()),
        "records": len(told["records"]),
        "records twice": len(told["records"]) - len(records),
        "other records": ", ".join(
            f"{name}: {one['verdict']}" for name, one in records.items() if others.get(name) != one
        ),
        "exit code": told["exit code"],
        "commit": told["commit"],
        DIGEST: told.get(DIGEST, UNKNOWN),
    }


def records_of(told: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Records by the names of their photos, without what differs from run to run or from folder to folder."""
    return {
        Path(one["input"]).name: {name: value for name, value in one.items() if name not in LEFT_OUT} for one in told
    }


if __name__ == "__main__":
    main()
