"""How does an example, a Python file in percent format, become a page? It is run: what it prints and shows is on it.

Cells begin with `# %%`; those with `[markdown]` hold text, as comments. Where the last line of a cell is a picture, the
page shows it, as a notebook does. `python docs/site/examples.py NAME ...` runs examples and prints their pages.
"""

import ast
import re
import sys
from contextlib import redirect_stderr, redirect_stdout
from io import StringIO
from pathlib import Path
from typing import Any

from PIL import Image

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
NEWLINE = "\n"


def cells(text: str) -> list[tuple[bool, str]]:
    """Whether a cell is text, and what it holds: words, or code."""
    found = []
    for cell in re.split(r"^# %%", text, flags=re.MULTILINE)[1:]:
        head, _, body = cell.partition(NEWLINE)
        words = NEWLINE.join(line.removeprefix("#").removeprefix(" ") for line in body.strip().splitlines())
        if body.strip():
            found.append((True, words) if "[markdown]" in head else (False, body.strip(NEWLINE)))
    return found


def as_page(path: Path, pictures: Path) -> str:
    """Run an example; its page, whose pictures are written into the folder `pictures` beside it."""
    made, world = [], {"__file__": str(path), "__name__": f"examples.{path.stem}"}
    for is_text, body in cells(path.read_text(encoding="utf-8")):
        if is_text:
            made.append(body)
            continue
        said, shown = run(body, path, world)
        made.append(f"```python\n{body.strip()}\n```")
        if said.strip():
            made.append(f"```text\n{said.strip()}\n```")
        if isinstance(shown, Image.Image):
            pictures.mkdir(parents=True, exist_ok=True)
            name = f"{path.stem}-{len(made)}.png"
            shown.save(pictures / name)
            made.append(f"![What this cell shows]({pictures.name}/{name})")
    return "\n\n".join(made) + NEWLINE


def run(code: str, path: Path, world: dict[str, Any]) -> tuple[str, object]:
    """Run a cell; what it says, and the value of its last line."""
    tree, said, shown = ast.parse(code), StringIO(), None
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    with redirect_stdout(said), redirect_stderr(said):
        exec(compile(tree, str(path), "exec"), world)
        if last is not None:
            shown = eval(compile(ast.Expression(last.value), str(path), "eval"), world)
    return said.getvalue(), shown


if __name__ == "__main__":
    for name in sys.argv[1:]:
        sys.stdout.write(as_page(EXAMPLES / f"{name}.py", Path("build") / "pictures"))
