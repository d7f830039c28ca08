"""Does a folder of many files, some of them bad, come out whole, where the work is killed and where the disk is full?

`python benchmarks/folder.py [--files 1000] [--bad 50] [--kills 20] [--disks 12] [--jobs 1] [--seed 0]` makes tiny
pictures of mixed formats, and bad files of 12 kinds among them, in a temporary folder, and runs the command line with a
kernel that is given, so that it is quick. It checks that all that is good is done, all that is bad is reported, the
exit code is 1 (0 once they are gone), no input changes and memory does not grow; then, on the good ones, that no kill
leaves a half file and that the run after the last one ends with the same bytes and exit code 0; then that disks of so
many sizes (root mounts them in memory) hold whole files only. What it saw becomes folder.csv; it exits 1 where
something is not so.
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
from run import HERE, write

from blurspace.blur.kernels import disk
from blurspace.io.images import write_kernel
from blurspace.jobs.journal import NAME

FULL = 24  # files that go onto a disk that is too small
GROWTH = 100  # MiB; the bound of issue 18
WARM = 0.1  # of the files, after which memory should not grow any more
MOMENT = 0.5  # seconds; about as long as one file takes
PLACES = ("", "sub", "sub/deep", "a [1]", "ünï фото")
PAGE = 4096  # bytes; less than that takes as much of a disk
NOTE = "made pictures of 16 to 48 px, a kernel that is given; beside other work on the same two cores"
Checks = dict[str, tuple[bool, str]]  # a claim: whether it holds, and what was seen
PNG = b"\x89PNG\r\n\x1a\n"


def main() -> int:
    """The exit code: 0 where all is as it should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, usual in {"files": 1000, "bad": 50, "kills": 20, "disks": 12, "jobs": 1, "seed": 0}.items():
        parser.add_argument(f"--{name}", type=int, default=usual)
    asked = parser.parse_args()
    chance = random.Random(asked.seed)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        write_kernel(home / "kernel.tiff", disk(1.5), overwrite=False)
        checks = mixed(home, asked.files, asked.bad, asked.jobs, chance) | killed(home, asked.kills, asked.jobs, chance)
        checks |= filled(home, asked.disks) if asked.disks else {}
    rows = [
        {"claim": claim, "holds": "yes" if is_so else "no", "seen": seen} for claim, (is_so, seen) in checks.items()
    ]
    for row in rows:
        print(row, flush=True)
    told = " ".join(f"--{name} {value}" for name, value in vars(asked).items())
    usual = all(value == parser.get_default(name) for name, value in vars(asked).items())
    if usual:
        write(rows, HERE / "folder.csv", command=f"python benchmarks/folder.py {told}", data="made", seed=0, note=NOTE)
    return int(not all(is_so for is_so, _ in checks.values()))


def mixed(home: Path, files: int, bad: int, jobs: int, chance: random.Random) -> Checks:
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
    seconds = time.perf_counter() - start
    records = [json.loads(line) for line in done.stdout.splitlines()]
    verdicts, peaks = Counter(record["verdict"] for record in records), [record["peak_mib"] for record in records]
    growth = peaks[-1] - peaks[int(WARM * len(peaks))]
    codes = [subprocess.run(command(home, "mixed", "out", jobs), capture_output=True, check=False).returncode]
    same = contents(home / "mixed") == before
    for path in (home / "mixed").rglob("bad *"):
        path.unlink()
    codes += [subprocess.run(command(home, "mixed", "out", jobs), capture_output=True, check=False).returncode]
    outputs = [record["output"] for record in records if record["output"]]
    fine = verdicts["restored"] + verdicts["left alone"]
    reasons = {record["reason"] for record in records if record["verdict"] == "failed"}
    return {
        f"of {files} files {files - bad} are done": (fine == files - bad, str(fine)),
        f"{bad} bad ones of {len(BAD)} kinds are reported, each in one sentence": (
            verdicts["failed"] == bad and not any("\n" in one or "unexpected" in one for one in reasons),
            str(verdicts["failed"]),
        ),
        "the exit code is 1": (done.returncode == 1, str(done.returncode)),
        "again: 1, for what failed is tried again; 0 once it is gone": (codes == [1, 0], ", ".join(map(str, codes))),
        "every output that is told is there": (all(Path(one).is_file() for one in outputs), f"{len(outputs)} outputs"),
        "no input changed": (same, f"{len(before)} files"),
        f"memory grew by less than {GROWTH} MiB": (growth < GROWTH, f"{growth:.0f} MiB, to {peaks[-1]:.0f}"),
        "seconds": (True, f"{seconds:.0f}"),
    }


