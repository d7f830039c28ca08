"""Does any damaged file do more than get its sentence? Mutated files of all formats, by a seed.

`python benchmarks/fuzz.py [--files 20000] [--seed 0] [--formats PNG ...]` makes small whole files of every format, then
mutates them (bytes changed, cut off, doubled, numbers made extreme, two files joined), reads each, and writes what was
read again; a video is looked at and written again, as `deblur --all` does. Of all formats it writes fuzz.csv: how many
were read, how many were refused in a sentence, how many did anything else (another error, a sentence of several lines,
a crash, more than 15 s: these it prints, and exits 1), and the slowest. Each format has a process of its own, which a
crash would end. Slow formats get a fortieth of all files.
"""

import argparse
import base64
import io
import multiprocessing
import runpy
import signal
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import tifffile
from PIL import Image
from run import HERE, write

from blurspace.errors import BlurspaceError, PictureError
from blurspace.io.frames import VideoFrame
from blurspace.io.images import encode_photo, read_photo
from blurspace.io.remux import first_frame, rewrite
from blurspace.jobs.inspect_video import Counted, judged_frames
from blurspace.run import Run

FORMATS = ("PNG", "JPEG", "WEBP", "TIFF", "AVIF", "RAW", "HEIC", "VIDEO")
FILES, LONGEST, HANGS = 20_000, 15.0, 120  # files in all; seconds that one may take, and after which it is ended
SLOW, FEWER = ("HEIC", "RAW", "VIDEO"), 40  # a process for each file, or two passes; a format gets so many fewer
LIMIT = 4_000_000  # pixels: a mutated size must not fill the memory of the machine that fuzzes
EXTREME = (0, 1, 0x7F, 0x80, 0xFF)
TESTS = HERE.parent / "tests"
CLIPS = {  # by suffix: codec, and subtitles where the container holds any
    "mp4": ("libx264", "mov_text"),
    "mkv": ("libx264", "subrip"),
    "mov": ("prores_ks", None),
    "webm": ("libvpx-vp9", None),
    "avi": ("mpeg4", None),
    "mts": ("libx264", None),
}
NOTE = "read: and written again; refused: in one sentence; wrong: anything else"


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
        "RAW": [dng(), dng(byteorder=">")],
    }
    return found | {"HEIC": list(runpy.run_path(str(TESTS / "io" / "heics.py"))["HEICS"].values()), "VIDEO": clips()}


def clips() -> list[bytes]:
    """Small videos, some with sound and subtitles."""
    tools = runpy.run_path(str(TESTS / "clips.py"))
    pictures, found = tools["moving"](6, height=48, width=64), []
    with tempfile.TemporaryDirectory() as folder:
        for suffix, (codec, words) in CLIPS.items():
            pixels = "yuv422p10le" if codec == "prores_ks" else "yuv420p"
            how = {"codec": codec, "pixels": pixels, "sound": bool(words), "subtitles": words, "turn": 90 * bool(words)}
            rate = {"times": None} if suffix != "mkv" else {"times": [0, 40, 90, 120, 200, 230]}
            found.append(tools["make_clip"](Path(folder) / f"clip.{suffix}", pictures, **how, **rate).read_bytes())
    return found


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


def dng(**options: object) -> bytes:
    """A small DNG: a mosaic, its pattern and its matrix."""
    tags = ((50706, 1, 4, b"\1\4\0\0"), (50708, 2, 9, "Test Cam\0"), (33421, 3, 2, (2, 2)), (33422, 1, 4, b"\0\1\1\2"))
    matrix = (50721, 10, 9, (1, 1, 0, 1, 0, 1, 0, 1, 1, 1, 0, 1, 0, 1, 0, 1, 1, 1))
    extra = [(*tag, True) for tag in (*tags, matrix, (50717, 4, 1, 4095))]
    return tiff(np.full((48, 64), 2048, np.uint16), photometric="cfa", extratags=extra, **options)


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
    path = folder / f"file{ {'RAW': '.dng', 'VIDEO': '.mkv'}.get(format, '') }"
    path.write_bytes(data)
    signal.alarm(HANGS)  # ends this process
    start = time.perf_counter()
    try:
        video(path) if format == "VIDEO" else photo(path)
        became = "read"
    except BlurspaceError as error:
        became = "refused" if len(str(error).splitlines()) == 1 else f"sentence of several lines: {error!r}"
    except Exception as error:
        became = f"{type(error).__name__}: {error}"
    return became, time.perf_counter() - start


