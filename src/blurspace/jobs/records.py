"""What do all jobs say alike, for people and for JSON?"""

from dataclasses import dataclass, field, fields
from math import isfinite

import torch

from blurspace.blur.kernels import extent
from blurspace.io.images import encode_photo
from blurspace.run import most_memory
from blurspace.types import Image, Kernel, Photo

PRIVATE = {"private": True}  # what the doors need, and a JSON record does not have


@dataclass(frozen=True)
class FileRecord:
    """What became of one file: its JSON record, and what the doors need besides. `output` None: it failed."""

    input: str
    output: str | None = None
    reason: str | None = None  # why it failed
    seconds: float = 0.0
    exit_code: int = field(default=0, metadata=PRIVATE)
    error: Exception | None = field(default=None, metadata=PRIVATE)
    data: bytes | None = field(default=None, repr=False, metadata=PRIVATE)  # for standard output

    def record(self) -> dict[str, object]:
        """The JSON object of this file."""
        return {one.name: getattr(self, one.name) for one in fields(self) if "private" not in one.metadata}


def describe_kernel(kernel: Kernel, *, confidence: float | None = None) -> dict[str, float | int | None]:
    """The contract's `kernel` object."""
    length, angle = extent(kernel.cpu())
    return {
        "size": kernel.shape[-1],
        "length_px": round(length, 2),
        "angle_deg": round(angle, 1),
        "confidence": confidence,
    }


def picture_bytes(pixels: Image) -> bytes:
    """A plain 8-bit PNG of `pixels` (1 c h w), for looking at."""
    photo = Photo.of(pixels)
    return encode_photo(photo, photo.samples)


def number(value: float | None, digits: int = 5) -> float | None:
    """A number for JSON, which knows no infinity."""
    return round(value, digits) if value is not None and isfinite(value) else None


def peak_mib() -> float | None:
    """`most_memory` in MiB."""
    most = most_memory()
    return None if most is None else round(most / 2**20, 1)


def runtime() -> str:
    """What computed it, as in `torch 2.13.0`."""
    return f"torch {torch.__version__.split('+')[0]}"
