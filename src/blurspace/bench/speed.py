"""How long does a whole deblurring take, and how much memory? Protocol `speed`: the real command in its own process."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from blurspace.bench.result import Progress, Row, no_progress
from blurspace.bench.tables import rows_table
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import shake
from blurspace.catalog import deblurrers
from blurspace.errors import BlurspaceError
from blurspace.io.images import encode_photo, read_photo, write_bytes
from blurspace.types import Image, Photo

SEED = 2026
SIZE = (768, 1024)  # rows, columns: the size that the project's bars are set for
KERNEL = 51
SIGMA = 0.005
DISKS = 600
HELP_RUNS = 5
SECONDS_AT_MOST = 600
PROTOCOL = (
    f"speed 2: seed {SEED}; a colour photo of {SIZE[1]} x {SIZE[0]} px (fallen disks, or one that is given), shaken "
    f"over {KERNEL} px in display values, noise {SIGMA}, 8 bits, PNG; `blurspace deblur --method METHOD` in a "
    f"process of its own: wall-clock seconds from start to exit and peak resident memory; `blurspace --help`: the "
    f"median of {HELP_RUNS} wall-clock times"
)
METHODS = deblurrers()


def run(data: Path | None, *, method: str, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Time one deblurring of a made photo, or of the photo `data`, and the help page; `limit` changes nothing."""
    del limit
    if data is None:
        sharp = made_picture()
    else:
        size = [side + KERNEL - 1 for side in SIZE]
        sharp = read_photo(data).pixels
        sharp = functional.interpolate(sharp, size=size, mode="bicubic", antialias=True).clamp(0, 1)
    tasks = (lambda: _deblur(shaken(sharp), method), _help)
    return [task() for task in progress(tasks, total=len(tasks), what="speed")]


def made_picture() -> Image:
    """Fallen disks with their own colours, sizes over two octaves and more, and fine texture (1 3 h+50 w+50)."""
    generator = torch.Generator().manual_seed(SEED)
    height, width = (side + KERNEL - 1 for side in SIZE)
    rows, columns = torch.arange(height)[:, None], torch.arange(width)
    picture = torch.full((1, 3, height, width), 0.5)
    for top, left, size, *colour in torch.rand(DISKS, 6, generator=generator).tolist():
        radius = 6 / (size + 0.05)  # sizes of disks in real scenes fall off about like this: 6 to 120 px
        inside = (rows - top * height).square() + (columns - left * width).square() < radius**2
        picture = torch.where(inside, torch.tensor(colour).view(1, 3, 1, 1), picture)
    texture = torch.randn(1, 1, height, width, generator=generator)
    return (0.9 * picture + 0.05 + 0.02 * texture).clamp(0, 1)


def shaken(sharp: Image) -> Float[Tensor, "b c _ _"]:
    """The blurry photo that is timed, from a sharp one that is 50 px bigger each way."""
    generator = torch.Generator().manual_seed(SEED)
    kernel = shake(KERNEL, generator=generator, extent=KERNEL)
    return photograph(sharp, kernel, response="linear", sigma=SIGMA, round8=True, border="valid", generator=generator)


def summary(rows: Sequence[Row]) -> Row:
    """One picture was timed; adds its memory, and the help page."""
    photo, help_page = rows
    told = {"n": 1, "median_seconds": photo["seconds"], "peak_mib": photo["peak_mib"]}
    return {**told, "help_seconds": help_page["seconds"]}


table = rows_table("task", "seconds", "peak_mib")


def _deblur(blurry: Image, method: str) -> Row:
    """Run the real command on the photo; its own record says how much memory it took."""
    with tempfile.TemporaryDirectory() as folder:
        photo, output = Path(folder, "photo.png"), Path(folder, "restored.png")
        write_bytes(photo, encode_photo(Photo.of(blurry), blurry), overwrite=False)
        seconds, stdout = timed("deblur", str(photo), "-o", str(output), "--method", method, "--json")
    record = json.loads(stdout)
    name = f"deblur {SIZE[1]} x {SIZE[0]} RGB, {KERNEL} px shake, {method}"
    peak = record["peak_mib"]
    return {"task": name, "seconds": seconds, "peak_mib": peak and round(peak), "verdict": record["verdict"]}


def _help() -> Row:
    seconds = round(median(timed("--help")[0] for _ in range(HELP_RUNS)), 4)
    return {"task": "--help", "seconds": seconds, "peak_mib": None, "verdict": None}


def timed(*arguments: str) -> tuple[float, str]:
    """Seconds from start to exit of `blurspace ARGUMENTS`, and its stdout. Raises BlurspaceError where it fails."""
    start = time.perf_counter()
    command = [sys.executable, "-m", "blurspace", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS_AT_MOST, check=False)
    seconds = round(time.perf_counter() - start, 4)
    if done.returncode:
        reason = " ".join(done.stderr.split())[-200:]
        raise BlurspaceError(
            f"blurspace {arguments[0]} ended with exit code {done.returncode} ({reason}): repair it first"
        )
    return seconds, done.stdout
