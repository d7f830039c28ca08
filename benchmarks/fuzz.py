"""Does any damaged file do more than get its sentence? Mutated files of all formats, by a seed.

`python benchmarks/fuzz.py [--files 2000] [--seed 0] [--formats PNG ...]` makes small whole files of every format, then
mutates them (bytes changed, cut off, doubled, numbers made extreme, two files joined), reads each, and writes what was
read again. Printed are how many of each format were read, how many were refused in a sentence, and the slowest; the
exit code is 1 where anything else happened: another error, a sentence of several lines, a crash, more than 15 s. Each
format runs in a process of its own, which a crash would end.
"""

import argparse
import base64
import io
import multiprocessing
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image

from blurspace.errors import BlurspaceError
from blurspace.io.images import encode_photo, read_photo

FILES, LONGEST = 2000, 15.0  # files in all; seconds that one may take
SLOW, FEWER = ("HEIC", "RAW"), 80  # those that a process is started for at each file; a format gets so many fewer
LIMIT = 4_000_000  # pixels: a mutated size must not fill the memory of the machine that fuzzes
EXTREME = (0, 1, 0x7F, 0x80, 0xFF)
HEICS = Path(__file__).parent.parent / "tests" / "io" / "heics.py"


def seeds() -> dict[str, list[bytes]]:
    """A few whole files of each format, with metadata."""
    rows, columns = np.mgrid[0:40, 0:56]
    colours = np.stack((columns * 4, rows * 6, rows + columns), -1).astype(np.uint8)
    image, exif = Image.fromarray(colours), Image.Exif()
    exif[0x010F], exif[0x0112] = "TestCam", 6
    kept = {"exif": exif.tobytes(), "xmp": b'<x:xmpmeta xmlns:x="adobe:ns:meta/"/>'}
    alpha = Image.fromarray(np.dstack((colours, colours[..., :1])))
    deep = colours.astype(np.uint16) * 257
    floats = (colours / 255).astype(np.float32)
    found = {
        "PNG": [saved(image, "PNG", exif=exif), saved(alpha, "PNG"), saved(image.convert("P"), "PNG")],
        "JPEG": [
            saved(image, "JPEG", **kept) + b"\0\0\0\x18ftypmp42" + bytes(99),
            saved(image, "JPEG", progressive=True),
            saved(image.convert("CMYK"), "JPEG"),
        ],
        "WEBP": [saved(image, "WEBP", **kept), saved(alpha, "WEBP", lossless=True)],
        "TIFF": [saved(image, "TIFF", compression="tiff_lzw"), tiff(deep), tiff(floats), tiff(colours)],
        "AVIF": [saved(image, "AVIF", **kept), saved(alpha, "AVIF")],
        "RAW": [dng()],
    }
    text = HEICS.read_text(encoding="utf-8")
    space: dict[str, dict[str, bytes]] = {}
    exec(compile(text, str(HEICS), "exec"), space)
    return found | {"HEIC": list(space["HEICS"].values())}


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    """A file by Pillow."""
    written = io.BytesIO()
    image.save(written, format, **options)
    return written.getvalue()


def tiff(samples: np.ndarray, **options: object) -> bytes:
    """A file by tifffile."""
    written = io.BytesIO()
    tifffile.imwrite(written, samples, metadata=None, **({"photometric": "rgb"} | options))
    return written.getvalue()


def dng() -> bytes:
    """A small DNG: a mosaic, its pattern and its matrix."""
    tags = ((50706, 1, 4, b"\1\4\0\0"), (50708, 2, 9, "Test Cam\0"), (33421, 3, 2, (2, 2)), (33422, 1, 4, b"\0\1\1\2"))
    matrix = (50721, 10, 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1))
    extra = [(*tag, True) for tag in (*tags, matrix, (50717, 4, 1, 4095))]
    return tiff(np.full((48, 64), 2048, np.uint16), photometric="cfa", extratags=extra)


def mutated(data: bytes, other: bytes, chance: np.random.Generator) -> bytes:
    """One of the ways in which files go wrong, or several of them."""
    block = bytearray(data)
    for _ in range(1 + int(chance.integers(6) == 0)):
        MUTATIONS[int(chance.integers(len(MUTATIONS)))](block, other, chance)
    return bytes(block)


