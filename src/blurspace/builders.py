"""How do a name and weights files become what they describe: a deblurrer, a camera, a kernel space, features?"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any, cast, overload

from torch import Tensor, nn

from blurspace.catalog import AT_ONCE, AUTO, CARDS, CHECKPOINT, OTHERS, Card, Options, deblurring_card, find_card
from blurspace.codes import AnySpace
from blurspace.errors import ModelError, UsageError
from blurspace.io.files import shown
from blurspace.io.foreign import read_foreign
from blurspace.io.weights import AGAIN, load_into, named_tensors, read_weights, write_tensors
from blurspace.nets.features import FeatureNet
from blurspace.nets.kernel_space import BasisSpace
from blurspace.niqe import Naturalness
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.methods import Networks
from blurspace.restore.region import Mask
from blurspace.restore.translated import Camera, camera
from blurspace.restore.verdict import Referee
from blurspace.runtimes.engines import TORCH
from blurspace.runtimes.served import is_served, serve
from blurspace.types import Image, Kernel

CAMERA = "camera"
# Of which kinds is what a weights file may say of itself, as far as it is used here.
FACTS = {"architecture": dict, "recipe": dict, "kind": str, "method": str, "known": str}
FOREIGN = frozenset({".pth", ".pt", ".ckpt"})  # checkpoints of other projects
# A network's name in weights files -> its class in `blurspace.nets`.
NETWORKS: dict[str, tuple[str, str]] = {
    **dict.fromkeys(("trusting", "wary", "deconvolver"), ("deconvolver", "Deconvolver")),
    "denoiser": ("denoiser", "Denoiser"),
    "analysis": ("analysis", "Analysis"),
    "classifier": ("analysis", "SizeClassifier"),
    "synthesis": ("synthesis", "Synthesis"),
    "restorer": ("restorer", "Restorer"),
    "nafnet": ("nafnet", "NafNet"),
    "restormer": ("restormer", "Restormer"),
    "sharpen": ("restorer", "Restorer"),
    "translator": ("translator", "Translator"),
    "space": ("kernel_space", "BasisSpace"),
    "encoder space": ("encoder_space", "EncoderSpace"),
    "features": ("features", "FeatureNet"),
    "printer": ("printer", "Printer"),
}


def make_network(name: str, **arguments: Any) -> nn.Module:
    """A network with random weights, by its name in weights files. Raises ModelError on one that is not known."""
    key = "encoder space" if name == "space" and "code_width" in arguments else name
    if key not in NETWORKS:
        raise ModelError(f"no network {name} is known: give weights of a recipe of this blurspace")
    module, kind = NETWORKS[key]
    return cast(nn.Module, getattr(import_module(f"blurspace.nets.{module}"), kind)(**arguments))


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """What a weights file holds: `tensors` by name, and what it says `about` itself; `label` names it in messages."""

    label: str
    name: str
    about: Mapping[str, Any]
    tensors: Mapping[str, Tensor] = field(repr=False)

    @property
    def networks(self) -> tuple[str, ...]:
        """The names of its networks."""
        return tuple(self.about.get("architecture", {}))

    def network(self, name: str) -> nn.Module:
        """One of them, not to be trained on. Raises ModelError where it is missing, or not as the file says."""
        if name not in self.networks:
            raise ModelError(f"{self.label} does not hold the network {name}{self.instead}")
        try:
            network = make_network(name, **self.about["architecture"][name])
        except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, RuntimeError) as problem:
            raise ModelError(f"{self.label} has a {name} of another version of blurspace: train it again") from problem
        load_into({name: network}, {key: one for key, one in self.tensors.items() if key.startswith(f"{name}.")})
        return network.requires_grad_(False).eval()

    @property
    def instead(self) -> str:
        """What else it holds, as the rest of a sentence."""
        held = next((OTHERS[name] for name in OTHERS if name in self.networks), None)
        held = held or ("a deblurrer, which deblur takes with --weights" if self.networks else "no network")
        return f" but {held}: give other weights"


class _Checkpoint(WeightsFile):
    """The same of another project's file, which spandrel reads."""

    def network(self, name: str) -> nn.Module:
        """Its network. Raises ModelError where spandrel is not here, or cannot read it as a deblurrer."""
        del name
        return read_foreign(self.about["path"], self.label)


