"""What do blurs look like, and what does blurspace say and make of them? The pictures of two pages, and their rows.

    python benchmarks/gallery.py KODAK

Writes docs/gallery/ and which-blur.csv, gallery.csv. One sharp photo of Kodak gets each kind of blur, and `diagnose`
says what it sees; other photos of it get a blur each, and `deblur` restores them or refuses; so it does with the demo
photos, which were really shaken. Whatever comes out is shown, also what was refused. Everything is done by the command
line itself. Kodak's photos are free of restrictions, the demo photos "free to use however you wish".
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter
from run import HERE, write

from blurspace.bench.levin import CROP
from blurspace.bench.methods import score
from blurspace.io.images import read_photo

OUT, DEMO = HERE.parent / "docs" / "gallery", HERE.parent / "demo"
COMMAND = "python benchmarks/gallery.py kodak24"
MAX_SHIFT = 5  # px: a kernel's centre is nobody's to know
WIDE, HIGH, QUALITY = 300, 240, 85  # px of a piece that is shown, at 100 %; of its JPEG
KERNEL = 120  # px of a kernel's picture
PART = (0.5, 12)  # which share of the photo, from the left, stays sharp; px of the seam

# The photo that is shown under each kind of blur, and where a piece of it is (x, y).
KINDS_PHOTO, KINDS_CORNER = "8.webp", (350, 120)
KINDS = {
    "sharp": "",
    "shake": "--shake 25 --seed 4",
    "motion": "--line 16 --angle 25",
    "defocus": "--disk 4",
    "soft": "--gaussian 1.2",
    "turned": "--rotation 24 --seed 1",
    "part": "--disk 4",
}
# Photo, the corner of its piece, the blur.
MADE = {
    "lighthouse": ("19.webp", (60, 60), "--shake 31 --seed 2"),
    "mural": ("24.webp", (330, 150), "--shake 21 --seed 7 --sigma 0.01 --jpeg 90"),
    "window": ("7.webp", (200, 90), "--line 14 --angle 70"),
    "aeroplane": ("20.webp", (120, 190), "--disk 3"),
    "barn": ("22.webp", (300, 60), "--rotation 20 --seed 3"),
    "caps": ("3.webp", (60, 60), "--gaussian 1.5"),
}
SHAKEN = {"cereal": (230, 190), "fruit": (340, 80), "bear": (200, 120)}


def main() -> None:
    """Make all pictures, and write their rows."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kodak", type=Path)
    parser.add_argument("--only", choices=("which-blur", "gallery"), help="one of the two pages")
    asked = parser.parse_args()
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        if asked.only != "gallery":
            kinds(asked.kodak, Path(folder))
        if asked.only != "which-blur":
            gallery(asked.kodak, Path(folder))


def kinds(kodak: Path, folder: Path) -> None:
    """The pictures and rows of docs/which-blur.md."""
    rows = [kind(name, options, kodak / KINDS_PHOTO, folder) for name, options in KINDS.items()]
    note = "what diagnose says of one photo under each kind of blur: the pictures of docs/which-blur.md"
    write(rows, HERE / "which-blur.csv", command=COMMAND, data="kodak24", seed="as the rows say", note=note)


def gallery(kodak: Path, folder: Path) -> None:
    """The pictures and rows of docs/gallery.md."""
    rows = [made(name, kodak, folder) for name in MADE] + [shaken(name, folder) for name in SHAKEN]
    note = "what deblur makes of photos under a blur each, and of the demo photos: the pictures of docs/gallery.md"
    write(rows, HERE / "gallery.csv", command=COMMAND, data="kodak24", seed="as the rows say", note=note)


def kind(name: str, options: str, sharp: Path, folder: Path) -> dict[str, object]:
    """One row of which-blur.csv, and its picture."""
    blurry = blurred(name, options, sharp, folder)
    if name == "part":
        half(sharp, blurry)
    found = blurspace("diagnose", str(blurry), "--json")
    show(blurry, f"which-{name}", KINDS_CORNER)
    told = {key: "" if found[key] is None else found[key] for key in ("kind", "length_px", "angle_deg", "confidence")}
    return {"picture": name, "made by": options or "nothing", **told, "reason": found["reason"]}


