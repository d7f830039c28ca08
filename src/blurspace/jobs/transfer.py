"""How does the blur of pairs get onto many other pictures, as a data set of pairs to train with?

The blurs are a `transfer.BlurBank`, whether from one pair, from a folder of pairs or from a file. The data set has the
layout "folders" (`data.layouts`), with a manifest that tells for each picture which blur it got.
"""

import csv
import io
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import chain, count, islice
from pathlib import Path

import torch

from blurspace.chance import chance
from blurspace.codes import AnySpace, BlurBank, code_for
from blurspace.data.layouts import PairFiles
from blurspace.errors import OutputError, UsageError
from blurspace.io.files import exists, is_folder, shown
from blurspace.io.images import encode_photo, write_bytes
from blurspace.jobs.each import PRIVATE, FileRecord, several
from blurspace.jobs.files import STANDARD, Source, check_target, create_folder, load
from blurspace.jobs.pairs import read_pair
from blurspace.nets.kernel_space import BasisSpace
from blurspace.types import Code, Image, Photo

FOLDERS = ("sharp", "blur")
MANIFEST = "manifest.csv"
COLUMNS = ("sharp", "blurry", "scene", "source", "code")


Planned = tuple[int, tuple[Source, list[str]]]  # a source's place, and the names of its files


@dataclass(frozen=True)
class Transferred(FileRecord):
    """What became of one picture and one blur; `output` is the blurry picture."""

    sharp: str | None = None
    source: str | None = None  # the pair that the blur came from
    code: int | None = None  # its place among the blurs
    left_out: tuple[str, ...] = ()  # what came with the input and is not in the output
    scene: str = field(default="", metadata=PRIVATE)


@dataclass(frozen=True)
class Draw:
    """Which blurs does a picture get? `copies` of the bank's, drawn by `seed` and the picture's number.

    They differ while the bank has others. A blur's map that is bigger than the picture's is cut at a random place, a
    smaller one is stretched. `centred`: the blur moves nothing on average.
    """

    bank: BlurBank
    space: AnySpace
    seed: int = 0
    copies: int = 1
    centred: bool = False

    def __post_init__(self) -> None:
        """Raises UsageError where the space cannot centre a blur."""
        if self.centred and not isinstance(self.space, BasisSpace):
            raise UsageError(
                "--centred moves the kernels of a code, and the published kernel space has none: leave it out, or take "
                "weights of task kernel space"
            )

    @torch.no_grad()
    def blurred(self, sharp: Image, index: int) -> Iterator[tuple[int, Image]]:
        """The picture (1 c h w) blurred, and before it the blur's place in the bank, `copies` times."""
        generator = chance(self.seed, index)
        order = torch.randperm(len(self.bank.codes), generator=generator).tolist()
        for copy in range(self.copies):
            place = order[copy % len(order)]
            code = code_for(self.space, self.bank.codes[place], (sharp.shape[-2], sharp.shape[-1]), generator)
            if self.centred and isinstance(self.space, BasisSpace):
                code = self.space.centred(code)
            yield place, self.space.reblur(sharp, code).clamp(0, 1)


@torch.no_grad()
def extract_bank(files: Iterable[PairFiles], *, space: AnySpace) -> BlurBank:
    """The blurs of pairs, in order, in the precision of a bank's file, so that it makes no difference to pass one.

    Raises NoInputError, PictureError or UsageError on the first pair that cannot be read or has two sizes.
    """
    codes: list[Code] = []
    sources = []
    for one in files:
        pair = read_pair(one.sharp, one.blurry)
        codes.append(space.extract(pair.sharp, pair.blurry).half())
        sources.append(f"{shown(one.sharp)} -> {shown(one.blurry)}")
    return BlurBank(tuple(codes), tuple(sources), space.fingerprint())


def check_folder(output: Path, *, overwrite: bool) -> None:
    """Raise OutputError, before any work, where `output` is a file, or a folder with anything in it."""
    if exists(output) and not is_folder(output):
        raise OutputError(f"{shown(output)} is a file, where a folder was wanted: give another -o FOLDER")
    if not overwrite and is_folder(output) and any(output.iterdir()):
        raise OutputError(f"{shown(output)} exists already and is not empty: give --overwrite or another -o FOLDER")


