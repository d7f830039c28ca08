"""Which verbs are about the methods themselves? `train`, `bench`, `models` and `cite`."""

from pathlib import Path
from typing import Annotated, Any

from typer import Argument, Option

from blurspace.bench.protocols import PROTOCOLS
from blurspace.cli.options import EngineName, Overwrite
from blurspace.cli.run import verb
from blurspace.cli.ways import helpers_of
from blurspace.console import Console
from blurspace.errors import UsageError


@verb
def train(
    console: Console,
    recipe: Annotated[Path, Argument(help="A TOML file, such as those in recipes/.")],
    *,
    data: Annotated[Path, Option("--data", help="Folder of sharp photos, two or more.")],
    out: Annotated[Path, Option("--out", help="Folder for the weights, the log and the checkpoint.")],
    resume: Annotated[bool, Option("--resume", help="Go on from the checkpoint in --out.")] = False,
    max_minutes: Annotated[
        float | None, Option("--max-minutes", help="Stop then. Default: as the recipe says.")
    ] = None,
    device: Annotated[str, Option("--device", help="cpu or cuda.")] = "cpu",
    jobs: Annotated[
        int | None,
        Option("--jobs", min=1, help="Processes that make training cases, for recipes that have some made first."),
    ] = None,
    engine: EngineName = None,
    overrides: Annotated[
        list[str] | None, Option("--set", metavar="KEY=VALUE", help="Replace a setting of the recipe; may be repeated.")
    ] = None,
) -> None:
    """Train networks by a recipe; prints the path of the weights. Under torchrun or srun: in several processes."""
    from blurspace.jobs.train import train_recipe

    done_by = helpers_of(engine, jobs, console.message)
    record = train_recipe(
        recipe,
        data=data,
        out=out,
        resume=resume,
        max_minutes=max_minutes,
        device=device,
        overrides=overrides or (),
        jobs=jobs or 1,
        engine=done_by,
        report=console.message,
    )
    if record is not None:  # of several processes, the first one tells
        console.data(record, str(record["weights"]))


@verb
def bench(
    console: Console,
    name: Annotated[str, Argument(help=f"The protocol: {', '.join(PROTOCOLS)}.")],
    *,
    data: Annotated[Path | None, Option("--data", help="Folder or file with the protocol's pictures.")] = None,
    method: Annotated[
        str | None, Option("--method", help="A model's name, blurry or true-kernel. Default: the protocol's.")
    ] = None,
    limit: Annotated[int | None, Option("--limit", help="Only the first so many pictures.")] = None,
    csv: Annotated[Path | None, Option("--csv", help="Also write one row per picture here.")] = None,
    overwrite: Overwrite = False,
) -> None:
    """Measure by a frozen protocol: a table, rows as CSV, or JSON."""
    if name not in PROTOCOLS:
        raise UsageError(f"there is no protocol named {name}: give one of {', '.join(PROTOCOLS)}")
    from blurspace.bench import runner
    from blurspace.catalog import current_name
    from blurspace.io.images import write_bytes
    from blurspace.jobs.files import check_target

    if csv:
        check_target(csv, [], overwrite=overwrite, inputs=(data,))
    called = None if method is None else current_name(method, console.message)
    result = runner.run(name, data=data, method=called, progress=console.progress, limit=limit)
    if csv:
        write_bytes(csv, result.csv().encode(), overwrite=overwrite)
    console.data({**result.summary, "rows": result.rows}, result.table().rstrip("\n"))


@verb
def models(
    console: Console,
    action: Annotated[str, Argument(help="list, show NAME or verify [NAME].")] = "list",
    name: Annotated[str | None, Argument(help="A model's name.")] = None,
) -> None:
    """List the models, show one, or verify their files against their hashes."""
    from blurspace.catalog import CARDS, find_card, verify

    if action not in ("list", "show", "verify"):
        raise UsageError(f"models {action} is not known: give list, show NAME or verify")
    if action == "show" and name is None:
        raise UsageError(f"models show needs a name: give one of {', '.join(CARDS)}")
    for card in [find_card(name)] if name else CARDS.values():
        record: dict[str, Any] = card.record()
        line = f"{card.name}: {card.task}, {card.parameters} parameters, {card.licence}"
        if action == "show":
            line = "\n".join(f"{key}:{_plain(value)}" for key, value in record.items() if value not in (None, {}))
        elif action == "verify":
            line = verify(card)
            record["verified"] = line
        console.data(record, line)


@verb
def cite(
    console: Console,
    names: Annotated[list[str] | None, Argument(help="Models, protocols or keys. Default: all models.")] = None,
    bibtex: Annotated[bool, Option("--bibtex", help="As BibTeX entries.")] = False,
) -> None:
    """Print the papers behind what was used."""
    from blurspace.catalog import CARDS, papers_behind
    from blurspace.papers import PAPERS

    named = (PROTOCOLS[name].papers if name in PROTOCOLS else papers_behind(name) for name in names or CARDS)
    for key in dict.fromkeys(key for keys in named for key in keys):
        paper = PAPERS[key]
        line = paper.bibtex if bibtex else f"{key}: {paper.text}"
        console.data({"key": key, "text": paper.text, "bibtex": paper.bibtex}, line)


def _plain(value: object, indent: str = "  ") -> str:
    """A value of a card for people: each part of a table in a line of its own, lists with commas."""
    if isinstance(value, dict):
        return "".join(f"\n{indent}{key}:{_plain(part, indent + '  ')}" for key, part in value.items())
    return f" {', '.join(map(str, value)) if isinstance(value, list | tuple) else value}"
