"""Whose blur goes onto which picture? Take the code of a pair, find it, show it, keep it, give it to another picture.

Tran, Tran, Phung and Hoai 2021: transfer is F(x', G(x, y)) (section 3.4), finding an unseen blur's code with F frozen
is step B of section 3.2. Everything works with any `types.KernelSpace`.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.errors import ModelError, UsageError
from blurspace.io.files import shown
from blurspace.io.weights import read_weights, write_tensors
from blurspace.losses import charbonnier
from blurspace.nets.encoder_space import EncoderSpace
from blurspace.nets.kernel_space import BasisSpace
from blurspace.types import Code, Image, KernelSpace, Pair

AnySpace = BasisSpace | EncoderSpace  # ours, and the published one
# Adam's rate for a code's numbers, most of which are below 1 in our space; and steps after which little happens.
RETRIEVAL_RATE, RETRIEVAL_STEPS = 0.01, 60
PROBE_CELL = 64  # px: a picture that shows a code has a point or a square of light in the middle of each such cell
DARK, LIGHT = 0.2, 0.8
LEAST_TRACE = 2e-3  # half an 8-bit level: below it a cell shows nothing
BANK = "blur bank"


@torch.no_grad()
def transfer(space: KernelSpace, pair: Pair, sharp: Image) -> Image:
    """`sharp` (b c h w) with the blur that is between the two pictures of `pair`, clamped to [0, 1].

    The sizes may differ: the code is stretched, its kernels keep their px. Raises UsageError as the space does.
    Source: Tran et al. 2021, section 3.4.
    """
    return space.reblur(sharp, space.extract(pair.sharp, pair.blurry)).clamp(0, 1)


def retrieve(space: KernelSpace, pair: Pair, *, steps: int = RETRIEVAL_STEPS, rate: float = RETRIEVAL_RATE) -> Code:
    """The code that explains a pair best, searched with the space frozen, from the one that `extract` reads.

    Adam on the Charbonnier distance for `steps` steps; the best code on the way is returned, detached, so it is never
    worse than the extracted one. Source: Tran et al. 2021, step (B) of section 3.2, as used for their table 3.
    """
    with torch.no_grad():
        start = space.extract(pair.sharp, pair.blurry)
    code = start.clone().requires_grad_()
    adam = torch.optim.Adam([code], lr=rate)
    best, least = start, float("inf")
    with torch.enable_grad():
        for step in range(steps + 1):
            loss = charbonnier(space.reblur(pair.sharp, code), pair.blurry)
            if float(loss.detach()) < least:
                best, least = code.detach().clone(), float(loss.detach())
            if step < steps:
                (code.grad,) = torch.autograd.grad(loss, [code])
                adam.step()
    return best


@torch.no_grad()
def show_code(space: KernelSpace, code: Code, *, size: tuple[int, int]) -> Image:
    """What a code does, as a picture (1 1 h 2w): to a grid of points (left) and to a grid of squares (right).

    `size` (h, w), at least 64 px: of the pictures it belongs to. The brightest pixel of each point's trace is white.
    """
    points, squares = probes(size)
    traces = (space.reblur(points, code) - DARK).clamp_min(0)
    peaks = functional.max_pool2d(traces, PROBE_CELL, PROBE_CELL, ceil_mode=True)
    peaks = functional.interpolate(peaks, scale_factor=PROBE_CELL)[..., : size[0], : size[1]]
    return torch.cat((traces / peaks.clamp_min(LEAST_TRACE), space.reblur(squares, code).clamp(0, 1)), -1)


def probes(size: tuple[int, int]) -> tuple[Image, Image]:
    """Grey pictures (1 1 h w) of points and of squares of light, one in the middle of each cell of PROBE_CELL px."""
    place = [torch.arange(length) % PROBE_CELL - PROBE_CELL // 2 for length in size]
    points = torch.outer(*(one == 0 for one in place))
    squares = torch.outer(*((one.abs() <= PROBE_CELL // 4) for one in place))
    bright, half = (DARK + (1 - DARK) * points), (DARK + (LIGHT - DARK) * squares)
    return bright[None, None].float(), half[None, None].float()


@dataclass(frozen=True)
class BlurBank:
    """The blurs of one camera: a code (1 c p q) per pair, and where each came from. UsageError where there is none.

    `space`: the fingerprint of the kernel space that the codes belong to; in others they mean nothing.
    """

    codes: tuple[Code, ...]
    sources: tuple[str, ...]
    space: str

    def __post_init__(self) -> None:
        """Refuse an empty one."""
        if not self.codes:
            raise UsageError("a blur bank without blurs was given: make it from at least one pair")

    def of(self, space: AnySpace) -> "BlurBank":
        """The bank itself. Raises ModelError where it is of another space."""
        if self.space != space.fingerprint():
            given = "the blur bank was made with another kernel space"
            raise ModelError(f"{given}: give the weights that it was made with, or make it again")
        return self


def write_bank(path: str | Path, bank: BlurBank) -> None:
    """Write a bank as one safetensors file (float16), whole or not at all. Raises OutputError where it cannot."""
    tensors = {f"code.{index:06}": code for index, code in enumerate(bank.codes)}
    write_tensors(path, tensors, about={"kind": BANK, "sources": bank.sources, "space": bank.space}, half=True)


def read_bank(path: str | Path) -> BlurBank:
    """A bank that `write_bank` wrote. Raises ModelError on a file that is missing, damaged, or no bank."""
    tensors, about = read_weights(path)
    if about.get("kind") != BANK:
        raise ModelError(f"{shown(path)} is no blur bank: give one that `blurspace transfer --bank` wrote")
    return BlurBank(tuple(tensors[name] for name in sorted(tensors)), tuple(about["sources"]), about["space"])


def fit_code(code: Code, cells: tuple[int, int], generator: torch.Generator | None = None) -> Code:
    """A code for a picture of `cells` (rows, columns): a random piece of a bigger map, a smaller one stretched."""
    for axis, wanted in ((2, cells[0]), (3, cells[1])):
        spare = code.shape[axis] - wanted
        if spare > 0:
            code = code.narrow(axis, int(torch.randint(spare + 1, (), generator=generator)), wanted)
    if code.shape[-2:] != cells:
        code = functional.interpolate(code, cells, mode="bilinear")
    return code


def code_for(space: AnySpace, code: Code, size: tuple[int, int], generator: torch.Generator | None = None) -> Code:
    """`fit_code` for a picture of `size` (h, w), in the precision and on the device of the space."""
    return fit_code(code.to(next(space.parameters())), space.cells(size), generator)


def pick(bank: BlurBank, generator: torch.Generator | None = None) -> Tensor:
    """One of the bank's codes by chance."""
    return bank.codes[int(torch.randint(len(bank.codes), (), generator=generator))]
