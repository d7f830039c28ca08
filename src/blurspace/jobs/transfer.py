"""How does the blur of pairs get onto many other pictures, as a data set of pairs to train with?

The blurs are a `transfer.BlurBank`, whether from one pair, from a folder of pairs or from a file. The data set has the
layout "folders" (`data.layouts`), with a manifest that tells for each picture which blur it got.
"""

import csv
import io
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from itertools import chain, count, islice
from pathlib import Path

import torch

from blurspace.chance import chance
from blurspace.codes import AnySpace, BlurBank, code_for
from blurspace.data.layouts import PairFiles
from blurspace.errors import OutputError, UsageError
from blurspace.io.files import exists, is_folder, shown
from blurspace.io.images import encode_photo, write_bytes
from blurspace.jobs.each import PRIVATE, Failure, FileRecord, several
from blurspace.jobs.files import STANDARD, Source, Writing, create_folder, load
from blurspace.jobs.pairs import read_pair
from blurspace.jobs.shared import portable
from blurspace.jobs.worked import Engine, Portable, worked
from blurspace.nets.kernel_space import BasisSpace
from blurspace.types import Code, Image, Photo

FOLDERS = ("sharp", "blur")
MANIFEST = "manifest.csv"
COLUMNS = ("sharp", "blurry", "scene", "source", "code")


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
    sources: Sequence[Source],
    *,
    draw: Draw,
    output: Path,
    overwrite: bool = False,
    inputs: Sequence[Path] = (),
    jobs: int = 1,
    engine: Engine | None = None,
) -> Iterator[Transferred]:
    """Blur each source as `draw` says; yield each outcome when sharp/NAME.png and blur/NAME.png are in `output`.

    Grey stays grey, 16 bits stay 16, and the colour profile is kept; alpha, EXIF and XMP are left out: these are
    pictures to train with. With `overwrite` the folder's other files stay, and never one of `sources` or `inputs` is
    replaced. `jobs`, `engine`: who does the work, see `worked`. The manifest, written last, also where the work
    is interrupted, lists what this call made. Raises OutputError before any work as `check_folder` does.
    """
    check_folder(output, overwrite=overwrite)
    read, writing = [*sources, *(Source(str(path)) for path in inputs)], Writing(overwrite)
    _check_targets([output / MANIFEST], read, writing)
    made: list[Transferred] = []
    ours = [*(output / name for name in FOLDERS), *([] if exists(output) else [output])]
    for name in FOLDERS:
        create_folder(output / name)
    tasks = list(map(Task, count(), sources, plan_names(sources, draw.copies)))
    work = Work(draw, output, tuple(read), writing)
    try:
        with closing(worked(tasks, work, failed, sources=sources, jobs=jobs, engine=engine)) as outcomes:
            for copies in outcomes:
                made += [one for one in copies if one.output]
                yield from copies
    finally:
        if made:
            write_bytes(output / MANIFEST, _manifest(made), overwrite=True)
        for folder in () if made else ours:
            with suppress(OSError):  # there is something in it
                folder.rmdir()


@dataclass(frozen=True)
class Task:
    """A source, its place among all, and the names of its files, one for each copy."""

    index: int
    source: Source
    names: list[str]


@dataclass(frozen=True)
class Work(Portable[Task, list[Transferred]]):
    """What is done to one source after another, in this process or in others; `read`: what must not be replaced."""

    draw: Draw
    output: Path
    read: tuple[Source, ...]
    writing: Writing

    def __call__(self, task: Task) -> list[Transferred]:
        """All copies of a source, and last what is wrong, where not all can be made; of an interrupted one none."""
        made = list[Transferred]()
        try:
            made.extend(several([task], self.copies, failed_copy))
        except BaseException:
            for path in (Path(str(name)) for one in made for name in (one.sharp, one.output)):
                path.unlink(missing_ok=True)
            raise
        return made

    def copies(self, task: Task) -> Iterator[Transferred]:
        """The copies of a source, one after another. Raises what is wrong with it."""
        source, writing = task.source, self.writing
        files = [(self.output / FOLDERS[0] / name, self.output / FOLDERS[1] / name) for name in task.names]
        _check_targets(chain.from_iterable(files), self.read, writing)
        start = time.perf_counter()
        photo = load(source)
        plain = Photo(photo.samples, icc=photo.icc)
        extras = {"alpha": photo.alpha, "EXIF": photo.exif, "XMP": photo.xmp}
        blurred = self.draw.blurred(photo.pixels, task.index)
        for (sharp, blurry), (place, pixels) in zip(files, blurred, strict=True):
            data = encode_photo(plain, photo.samples), encode_photo(plain, pixels)
            _write_both((sharp, blurry), data, writing)
            yield Transferred(
                input=source.name,
                output=str(blurry),
                sharp=str(sharp),
                source=self.draw.bank.sources[place],
                code=place,
                left_out=tuple(name for name, value in extras.items() if value is not None),
                seconds=round(time.perf_counter() - start, 3),
                scene=files[0][0].stem,
            )
            start = time.perf_counter()

    def again(self, task: Task) -> list[Transferred]:
        """As a call, after a worker died with it."""
        return replace(self, writing=replace(self.writing, again=True))(task)


def failed(task: Task, why: Failure) -> list[Transferred]:
    """What became of a source that failed."""
    return [Transferred(task.source.name, **vars(why))]


def failed_copy(task: Task, why: Failure) -> Transferred:
    """What became of a copy that failed; its error can be sent with the others."""
    return Transferred(task.source.name, **vars(replace(why, error=portable(why.error))))


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


def _write_both(files: tuple[Path, Path], data: tuple[bytes, bytes], writing: Writing) -> None:
    """Write two files or none: a picture without its partner would spoil the data set."""
    writing.write(files[0], data[0])
    try:
        writing.write(files[1], data[1])
    except BaseException:
        files[0].unlink(missing_ok=True)
        raise


def _check_targets(files: Iterable[Path], read: Sequence[Source], writing: Writing) -> None:
    for path in files:
        if exists(path):  # else there is nothing to lose, and thousands of inputs need not be asked
            writing.check(path, read)


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
