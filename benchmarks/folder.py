"""Does a folder of many files, some of them bad, come out whole, also where the work is killed again and again?

`python benchmarks/folder.py [--files 1000] [--bad 50] [--kills 20] [--jobs 1] [--seed 0]` makes tiny pictures of mixed
formats, and bad files of 12 kinds among them, in a temporary folder, and runs the command line with a kernel that is
given, so that it is quick. It checks that all that is good is done, all that is bad is reported, the exit code is 1, no
input changes and memory does not grow; then, on the good ones, that no kill leaves a half file and that the run after
the last one ends with the same bytes and exit code 0. It prints what it saw and exits 1 where something is not so.
"""

import argparse
import io
import json
import random
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import tifffile
from PIL import Image

from blurspace.blur.kernels import disk
from blurspace.io.images import write_kernel
from blurspace.jobs.journal import NAME

GROWTH = 100  # MiB; the bound of issue 18
WARM = 0.1  # of the files, after which memory should not grow any more
MOMENT = 0.5  # seconds; about as long as one file takes
PLACES = ("", "sub", "sub/deep", "a [1]", "ünï фото")
PNG = b"\x89PNG\r\n\x1a\n"


def main() -> int:
    """The exit code: 0 where all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in {"files": 1000, "bad": 50, "kills": 20, "jobs": 1, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_kernel(home / "kernel.tiff", disk(1.5), overwrite=False)
        checks = mixed(home, asked.files, asked.bad, asked.jobs, chance) | killed(home, asked.kills, asked.jobs, chance)
    for claim, is_so in checks.items():
        print(f"{'yes' if is_so else 'NO '}  {claim}", flush=True)
    return int(not all(checks.values()))


def mixed(home: Path, files: int, bad: int, jobs: int, chance: random.Random) -> dict[str, bool]:
    """Make good and bad files, run once, and say whether all is as it should be."""
    good = [make_good(home / "good", number, chance) for number in range(files - bad)]
    for path in good:
        linked = home / "mixed" / path.relative_to(home / "good")
        linked.parent.mkdir(parents=True, exist_ok=True)
        linked.write_bytes(path.read_bytes())
    kinds = list(BAD)
    for number in range(bad):
        make_bad(home, kinds[number % len(kinds)], number)
    before = contents(home / "mixed")
    start = time.perf_counter()
    done = subprocess.run(command(home, "mixed", "out", jobs), capture_output=True, check=False)
    records = [json.loads(line) for line in done.stdout.splitlines()]
    verdicts, peaks = Counter(record["verdict"] for record in records), [record["peak_mib"] for record in records]
    growth = peaks[-1] - peaks[int(WARM * len(peaks))]
    print(f"{files} files, {bad} of them bad: {dict(verdicts)}, exit code {done.returncode}", flush=True)
    print(f"{time.perf_counter() - start:.0f} s; peak {peaks[-1]:.0f} MiB, of which {growth:.1f} MiB grew", flush=True)
    print(done.stderr.decode().splitlines()[-2:], flush=True)
    return {
        f"{files - bad} are done": sum(verdicts[word] for word in ("restored", "left alone")) == files - bad,
        f"{bad} are reported, each in one sentence": verdicts["failed"] == bad
        and all("\n" not in record["reason"] and "unexpected" not in record["reason"] for record in records),
        "the exit code is 1": done.returncode == 1,
        "every output that is told is there": all(Path(one["output"]).is_file() for one in records if one["output"]),
        "no input changed": contents(home / "mixed") == before,
        f"memory grew by less than {GROWTH} MiB": growth < GROWTH,
    }


def killed(home: Path, kills: int, jobs: int, chance: random.Random) -> dict[str, bool]:
    """Run on the good files in one piece, then with so many kills, and say whether the ends are the same."""
    subprocess.run(command(home, "good", "whole", jobs), capture_output=True, check=True)
    whole, halves = contents(home / "whole"), 0
    inputs, total = contents(home / "good"), len(list((home / "whole" / NAME).read_bytes().splitlines()))
    for number in range(kills):
        lines = int(total * (number + chance.random()) / kills)
        kill_after(command(home, "good", "cut", jobs), home / "cut" / NAME, lines, delay=MOMENT * chance.random())
        time.sleep(chance.random())  # workers end with their parent
        cut = contents(home / "cut")
        halves += not cut.items() <= whole.items()
        noted = journal_lines(home / "cut" / NAME)
        print(f"kill {number + 1}: {len(cut)} of {len(whole)} results are there, {noted} noted", flush=True)
    codes = [subprocess.run(command(home, "good", "cut", jobs), capture_output=True, check=False) for _ in range(2)]
    again = [json.loads(line) for line in codes[1].stdout.splitlines()]
    left = [path.name for path in (home / "cut").rglob(".*") if path.name != NAME]
    return {
        f"none of {kills} kills left a half file": halves == 0,
        "the run after the last kill ends with the same bytes": contents(home / "cut") == whole,
        "and with exit code 0": codes[0].returncode == 0,
        "a second one does nothing and exits 0": codes[1].returncode == 0 and all(one["done_before"] for one in again),
        "no temporary file is left": not left,
        "no input changed, again": contents(home / "good") == inputs,
    }


def command(home: Path, given: str, output: str, jobs: int) -> list[str]:
    """What is typed."""
    start = [sys.executable, "-m", "blurspace", "deblur", str(home / given), "-o", str(home / output), "--json"]
    return [*start, "--method", "classical", "--kernel", str(home / "kernel.tiff"), "--force", "--jobs", str(jobs)]


def kill_after(typed: list[str], journal: Path, lines: int, *, delay: float) -> None:
    """Begin, and kill -9 so many seconds after so many results were noted."""
    running = subprocess.Popen(typed, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while running.poll() is None and journal_lines(journal) < lines:
        time.sleep(0.001)
    time.sleep(delay)
    running.kill()
    running.wait()


def journal_lines(journal: Path) -> int:
    """How many results are noted."""
    return journal.read_bytes().count(b"\n") if journal.exists() else 0


def contents(folder: Path) -> dict[str, bytes]:
    """All files but hidden ones."""
    found = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


def make_good(folder: Path, number: int, chance: random.Random) -> Path:
    """A tiny picture: of another format, size, depth and subfolder each time."""
    name, encode = list(GOOD.items())[number % len(GOOD)]
    path = folder / PLACES[number % len(PLACES)] / f"{number} {name}"
    path.parent.mkdir(parents=True, exist_ok=True)
    height, width = chance.randint(16, 48), chance.randint(16, 48)
    noise = np.random.default_rng(number).integers(0, 256, (height, width, 3), dtype=np.uint8)
    path.write_bytes(encode(cv2.GaussianBlur(noise, (0, 0), 2.0)))
    return path


def encoded(pixels: np.ndarray, format: str, **options: object) -> bytes:
    """A picture as a file of that format."""
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, format, **options)
    return data.getvalue()


def tiff(pixels: np.ndarray) -> bytes:
    """A TIFF of any depth."""
    data = io.BytesIO()
    tifffile.imwrite(data, pixels)
    return data.getvalue()


def make_bad(home: Path, kind: str, number: int) -> None:
    """A file that cannot be deblurred, or whose result cannot be written."""
    pixels = np.random.default_rng(number).integers(0, 256, (32, 32, 3), dtype=np.uint8)
    suffix = Path(kind).suffix
    name = f"bad {number} {kind}"
    if kind == "long.png":
        name = f"bad {number} ".ljust(246, "n") + suffix
    path = home / "mixed" / PLACES[number % len(PLACES)] / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(BAD[kind](pixels))
    if kind == "taken.png":
        there = home / "out" / path.parent.relative_to(home / "mixed") / f"{path.stem}.deblurred.png"
        there.parent.mkdir(parents=True, exist_ok=True)
        there.write_bytes(b"somebody's own file")


def bomb(_: np.ndarray) -> bytes:
    """A PNG that claims 60000 x 60000 pixels."""
    chunk = b"IHDR" + struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    return PNG + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk))


def damaged(pixels: np.ndarray) -> bytes:
    """A PNG in whose middle some bytes are others."""
    data = bytearray(encoded(pixels, "PNG"))
    middle = len(data) // 2
    data[middle : middle + 8] = b"damaged!"
    return bytes(data)


Maker = Callable[[np.ndarray], bytes]
GOOD: dict[str, Maker] = {
    "rgb.png": lambda pixels: encoded(pixels, "PNG"),
    "photo.jpg": lambda pixels: encoded(pixels, "JPEG", quality=95),
    "grey.png": lambda pixels: encoded(pixels[..., 0], "PNG"),
    "loss.webp": lambda pixels: encoded(pixels, "WEBP", quality=95),
    "deep.tif": lambda pixels: tiff(pixels.astype(np.uint16) * 257),
    "clear.png": lambda pixels: encoded(np.dstack((pixels, np.full(pixels.shape[:2], 255, np.uint8))), "PNG"),
    "GREY.JPG": lambda pixels: encoded(pixels[..., 1], "JPEG", quality=90),
    "exact.webp": lambda pixels: encoded(pixels, "WEBP", lossless=True),
}
BAD: dict[str, Maker] = {
    "empty.png": lambda _: b"",
    "text.jpg": lambda _: b"this is text, not a picture\n" * 20,
    "cut.jpg": lambda pixels: encoded(pixels, "JPEG")[:300],
    "cut.png": lambda pixels: encoded(pixels, "PNG")[:300],
    "damaged.png": damaged,
    "small.png": lambda pixels: encoded(pixels[:15, :15], "PNG"),
    "bomb.png": bomb,
    "moving.webp": lambda pixels: encoded(pixels, "WEBP", save_all=True, append_images=[Image.fromarray(255 - pixels)]),
    "nan.tiff": lambda pixels: tiff(np.full(pixels.shape, np.nan, np.float32)),
    "gif.png": lambda pixels: encoded(pixels[..., 0], "GIF"),
    "long.png": lambda pixels: encoded(pixels, "PNG"),
    "taken.png": lambda pixels: encoded(pixels, "PNG"),
}

if __name__ == "__main__":
    sys.exit(main())