def transfer_files(
    sources: Sequence[Source], *, draw: Draw, output: Path, overwrite: bool = False, inputs: Sequence[Path] = ()
) -> Iterator[Transferred]:
    """Blur each source as `draw` says; yield each outcome when sharp/NAME.png and blur/NAME.png are in `output`.

    Grey stays grey, 16 bits stay 16, and the colour profile is kept; alpha, EXIF and XMP are left out: these are
    pictures to train with. With `overwrite` the folder's other files stay, and never one of `sources` or `inputs` is
    replaced. The manifest, written last, also where the work is interrupted, lists what this call made. Raises
    OutputError before any work as `check_folder` does.
    """
    check_folder(output, overwrite=overwrite)
    read = [*sources, *(Source(str(path)) for path in inputs)]
    _check_targets([output / MANIFEST], read, overwrite=overwrite)
    made: list[Transferred] = []
    ours = [*(output / name for name in FOLDERS), *([] if exists(output) else [output])]
    for name in FOLDERS:
        create_folder(output / name)
    plan = enumerate(zip(sources, plan_names(sources, draw.copies), strict=True))

    def work(one: Planned) -> Iterator[Transferred]:
        index, (source, names) = one
        files = [(output / FOLDERS[0] / name, output / FOLDERS[1] / name) for name in names]
        _check_targets(chain.from_iterable(files), read, overwrite=overwrite)
        start = time.perf_counter()
        photo = load(source)
        plain = Photo(photo.samples, icc=photo.icc)
        extras = {"alpha": photo.alpha, "EXIF": photo.exif, "XMP": photo.xmp}
        for (sharp, blurry), (place, pixels) in zip(files, draw.blurred(photo.pixels, index), strict=True):
            data = encode_photo(plain, photo.samples), encode_photo(plain, pixels)
            _write_both((sharp, blurry), data, overwrite=overwrite)
            copy = Transferred(
                input=source.name,
                output=str(blurry),
                sharp=str(sharp),
                source=draw.bank.sources[place],
                code=place,
                left_out=tuple(name for name, value in extras.items() if value is not None),
                seconds=round(time.perf_counter() - start, 3),
                scene=files[0][0].stem,
            )
            made.append(copy)
            yield copy
            start = time.perf_counter()

    try:
        yield from several(plan, work, lambda one, why: Transferred(one[1][0].name, **vars(why)))
    finally:
        if made:
            write_bytes(output / MANIFEST, _manifest(made), overwrite=True)
        for folder in () if made else ours:
            with suppress(OSError):  # there is something in it
                folder.rmdir()


def plan_names(sources: Sequence[Source], copies: int) -> list[list[str]]:
    """For each source the names of its `copies` files: NAME.png, NAME-2.png, ..., no two alike, in any case."""
    taken: set[str] = set()
    plan = []
    for source in sources:
        stem = "" if source.name == STANDARD else Path(source.name).stem.lstrip(".")
        stem = "".join(letter if letter.isprintable() else "_" for letter in stem) or "picture"
        every = chain([stem], (f"{stem}-{number}" for number in count(2)))
        own = list(islice((name for name in every if name.casefold() not in taken), copies))
        taken.update(name.casefold() for name in own)
        plan.append([f"{name}.png" for name in own])
    return plan


def _write_both(files: tuple[Path, Path], data: tuple[bytes, bytes], *, overwrite: bool) -> None:
    """Write two files or none: a picture without its partner would spoil the data set."""
    write_bytes(files[0], data[0], overwrite=overwrite)
    try:
        write_bytes(files[1], data[1], overwrite=overwrite)
    except BaseException:
        files[0].unlink(missing_ok=True)
        raise


def _check_targets(files: Iterable[Path], read: Sequence[Source], *, overwrite: bool) -> None:
    for path in files:
        if exists(path):  # else there is nothing to lose, and thousands of inputs need not be asked
            check_target(path, read, overwrite=overwrite)


def _manifest(made: Sequence[Transferred]) -> bytes:
    """A CSV file that `data.layouts` reads; copies of one picture are one scene, which no split must cut."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for one in made:
        names = [
            f"{folder}/{Path(str(path)).name}" for folder, path in zip(FOLDERS, (one.sharp, one.output), strict=True)
        ]
        writer.writerow((*names, one.scene, one.source, one.code))
    return text.getvalue().encode("utf-8")
