"""Are files that are made from others still what those give? They are written, or with `--check` told."""

import sys
from collections.abc import Mapping
from pathlib import Path


def write_or_check(made: Mapping[Path, str], *, source: str, script: str) -> int:
    """Write the files that are not as they are made; with `--check` typed, name them instead, and 1 for any.

    `source`, `script`: what they are made from, and by, for the sentence.
    """
    stale = [path for path, new in made.items() if not path.exists() or path.read_text(encoding="utf-8") != new]
    if "--check" not in sys.argv[1:]:
        for path in stale:
            path.parent.mkdir(exist_ok=True)
            path.write_text(made[path], encoding="utf-8")
        return 0
    if stale:
        names = ", ".join(path.name for path in stale)
        sys.stderr.write(f"{names}: not what {source} give: run python {script}\n")
    return int(bool(stale))