def killed(home: Path, kills: int, jobs: int, chance: random.Random) -> Checks:
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
        f"none of {kills} kills left a half file": (halves == 0, str(halves)),
        "the run after the last kill ends with the same bytes": (
            contents(home / "cut") == whole,
            f"{len(whole)} files",
        ),
        "and with exit code 0": (codes[0].returncode == 0, f"{codes[0].returncode}"),
        "a second one does nothing and exits 0": (
            codes[1].returncode == 0 and all(one["done_before"] for one in again),
            f"{codes[1].returncode}",
        ),
        "no temporary file is left": (not left, f"{len(left)}"),
        "no input changed by kills": (contents(home / "good") == inputs, f"{len(inputs)} files"),
    }


def filled(home: Path, disks: int) -> Checks:
    """Results onto disks of several sizes: is each whole or told of, and all done later?"""
    given, disk = home / "some", home / "disk"
    for place in (given, disk):
        place.mkdir()
    for path in sorted(path for path in (home / "good").rglob("*") if path.is_file())[:FULL]:
        (given / path.name).write_bytes(path.read_bytes())
    subprocess.run(command(home, "some", "all", 1), capture_output=True, check=True)
    inputs, whole = contents(given), contents(home / "all")
    written = [*map(len, whole.values()), (home / "all" / NAME).stat().st_size]
    most = PAGE * sum(-(-size // PAGE) for size in written)
    wrong, codes, done = list[str](), set[int](), list[int]()
    for number in range(disks):
        size = PAGE + most * number // disks
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(disk)], check=True)
        try:
            ran = subprocess.run(command(home, "some", "disk", 1), capture_output=True, check=False)
            wrong += told_wrongly(ran.stdout.splitlines(), contents(disk), whole)
            codes.add(ran.returncode)
            done.append(len(contents(disk)))
            subprocess.run(["mount", "-o", f"remount,size={8 * most}", str(disk)], check=True)
            ran = subprocess.run(command(home, "some", "disk", 1), capture_output=True, check=False)
            wrong += ["not done later"] * (ran.returncode != 0 or contents(disk) != whole)
        finally:
            subprocess.run(["umount", str(disk)], check=True)
    print(*wrong, sep="\n", flush=True)
    return {
        f"{disks} disks too small: results are whole, or told of in one sentence; all are done once it grows": (
            not wrong,
            f"{', '.join(map(str, done))} of {FULL} files fitted",
        ),
        "their exit codes are 1": (codes == {1}, ", ".join(map(str, codes))),
        "no input changed by full disks": (contents(given) == inputs, f"{len(inputs)} files"),
    }


def told_wrongly(lines: list[bytes], there: dict[str, bytes], whole: dict[str, bytes]) -> list[str]:
    """What is not as it should be of a run onto a full disk."""
    wrong = [] if there.items() <= whole.items() else ["a file is not whole"]
    records = [json.loads(line) for line in lines]
    for one in records:
        if one["verdict"] == "failed" and ("unexpected" in one["reason"] or "No space" not in one["reason"]):
            wrong.append(one["reason"])
    if len(records) != FULL or sum(bool(one["output"]) for one in records) != len(there):
        wrong.append(f"{len(records)} records, {len(there)} files")
    return wrong


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
    "new.avif": lambda pixels: encoded(pixels, "AVIF", quality=90),
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
