"""Which methods are there, and what is known about each?

An explicit table: to add a method, add a Card. This file imports no torch, so that `models` and `cite` are instant.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blurspace.errors import ModelError, UsageError
from blurspace.papers import PAPERS

if TYPE_CHECKING:
    from blurspace.nets.kernel_space import BasisSpace
    from blurspace.types import Deblurrer, Kernel

WEIGHTS = Path(__file__).parent / "weights"
# What `deblur` does where no method is asked for, and whose weights that needs.
AUTO, AUTO_WEIGHTS = "auto", "fourier-pair"
# The kernel space that `transfer` and `augment` use where none is given.
SPACE = "kernel-space"


@dataclass(frozen=True)
class Card:
    """What is known about one method. `bytes` and `sha256` are those of its weights file, if it has one.

    `measured`: benchmark name -> numbers and, under `rows`, the committed file that they were computed from.
    `builder`: import path `module:name` of what makes the deblurrer.
    """

    name: str
    task: str
    builder: str
    parameters: int
    bytes: int
    sha256: str | None
    licence: str
    trained_on: str
    colour_space: str
    papers: tuple[str, ...]
    weights: str | None = None  # file name inside the package
    measured: dict[str, dict[str, float | str]] = field(default_factory=dict)

    def record(self) -> dict[str, object]:
        """The contract's `models --json` object."""
        names = ("name", "task", "parameters", "bytes", "sha256", "licence", "trained_on", "measured")
        return {name: getattr(self, name) for name in (*names, "colour_space")} | {"papers": list(self.papers)}


CARDS: dict[str, Card] = {
    card.name: card
    for card in (
        Card(
            name="classical",
            task="deblur",
            builder="blurspace.deblur.methods:classical",
            parameters=0,
            bytes=0,
            sha256=None,
            licence="Apache-2.0",
            trained_on="nothing: no weights",
            colour_space="linear light where the camera response is known, else display-referred; kernel on luminance",
            papers=("xu2013", "cho2009", "krishnan2011", "krishnan2009", "rudin1992", "almeida2013"),
            measured={
                "levin": {"mean_psnr": 33.29, "mean_ssim": 0.948, "rows": "benchmarks/levin-classical.csv"},
                "levin, true kernel": {
                    "mean_psnr": 34.59,
                    "mean_ssim": 0.956,
                    "rows": "benchmarks/levin-true-kernel.csv",
                },
                "synthetic, kodak24": {
                    "mean_psnr": 24.23,
                    "mean_ssim": 0.620,
                    "rows": "benchmarks/synthetic-classical.csv",
                },
                "synthetic, cid22": {
                    "mean_psnr": 25.89,
                    "mean_ssim": 0.711,
                    "rows": "benchmarks/synthetic-cid22-classical.csv",
                },
            },
        ),
        Card(
            name="fourier-pair",
            task="deblur",
            builder="blurspace.deblur.methods:fourier_pair",
            parameters=322510,
            bytes=650052,
            sha256="216aaf221ab7b97e2141046f3ace84140ab683e1c2ffd9bfea0c19e8eea610f1",
            weights="fourier-pair.safetensors",
            licence="Apache-2.0",
            trained_on="sharp photos under CC0, CC BY, Unsplash, MIT or in the public domain, with made blur",
            colour_space="as classical; the network sees colour, grey as three equal planes",
            papers=("kaufman2020", "dong2020", "xu2013", "cho2009", "krishnan2011", "rudin1992", "almeida2013"),
            measured={
                "levin": {"mean_psnr": 33.09, "mean_ssim": 0.938, "rows": "benchmarks/levin-fourier-pair.csv"},
                "levin, true kernel": {
                    "mean_psnr": 34.18,
                    "mean_ssim": 0.946,
                    "rows": "benchmarks/levin-fourier-pair-true.csv",
                },
                "synthetic, kodak24": {
                    "mean_psnr": 24.32,
                    "mean_ssim": 0.633,
                    "rows": "benchmarks/synthetic-fourier-pair.csv",
                },
                "synthetic, cid22": {
                    "mean_psnr": 26.06,
                    "mean_ssim": 0.729,
                    "rows": "benchmarks/synthetic-cid22-fourier-pair.csv",
                },
            },
        ),
        Card(
            name="kaufman2020-small",
            task="deblur",
            builder="blurspace.deblur.methods:kaufman2020_small",
            parameters=1249928,
            bytes=2516160,
            sha256="07f7157a5b12ce6580169efe247545ebc9df4904d2dc2d883294765586620b8e",
            weights="kaufman2020-small.safetensors",
            licence="Apache-2.0",
            trained_on="sharp photos under CC0, CC BY, Unsplash, MIT or in the public domain, with made blur",
            colour_space="display values as stored",
            papers=("kaufman2020",),
            measured={
                "synthetic, kodak24": {
                    "mean_psnr": 21.45,
                    "mean_ssim": 0.521,
                    "rows": "benchmarks/synthetic-kaufman2020-small.csv",
                },
                "synthetic, cid22": {
                    "mean_psnr": 22.49,
                    "mean_ssim": 0.614,
                    "rows": "benchmarks/synthetic-cid22-kaufman2020-small.csv",
                },
            },
        ),
        Card(
            name="rotation",
            task="deblur",
            builder="blurspace.deblur.methods:rotation",
            parameters=0,
            bytes=0,
            sha256=None,
            licence="Apache-2.0",
            trained_on="nothing: no weights",
            colour_space="as classical",
            papers=("whyte2012", "hirsch2011", "gupta2010", "xu2013", "rudin1992", "almeida2013"),
        ),
        Card(
            name="kernel-space",
            task="kernel space",
            builder="blurspace.catalog:build_space",
            parameters=104369,
            bytes=419988,
            sha256="cd7eb6dfcd75c3bb41f7791f5c8fc1d76af7afaef739fd4153f01d4a173443f0",
            weights="kernel-space.safetensors",
            licence="Apache-2.0",
            trained_on="sharp photos under CC0, CC BY, Unsplash, MIT or in the public domain, with made blur",
            colour_space="display values; which curve lies between them and light is part of each code",
            papers=("tran2021", "kingma2014"),
            measured={
                "transfer": {
                    "self-transfer, made camera hand": 41.02,
                    "self-transfer, made camera wheel": 40.44,
                    "self-transfer, GoPro": 39.96,
                    "self-transfer, REDS half": 33.55,
                    "median_seconds": 1.33,
                    "rows": "benchmarks/transfer.csv",
                },
            },
        ),
    )
}

