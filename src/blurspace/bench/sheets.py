"""How are pictures compared at a glance? Side by side on a sheet, a row for each, as a PNG."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch.nn import functional

from blurspace.io.files import write_bytes
from blurspace.io.images import encode_photo
from blurspace.types import AnyImage, Photo

GAP = 4  # px of white between pictures


def write_sheet(path: Path, rows: Sequence[Sequence[AnyImage]]) -> None:
    """Write rows of pictures (1 c h w), all of one size, as one picture; an older one is replaced."""
    sheet = torch.cat([torch.cat([_framed(one) for one in row], -1) for row in rows], -2)
    write_bytes(path, encode_photo(Photo.of(sheet), sheet), overwrite=True)


def _framed(picture: AnyImage) -> AnyImage:
    return functional.pad(picture.clamp(0, 1).expand(1, 3, -1, -1), (0, GAP, 0, GAP), value=1.0)
