"""What blur is between the two pictures of a pair? The job of `kernel --pair`, and how jobs read a pair."""

from collections.abc import Sequence
from pathlib import Path

import torch

from blurspace.codes import AnySpace, show_code
from blurspace.errors import NoInputError, UsageError
from blurspace.io.files import exists, shown
from blurspace.io.images import read_photo, write_bytes, write_kernel
from blurspace.jobs.each import describe_kernel, number, picture_bytes
from blurspace.jobs.files import check_target
from blurspace.jobs.inspect import Record
from blurspace.metrics import psnr
from blurspace.nets.kernel_space import BasisSpace
from blurspace.restore.blurs import CodeBlur
from blurspace.types import Pair, Photo

# px, our choice: the sides of the pictures that a code is shown on. A point or a square stands every 64 px.
LEAST_SHOWN, MOST_SHOWN = 64, 1024


def read_pair(sharp: Path, blurry: Path) -> Pair:
    """Two files as a pair, both (1 c h w); where only one is grey, it gets three equal channels.

    Raises NoInputError where a file is missing, PictureError where one cannot be read, UsageError on two sizes.
    """
    for path in (sharp, blurry):
        if not exists(path):
            raise NoInputError(f"{shown(path)} does not exist: give a sharp picture and its blurry partner")
    return pair_of(read_photo(sharp), read_photo(blurry), names=(shown(sharp), shown(blurry)))


def pair_of(sharp: Photo, blurry: Photo, *, names: tuple[str, str]) -> Pair:
    """Two photos as a pair: see `read_pair`; `names`: of the photos, for messages."""
    pixels = [photo.pixels for photo in (sharp, blurry)]
    sizes = [f"{one.shape[-1]} x {one.shape[-2]} pixels" for one in pixels]
    if sizes[0] != sizes[1]:
        raise UsageError(
            f"{names[0]} has {sizes[0]} and its partner {names[1]} has {sizes[1]}: give both in the same size"
        )
    channels = max(one.shape[1] for one in pixels)
    return Pair(*(one.expand(-1, channels, -1, -1).contiguous() for one in pixels))


@torch.no_grad()
def inspect_pair(
    sharp: Path,
    blurry: Path,
    *,
    space: AnySpace,
    save: Path | None = None,
    plot: Path | None = None,
    overwrite: bool = False,
    inputs: Sequence[Path | None] = (),
) -> Record:
    """The blur between two pictures as `space` reads it, as a record; `save` (float TIFF) and `plot` (PNG) write it.

    Length and angle are those of the mean kernel, which `save` gets, and None where the space has no kernels; `plot`
    shows what the code does everywhere, to points (left) and squares (right). `inputs`: see `check_target`. Raises
    UsageError where there is no kernel to save and OutputError where a file could not be written, both before the work,
    and as `read_pair`.
    """
    if save and not isinstance(space, BasisSpace):
        raise UsageError("the published kernel space has no kernels to save: give --plot, or take our space")
    for path in (save, plot):
        if path:
            check_target(path, [], overwrite=overwrite, inputs=(sharp, blurry, *inputs))
    pair = read_pair(sharp, blurry)
    code = space.extract(pair.sharp, pair.blurry)
    kernel = CodeBlur(code, space).kernel if isinstance(space, BasisSpace) else None
    if save and kernel is not None:
        write_kernel(save, kernel, overwrite=overwrite)
    if plot:
        height, width = pair.sharp.shape[-2:]
        share = min(1.0, MOST_SHOWN / max(height, width))  # kernels keep their px, so that fewer points are shown
        size = max(LEAST_SHOWN, round(height * share)), max(LEAST_SHOWN, round(width * share))
        picture = show_code(space, code, size=size)
        write_bytes(plot, picture_bytes(picture.clamp(0, 1)), overwrite=overwrite)
    return {
        "input": str(blurry),
        "sharp": str(sharp),
        "saved": str(save) if save else None,
        "plotted": str(plot) if plot else None,
        **({"size": None, "length_px": None, "angle_deg": None} if kernel is None else describe_kernel(kernel)),
        "cells": list(code.shape[-2:]),
        "exponent": None if kernel is None else number(1 + float(code[:, -1].mean()), 3),
        "reblur_psnr": number(float(psnr(space.reblur(pair.sharp, code).clamp(0, 1), pair.blurry)), 3),
        "sharp_psnr": number(float(psnr(pair.sharp, pair.blurry)), 3),
    }
