"""Does a search among printed lines read what is blurred? Protocol `tran2021-manifold`: Fig. 4, with lines for faces.

Lines that training never saw, in Pillow's own font, under drawn kernels, which are known or not; every fourth
is none. Errors: the share of characters that an OCR reads otherwise than in the sharp line, where rapidocr is there.
"""

import importlib
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import torch

from blurspace.bench.methods import shifted_psnr
from blurspace.bench.result import Progress, Row, no_progress, reduced
from blurspace.bench.sheets import write_sheet
from blurspace.bench.tables import rows_table
from blurspace.blur.convolve import blur
from blurspace.builders import build_deblurrer
from blurspace.chance import chance
from blurspace.data.printed import PrintedLines, draw_text
from blurspace.levels import to_8_bits
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.driver import deblur
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.train.features import draw_kernels
from blurspace.types import AnyImage, Kernel

SEED, COUNT, SIDE, SIGMA = 4242, 16, 17, 0.01
MAX_SHIFT, CROP = 3, 4  # px
SHEET = Path("tran2021-manifold.png")  # where the work is done: blurry, auto, found with the kernel, found blind, sharp
PROTOCOL = (
    f"tran2021-manifold 2: {COUNT} lines of 32 x 256 px in Pillow's font, seed {SEED}, each under a drawn kernel of up "
    f"to {SIDE} px (every fourth is none) and noise of {SIGMA}, 8 bits; auto as delivered, manifold as found and as "
    f"delivered, with the true kernel and light, and without; PSNR at the best shift of up to {MAX_SHIFT} px, "
    f"{CROP} px cut off, and character errors by rapidocr where it is installed"
)
Reader = Callable[[AnyImage], str]


def run(data: Path | None, *, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """A row per line, of the first `limit`; nothing is read from `data`. Writes SHEET."""
    del data
    kernels, reader = draw_kernels(COUNT, SIDE, chance(SEED, -1)), find_reader()
    rows, sheet = [], []
    for index in progress(range(limit or COUNT), total=limit or COUNT, what="lines"):
        row, pictures = measure(index, kernels[index % COUNT][None], reader)
        rows.append(row)
        sheet.append(pictures)
    write_sheet(SHEET, sheet)
    return rows


def measure(index: int, kernel: Kernel, reader: Reader | None) -> tuple[Row, Sequence[AnyImage]]:
    """What becomes of one line."""
    generator = chance(SEED, index)
    text = draw_text(generator)
    sharp = PrintedLines().line(text, generator)
    noise = SIGMA * torch.randn(sharp.shape, generator=generator)
    blurry = to_8_bits((blur(sharp, kernel) + noise).clamp(0, 1))
    auto = build_deblurrer("auto")(blurry)
    known, known_said = found(Observed(blurry, response="linear", given=UniformBlur(kernel)))
    blind, said = found(Observed(blurry))
    shown = {"blurry": blurry, "auto": auto.restored, "known": known, "blind": blind}
    delivered = {
        "known_delivered": known if known_said == "restored" else blurry,
        "blind_delivered": blind if said == "restored" else blurry,
    }
    pictures = shown | delivered
    row: Row = {"line": index}
    row |= {f"{name}_psnr": shifted_psnr(one, sharp, max_shift=MAX_SHIFT, crop=CROP) for name, one in pictures.items()}
    row |= {"known_verdict": known_said, "blind_verdict": said}
    if reader is not None:
        wanted = reader(sharp)
        row |= {f"{name}_errors": round(errors(reader(one), wanted), 4) for name, one in pictures.items()}
    return row, (*shown.values(), sharp)


def found(seen: Observed) -> tuple[AnyImage, str]:
    """What the manifold's search finds, whatever its receipt says; and the receipt's verdict."""
    (method,) = build_deblurrer("manifold").methods
    made, done = seen.find(method.find, Run()), deblur(seen, [method], Run())
    assert made is not None
    assert made.picture is not None
    return made.picture, done.receipt.verdict


def find_reader() -> Reader | None:
    """What reads the one line in a picture, where rapidocr is installed."""
    try:
        engine: Any = importlib.import_module("rapidocr").RapidOCR()
    except ImportError:
        return None

    def read(picture: AnyImage) -> str:
        large = torch.nn.functional.interpolate(picture, scale_factor=2.0, mode="bicubic").clamp(0, 1)
        told = engine((255 * large[0].expand(3, -1, -1).permute(1, 2, 0)).byte().numpy(), use_det=False)
        return "".join(told.txts or ()).replace(" ", "")

    return read


def errors(read: str, wanted: str) -> float:
    """The share of characters to be changed, put in or left out (Levenshtein), of those that are wanted."""
    costs = list(range(len(wanted) + 1))
    for row, one in enumerate(read, 1):
        before, costs[0] = costs[0], row
        for column, other in enumerate(wanted, 1):
            before, costs[column] = (
                costs[column],
                min(costs[column] + 1, costs[column - 1] + 1, before + (one != other)),
            )
    return costs[-1] / max(len(wanted), 1)


def summary(rows: Sequence[Row]) -> Row:
    """Adds the means."""
    ways = ("blurry", "auto", "known", "blind", "known_delivered", "blind_delivered")
    names = [f"{name}_{kind}" for kind in ("psnr", "errors") for name in ways]
    return {f"mean_{name}": reduced(fmean, rows, name) for name in names}


_PSNR = ("blurry_psnr", "auto_psnr", "known_psnr", "blind_psnr")
_ERRORS = ("blurry_errors", "auto_errors", "known_delivered_errors", "blind_delivered_errors")
table = rows_table("line", *_PSNR, "known_verdict", "blind_verdict", *_ERRORS)
