"""Which methods and models are there, and what was measured of each? The table itself; `catalog` works with it."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from blurspace.errors import ModelError, UsageError

if TYPE_CHECKING:
    from blurspace.types import Kernel

WEIGHTS = Path(__file__).parent / "weights"
# What `deblur` does where no method is asked for.
AUTO = "auto"
# What a method was called before, and its name now.
OLD_NAMES = {"fourier-pair": "learned"}

ALL = ("kernel", "size", "response", "strength")  # options


@dataclass(frozen=True)
class Options:
    """What a user may ask of a method: see `catalog.build_deblurrer`."""

    kernel: "Kernel | None" = None
    size: int | None = None
    response: str | None = None
    strength: float = 1.0

    def check(self, name: str, known: Sequence[str]) -> None:
        """Raise UsageError where one is asked for that the method `name` does not know."""
        told = (self.kernel is not None, self.size is not None, self.response is not None, self.strength != 1)
        asked = dict(zip(ALL, told, strict=True))
        unknown = [one for one in ALL if one not in known]
        if any(asked[one] for one in unknown):
            words = " or ".join(filter(None, (", ".join(unknown[:-1]), unknown[-1])))
            them = "it" if len(unknown) == 1 else "them"
            raise UsageError(f"{name} knows no {words}: leave {them} out or take another method")


# Networks that restore at once, by their names in weights files; the last: of a checkpoint of another project.
CHECKPOINT = "checkpoint"
AT_ONCE = ("restorer", "nafnet", "restormer", "sharpen", CHECKPOINT)
# Builds the methods (`restore.driver.Method`) of networks (`restore.methods.Networks`) and options; imports them late.
Build = Callable[[Any, Options], tuple[Any, ...]]


def _no_methods(networks: Any, options: Options) -> tuple[Any, ...]:
    del networks, options
    return ()


Bytes = bytes  # a card has a field of that name


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
    build: Build = _no_methods
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

    def files(self, folder: Path | None = None) -> "dict[str, Bytes]":
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


def _methods() -> Any:
    from blurspace.restore import methods

    return methods


def _rows(name: str, **numbers: float) -> dict[str, float | str]:
    """Numbers and the file that they are from."""
    return {**numbers, "rows": f"benchmarks/{name}.csv"}


LEARNED = {"learned.safetensors": "4a32467a6940f8baa24005e77f5c6006bbc1a1b17b1e5a0316e2140c667652aa"}
# It reads the blur between photo and result, for the receipts of networks that name none.
SPACE = {"kernel-space.safetensors": "cd7eb6dfcd75c3bb41f7791f5c8fc1d76af7afaef739fd4153f01d4a173443f0"}

CARDS: dict[str, Card] = {
    card.name: card
    for card in (
        Card(
            name=AUTO,
            task="deblur",
            build=lambda networks, options: _methods().auto(networks, options.size),
            options=ALL,
            domain="shakes",
            parameters=1186728,
            bytes=2384056,
            weights=LEARNED,
            trained_on="learned, and where its receipt is bad classical or rotation, which have no weights",
            colour_space="as classical",
            papers=(
                *("kaufman2020", "zhang2022", "xu2013", "cho2009", "krishnan2011", "krishnan2009", "rudin1992"),
                *("almeida2013", "whyte2012", "hirsch2011", "gupta2010"),
            ),
            measured={"levin": _rows("levin-auto", mean_psnr=33.61, mean_ssim=0.951)},
        ),
        Card(
            name="classical",
            task="deblur",
            build=lambda _, options: _methods().classical(options.size),
            options=ALL,
            trained_on="nothing: no weights",
            colour_space="linear light where the camera response is known, else display-referred; kernel on luminance",
            papers=("xu2013", "cho2009", "krishnan2011", "krishnan2009", "rudin1992", "almeida2013"),
            measured={
                "levin": _rows("levin-classical", mean_psnr=33.25, mean_ssim=0.948),
                "levin, true kernel": _rows("levin-true-kernel", mean_psnr=34.59, mean_ssim=0.956),
                "synthetic, kodak24": _rows("synthetic-classical", mean_psnr=26.30, mean_ssim=0.703),
                "synthetic, cid22": _rows("synthetic-cid22-classical", mean_psnr=28.21, mean_ssim=0.786),
            },
        ),
        Card(
            name="learned",
            task="deblur",
            build=lambda networks, options: _methods().learned(networks, options.size),
            options=ALL,
            networks=("trusting", "wary", "deconvolver"),
            parameters=1186728,
            bytes=2384056,
            weights=LEARNED,
            trained_on="sharp photos under CC0, CC BY, Unsplash, MIT or in the public domain, with made blur",
            colour_space="as classical; the network sees colour, grey as three equal planes",
            papers=("kaufman2020", "zhang2022", "xu2013", "cho2009", "krishnan2011", "rudin1992", "almeida2013"),
            measured={
                "levin": _rows("levin-fourier-pair", mean_psnr=33.61, mean_ssim=0.951),
                "levin, true kernel": _rows("levin-fourier-pair-true", mean_psnr=34.48, mean_ssim=0.956),
                "synthetic, kodak24": _rows("synthetic-fourier-pair", mean_psnr=26.48, mean_ssim=0.714),
                "synthetic, cid22": _rows("synthetic-cid22-fourier-pair", mean_psnr=28.48, mean_ssim=0.801),
            },
        ),
        Card(
            name="kaufman2020-small",
            task="deblur",
            build=lambda networks, _: _methods().pair(networks),
            options=("kernel",),
            networks=("analysis", "synthesis", "classifier"),
            parameters=1249928,
            bytes=2516160,
            weights={
                "kaufman2020-small.safetensors": "07f7157a5b12ce6580169efe247545ebc9df4904d2dc2d883294765586620b8e"
            },
            trained_on="sharp photos under CC0, CC BY, Unsplash, MIT or in the public domain, with made blur",
            colour_space="display values as stored",
            papers=("kaufman2020",),
            measured={
                "synthetic, kodak24": _rows("synthetic-kaufman2020-small", mean_psnr=21.45, mean_ssim=0.521),
                "synthetic, cid22": _rows("synthetic-cid22-kaufman2020-small", mean_psnr=22.49, mean_ssim=0.614),
            },
        ),
        Card(
            name="rotation",
            task="deblur",
            build=lambda _, options: _methods().rotation(options.size),
            options=("size", "response", "strength"),
            trained_on="nothing: no weights",
            colour_space="as classical",
            papers=("whyte2012", "hirsch2011", "gupta2010", "xu2013", "rudin1992", "almeida2013"),
        ),
        Card(
            name="kernel-space",
            task="kernel space",
            parameters=104369,
            bytes=419988,
            weights=SPACE,
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
        Card(
            name="belt",
            task="deblur",
            build=lambda networks, _: _methods().at_once(networks),
            networks=AT_ONCE,
            domain="belt",
            parameters=311_852,
            bytes=628_336,
            weights={"belt.safetensors": "b6c663928427a37b6e94bd2bf53a3506e9d5ff1509cb8ef96bf970f5402fae99"} | SPACE,
            trained_on="photos of permissive licences before the made camera belt (blur.cameras); recipes/belt.toml, "
            "15 minutes on one CPU thread; knows lines of 4 to 8 px along the rows and nothing else: it spoils photos "
            "with any other blur, by 6 dB along the columns",
            colour_space="display-referred RGB",
            papers=("nah2017", "pham2024"),
            measured={
                "pham2024-adapt, at home": _rows("pham2024-adapt-home", mean_psnr=30.34, mean_blurry_psnr=26.91),
            },
        ),
        Card(
            name="features",
            task="compare pictures by their features",
            parameters=165_276,
            bytes=333_112,
            weights={"features.safetensors": "857a3545e41d5fafb96c95a27d3e48273bd7e4c83727d6ae8016665229cbb84f"},
            trained_on="photos of permissive licences, blurred by drawn kernels; recipes/features.toml, 10 minutes on "
            "one CPU thread",
            colour_space="display-referred RGB",
            papers=("dosovitskiy2014", "johnson2016"),
            measured={
                "features_check, kodak24": {
                    "blurred": 0.1696,
                    "other": 1.0217,
                    "matched": 0.8726,
                    "rows": "benchmarks/features-check.csv",
                },
            },
        ),
        Card(
            name="niqe",
            task="judge how natural a picture looks",
            parameters=1_332,
            bytes=5_888,
            weights={"niqe.safetensors": "35d8cfebf8d6da7d3f3ed7413f81510f7d365a39bd05d7fffbdc06faf38a3789"},
            trained_on="the sharp patches of 373 photos of permissive licences; benchmarks/niqe_model.py",
            colour_space="luminance of display-referred pictures",
            papers=("mittal2013",),
            measured={
                "niqe_check, kodak24": {"rank_correlation": 0.7565, "rows": "benchmarks/niqe-check.csv"},
            },
        ),
    )
}


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


# Known domains of blur, by name, and the method that undoes each.
KNOWN = {card.domain: card.name for card in CARDS.values() if card.domain}
