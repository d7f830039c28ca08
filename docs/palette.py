"""Which colours do our pages have? Read from the one file that says so, for the site and its plots."""

import re
from pathlib import Path

LOOK = (Path(__file__).parent / "../src/blurspace/pages/look.css").resolve().read_text(encoding="utf-8")
PAIR = re.compile(r"--([\w-]+): light-dark\((#\w{6}), (#\w{6})\);")
LETTERS = dict(re.findall(r"--(serif|sans|mono): (.*?);", LOOK))


def colours() -> tuple[dict[str, str], dict[str, str]]:
    """Each colour by its name, as #rrggbb: those of the day, and those of the night."""
    found = PAIR.findall(LOOK)
    return {name: light for name, light, _ in found}, {name: dark for name, _, dark in found}
