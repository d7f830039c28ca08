"""Which methods are there, and what is known about each?

An explicit table: to add a method, add a Card. This file imports no torch, so that `models` and `cite` are instant.
"""

import hashlib
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blurspace.cards import AUTO, AUTO_WEIGHTS, CARDS, Card
from blurspace.errors import ModelError, UsageError
from blurspace.papers import PAPERS

if TYPE_CHECKING:
    from blurspace.restore.deblurrer import Deblurrer
    from blurspace.types import Kernel

WEIGHTS = Path(__file__).parent / "weights"


def find_card(name: str) -> Card:
    """The card of that name. Raises ModelError with the names there are."""
    if name not in CARDS:
        raise ModelError(f"there is no model named {name}: give one of {', '.join(CARDS)}")
    return CARDS[name]


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
    weights: Sequence[Path] = (),
) -> "Deblurrer":
    """The deblurrer of that name, "auto" among them.

    `kernel` (1 1 k k): use this one instead of estimating. `size`: an upper bound in px for the estimated kernel, found
    automatically where not given. `response`: the camera's, if known ("srgb", "gamma 2.2" or "linear"): the blur is
    then undone in linear light. `strength` in (0, 1]: how much of the blur is removed, by shortening the kernel (mixing
    sharp and blurry pixels would leave ghosts). `device`: where it works, see `run.pick_device`.

    Raises ModelError on an unknown name and on weights that are missing or not those of the card, UsageError on options
    that contradict each other.
    """
    if method not in (AUTO, *deblurrers()):
        raise ModelError(f"no method to deblur is named {method}: give one of {', '.join((AUTO, *deblurrers()))}")
    card = CARDS[AUTO_WEIGHTS if method == AUTO else method]
    if card.weights is not None:
        verify(card)
    build = load_builder(card, "blurspace.restore.methods:auto" if method == AUTO else card.builder)
    shipped = None if card.weights is None else WEIGHTS / card.weights
    from blurspace.restore.blurs import UniformBlur
    from blurspace.restore.deblurrer import Deblurrer
    from blurspace.restore.methods import Options

    options = Options(kernel=kernel, size=size, response=response, strength=strength)
    given = None if kernel is None else UniformBlur(kernel)
    return Deblurrer(build(shipped, options, device), given, response, strength, device)


def load_builder(card: Card, builder: str | None = None) -> Callable[..., Any]:
    """Import what builds the card's deblurrer (this may import torch). Raises ModelError where it is missing."""
    module, _, name = (builder or card.builder).partition(":")
    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise ModelError(f"model {card.name} needs {module}, which is missing: reinstall blurspace") from error
    return found


def verify(card: Card, *, folder: Path | None = None) -> str:
    """Check a card's weights file, in `folder` or the package, against its hash, and say in a sentence what was found.

    Raises ModelError where the file is missing or is not the one the card describes.
    """
    if card.weights is None:
        load_builder(card)
        return f"{card.name} has no weights, and its code is in place"
    path = (folder or WEIGHTS) / card.weights
    if not path.is_file():
        raise ModelError(f"the weights of {card.name} are missing at {path}: reinstall blurspace")
    if hashlib.sha256(path.read_bytes()).hexdigest() != card.sha256:
        raise ModelError(f"{path} is not the file that the card of {card.name} describes: reinstall blurspace")
    return f"{card.name} has the weights that its card describes"


def papers_behind(name: str) -> tuple[str, ...]:
    """Citation keys behind a model, or a key itself. Raises UsageError on any other name."""
    if name in CARDS:
        return CARDS[name].papers
    if name in PAPERS:
        return (name,)
    known = ", ".join((*CARDS, *PAPERS))
    raise UsageError(f"nothing named {name} has a paper here: give one of {known}")
