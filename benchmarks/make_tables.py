"""Write the tables of the pages again from the rows in this folder: `python benchmarks/make_tables.py [--check]`."""

import sys
from pathlib import Path

from blurspace.bench.tables import regenerate

HERE = Path(__file__).parent
PAGES = (HERE.parent / "README.md", *sorted((HERE.parent / "docs").glob("*.md")))


def main() -> int:
    """Exit code 1 where `--check` finds a page that is not what its rows give."""
    stale = False
    for page in PAGES:
        old = page.read_text(encoding="utf-8")
        new = regenerate(old, HERE)
        stale = stale or old != new
        if old != new and "--check" not in sys.argv[1:]:
            page.write_text(new, encoding="utf-8")
    return int(stale and "--check" in sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
