"""Which methods and models are there, and what is known about each?

To add a method, add a table in cards.toml and a line in `BUILDS`. This file imports no torch, so that `models` and
`cite` are instant.
"""

import builtins
import hashlib
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blurspace.errors import ModelError, UsageError
from blurspace.papers import PAPERS

if TYPE_CHECKING:
    from blurspace.types import Kernel

WEIGHTS = Path(__file__).parent / "weights"
AUTO = "auto"  # what `deblur` does where no method is asked for
OLD_NAMES = {"fourier-pair": "learned"}  # what a method was called before, and its name now

# Force is not for searches: the receipt says too little of them, and `search` changes the kernel that it begins with.
ALL = ("kernel", "size", "response", "strength", "force", "minutes", "seed", "generator")  # the last three: of searches

SEEDS = 2**63  # so many does torch take that are not negative


@dataclass(frozen=True)
class Options:
    """What a user may ask of a method: see `builders.build_deblurrer`."""

    kernel: "Kernel | None" = None
    size: int | None = None
    response: str | None = None
    strength: float = 1.0
    force: bool = False
    minutes: float | None = None
    seed: int | None = None
    generator: "str | Path | None" = None

    def __post_init__(self) -> None:
        """Raises UsageError on minutes that are none, and on a seed that no generator takes."""
        if self.minutes is not None and not self.minutes > 0:  # nor for NaN
            raise UsageError(f"{self.minutes:g} minutes were given for a search: give more than 0")
        if self.seed is not None and not 0 <= self.seed < SEEDS:
            raise UsageError(f"a seed of {self.seed} was given: give a whole number from 0 to {SEEDS - 1}")

    def check(self, name: str, known: Sequence[str]) -> None:
        """Raise UsageError where one is asked for that the method `name` does not know, or that lacks what it needs."""
        told = (self.kernel is not None, self.size is not None, self.response not in (None, AUTO), self.strength != 1)
        more = (self.force, self.minutes is not None, self.seed is not None, self.generator is not None)
        asked = dict(zip(ALL, (*told, *more), strict=True))
        unknown = [one for one in ALL if one not in known and asked[one]]
        if unknown:
            words = " or ".join(filter(None, (", ".join(unknown[:-1]), unknown[-1])))
            them = "it" if len(unknown) == 1 else "them"
            raise UsageError(f"{name} knows no {words}: leave {them} out or take another method")
        if self.force and self.kernel is None:
            raise UsageError("only a kernel that is given can be forced: give --kernel with --force")


PRINTER = "printer"  # the generator that we ship, and its network's name in weights files
CHECKPOINT = "checkpoint"  # what the network of another project's file is called
# Builds the methods (`restore.driver.Method`) of networks (`restore.methods.Networks`) and options; imports them late.
Build = Callable[[Any, Options], tuple[Any, ...]]


@dataclass(frozen=True)
class Card:
    """What is known about one method. `parameters`, `bytes` and `sha256` are those of its weights, if it has any.

    `measured`: benchmark name -> numbers and, under `rows`, the committed file that they were computed from. `weights`:
    names of files inside the package and their SHA-256; the first is its own, the others help. `build`: for methods
    that deblur. `options`: those that it knows. `networks`: a weights file of a user's that holds one of these is built
    as this card is. `domain`: the known blur of `adapt` that it undoes.
    """

    name: str
    task: str
    trained_on: str
    colour_space: str
    papers: tuple[str, ...]
    licence: str = "Apache-2.0"
    parameters: int = 0
    bytes: int = 0
    weights: Mapping[str, str] = field(default_factory=dict)
    measured: dict[str, dict[str, float | str]] = field(default_factory=dict)
    build: Build = lambda *_: ()
    options: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    domain: str | None = None

    @property
    def sha256(self) -> str | None:
        """That of its own weights file, if it has one."""
        return next(iter(self.weights.values()), None)

    def record(self) -> dict[str, object]:
        """The contract's `models --json` object."""
        names = ("name", "task", "parameters", "bytes", "sha256", "licence", "trained_on", "measured")
        return {name: getattr(self, name) for name in (*names, "colour_space")} | {"papers": list(self.papers)}

    def files(self, folder: Path | None = None) -> dict[str, builtins.bytes]:
        """What its weights files hold, in `folder` or the package, by name.

        Raises ModelError where one is missing or is not the one that the card describes.
        """
        found = {}
        for name, sha256 in self.weights.items():
            path = (folder or WEIGHTS) / name
            if not path.is_file():
                raise ModelError(f"the weights of {self.name} are missing at {path}: reinstall blurspace")
            found[name] = path.read_bytes()
            if hashlib.sha256(found[name]).hexdigest() != sha256:
                raise ModelError(f"{path} is not the file that the card of {self.name} describes: reinstall blurspace")
        return found


