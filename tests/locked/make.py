"""What does every method make of six small pictures? `python -m tests.locked.make` locks it anew."""

import functools
import json
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch
from tests.restore.made import finding, with_finder
from tests.restore.scenes import made_scene

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line, shake
from blurspace.blur.varying import KernelField, blur_varying, draw_rotation_path, rotation_field
from blurspace.builders import build_deblurrer
from blurspace.catalog import CARDS
from blurspace.restore.blurs import FieldBlur
from blurspace.restore.deconvolve import Rounds
from blurspace.restore.finders import FieldFinder, KernelFinder
from blurspace.restore.learned import Learned
from blurspace.restore.total_variation import total_variation
from blurspace.run import Run

HERE = Path(__file__).parent
SHAKE = shake(13, extent=11, generator=torch.Generator().manual_seed(3))
METHODS = ("classical", "learned", "auto", "rotation", "kaufman2020-small", "belt")
SIDE = 112
TURNED = rotation_field(
    draw_rotation_path(extent=15, focal=200, roll=4.0, generator=torch.Generator().manual_seed(1)),
    (200, 200),
    focal=200,
    rows=3,
    columns=4,
)

SEARCHED = {}  # what was found, by `Once`


@functools.cache
def pictures():
    """Six blurry pictures (1 c h w), each another case; the kernel is told for those in KNOWN."""
    generator = torch.Generator().manual_seed(7)

    def noisy(picture, sigma=0.004, side=SIDE):
        seen = picture[..., :side, :side]
        seen = seen + sigma * torch.randn(seen.shape, generator=generator)
        return (seen.clamp(0, 1) * 255).round() / 255

    colour, grey = made_scene(140, seed=2, channels=3), made_scene(140, seed=5)
    lamps = made_scene(140, seed=4, channels=3)
    lamps[..., 40:46, 60:66] = 3.0
    return {
        "colour": noisy(blur(colour, SHAKE, border="valid")),
        "grey": noisy(blur(grey, line(9, 30.0), border="valid")),
        "line": noisy(blur(colour, line(7, 0.0), border="valid"), 0.01),
        "lamps": noisy(blur(lamps, SHAKE, border="valid")),
        "turned": noisy(blur_varying(made_scene(200, seed=5), TURNED), side=200),
        "sharp": noisy(made_scene(140, seed=8, channels=3)),
    }


# The kernel is told for these: searches in them end elsewhere when a value changes by 1e-7. So does that for a field.
KNOWN = {"lamps": SHAKE, "colour": SHAKE, "turned": FieldBlur(TURNED).kernel}
CASES = [
    (method, name)
    for method in METHODS
    for name in ("colour", "grey", "line", "lamps", "turned", "sharp")
    if method != "rotation" or name in ("grey", "turned", "sharp")
]


def as_it_was(deblurrer):
    """With the plain rounds that it was locked with: 30, and 20 for what networks start from."""

    def plain(restorer):
        if isinstance(restorer, Learned):
            return replace(restorer, rounds=Rounds(20, 1.0))
        return partial(restorer, rounds=Rounds(30, 1.0)) if restorer is total_variation else restorer

    return replace(deblurrer, methods=tuple(replace(one, restorer=plain(one.restorer)) for one in deblurrer.methods))


@dataclass(frozen=True)
class Once:
    """A finder that searches a picture of this name once, for all methods that would search it alike."""

    finder: KernelFinder
    picture: str

    def __call__(self, seen, run):
        if seen.given is not None:
            return self.finder(seen, run)
        if self not in SEARCHED:
            SEARCHED[self] = self.finder(seen, run)
        return SEARCHED[self]


def searching_once(deblurrer, picture):
    """The deblurrer, but what was searched for in this picture is known already."""

    def once(find):
        if isinstance(find, FieldFinder):
            return replace(find, start=Once(find.start, picture))
        return Once(find, picture) if isinstance(find, KernelFinder) else find

    return replace(deblurrer, methods=tuple(replace(one, find=once(one.find)) for one in deblurrer.methods))


def result(method, name):
    """The restored picture as 8 bits (c h w), and what the receipt says."""
    told = {"kernel": KNOWN[name]} if name in KNOWN and method not in ("rotation", "belt") else {}
    if "response" in CARDS[method].options:
        told["response"] = "linear"  # values as they stand
    deblurrer = searching_once(build_deblurrer(method, **told), name)
    if (method, name) == ("rotation", "turned"):
        field = KernelField(torch.from_numpy(np.load(HERE / "field.npy")), 3, 4)  # what was found once
        deblurrer = with_finder(deblurrer, finding(FieldBlur(field)))
    made = as_it_was(deblurrer)(pictures()[name], run=Run())  # not in half precision, as some machines do
    receipt = made.receipt
    facts = {
        "verdict": receipt.verdict,
        "reason": receipt.reason,
        "method": made.method,
        "confidence": made.confidence,
        **{
            fact: getattr(receipt, fact) for fact in ("sigma", "reblur_psnr", "change_psnr", "kernel_length", "ringing")
        },
    }
    return (made.restored[0] * 255).round().to(torch.uint8).numpy(), facts


def main():
    facts, levels = {}, {}
    for method, name in CASES:
        levels[f"{method} {name}"], facts[f"{method} {name}"] = result(method, name)
    np.savez_compressed(HERE / "restored.npz", **levels)
    (HERE / "receipts.json").write_text(json.dumps(facts, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
