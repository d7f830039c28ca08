"""How are files to be read and written, beside what is done to them?"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from blurspace.io.images import MAX_PIXELS

FILES = ("kernel", "camera", "region", "generator")  # settings that may name a file
WORDS = ("auto", "printer")  # where they name none


@dataclass(frozen=True)
class Wishes:
    """How files are to be read and written.

    `overwrite` existing outputs (never an input, of which `inputs` are those besides the photos: kernel, weights), or
    leave their photos alone (`skip_existing`). `plot` adds pictures of the kernel and of before and after. With
    `strict` a refused file counts as an error. `memory`: bytes that this process may hold, one of `jobs` that share
    what was given. `max_pixels`: of a photo or a frame.
    `format`: of the results, such as JPEG; None: as their names say, which are those of the inputs where none were
    given. `provenance`: what made them stands in their XMP, with the hash of `weights`, the user's own. `sidecar`: what
    was typed, to be written beside each result. `settings`: what stands for all that was asked (see `settings_hash`);
    with it, folders of results get a journal, and what is finished by it is not done again, unless outputs are to be
    overwritten. `every`: all frames of a video are tried, not only those that are blurry; `alone`: they borrow nothing
    from sharp ones.
    """

    overwrite: bool = False
    plot: bool = False
    strict: bool = False
    inputs: tuple[Path, ...] = ()
    memory: int | None = None
    jobs: int = 1
    max_pixels: int = MAX_PIXELS
    format: str | None = None
    provenance: bool = True
    weights: tuple[Path, ...] = ()
    sidecar: Mapping[str, Any] | None = None
    skip_existing: bool = False
    settings: str | None = None
    every: bool = False
    alone: bool = False


def named_files(settings: Mapping[str, Any]) -> dict[str, Path]:
    """The files that the settings of `deblur` name, by the setting; not `weights`, which are several."""
    return {name: Path(settings[name]) for name in FILES if settings.get(name) not in (None, *WORDS)}


def wishes_of(settings: Mapping[str, Any]) -> Wishes:
    """Those of the wishes that change what is in a result, from the settings of `deblur`."""
    named = (*settings["weights"], *([settings["camera"]] if settings["camera"] else []))
    return Wishes(
        max_pixels=settings["max_pixels"],
        format=settings["format"],
        provenance=settings["provenance"],
        weights=tuple(Path(path) for path in named),
    )