def _search(networks: Any, options: Options) -> tuple[Any, ...]:
    from blurspace.search.method import search_method

    return (search_method(networks.one("space"), seed=int(options.seed or 0), minutes=options.minutes),)


def _manifold(networks: Any, options: Options) -> tuple[Any, ...]:
    from blurspace.search.generators import read_generator
    from blurspace.search.manifold import manifold_method

    name = PRINTER if options.generator is None else options.generator
    made = networks.one(PRINTER) if name == PRINTER else read_generator(name)
    return (manifold_method(made, seed=int(options.seed or 0), minutes=options.minutes),)


def _methods() -> Any:
    from blurspace.restore import methods

    return methods


BUILDS: dict[str, Build] = {
    AUTO: lambda networks, options: _methods().auto(networks, options.size),
    "classical": lambda _, options: _methods().classical(options.size),
    "fast": lambda _, options: _methods().fast(options.size),
    "mild": lambda *_: _methods().mild(),
    "learned": lambda networks, options: _methods().learned(networks, options.size),
    "kaufman2020-small": lambda networks, _: _methods().pair(networks),
    "rotation": lambda _, options: _methods().rotation(options.size),
    "search": _search,
    "manifold": _manifold,
    "belt": lambda networks, _: _methods().at_once(networks),
}


def _read() -> dict[str, Card]:
    """The cards in `cards.toml`, in its order, with their builds."""
    tables = tomllib.loads((Path(__file__).parent / "cards.toml").read_text("utf-8"))
    cards = {}
    for name, table in tables.items():
        lists = {key: tuple(value) for key, value in table.items() if isinstance(value, list)}
        cards[name] = Card(name, build=BUILDS.get(name, Card.build), **table | lists)
    return cards


CARDS = _read()
AT_ONCE = CARDS["belt"].networks  # networks that restore at once, by their names in weights files
# Of files that do not deblur: what they hold, and what for.
OTHERS = {
    "space": "a kernel space, which kernel --pair, transfer and blur take with --space",
    "features": "features, by which the training of a translator compares pictures",
    "denoiser": "a denoiser, from which the training of a deconvolver starts",
    "translator": "a translator, which restores only beside the network that undoes the known blur",
}
# Known domains of blur, by name, and the method that undoes each.
KNOWN = {card.domain: card.name for card in CARDS.values() if card.domain}


def deblurrers() -> tuple[str, ...]:
    """The names of the cards that deblur."""
    return tuple(name for name, card in CARDS.items() if card.task == "deblur")


def current_name(name: str, report: Callable[[str], None] = lambda _: None) -> str:
    """What a method is called now; `report` gets a sentence where it was called by an old name."""
    for old, new in OLD_NAMES.items():
        if name.startswith(old):
            report(f"{old} is called {new} now")
            return new + name.removeprefix(old)
    return name


def find_card(name: str) -> Card:
    """The card of that name, or old name. Raises ModelError with the names there are."""
    found = CARDS.get(current_name(name))
    if found is None:
        raise ModelError(f"there is no model named {name}: give one of {', '.join(CARDS)}")
    return found


def deblurring_card(name: str) -> Card:
    """The card of that name, or old name, that deblurs. Raises ModelError with the names there are."""
    found = current_name(name)
    if found not in deblurrers():
        raise ModelError(f"no method to deblur is named {found}: give one of {', '.join(deblurrers())}")
    return CARDS[found]


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
