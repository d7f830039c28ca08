"""Write the tables of the pages again from the rows in this folder: `python benchmarks/make_tables.py [--check]`.

Of which numbers the first table of docs/results.md is, says glance.py.
"""

import sys
from pathlib import Path

from glance import with_glance

from blurspace.bench.made import write_or_check
from blurspace.bench.tables import regenerate

HERE = Path(__file__).parent
PAGES = (HERE.parent / "README.md", *sorted((HERE.parent / "docs").glob("*.md")))


def main() -> int:
    """Exit code 1 where `--check` finds a page that is not what its rows give."""
    made = {page: with_glance(regenerate(page.read_text(encoding="utf-8"), HERE)) for page in PAGES}
    return write_or_check(made, source="the rows", script="benchmarks/make_tables.py")


if __name__ == "__main__":
    sys.exit(main())
