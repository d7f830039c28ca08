"""Does the page keep its promises of time and memory, on a server as `blurspace web` starts it?

    python benchmarks/web.py --data kodak24 [--uploads 40] [--photos 500] [--times 3]
        [--parts page crowd many speed] [--out FILE]

Writes web.csv, a row for each promise. `--uploads` visitors add a photo at the same moment and ask for its result; then
one visitor adds, restores, saves and removes `--photos` photos, one after another, while the server's resident memory
is read (both by method mild, which searches nothing). Then, `--times` times in turn, the command line and the page
restore the same photo of 1 megapixel by `auto`, and a visitor changes the strength. The first paint is Chromium's
(Playwright drives it); without them there is no row of it.
"""

import argparse
import csv
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import httpx
import torch
from run import DIGEST, HERE, UNKNOWN, digest, write
from torch.nn import functional

from blurspace.bench.speed import made_picture
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import shake
from blurspace.io.images import encode_photo, find_photos, read_photo
from blurspace.types import Image, Photo
from blurspace.web.app import page_files

KERNEL, EXTENT, SIGMA = 21, 17, 0.005
SIZE, SMALL = (866, 1154), (240, 320)  # rows, columns: 1 megapixel, and of the many
WARM = 50  # photos after which memory shall not grow any more
PATIENCE = 900.0  # seconds
LOADS = 5  # of the page
STRENGTHS = (0.8, 0.6, 0.7, 0.9, 0.5)
Row = tuple[str, float, str, str, bool]  # what, measured, unit, promised, kept


def main() -> None:
    """Measure, print and write every row; those of parts that were not asked for stay as they are."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in {"uploads": 40, "photos": 500, "times": 3}.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=list(PARTS))
    parser.add_argument("--out", type=Path, default=HERE / "web.csv")
    asked = parser.parse_args()
    if asked.photos <= WARM:
        parser.error(f"--photos: give more than {WARM}, after which memory shall not grow")
    rows, now = list[dict[str, object]](), digest("python benchmarks/web.py")
    old = list(csv.DictReader(asked.out.read_text("utf-8").splitlines())) if asked.out.exists() else []
    for name, (part, beginnings) in PARTS.items():
        if name in asked.parts:
            load = round(os.getloadavg()[0], 1)
            for what, measured, unit, promised, kept in part(asked):
                told = {"what": what, "measured": measured, "unit": unit, "promised": promised}
                told["kept"] = "" if not promised else "yes" if kept else "no"
                rows.append({**told, "load": load, DIGEST: now})
                print(rows[-1], flush=True)
        else:
            kept = [row for row in old if row["what"].startswith(beginnings)]
            rows += [row | {"load": row.get("load", ""), DIGEST: row.get(DIGEST, UNKNOWN)} for row in kept]
    told = {name: getattr(asked, name) for name in ("uploads", "photos", "times")}
    words = " ".join(f"--{name} {value}" for name, value in told.items())
    command = f"python benchmarks/web.py --data {asked.data.name} {words}"
    note = "a server as `blurspace web` starts it; load: processes that wanted a core before each part began"
    write(rows, asked.out, command=command, data=asked.data.name, seed=1, note=note)


def page(_: argparse.Namespace) -> Iterator[Row]:
    """How large the page is, and how soon it shows."""
    size = sum(path.stat().st_size for path in page_files().values()) / 1000
    yield "the page and all that it loads", round(size), "kB", "under 300", size < 300
    with serving() as (address, _process):
        if (paint := first_paint(address)) is not None:
            yield "first paint, on loopback, median", round(paint), "ms", "under 1000", paint < 1000


def crowd(asked: argparse.Namespace) -> Iterator[Row]:
    """Many visitors at the same moment."""
    with serving() as (address, _process):
        lost, seconds = uploaded(address, asked.uploads)
    yield f"photos lost of {asked.uploads} uploaded at once ({seconds:.0f} s for all)", lost, "photos", "0", not lost


def many(asked: argparse.Namespace) -> Iterator[Row]:
    """Many photos one after another."""
    with serving() as (address, process):
        held = resident(address, process, asked.photos)
    grown = held[-1] - held[WARM - 1]
    yield f"memory grown from photo {WARM} to {len(held)}", round(grown, 1), "MiB", "under 50", grown < 50
    yield "memory of the server after them", round(held[-1]), "MiB", "", True


def speed(asked: argparse.Namespace) -> Iterator[Row]:
    """The command line and the page in turn, on one photo; then other strengths."""
    by_command, by_page, previews, results = [], [], [], []
    with tempfile.TemporaryDirectory() as place, serving() as (address, _process):
        photo, out = Path(place, "photo.png"), Path(place, "out.png")
        photo.write_bytes(large_photo(asked.data))
        with httpx.Client(base_url=address, timeout=PATIENCE) as visitor:
            for _ in range(asked.times):
                start = time.perf_counter()
                command = [sys.executable, "-m", "blurspace", "deblur", str(photo), "-o", str(out), "--overwrite"]
                subprocess.run(command, check=True, capture_output=True)
                by_command.append(time.perf_counter() - start)
                start = time.perf_counter()
                known = add(visitor, photo.read_bytes())
                saved = restore(visitor, known)
                by_page.append(time.perf_counter() - start)
                if saved["data"] != out.read_bytes():
                    raise SystemExit("the page's bytes are not those of the command line")
            for strength in STRENGTHS:
                told = restore(visitor, known, strength=strength)
                previews.append(told["preview"])
                results.append(told["seconds"])
    ratio = statistics.median(by_page) / statistics.median(by_command)
    yield "1 MP restored by the command line, median", round(statistics.median(by_command), 1), "s", "", True
    yield "1 MP restored by the page, upload to saved, over that", round(ratio, 2), "times", "at most 1.2", ratio <= 1.2
    for what, times in (("its preview shows", previews), ("the result is saved", results)):
        took = statistics.median(times)
        yield f"another strength at 1 MP, until {what}, median", round(took, 2), "s", "at most 1.5", took <= 1.5


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """A server in a process of its own: its address and its process."""
    command = [sys.executable, "-m", "blurspace", "web", "--port", "0", "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, stderr=subprocess.DEVNULL) as server:
        assert server.stdout is not None
        try:
            yield server.stdout.readline().strip(), server.pid
        finally:
            server.terminate()


def uploaded(address: str, uploads: int) -> tuple[int, float]:
    """So many visitors at the same moment: how many have no result, and the seconds for all."""
    kinds, start = [small_photo(seed) for seed in range(8)], threading.Barrier(uploads)
    photos = [kinds[number % len(kinds)] for number in range(uploads)]

    def one(data: bytes) -> bool:
        with httpx.Client(base_url=address, timeout=PATIENCE) as visitor:
            start.wait()
            return bool(restore(visitor, add(visitor, data), method="mild")["verdict"])

    begun = time.perf_counter()
    with ThreadPoolExecutor(uploads) as pool:
        done = [told.exception() is None and told.result() for told in [pool.submit(one, data) for data in photos]]
    return done.count(False), time.perf_counter() - begun


def resident(address: str, process: int, photos: int) -> list[float]:
    """One photo after another: the server's resident MiB after each."""
    kinds, held = [small_photo(seed) for seed in range(8)], list[float]()
    with httpx.Client(base_url=address, timeout=PATIENCE) as visitor:
        for number in range(photos):
            photo = add(visitor, kinds[number % len(kinds)])
            restore(visitor, photo, method="mild")
            visitor.delete(f"/api/photos/{photo}").raise_for_status()
            if (now := resident_mib(process)) is None:
                raise SystemExit("the memory of the server cannot be read: has it ended?")
            held.append(now)
    return held