def photo(path: Path) -> None:
    """Read a photo, and write it again."""
    read = read_photo(path, max_pixels=LIMIT)
    encode_photo(read, read.samples)


def video(path: Path) -> None:
    """Look at a video, and write it again with the same pixels."""
    frame = first_frame(path)
    if frame.width * frame.height > LIMIT:
        raise PictureError("too large")
    judged_frames(path, Run(), Counted())
    rewrite(path, path.with_name("new.mkv"), lambda frames: map(again, frames), overwrite=True)


def again(frame: VideoFrame) -> VideoFrame:
    """A frame with its own pixels."""
    return frame.replaced(frame.pixels())


def fuzz(format: str, files: int, seed: int, folder: Path, answers: "multiprocessing.Queue[object]") -> None:
    """All files of one format, in this process."""
    chance = np.random.default_rng((seed, *format.encode()))
    warnings.simplefilter("ignore")  # of Pillow, about damaged tags
    whole = seeds()[format]
    counts: Counter[str] = Counter()
    slowest = 0.0
    for number in range(files):
        base, other = whole[number % len(whole)], whole[int(chance.integers(len(whole)))]
        data = mutated(base, other, chance)
        became, seconds = one(data, format, folder)
        slowest = max(slowest, seconds)
        if seconds > LONGEST:
            became = f"took {seconds:.1f} s ({became})"
        if became not in ("read", "refused"):
            print(f"{format} {number}: {became}\n{base64.b64encode(data).decode()}", flush=True)
            became = "wrong"
        counts[became] += 1
    answers.put((counts, slowest))


def measure(format: str, files: int, seed: int) -> dict[str, object]:
    """The row of one format, measured in a process of its own."""
    answers: multiprocessing.Queue[object] = multiprocessing.Queue()
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        process = multiprocessing.Process(target=fuzz, args=(format, files, seed, Path(folder), answers))
        process.start()
        process.join()
        if process.exitcode:
            last = next(Path(folder).glob("file*")).read_bytes()
            print(f"{format}: ended with {process.exitcode}\n{base64.b64encode(last).decode()}", flush=True)
    counts, slowest = (Counter(wrong=files), HANGS) if process.exitcode else answers.get()  # type: ignore[misc]
    return {
        "format": format,
        "files": files,
        **{word: counts[word] for word in ("read", "refused", "wrong")},
        "slowest_s": round(slowest, 2),
        "seconds": round(time.perf_counter() - start),
    }


def main() -> int:
    """Fuzz all formats, one after the other, and print a line for each."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=FILES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--formats", nargs="+", default=FORMATS)
    asked = parser.parse_args()
    plain = [name for name in asked.formats if name not in SLOW] or asked.formats
    rows = []
    for format in asked.formats:
        share = asked.files // FEWER if format in SLOW else asked.files // len(plain)
        rows.append(measure(format, share, asked.seed))
        print(rows[-1], flush=True)
    if tuple(asked.formats) == FORMATS:
        command = f"python benchmarks/fuzz.py --files {asked.files} --seed {asked.seed}"
        write(rows, HERE / "fuzz.csv", command=command, data="made", seed=asked.seed, note=NOTE)
    return int(any(row["wrong"] for row in rows))


if __name__ == "__main__":
    raise SystemExit(main())
