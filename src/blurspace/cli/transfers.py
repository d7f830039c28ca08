"""Which verb gives the blur of some pictures to others? `transfer`."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from blurspace.cli.options import EngineName, Jobs, Overwrite, refuse
from blurspace.cli.run import verb
from blurspace.cli.ways import engine_of
from blurspace.console import Console


@verb
def transfer(
    console: Console,
    more: Annotated[list[str] | None, Argument(metavar="PATH", help="More pictures, after --to.")] = None,
    *,
    pair: Annotated[
        tuple[Path, Path] | None,
        Option("--from", metavar="SHARP BLURRY", help="The blur is the one between these two pictures."),
    ] = None,
    pairs: Annotated[
        Path | None, Option("--pairs", metavar="FOLDER|CSV", help="The blurs are those of all these pairs.")
    ] = None,
    layout: Annotated[str | None, Option("--layout", help="How --pairs is laid out. Default: found.")] = None,
    to: Annotated[
        list[str] | None, Option("--to", metavar="PATH...", help="Pictures to blur: files, folders, globs.")
    ] = None,
    output: Annotated[Path | None, Option("-o", "--output", metavar="FOLDER", help="For the data set.")] = None,
    bank: Annotated[
        Path | None,
        Option("--bank", metavar="FILE", help="With --to: take blurs from it. Without: store the pairs' in it."),
    ] = None,
    space: Annotated[Path | None, Option("--weights", "--space", help="A kernel space. Default: ours.")] = None,
    seed: Annotated[int, Option("--seed", help="Another one draws other blurs.")] = 0,
    copies: Annotated[int, Option("--copies", help="Blurs for each picture.")] = 1,
    centred: Annotated[bool, Option("--centred", help="The blur moves nothing on average.")] = False,
    overwrite: Overwrite = False,
    jobs: Jobs = None,
    engine: EngineName = None,
) -> int:
    """Give the blur of a pair, or of many, to other pictures; writes sharp/, blur/ and manifest.csv."""
    names = [*(to or ()), *(more or ())]
    second, stray = str(pair[1]) if pair else "", more[0] if more and not to else ""
    stored = (pair or pairs) and bank
    hint = ", or --bank FILE to store the blur in" if pair or pairs else ""
    refuse(
        {
            f"{second} is no picture: give two after --from, the sharp one and the blurry one": second.startswith("--"),
            f"{stray} was given without saying what for: pictures to blur come after --to": stray,
            "--from and --pairs were both given: give the blur by one of them": pair and pairs,
            "--layout says how a folder of pairs is laid out: give --pairs, or leave it out": layout and not pairs,
            "no blur was given: give --from SHARP BLURRY, --pairs FOLDER or --bank FILE": not (pair or pairs or bank),
            "two sources of blur were given: store the blurs by --bank without --to, then give --bank and --to alone": (
                stored and names
            ),
            f"no pictures to blur were given: give --to PATH{hint}": not (names or stored),
            "the blurry pictures need a place: give -o FOLDER": names and output is None,
            "-o is for pictures, and none were given: give --to PATH, or leave it out": output and not names,
            f"{copies} copies were asked for: give 1 or more": copies < 1,
            "--jobs and --engine are for pictures, and none were given: give --to PATH, or leave them out": (
                (jobs or engine) and not names
            ),
        }
    )
    from blurspace.builders import build_space
    from blurspace.codes import read_bank, write_bank
    from blurspace.data.layouts import PairFiles, find_pairs
    from blurspace.jobs.each import exit_code
    from blurspace.jobs.files import Source, check_target, find_sources
    from blurspace.jobs.transfer import Draw, check_folder, extract_bank, transfer_files

    done_by = engine_of(engine, jobs)
    if output:
        check_folder(output, overwrite=overwrite)
    sources = find_sources(names) if names else []
    files = [PairFiles(*pair, scene="")] if pair else []
    if pairs:
        files = find_pairs(pairs, layout=layout or "auto")
    read = [path for path in (pairs, space, bank if names else None) if path]
    read += [picture for one in files for picture in (one.sharp, one.blurry)]
    if not names:
        check_target(Path(str(bank)), [Source(str(one)) for one in read], overwrite=overwrite)
    built = build_space(space)
    if files:
        blurs = extract_bank(console.progress(files, total=len(files), what="reading pairs"), space=built)
    else:
        blurs = read_bank(str(bank)).of(built)
    if output is None:
        write_bank(Path(str(bank)), blurs)
        console.data({"bank": str(bank), "codes": len(blurs.codes), "space": blurs.space}, str(bank))
        return 0
    draw = Draw(blurs, built, seed=seed, copies=copies, centred=centred)
    how: dict[str, Any] = {"draw": draw, "output": output, "overwrite": overwrite, "inputs": read}
    outcomes = transfer_files(sources, **how, jobs=jobs or 1, engine=done_by)
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