def resident_mib(process: int) -> float | None:
    """What a process holds now (Linux); None where it has ended."""
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20 or None


def add(visitor: httpx.Client, data: bytes) -> str:
    """Upload a photo, again where the server says that it is busy; its id."""
    while True:
        answer = visitor.post("/api/photos", params={"name": "photo.png"}, content=data)
        if answer.status_code != 503:
            answer.raise_for_status()
            return str(answer.json()["id"])
        time.sleep(float(answer.headers["retry-after"]))


def restore(visitor: httpx.Client, photo: str, **wish: object) -> dict[str, Any]:
    """Restore a photo and save the result: `verdict`, `data`, the `seconds`, and those until its `preview` was here."""
    start, preview = time.perf_counter(), None
    job = visitor.post(f"/api/photos/{photo}/deblur", json=wish).raise_for_status().json()
    told: dict[str, Any] = {}
    with visitor.stream("GET", f"/api/jobs/{job['id']}/events") as events:
        for line in events.iter_lines():
            if line.startswith("data: "):
                told = json.loads(line[6:])
                if told["preview"] and preview is None:
                    preview = time.perf_counter() - start
    if told["state"] != "done":
        raise SystemExit(f"the job ended: {told}")
    files = told["result"]["files"]
    data = visitor.get(files["file"]).raise_for_status().content if "file" in files else b""
    seconds = time.perf_counter() - start
    return {"verdict": told["result"]["verdict"], "data": data, "seconds": seconds, "preview": preview or seconds}


def small_photo(seed: int) -> bytes:
    """A small made photo, shaken, as a PNG."""
    sharp = scene().roll((37 * seed, 53 * seed), (-2, -1))[..., : SMALL[0] + KERNEL - 1, : SMALL[1] + KERNEL - 1]
    return shaken(sharp, seed)


def large_photo(data: Path) -> bytes:
    """The sixth photo of a folder, made as large as 1 megapixel, shaken, as a PNG."""
    size = [side + KERNEL - 1 for side in SIZE]
    picture = read_photo(find_photos([data])[5]).pixels
    return shaken(functional.interpolate(picture, size=size, mode="bicubic", antialias=True).clamp(0, 1), 1)


def shaken(sharp: Image, seed: int) -> bytes:
    """A sharp picture, shaken by a kernel that the seed draws, as a PNG."""
    generator = torch.Generator().manual_seed(seed)
    kernel = shake(KERNEL, extent=EXTENT, generator=generator)
    how: dict[str, Any] = {"response": "srgb", "sigma": SIGMA, "round8": True, "border": "valid"}
    blurry = photograph(sharp, kernel, generator=generator, **how)
    return encode_photo(Photo.of(blurry), blurry)


@cache
def scene() -> Image:
    """The made picture that the small photos are pieces of."""
    return made_picture()


def first_paint(address: str) -> float | None:
    """Milliseconds until Chromium shows the page, median of some loads; None without it."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return None
    if (chromium := shutil.which("chromium")) is None:
        return None
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        found = []
        for _ in range(LOADS):
            page = browser.new_page()
            page.goto(address)
            page.wait_for_selector("html[data-ready]")
            found.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
            page.close()
        browser.close()
    return float(statistics.median(found))


# By name: what measures, and how its rows begin.
PARTS = {
    "page": (page, ("the page", "first paint")),
    "crowd": (crowd, ("photos lost",)),
    "many": (many, ("memory",)),
    "speed": (speed, ("1 MP", "another strength")),
}

if __name__ == "__main__":
    os.environ.setdefault("PYTHONPATH", str(HERE.parent / "src"))
    main()
