"""Write the tables of README.md again from the rows in this folder: `python benchmarks/make_tables.py [--check]`."""

import sys
from pathlib import Path

from blurspace.bench.tables import regenerate

HERE = Path(__file__).parent


def main() -> int:
    """Exit code 1 where `--check` finds a page that is not what its rows give."""
    page = HERE.parent / "README.md"
    old = page.read_text(encoding="utf-8")
    new = regenerate(old, HERE)
    if "--check" in sys.argv[1:]:
        return int(old != new)
    page.write_text(new, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
