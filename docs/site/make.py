"""Make the documentation as a site that works from disk: `python docs/site/make.py`, which writes site/.

Sphinx builds it from what `stage.py` leaves in build/site, and stops at a warning, such as a link that leads nowhere;
then `check.py` asks whether any page wants something of another host.
"""

import shutil
import sys
from pathlib import Path

from check import faults
from sphinx.cmd.build import build_main
from stage import ROOT, STAGE, stage

SITE = ROOT / "site"


def main() -> int:
    """Exit code 1 where a link leads nowhere, or a page asks another host for something."""
    stage()
    shutil.rmtree(SITE, ignore_errors=True)
    here = str(Path(__file__).parent)
    if build_main(
        [
            "-q",
            "-W",
            "--keep-going",
            "-b",
            "html",
            "-d",
            str(STAGE.with_name("doctrees")),
            "-c",
            here,
            str(STAGE),
            str(SITE),
        ]
    ):
        return 1
    found = faults(SITE)
    sys.stderr.writelines(f"{fault}\n" for fault in found)
    if not found:
        sys.stdout.write(f"{SITE / 'index.html'}\n")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main())