def made(name: str, kodak: Path, folder: Path) -> dict[str, object]:
    """One row of gallery.csv: a photo whose sharp one is known."""
    file, corner, options = MADE[name]
    blurry = blurred(name, options, kodak / file, folder)
    show(kodak / file, f"{name}-sharp", corner)
    return restored(name, blurry, corner, options, truth=kodak / file)


def shaken(name: str, folder: Path) -> dict[str, object]:
    """One row of gallery.csv: a demo photo. It is copied, so that nothing is written beside it."""
    photo = folder / f"{name}.jpg"
    photo.write_bytes((DEMO / f"shaken-{name}.jpg").read_bytes())
    return restored(name, photo, SHAKEN[name], "a real shake")


def restored(
    name: str, blurry: Path, corner: tuple[int, int], how: str, truth: Path | None = None
) -> dict[str, object]:
    """What `deblur` makes of a photo, its pictures, and its row."""
    found = blurspace("deblur", str(blurry), "--json", "--plot")
    show(blurry, f"{name}-blurry", corner)
    gain: object = ""
    if found["output"]:
        show(Path(str(found["output"])), f"{name}-restored", corner)
        if truth:
            gain = round(quality(Path(str(found["output"])), truth) - quality(blurry, truth), 2)
    drawn = blurry.with_name(f"{blurry.stem}.kernel.png")
    if drawn.exists():
        Image.open(drawn).convert("L").resize((KERNEL, KERNEL), Image.Resampling.NEAREST).save(
            OUT / f"{name}-kernel.png", optimize=True
        )
    told = {key: "" if found[key] is None else found[key] for key in ("verdict", "method", "probability_better")}
    return {"photo": name, "blur": how, **told, "gain_db": gain, "reason": found["reason"]}


def blurred(name: str, options: str, sharp: Path, folder: Path) -> Path:
    """A PNG of the sharp photo under this blur."""
    out = folder / f"{name}.png"
    if options:
        blurspace("blur", str(sharp), *options.split(), "-o", str(out), "--json", "--overwrite")
    else:
        Image.open(sharp).convert("RGB").save(out)
    return out


def half(sharp: Path, blurry: Path) -> None:
    """Put the sharp photo back into the left part of the blurry one."""
    share, seam = PART
    above, below = Image.open(sharp).convert("RGB"), Image.open(blurry).convert("RGB")
    stays = np.zeros((above.height, above.width), dtype=np.uint8)
    stays[:, : round(share * above.width)] = 255
    mask = Image.fromarray(stays).filter(ImageFilter.GaussianBlur(seam / 2))
    Image.composite(above, below, mask).save(blurry)


def quality(path: Path, truth: Path) -> float:
    """PSNR in dB at the best shift."""
    return score(read_photo(path).pixels, read_photo(truth).pixels, max_shift=MAX_SHIFT, crop=CROP).psnr


def show(path: Path, name: str, corner: tuple[int, int]) -> None:
    """Keep the piece of a photo that the page shows."""
    x, y = corner
    piece = Image.open(path).convert("RGB").crop((x, y, x + WIDE, y + HIGH))
    piece.save(OUT / f"{name}.jpg", quality=QUALITY, optimize=True)


def blurspace(*words: str) -> dict[str, object]:
    """The record that the command line gives; refused is an answer, not an error."""
    done = subprocess.run(
        [sys.executable, "-m", "blurspace", *words], capture_output=True, text=True, check=False, timeout=1800
    )
    if done.returncode:
        sys.exit(done.stderr)
    found: dict[str, object] = json.loads(done.stdout)
    print(found, flush=True)
    return found


if __name__ == "__main__":
    main()