def read_file(path: str | Path) -> WeightsFile:
    """A weights file that `train` or `adapt` wrote, or another project's. Raises ModelError on missing or damaged ones.

    .pth, .pt and .ckpt are checkpoints of other projects, read by spandrel (not among our needs).
    """
    path = Path(path)
    if path.suffix in FOREIGN:
        return _Checkpoint(shown(path), path.stem, {"architecture": {CHECKPOINT: {}}, "path": path}, {})
    tensors, about = read_weights(path)
    if any(not isinstance(about.get(fact, kind()), kind) for fact, kind in FACTS.items()):
        raise ModelError(f"{shown(path)} says nothing about itself that blurspace understands: {AGAIN}")
    name = path.stem if path.stem != "weights" else path.resolve().parent.name  # `train` calls all of them weights
    return WeightsFile(shown(path), name, about, tensors)


def shipped(name: str) -> list[WeightsFile]:
    """The files of a card, its own first. Raises ModelError where one is missing or was changed."""
    read = [(file, read_weights(data)) for file, data in find_card(name).files().items()]
    return [WeightsFile(file, name, about, tensors) for file, (tensors, about) in read]


def card_of(files: Sequence[WeightsFile]) -> Card:
    """The card whose method a user's weights files are for. Raises ModelError on others, UsageError on two methods."""
    cards = {}
    for file in files:
        card = next((one for one in CARDS.values() if set(one.networks) & set(file.networks)), None)
        if card is None:
            raise ModelError(f"{file.label} holds nothing that deblurs{file.instead}")
        cards[card.name] = file.label
    if len(cards) > 1:
        raise UsageError(f"{' and '.join(cards.values())} are weights for different methods: give those of one")
    return find_card(next(iter(cards)))


def networks_of(card: Card, files: Sequence[WeightsFile] = (), device: str = "cpu", runtime: str = TORCH) -> Networks:
    """The networks that a card's method is made of, on a device: those it knows in `files`, or else the shipped ones.

    What helps (the kernel space that reads blurs for receipts) is always shipped.
    """
    found = [(file, name) for file in files for name in file.networks if name in card.networks]
    found += [(file, name) for file in shipped(card.name)[bool(files) :] for name in file.networks]
    kinds: dict[str, list[nn.Module]] = {}
    for file, name in found:
        kinds.setdefault(name, []).append(serve(file.network(name).to(device), runtime))
    return Networks(files[0].name if files else card.name, kinds)


def build_deblurrer(
    method: str,
    *,
    kernel: Kernel | None = None,
    size: int | None = None,
    response: str | None = None,
    strength: float = 1.0,
    minutes: float | None = None,
    seed: int | None = None,
    generator: str | Path | None = None,
    device: str = "cpu",
    weights: str | Path | Sequence[str | Path] = (),
    force: bool = False,
    region: Mask = None,
    runtime: str = TORCH,
) -> Deblurrer:
    """The deblurrer of that name; or with `weights`, a file or files that `train` or `adapt` wrote, the one in them.

    `kernel` (1 1 k k): known, or `size`: its upper bound in px. `strength` in (0, 1]: how much of the blur is removed.
    `minutes`, `seed`: of a search; `generator`: of method manifold, "printer" or a StyleGAN2's file. `weights`: an
    analysis and a synthesis network may come in two files, pairs for three sizes with their classifier in seven, a
    translator and what undoes the known blur in two. `force`: whatever the receipt says. `runtime`: what computes the
    networks, see `runtimes.engines`. Others: see `Deblurrer`. Raises ModelError on unknown weights and on runtimes that
    are not here, UsageError on wrong options.
    """
    card = deblurring_card(method)
    options = Options(kernel, size, response, strength, force, minutes, seed, generator)
    paths = (weights,) if isinstance(weights, (str, Path)) else weights
    files = [read_file(path) for path in paths]
    if files and card.name != AUTO:
        raise UsageError(f"weights say which method they are for: leave the method {method} out, or the weights")
    translated = any("translator" in file.networks for file in files)
    card = card_of(files) if files and not translated else card
    options.check(files[0].label if files else card.name, () if translated else card.options)
    if translated:
        return replace(build_camera(*paths, device=device, runtime=runtime), region=region)
    networks = networks_of(card, files, device, runtime)
    methods = card.build(networks, options)
    given, referee = None if kernel is None else UniformBlur(kernel), Referee(forced=True) if force else None
    served = any(is_served(one) for kind in networks.kinds.values() for one in kind)
    return Deblurrer(methods, given, response, strength, device, referee, region, runtime if served else TORCH)


