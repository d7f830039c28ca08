"""Make the pictures of docs/search.md from the sheets that three protocols leave: `python docs/make_sheets.py FOLDER`.

FOLDER: where `bench tran2021-search`, `tran2021-manifold` and `tran2021-convergence` were run.
"""

import sys
from pathlib import Path

from PIL import Image

HERE = Path(__file__).parent
HIGH = 260  # px of a row of the search's sheet
ROWS = range(6)  # which of them are shown: the made scenes, of photos whose licence lets us
QUALITY = 85  # of the JPEG: the sheet itself has 6 MB


def main() -> None:
    """Write the three pictures."""
    folder = Path(sys.argv[1])
    search = Image.open(folder / "tran2021-search.png").convert("RGB")
    search = search.crop((0, ROWS.start * HIGH, search.width, ROWS.stop * HIGH))
    search.save(HERE / "search-sheet.jpg", quality=QUALITY)
    for name, shown in (("manifold", "manifold-sheet"), ("convergence", "convergence")):
        Image.open(folder / f"tran2021-{name}.png").save(HERE / f"{shown}.png", optimize=True)


if __name__ == "__main__":
    main()
