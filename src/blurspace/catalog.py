"""Which methods are there, and what is known about each?

To add a method, add a table in cards.toml and a line in `cards.BUILDS`. This file imports no torch, so that `models`
and `cite` are instant.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from blurspace.cards import AUTO, CARDS, WEIGHTS, Card, Options, current_name, find_card
from blurspace.errors import ModelError, UsageError
from blurspace.papers import PAPERS

if TYPE_CHECKING:
    from blurspace.restore.deblurrer import Deblurrer
    from blurspace.types import Kernel

__all__ = ["CARDS", "WEIGHTS", "build_deblurrer", "current_name", "deblurrers", "find_card", "papers_behind", "verify"]


def deblurrers() -> tuple[str, ...]:
    """The names of the cards that deblur."""
    return tuple(name for name, card in CARDS.items() if card.task == "deblur")


def build_deblurrer(
    method: str,
    *,
    kernel: "Kernel | None" = None,
    size: int | None = None,
    response: str | None = None,
    strength: float = 1.0,
    device: str = "cpu",
    weights: str | Path | Sequence[str | Path] = (),
    force: bool = False,
) -> "Deblurrer":
    """The deblurrer of that name; or with `weights`, a file or files that `train` or `adapt` wrote, the one in them.

    `kernel` (1 1 k k): use this one instead of estimating. `size`: an upper bound in px for the estimated kernel, found
    automatically where not given. `response`: the camera's, if known ("srgb", "gamma 2.2" or "linear"): the blur is
    then undone in linear light. `strength` in (0, 1]: how much of the blur is removed, by shortening the kernel (mixing
    sharp and blurry pixels would leave ghosts). `device`: where it works, see `run.pick_device`. `weights`: most
    methods are in one file; an analysis and a synthesis network may come in two, pairs for three sizes of kernels with
    their classifier in seven, and a translator with the network that undoes the known blur in two. `force`: undo the
    given kernel whatever the receipt says, which then says so.

    Raises ModelError on an unknown name and on weights that are missing, not those of the card, or of no method,
    UsageError on options that contradict each other.
    """
    options, method = Options(kernel=kernel, size=size, response=response, strength=strength), current_name(method)
    if method not in deblurrers():
        raise ModelError(f"no method to deblur is named {method}: give one of {', '.join(deblurrers())}")
    if force and kernel is None:
        raise UsageError("only a kernel that is given can be forced: give --kernel with --force")
    from blurspace import builders
    from blurspace.restore.blurs import UniformBlur
    from blurspace.restore.deblurrer import Deblurrer
    from blurspace.restore.verdict import Referee

    paths = (weights,) if isinstance(weights, (str, Path)) else weights
    files = [builders.read_file(path) for path in paths]
    if files and method != AUTO:
        raise UsageError(f"weights say which method they are for: leave the method {method} out, or the weights")
    translated = any("translator" in file.networks for file in files)
    card = builders.card_of(files) if files and not translated else find_card(method)
    options.check(files[0].label if files else card.name, () if translated else card.options)
    if translated:
        return builders.build_camera(*paths, device=device)
    methods = card.build(builders.networks_of(card, files, device), options)
    given, referee = None if kernel is None else UniformBlur(kernel), Referee(forced=True) if force else None
    return Deblurrer(methods, given, response, strength, device, referee)


def verify(card: Card, *, folder: Path | None = None) -> str:
    """Check a card's weights files, in `folder` or the package, against its hashes; a sentence on what was found.

    Raises ModelError where a file is missing or is not the one the card describes.
    """
    if not card.files(folder):
        return f"{card.name} has no weights"
    return f"{card.name} has the weights that its card describes"


def papers_behind(name: str) -> tuple[str, ...]:
    """Citation keys behind a model, or a key itself. Raises UsageError on any other name."""
    if name in CARDS:
        return CARDS[name].papers
    if name in PAPERS:
        return (name,)
    known = ", ".join((*CARDS, *PAPERS))
    raise UsageError(f"nothing named {name} has a paper here: give one of {known}")
