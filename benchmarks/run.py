"""Run one benchmark, keep its rows here, and note in index.csv how they were made. Which rows are of older code?

    python benchmarks/run.py [--before DIR] FILE NOTE NAME [--data DATA] [--method METHOD] [--limit N]
    python benchmarks/run.py --stale [--run | --check N] [--root DIR] [FILE ...]

`--before DIR`: the same command first with the code in DIR, another checkout, into FILE's twin `.before.csv`.
`--stale` lists the files (those like FILE, which may have *) whose code has changed since, by the digests in index.csv
or, where rows are not all measured at once, by those in the file; a row without one is stale. `--run` runs their
commands again, with what they call their data found below `--root`.
`--check N` runs each of those of `blurspace bench` for its first N pictures only: where all they measured is equal, but
for seconds, MiB and what another processor rounds, the file stands for today's code; `checked` in index.csv says so.
"""

import argparse
import ast
import csv
import hashlib
import math
import os
import platform
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import Any

import torch
from depends import depends_on

import blurspace
from blurspace.bench.protocols import PROTOCOLS
from blurspace.bench.result import COMMENT, read_csv
from blurspace.bench.tables import BEFORE, DIGEST
from blurspace.catalog import OLD_NAMES

HERE = Path(__file__).parent
INDEX = HERE / "index.csv"
SOURCE = Path(blurspace.__file__).parent
UNKNOWN = "unknown"
ROUNDING = 0.02  # dB or a ratio: another processor moves the first rows of levin by up to 0.003
COSTS = ("seconds", "mib", "others")  # what a column is called that tells of the machine
OLD_COMMIT = " # at commit "  # how a command ends that today's code cannot repeat


