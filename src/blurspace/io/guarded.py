"""How is a decoder that few have tried to break kept from breaking us? By a process of its own, with limits.

`python -P -m blurspace.io.guarded KIND ACTION PIXELS < FILE` is that process: it reads a HEIC by pi-heif or a camera
RAW by LibRaw, within so much memory and time of a processor, and writes a line of JSON and the samples. It knows no
torch. It shields from crashes, hangs and endless memory, and not from code that a file might smuggle in.
"""

import io
import json
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import numpy as np

from blurspace.errors import PictureError, install

LIBRARIES = {"HEIC": ("pi_heif", "heic"), "RAW": ("rawpy", "raw")}  # what decodes it, and the extra that brings it
MEMORY, MEMORY_PER_PIXEL = 3 * 2**30, 64  # bytes of address space: of Python and threads, of what decoders hold a pixel
SECONDS, PIXELS_PER_SECOND = 10, 1_000_000  # of a processor: to look at a file, and to develop the slowest ones
PATIENCE = 6  # a busy machine gives a process so much less than it needs
BLOCKS = {"exif": "exif", "xmp": "xmp", "icc": "icc_profile"}  # our names and those of pi_heif
Found = tuple[dict[str, Any], np.ndarray | None]


def ask(kind: str, action: str, data: bytes, pixels: int = 0) -> Found:
    """What the process says of a file: its facts, and for `decode` the samples (h w c) of at most so many pixels.

    Raises PictureError ("THIS FILE" needs ...) where the library is missing or time is over, ValueError where the file
    cannot be decoded within memory, or at all.
    """
    seconds = SECONDS + pixels // PIXELS_PER_SECOND
    # -P: a numpy.py that lies beside the photos is no numpy.
    command = [sys.executable, "-P", "-m", "blurspace.io.guarded", kind, action, str(pixels)]
    try:
        done = subprocess.run(command, input=data, capture_output=True, timeout=PATIENCE * seconds, check=False)
    except subprocess.TimeoutExpired:
        raise PictureError(f"takes longer than {PATIENCE * seconds} s to decode: convert it to a TIFF") from None
    if done.returncode:
        told = done.stderr.decode(errors="replace").strip().splitlines()
        raise ValueError(told[-1] if told else f"its decoder ended with {done.returncode}")
    line, _, samples = done.stdout.partition(b"\n")
    facts = json.loads(line)
    if facts.get("missing"):
        library, extra = LIBRARIES[kind]
        given = f"is a {kind}, and {library} is not here, which reads them"
        raise PictureError(f"{given}: {install(extra)}, or convert it to a TIFF")
    if "shape" not in facts:
        return facts, None
    return facts, np.frombuffer(bytearray(samples), facts["dtype"]).reshape(facts["shape"])


def _limit(pixels: int) -> None:
    """Bound this process, where the system can do that."""
    try:
        import resource
    except ImportError:  # Windows: the one who asks still stops it after a time
        return
    seconds, room = SECONDS + pixels // PIXELS_PER_SECOND, MEMORY + MEMORY_PER_PIXEL * pixels
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_AS, (room, room))


def _heic(data: bytes, _: str) -> Found:
    import pi_heif

    file = pi_heif.open_heif(io.BytesIO(data), convert_hdr_to_8bit=False)
    info = file.info
    facts: dict[str, Any] = {"pictures": len(file)}
    facts |= {name: bytes(info[key]).hex() for name, key in BLOCKS.items() if info.get(key)}
    facts["gain_map"] = any("hdrgainmap" in name.lower() for name in info.get("aux", {}))
    facts["depth_map"] = bool(info.get("depth_images"))
    samples = np.asarray(file)  # of the primary picture
    return facts, samples.reshape(*samples.shape[:2], -1)


def _raw(data: bytes, action: str) -> Found:
    import rawpy

    with rawpy.imread(io.BytesIO(data)) as file:
        if action == "inspect":
            return {"width": file.sizes.width, "height": file.sizes.height}, None
        samples = file.postprocess(
            gamma=(1, 1), no_auto_bright=True, output_bps=16, use_camera_wb=True, output_color=rawpy.ColorSpace.sRGB
        )
    return {}, samples


DECODERS: dict[str, Callable[[bytes, str], Found]] = {"HEIC": _heic, "RAW": _raw}


def main(kind: str, action: str, pixels: str) -> None:
    """Be that process."""
    _limit(int(pixels))
    try:
        facts, samples = DECODERS[kind](sys.stdin.buffer.read(), action)
    except ImportError:
        facts, samples = {"missing": True}, None
    if samples is not None:
        facts |= {"shape": samples.shape, "dtype": samples.dtype.name}
    sys.stdout.buffer.write(json.dumps(facts).encode() + b"\n")
    if samples is not None:
        sys.stdout.buffer.write(np.ascontiguousarray(samples).data)


if __name__ == "__main__":
    main(*sys.argv[1:])