def _place(block: bytearray, chance: np.random.Generator) -> int:
    """Half of the time in the head, where the numbers are."""
    return int(chance.integers(max(1, min(len(block), 200) if chance.random() < 0.3 else len(block))))


def _change(block: bytearray, _: bytes, chance: np.random.Generator) -> None:
    for _once in range(int(chance.integers(1, 9))):
        if block:
            block[_place(block, chance)] = int(chance.integers(256))


def _extreme(block: bytearray, _: bytes, chance: np.random.Generator) -> None:
    at, count = _place(block, chance), int(chance.choice((1, 2, 4)))
    block[at : at + count] = bytes([int(chance.choice(EXTREME))]) * len(block[at : at + count])


def _cut(block: bytearray, _: bytes, chance: np.random.Generator) -> None:
    del block[_place(block, chance) :]


def _remove(block: bytearray, _: bytes, chance: np.random.Generator) -> None:
    at = _place(block, chance)
    del block[at : at + int(chance.integers(1, 64))]


def _double(block: bytearray, _: bytes, chance: np.random.Generator) -> None:
    at = _place(block, chance)
    block[at:at] = block[at : at + int(chance.integers(1, 64))]


def _join(block: bytearray, other: bytes, chance: np.random.Generator) -> None:
    at = _place(block, chance)
    block[at:] = other[min(at, len(other)) :]


MUTATIONS: tuple[Callable[[bytearray, bytes, np.random.Generator], None], ...] = (
    *(_change, _extreme, _cut, _remove, _double, _join),
)


def one(data: bytes, format: str, folder: Path) -> tuple[str, float]:
    """What became of a file, and after how many seconds."""
    path = folder / f"file{'.dng' if format == 'RAW' else ''}"
    path.write_bytes(data)
    start = time.perf_counter()
    try:
        photo = read_photo(path, max_pixels=LIMIT)
        encode_photo(photo, photo.samples)
        became = "read"
    except BlurspaceError as error:
        became = "refused" if len(str(error).splitlines()) == 1 else f"sentence of several lines: {error!r}"
    except Exception as error:
        became = f"{type(error).__name__}: {error}"
    return became, time.perf_counter() - start


def fuzz(format: str, files: int, seed: int, answers: "multiprocessing.Queue[object]") -> None:
    """All files of one format, in this process."""
    chance = np.random.default_rng((seed, *format.encode()))
    warnings.simplefilter("ignore")  # of Pillow, about damaged tags
    whole = seeds()[format]
    counts: Counter[str] = Counter()
    slowest = 0.0
    with tempfile.TemporaryDirectory() as folder:
        for number in range(files):
            base, other = whole[number % len(whole)], whole[int(chance.integers(len(whole)))]
            data = mutated(base, other, chance)
            became, seconds = one(data, format, Path(folder))
            slowest = max(slowest, seconds)
            if seconds > LONGEST:
                became = f"took {seconds:.1f} s ({became})"
            if became not in ("read", "refused"):
                print(f"{format} {number}: {became}\n{base64.b64encode(data).decode()}", flush=True)
                became = "wrong"
            counts[became] += 1
    answers.put((counts, slowest))


def main() -> int:
    """Fuzz all formats, one after the other, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--formats", nargs="+", default=list(seeds()))
    asked = parser.parse_args()
    plain = [name for name in asked.formats if name not in SLOW] or asked.formats
    bad = 0
    for format in asked.formats:
        share = asked.files // FEWER if format in SLOW else asked.files // len(plain)
        answers: multiprocessing.Queue[object] = multiprocessing.Queue()
        process = multiprocessing.Process(target=fuzz, args=(format, share, asked.seed, answers))
        start = time.perf_counter()
        process.start()
        process.join()
        crashed = process.exitcode != 0
        counts, slowest = (Counter({"crashed": 1}), 0.0) if crashed else answers.get()  # type: ignore[misc]
        bad += counts["wrong"] + counts["crashed"]
        told = ", ".join(f"{count} {became}" for became, count in sorted(counts.items()))
        print(
            f"{format}: {share} files: {told}; slowest {slowest:.2f} s, {time.perf_counter() - start:.0f} s", flush=True
        )
    return int(bad > 0)


if __name__ == "__main__":
    raise SystemExit(main())
