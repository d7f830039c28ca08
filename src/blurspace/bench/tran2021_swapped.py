"""Is transferred blur good enough to learn from? Protocol `tran2021-swapped`: the paper's table 2.

Tran et al. 2021, section 4.1.2: a deblurrer trained on pairs whose blurs were swapped among them, against one trained
on the pairs as they are. The paper trains SRN-Deblur for days; our deblurrer is small and trained for minutes on one
CPU thread, so only the order of the rows may be compared with the paper, never the numbers.
"""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from blurspace.bench.result import Progress, Row, no_progress
from blurspace.bench.spaces import all_pairs, halved, rounded_psnr, trained_restorer, trained_space
from blurspace.bench.tables import rows_table
from blurspace.chance import chance
from blurspace.codes import transfer
from blurspace.data.crops import draw_index
from blurspace.data.sources import Source, from_pairs
from blurspace.levels import to_levels
from blurspace.nets.restorer import Restorer
from blurspace.types import Pair

SEED, STEPS, BATCH, CROP, RATE, CLIP = 2021, 4000, 4, 96, 2e-3, 0.5
WIDTHS = (24, 32, 48, 64)
SPACE = {"count": 48, "side": 33, "steps": 100}
TRAINING = (
    f"deblurrer: residual U-Net of widths {WIDTHS}, {STEPS} steps of {BATCH} crops of {CROP} px, Adam {RATE} falling "
    f"to 0, seed {SEED}; PSNR over all colours, both rounded to 8 bits, mean"
)
PROTOCOL = (
    f"tran2021-swapped 1: table 2; trained on train/gopro_half, as it is or each sharp frame with another pair's blur "
    f"by a space of {SPACE} trained on the same pairs; tested on test/gopro averaged 2 x 2; {TRAINING}"
)
PAPER = {"original": 30.20, "blur-swapped": 28.49}


def run(data: Path, *, progress: Progress = no_progress, limit: int | None = None) -> list[Row]:
    """Table 2; `data`: as the protocol says, `limit`: so many steps instead of `STEPS`."""
    pairs = all_pairs(data / "train/gopro_half").pairs
    held_out = [halved(pair) for pair in all_pairs(data / "test/gopro").wholes()]
    rows = [_row("none", None, held_out)]
    for name in progress(("original", "blur-swapped"), total=2, what="trainings"):
        drawn = from_pairs(pairs if name == "original" else _swapped(pairs), side=CROP)
        restorer = small_restorer(drawn, steps=limit or STEPS)
        rows.append(_row(name, restorer, held_out))
    return rows


def summary(rows: Sequence[Row]) -> Row:
    """Adds what swapping costs in dB."""
    return {"mean_psnr": None, "lost_by_swapping": round(rows[1]["psnr"] - rows[2]["psnr"], 4)}


table = rows_table("trained_on", "paper_psnr", "psnr")


def small_restorer(draw: Source, *, steps: int) -> Restorer:
    """A small deblurrer, trained on the source's pairs."""
    return trained_restorer(
        lambda generator: draw(generator, BATCH), widths=WIDTHS, steps=steps, seed=SEED, rate=RATE, clip=CLIP
    )


@torch.no_grad()
def mean_psnr(restorer: nn.Module | None, pairs: Sequence[Pair]) -> float:
    """dB of what it makes of the pairs; without one, of their blurry pictures."""
    found = [rounded_psnr(pair.blurry if restorer is None else restorer(pair.blurry), pair.sharp) for pair in pairs]
    return round(sum(found) / len(found), 4)


def _swapped(pairs: Sequence[Tensor]) -> list[Tensor]:
    """Each sharp picture with the blur of another pair, by a space made from the pairs."""
    space = trained_space(from_pairs(pairs, side=160), **SPACE, seed=SEED)
    swapped, generator = [], chance(SEED, 0)
    for index, pair in enumerate(pairs):
        other = pairs[(index + 1 + draw_index(len(pairs) - 1, generator)) % len(pairs)].float() / 255
        sharp = pair[:1].float() / 255
        blurry = transfer(space, Pair(other[:1], other[1:]), sharp)
        swapped.append(torch.cat((pair[:1], to_levels(blurry))))
    return swapped


def _row(name: str, restorer: nn.Module | None, tests: Sequence[Pair]) -> Row:
    return {"trained_on": name, "paper_psnr": PAPER.get(name), "psnr": mean_psnr(restorer, tests)}
