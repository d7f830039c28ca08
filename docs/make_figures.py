"""Make the two pictures of the pages again, from the demo photos: `python docs/make_figures.py`.

before-after.png: a piece of a photo, the same piece restored, and the kernel that was found. method.png: that
photo, its kernel, the restored photo, that blurred again, and what is left of the photo then, which the receipt weighs.
Pieces are shown at 100 %: a pixel of the figure is a pixel of the photo. Two minutes.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from torch import Tensor

from blurspace import build_deblurrer, read_photo, show
from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.io.jpeg import quantisation_sigma
from blurspace.restore.driver import Restoration
from blurspace.types import Photo

HERE = Path(__file__).parent
DEMO = HERE.parent / "demo"
# The corner (x, y) of each piece: where most detail comes back. Specks at clipped lights, elsewhere, are left.
CORNERS = {"cereal": (230, 190)}
WIDE, HIGH, GAP, TEXT = 280, 240, 8, 22
METHOD = "cereal"
LOUDER = 8  # times, what is left of the photo


def main() -> None:
    """Deblur the demo photos and write both figures."""
    deblurrer = build_deblurrer("auto")
    results = {}
    for name in CORNERS:
        photo = read_photo(DEMO / f"shaken-{name}.jpg")
        results[name] = photo, deblurrer(photo.pixels, least_sigma=quantisation_sigma(photo))
    before_after(results).save(HERE / "before-after.png", optimize=True)
    method(*results[METHOD]).save(HERE / "method.png", optimize=True)


def before_after(results: dict[str, tuple[Photo, Restoration]]) -> Image.Image:
    """Two rows: a piece of the photo, the same restored, the kernel enlarged."""
    rows = [
        [piece(photo.pixels, name), piece(result.restored, name), kernel(result)]
        for name, (photo, result) in results.items()
    ]
    sheet = Image.new("RGB", (2 * WIDE + HIGH + 2 * GAP, len(rows) * (HIGH + GAP) - GAP), "white")
    for number, row in enumerate(rows):
        for column, picture in enumerate(row):
            sheet.paste(picture, (column * (WIDE + GAP), number * (HIGH + GAP)))
    return sheet


def method(photo: Photo, result: Restoration) -> Image.Image:
    """One row, with a word above each picture, and the receipt below."""
    response = result.light.response
    reblurred = to_display(blur(to_linear(result.restored, response), result.kernel), response)
    left = (photo.pixels - reblurred) * LOUDER + 0.5
    pictures = {
        "the photo": piece(photo.pixels, METHOD),
        "1. find the blur": kernel(result),
        "2. remove it": piece(result.restored, METHOD),
        "3. blur it again": piece(reblurred, METHOD),
        f"what is left, times {LOUDER}": piece(left, METHOD),
    }
    width = sum(picture.width for picture in pictures.values()) + GAP * (len(pictures) - 1)
    sheet = Image.new("RGB", (width, HIGH + 2 * TEXT), "white")
    draw, font, x = ImageDraw.Draw(sheet), ImageFont.load_default(15), 0
    for words, picture in pictures.items():
        draw.text((x, 1), words, "black", font=font)
        sheet.paste(picture, (x, TEXT))
        x += picture.width + GAP
    receipt = result.receipt
    told = f"4. the receipt: {receipt.verdict}; {receipt.reason} to {receipt.reblur_psnr:.1f} dB"
    draw.text((0, TEXT + HIGH + 1), told, "black", font=font)
    return sheet


def piece(pixels: Tensor, name: str) -> Image.Image:
    """The piece of a picture (1 3 h w) in [0, 1] that is shown."""
    x, y = CORNERS[name]
    values = pixels[0, :, y : y + HIGH, x : x + WIDE].clamp(0, 1).permute(1, 2, 0).numpy()
    return Image.fromarray(np.round(values * 255).astype(np.uint8))


def kernel(result: Restoration) -> Image.Image:
    """The kernel, a square as high as a piece, its pixels seen as squares."""
    values = show(result.kernel, sqrt=True)[0].mean(0).numpy()
    return Image.fromarray(np.round(values * 255).astype(np.uint8)).convert("RGB").resize((HIGH, HIGH), Image.NEAREST)


if __name__ == "__main__":
    main()