# Which papers stand behind the frozen protocols of `bench`.
PROTOCOL_PAPERS: dict[str, tuple[str, ...]] = {
    "levin": ("levin2009",),
    "transfer": ("tran2021", "nah2017", "nah2019"),
    "tran2021-transfer": ("tran2021", "levin2009"),
    "tran2021-swapped": ("tran2021", "nah2017"),
    "tran2021-retrieval": ("tran2021", "nah2017", "nah2019"),
    "tran2021-augmented": ("tran2021", "nah2017", "nah2019"),
}


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
) -> "Deblurrer":
    """The deblurrer of that name, "auto" among them; the options are those of `deblur.by_kernel.KernelDeblurrer`.

    Raises ModelError on an unknown name and on weights that are missing or not those of the card, UsageError on options
    that contradict each other.
    """
    if method not in (AUTO, *deblurrers()):
        raise ModelError(f"no method to deblur is named {method}: give one of {', '.join((AUTO, *deblurrers()))}")
    card = CARDS[AUTO_WEIGHTS if method == AUTO else method]
    if card.weights is not None:
        verify(card)
    build = load_builder(card, "blurspace.deblur.methods:auto" if method == AUTO else card.builder)
    weights = None if card.weights is None else WEIGHTS / card.weights
    from blurspace.deblur.methods import Options

    options = Options(kernel=kernel, size=size, response=response, strength=strength)
    deblurrer: Deblurrer = build(weights, options)
    return deblurrer


def build_space(weights: str | Path | None = None) -> "BasisSpace":
    """The kernel space in a weights file that `train` wrote, or the one we ship; not to be trained on.

    Raises ModelError where the file is missing, damaged, or of another network.
    """
    if weights is None:
        card = find_card(SPACE)
        verify(card)
        weights = WEIGHTS / str(card.weights)
    from blurspace.io.weights import load_into, read_weights
    from blurspace.nets.kernel_space import BasisSpace

    tensors, about = read_weights(weights)
    architecture = about.get("architecture", {})
    if set(architecture) != {"space"} or "stride" not in architecture["space"]:
        raise ModelError(f"{weights} holds no kernel space of ours: give weights of a recipe with task kernel space")
    space = BasisSpace(**architecture["space"])
    load_into({"space": space}, tensors)
    return space.requires_grad_(False)


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
    """Citation keys behind a model, a protocol, or a key itself. Raises UsageError on any other name."""
    if name in CARDS:
        return CARDS[name].papers
    if name in PROTOCOL_PAPERS:
        return PROTOCOL_PAPERS[name]
    if name in PAPERS:
        return (name,)
    known = ", ".join((*CARDS, *PROTOCOL_PAPERS, *PAPERS))
    raise UsageError(f"nothing named {name} has a paper here: give one of {known}")
