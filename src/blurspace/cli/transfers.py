"""Which verb gives the blur of some pictures to others? `transfer`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from blurspace.cli.options import Overwrite
from blurspace.cli.run import verb
from blurspace.console import Console
from blurspace.errors import UsageError

if TYPE_CHECKING:
    from blurspace.codes import AnySpace, BlurBank
    from blurspace.data.layouts import PairFiles


@dataclass(frozen=True)
class Blurs:
    """What was typed about where the blur comes from, one of three ways: a pair, a folder of pairs, a bank."""

    pair: tuple[Path, Path] | None
    pairs: Path | None
    layout: str | None
    bank: Path | None
    space: Path | None

    @property
    def from_pairs(self) -> bool:
        """Whether blurs are to be read from pictures; else they are in the bank."""
        return self.pair is not None or self.pairs is not None

    def inputs(self, files: "list[PairFiles]") -> list[Path]:
        """What is read, but for the bank, and must not be replaced; `files`: the pairs that were found."""
        given = [path for path in (self.pairs, self.space) if path is not None]
        return [*given, *(picture for one in files for picture in (one.sharp, one.blurry))]


@verb
def transfer(
    console: Console,
    more: Annotated[list[str] | None, typer.Argument(metavar="PATH", help="More pictures, after --to.")] = None,
    *,
    pair: Annotated[
        tuple[Path, Path] | None,
        typer.Option("--from", metavar="SHARP BLURRY", help="The blur is the one between these two pictures."),
    ] = None,
    pairs: Annotated[
        Path | None, typer.Option("--pairs", metavar="FOLDER|CSV", help="The blurs are those of all these pairs.")
    ] = None,
    layout: Annotated[str | None, typer.Option("--layout", help="How --pairs is laid out. Default: found.")] = None,
    to: Annotated[
        list[str] | None, typer.Option("--to", metavar="PATH...", help="Pictures to blur: files, folders, globs.")
    ] = None,
    output: Annotated[Path | None, typer.Option("-o", "--output", metavar="FOLDER", help="For the data set.")] = None,
    bank: Annotated[
        Path | None,
        typer.Option("--bank", metavar="FILE", help="With --to: take blurs from it. Without: store the pairs' in it."),
    ] = None,
    space: Annotated[Path | None, typer.Option("--weights", "--space", help="A kernel space. Default: ours.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Another one draws other blurs.")] = 0,
    copies: Annotated[int, typer.Option("--copies", help="Blurs for each picture.")] = 1,
    centred: Annotated[bool, typer.Option("--centred", help="The blur moves nothing on average.")] = False,
    overwrite: Overwrite = False,
) -> int:
    """Give the blur of a pair, or of many, to other pictures; writes sharp/, blur/ and manifest.csv."""
    blurs = Blurs(pair, pairs, layout, bank, space)
    if pair and str(pair[1]).startswith("--"):
        raise UsageError(f"{pair[1]} is no picture: give two after --from, the sharp one and the blurry one")
    if more and not to:
        raise UsageError(f"{more[0]} was given without saying what for: pictures to blur come after --to")
    names = [*(to or ()), *(more or ())]
    _check(blurs, names, output, copies)
    if not names or output is None:
        return _store(console, blurs, overwrite=overwrite)
    from blurspace.builders import build_space
    from blurspace.jobs.each import exit_code
    from blurspace.jobs.files import find_sources
    from blurspace.jobs.transfer import Draw, check_folder, transfer_files

    check_folder(output, overwrite=overwrite)
    sources, files, built = find_sources(names), _pairs(blurs), build_space(space)
    draw = Draw(_bank(console, blurs, files, built), built, seed=seed, copies=copies, centred=centred)
    read = [*blurs.inputs(files), *([] if bank is None else [bank])]
    outcomes = transfer_files(sources, draw=draw, output=output, overwrite=overwrite, inputs=read)
    codes: list[int] = []
    left_out: set[str] = set()
    for outcome in console.progress(outcomes, total=len(sources) * copies, what="transferring"):
        codes.append(outcome.exit_code)
        left_out.update(outcome.left_out)
        if outcome.reason is not None:
            console.failure(outcome.input, outcome.reason, outcome.error)
        else:
            console.detail(f"{outcome.input}: the blur of {outcome.source}")
        console.data(outcome.record(), outcome.output)
    if left_out:
        console.message(f"left out, because these are pictures to train with: {', '.join(sorted(left_out))}")
    if len(codes) > 1:
        console.message(f"{codes.count(0)} written, {len(codes) - codes.count(0)} failed")
    return exit_code(codes)


def _check(blurs: Blurs, names: list[str], output: Path | None, copies: int) -> None:
    """Raise UsageError where the options contradict each other, or one is missing."""
    pair, pairs, bank = blurs.pair, blurs.pairs, blurs.bank
    stored = blurs.from_pairs and bank
    hint = ", or --bank FILE to store the blur in" if blurs.from_pairs else ""
    wrong = {
        "--from and --pairs were both given: give the blur by one of them": pair and pairs,
        "--layout says how a folder of pairs is laid out: give --pairs, or leave it out": blurs.layout and not pairs,
        "no blur was given: give --from SHARP BLURRY, --pairs FOLDER or --bank FILE": not (pair or pairs or bank),
        "two sources of blur were given: store the blurs by --bank without --to, then give --bank and --to alone": (
            stored and names
        ),
        f"no pictures to blur were given: give --to PATH{hint}": not (names or stored),
        "the blurry pictures need a place: give -o FOLDER": names and output is None,
        "-o is for pictures, and none were given: give --to PATH, or leave it out": output is not None and not names,
        f"{copies} copies were asked for: give 1 or more": copies < 1,
    }
    for sentence, is_wrong in wrong.items():
        if is_wrong:
            raise UsageError(sentence)


def _store(console: Console, blurs: Blurs, *, overwrite: bool) -> int:
    """Write the bank and tell its path."""
    from blurspace.builders import build_space
    from blurspace.codes import write_bank
    from blurspace.jobs.files import Source, check_target

    path, files = Path(str(blurs.bank)), _pairs(blurs)
    check_target(path, [Source(str(one)) for one in blurs.inputs(files)], overwrite=overwrite)
    bank = _bank(console, blurs, files, build_space(blurs.space))
    write_bank(path, bank)
    console.data({"bank": str(path), "codes": len(bank.codes), "space": bank.space}, str(path))
    return 0


def _pairs(blurs: Blurs) -> "list[PairFiles]":
    """The files of all pairs that were typed; [] where the blurs are in a bank."""
    from blurspace.data.layouts import PairFiles, find_pairs

    if blurs.pair is not None:
        return [PairFiles(*blurs.pair, scene="")]
    return [] if blurs.pairs is None else find_pairs(blurs.pairs, layout=blurs.layout or "auto")


def _bank(console: Console, blurs: Blurs, files: "list[PairFiles]", space: "AnySpace") -> "BlurBank":
    """The blurs, read from pairs or from the bank's file."""
    from blurspace.codes import read_bank
    from blurspace.jobs.transfer import extract_bank

    if not blurs.from_pairs:
        return read_bank(str(blurs.bank)).of(space)
    found = console.progress(files, total=len(files), what="reading pairs")
    return extract_bank(found, space=space)