def main() -> int:
    """The exit code: that of the benchmark, or 1 where something is stale."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, metavar="DIR")
    parser.add_argument("--stale", action="store_true")
    parser.add_argument("--run", action="store_true")
    parser.add_argument("--check", type=int, metavar="N")
    parser.add_argument("--root", type=Path, default=Path())
    parser.add_argument("words", nargs=argparse.REMAINDER)
    asked = parser.parse_args()
    if asked.stale:
        found = [row for row in stale() if any(fnmatch(row["file"], wish) for wish in asked.words or ["*"])]
        for row in found:
            print(f"{row['file']}: {row['command']}", flush=True)
            if asked.check:
                check(row, asked.root, asked.check)
            elif asked.run:
                again(row, asked.root)
        return int(bool(found))
    file, note, *bench = asked.words
    if asked.before:
        twin = file.removesuffix(".csv") + BEFORE
        before(bench, twin, note, asked.before)
    code = measure(bench, HERE / file, SOURCE.parent)
    if code == 0:
        note_bench(file, bench, note)
        if asked.before:
            compare(HERE / twin, HERE / file)
    return code


def measure(bench: list[str], target: Path, path: Path) -> int:
    """The exit code of `blurspace bench` with the code in `path`."""
    command = [sys.executable, "-m", "blurspace", "bench", *bench, "--csv", str(target), "--overwrite", "--quiet"]
    others = [os.environ["PYTHONPATH"]] if "PYTHONPATH" in os.environ else []  # such as bench's rapidocr
    found = os.environ | {"PYTHONPATH": os.pathsep.join((str(path), *others))}
    return subprocess.run(command, env=found, check=False).returncode


def before(bench: list[str], twin: str, note: str, checkout: Path) -> None:
    """The same with older code."""
    old = list(bench)
    for name, new in OLD_NAMES.items():
        old = [name + word.removeprefix(new) if word.startswith(new) else word for word in old]
    if measure(old, HERE / twin, checkout.resolve() / "src"):
        raise SystemExit(f"the code in {checkout} cannot do that")
    note_bench(twin, old, f"{note}; before", commit(checkout))


def compare(old: Path, new: Path) -> None:
    """Print the numbers of both summaries."""
    summaries = [read_csv(path.read_text(encoding="utf-8")).summary for path in (old, new)]
    for name, value in summaries[0].items():
        if isinstance(value, float):
            print(f"{name}: {value} before, {summaries[1].get(name)} now")


def commit(checkout: Path) -> str:
    """Its short hash, with a + where files have changed since."""
    git = ["git", "-C", str(checkout), "describe", "--always", "--dirty=+", "--exclude=*"]
    return subprocess.run(git, capture_output=True, text=True, check=True).stdout.strip()


def note_bench(file: str, bench: list[str], note: str, old: str = "") -> None:
    """Note a run of `blurspace bench`; `old`: the commit of another checkout that was run."""
    at = bench.index("--data") + 1 if "--data" in bench else None
    data = Path(bench[at]).name if at else "made"
    told = [data if place == at else word for place, word in enumerate(bench)]
    command = shlex.join(["blurspace", "bench", *told, "--csv", f"benchmarks/{file}"])
    command += f"{OLD_COMMIT}{old}" if old else ""
    seed = getattr(PROTOCOLS[bench[0]].code, "SEED", "none")
    note_down({"file": file, "command": command, "data": data, "seed": str(seed), "note": note})


def write(rows: list[dict[str, Any]], path: Path, *, command: str, data: str, seed: object, note: str) -> None:
    """Write a script's rows as CSV, and note it where that is in this folder."""
    with path.open("w", encoding="utf-8", newline="") as lines:
        writer = csv.DictWriter(lines, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    if path.parent == HERE:
        note_down({"file": path.name, "command": command, "data": data, "seed": str(seed), "note": note})


def note_down(row: dict[str, str]) -> None:
    """Replace or add the row of that file; one that was only checked keeps its device and date."""
    rows = {old["file"]: old for old in index()}
    made = {"device": device(), "date": f"{datetime.now(UTC):%Y-%m-%d}", "checked": ""}
    rows[row["file"]] = {**made, **row, "digest": digest(row["command"])}
    with INDEX.open("w", encoding="utf-8", newline="") as lines:
        columns = ["file", "command", "data", "seed", "device", "date", "note", "digest", "checked"]
        writer = csv.DictWriter(lines, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[file] for file in sorted(rows))


def index() -> list[dict[str, str]]:
    """The rows of index.csv."""
    with INDEX.open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


def stale() -> Iterator[dict[str, str]]:
    """The rows whose code is no longer what it was; not those that older code was asked for."""
    return (row for row in index() if OLD_COMMIT not in row["command"] and digests(row) != {digest(row["command"])})


def digests(row: dict[str, str]) -> set[str]:
    """Of the code that measured a file: those that its rows keep, else that of the index."""
    path = HERE / row["file"]
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    kept = csv.DictReader(line for line in lines if not line.startswith(COMMENT))
    return {one[DIGEST] for one in kept if DIGEST in one} or {row[DIGEST]}


def digest(command: str) -> str:
    """Of all that the command's numbers depend on, see `depends`; of older code nothing is known."""
    if OLD_COMMIT in command:
        return UNKNOWN
    found = hashlib.sha256()
    for file in depends_on(shlex.split(command)):
        found.update(file.name.encode() + (_code(file) if file.suffix == ".py" else file.read_bytes()))
    return found.hexdigest()[:12]


@cache
def _code(file: Path) -> bytes:
    """What a source file does: no comment, no docstring and no line break changes a number."""
    tree = ast.parse(file.read_bytes())
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None:
            node.body = node.body[1:]
    return ast.unparse(tree).encode()


def again(row: dict[str, str], root: Path) -> None:
    """Run the command of a row again; those of `blurspace train` and of hand-made files are for a person."""
    words = shlex.split(row["command"])
    if words[:2] == ["blurspace", "bench"]:
        bench = _asked(words, root)
        if measure(bench, HERE / row["file"], SOURCE.parent) == 0:
            note_bench(row["file"], bench, row["note"])
    elif words[0] == "python":
        named = [word == row["data"] or Path(word).suffix for word in words[2:]]
        given = [str(_below(root, word)) if name else word for name, word in zip(named, words[2:], strict=True)]
        subprocess.run([sys.executable, str(HERE.parent / words[1]), *given], check=False)
    else:
        print("  by hand: this is no benchmark")


def check(row: dict[str, str], root: Path, count: int) -> None:
    """Measure the first pictures of a row again; where nothing moved, note that today's code gives its file."""
    words = shlex.split(row["command"])
    if words[:2] != ["blurspace", "bench"]:
        print("  only commands of blurspace bench can be checked")
        return
    with tempfile.TemporaryDirectory() as folder:
        part = Path(folder) / row["file"]
        code = measure([*_asked(words, root), "--limit", str(count)], part, SOURCE.parent)  # the last limit counts
        moved = _moved(HERE / row["file"], part) if code == 0 else [f"exit code {code}"]
    print(*(f"  {line}" for line in moved or ["  nothing moved"]), sep="\n", flush=True)
    if not moved:
        note_down({**row, "checked": f"{count} on {datetime.now(UTC):%Y-%m-%d}"})


def _moved(committed: Path, part: Path) -> list[str]:
    """What differs between the first rows of a file and as many that were measured again, but for seconds and MiB."""
    old, new = (read_csv(path.read_text(encoding="utf-8")) for path in (committed, part))
    protocols = [file.summary["protocol"] for file in (old, new)]
    if len(set(protocols)) > 1:
        return ["another protocol"]
    return [
        f"row {place}: {column} {before.get(column)} -> {value}"
        for place, (before, now) in enumerate(zip(old.rows, new.rows, strict=False), 1)
        for column, value in now.items()
        if not any(word in column for word in COSTS) and not _same(before.get(column), value)
    ]


def _same(before: object, now: object) -> bool:
    numbers = isinstance(before, float | int) and isinstance(now, float | int)
    return math.isclose(before, now, rel_tol=0, abs_tol=ROUNDING) if numbers else before == now


def _asked(words: list[str], root: Path) -> list[str]:
    """What a command of `blurspace bench` asks for, without its file, its data found below `root`."""
    bench = [word for place, word in enumerate(words[2:], 2) if "--csv" not in words[place - 1 : place + 1]]
    if "--data" in bench:
        bench[bench.index("--data") + 1] = str(_below(root, bench[bench.index("--data") + 1]))
    return bench


def _below(root: Path, name: str) -> Path:
    """The first file or folder of that name, `root` itself or below it; the name where there is none."""
    root = root.resolve()
    return root if root.name == name else next(iter(sorted(root.rglob(name))), Path(name))


def device() -> str:
    """The processor, its cores for us, and torch's version."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    model = names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()
    return f"{model}; {os.cpu_count()} cores, {torch.get_num_threads()} threads; torch {torch.__version__}"


if __name__ == "__main__":
    sys.exit(main())