@overload
def build_space(weights: None = None) -> BasisSpace: ...
@overload
def build_space(weights: str | Path | None) -> AnySpace: ...
def build_space(weights: str | Path | None = None) -> AnySpace:
    """The kernel space in a weights file that `train` wrote, ours or the published, or the one we ship.

    Not to be trained on. Raises ModelError where the file is missing, damaged, or of another network.
    """
    file = shipped("kernel-space")[0] if weights is None else read_file(weights)
    if "space" not in file.networks:
        raise ModelError(f"{file.label} holds no kernel space{file.instead}")
    return cast(AnySpace, file.network("space"))


def build_features(weights: str | Path | None = None) -> FeatureNet:
    """The features in a weights file of task "features", or those we ship; the head of a training is left out.

    Raises ModelError where the file is missing, damaged, or of another network.
    """
    file = shipped("features")[0] if weights is None else read_file(weights)
    return cast(FeatureNet, file.network("features"))


def build_network(weights: str | Path) -> nn.Module:
    """The network (b 3 h w) -> (b 3 h w) in a weights file that restores at once, as of task "deblurrer".

    Not to be trained on. Raises ModelError on files that hold no such network.
    """
    file = read_file(weights)
    return file.network(_at_once(file))


def build_naturalness() -> Naturalness:
    """What sharp photos are like, for `niqe`: ours, from the licensed photos (`benchmarks/niqe_model.py`)."""
    tensors = shipped("niqe")[0].tensors
    return Naturalness(tensors["naturalness.mean"].double(), tensors["naturalness.covariance"].double())


def write_camera(
    path: str | Path, translator: nn.Module, *, known: Path | str, about: Mapping[str, Any], half: bool = True
) -> None:
    """Write one camera's file: its translator, and the known deblurrer, which is a weights file or a method's name.

    Another project's checkpoint stays where it is. `about`: whatever JSON holds, with "architecture" of the translator.
    """
    tensors, architecture = named_tensors({"translator": translator}), dict(about["architecture"])
    method = str(known.resolve()) if isinstance(known, Path) else known
    if isinstance(known, Path) and known.suffix not in FOREIGN:
        method, file = "", read_file(known)
        kind = _at_once(file)
        architecture[kind] = file.about["architecture"][kind]
        tensors |= {name: one for name, one in file.tensors.items() if name.startswith(f"{kind}.")}
    facts = {**about, "architecture": architecture, "kind": CAMERA, "method": method}
    write_tensors(path, tensors, about=facts, half=half)


def build_camera(*weights: str | Path, device: str = "cpu", runtime: str = TORCH) -> Camera:
    """The deblurrer of one camera, from a file that `adapt` wrote: translate, then the known deblurrer.

    Or from that of a translator, which `train` wrote, and that of the network that undoes the known blur, if its recipe
    names none. `runtime`: as of `build_deblurrer`. Raises ModelError where a file is missing, damaged, or no camera's.
    """
    files = [read_file(path) for path in weights]
    first = next((one for one in files if "translator" in one.networks or one.about.get("kind") == CAMERA), None)
    if first is None:
        raise ModelError(f"{files[0].label} is no camera: give a file that `blurspace adapt` wrote")
    translator = serve(first.network("translator").to(device), runtime)
    computed = runtime if is_served(translator) else TORCH
    space, method = build_space().to(device), str(first.about.get("method") or "")
    if method and Path(method).suffix in FOREIGN:
        files.append(read_file(method))
    elif method:
        card = find_card(method)
        methods = card.build(networks_of(card, (), device, runtime), Options())
        return replace(camera(finest(translator), methods, space), device=device, runtime=computed)
    known = next((file for file in files if set(AT_ONCE) & set(file.networks)), None)
    if known is None and first.about.get("recipe", {}).get("deblurrer"):
        known = read_file(str(first.about["recipe"]["deblurrer"]))
    if known is None:
        raise ModelError(f"{first.label} is a translator alone: give the weights of what undoes the known blur as well")
    name = str(first.about.get("known", known.name))
    undoes = serve(known.network(_at_once(known)).to(device), runtime)
    return replace(camera(finest(translator), undoes, space, name=name), device=device, runtime=computed)


def finest(translator: nn.Module) -> Callable[[Image], Image]:
    """Of a translator's three scales the finest, (b 3 h w), not clamped."""
    return lambda blurry: translator(blurry)[0]


def _at_once(file: WeightsFile) -> str:
    """The network of a file that restores at once."""
    name = next((name for name in AT_ONCE if name in file.networks), None)
    if name is None:
        raise ModelError(f"{file.label} holds no deblurring network: give weights of a recipe with task deblurrer")
    return name
