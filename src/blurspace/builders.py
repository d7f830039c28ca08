"""How does a weights file become what it describes: a kernel space, features, a deblurring network, a camera?"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import nn

from blurspace.catalog import WEIGHTS, build_deblurrer, find_card, verify
from blurspace.errors import ModelError
from blurspace.io.files import shown
from blurspace.io.weights import load_into, named_tensors, read_weights, write_tensors
from blurspace.nets.features import FeatureNet
from blurspace.nets.kernel_space import BasisSpace
from blurspace.nets.nafnet import NafNet
from blurspace.nets.restorer import Restorer
from blurspace.nets.restormer import Restormer
from blurspace.nets.translator import Translator
from blurspace.niqe import Naturalness
from blurspace.restore.translated import Camera, camera
from blurspace.types import Image

# The kernel space and the features that are used where none are given.
SPACE, FEATURES, NIQE = "kernel-space", "features", "niqe"
CAMERA = "camera"
FOREIGN = frozenset({".pth", ".pt", ".ckpt"})  # checkpoints of other projects
N = TypeVar("N", bound=nn.Module)
# Networks of task "deblurrer", by the name of their tensors.
DEBLURRERS: dict[str, type[nn.Module]] = {"restorer": Restorer, "nafnet": NafNet, "restormer": Restormer}


def build_space(weights: str | Path | None = None) -> BasisSpace:
    """The kernel space in a weights file that `train` wrote, or the one we ship; not to be trained on.

    Raises ModelError where the file is missing, damaged, or of another network.
    """
    path = _shipped(SPACE) if weights is None else weights
    tensors, about = read_weights(path)
    architecture = about.get("architecture", {})
    if set(architecture) != {"space"} or "stride" not in architecture["space"]:
        raise ModelError(f"{shown(path)} holds no kernel space of ours: give weights of task kernel space")
    space = BasisSpace(**architecture["space"])
    load_into({"space": space}, tensors)
    return space.requires_grad_(False)


def build_features(weights: str | Path | None = None) -> FeatureNet:
    """The features in a weights file of task "features", or those we ship; the head of a training is left out.

    Raises ModelError where the file is missing, damaged, or of another network.
    """
    path = _shipped(FEATURES) if weights is None else weights
    tensors, about = read_weights(path)
    network = FeatureNet(**_architecture(path, about, "features"))
    return _loaded(network, "features", tensors)


def build_network(weights: str | Path) -> nn.Module:
    """The network (b 3 h w) -> (b 3 h w) in a weights file of task "deblurrer", not to be trained on.

    .pth, .pt and .ckpt are checkpoints of other projects, read by spandrel (not among our needs). Raises ModelError on
    files that hold no such network.
    """
    if Path(weights).suffix in FOREIGN:
        return _foreign(weights)
    return _deblurring(weights, *read_weights(weights))


def build_naturalness() -> Naturalness:
    """What sharp photos are like, for `niqe`: ours, from the licensed photos (`benchmarks/niqe_model.py`)."""
    tensors, _ = read_weights(_shipped(NIQE))
    return Naturalness(tensors["naturalness.mean"].double(), tensors["naturalness.covariance"].double())


def write_camera(
    path: str | Path, translator: nn.Module, *, known: Path | str, about: Mapping[str, Any], half: bool = True
) -> None:
    """Write one camera's file: its translator, and the known deblurrer, which is a weights file or a method's name.

    Weights of ours go into the file; another project's checkpoint stays where it is. `about`: whatever JSON holds, with
    "architecture" of the translator.
    """
    tensors, architecture = named_tensors({"translator": translator}), dict(about["architecture"])
    method = str(known.resolve()) if isinstance(known, Path) else known
    if isinstance(known, Path) and known.suffix not in FOREIGN:
        theirs, told = read_weights(known)
        method, kind = "", _kind(known, told)
        architecture[kind] = told["architecture"][kind]
        tensors |= {name: one for name, one in theirs.items() if name.startswith(f"{kind}.")}
    facts = {**about, "architecture": architecture, "kind": CAMERA, "method": method}
    write_tensors(path, tensors, about=facts, half=half)


def build_camera(weights: str | Path) -> Camera:
    """The deblurrer of one camera, from a file that `adapt` wrote: translate, then the known deblurrer.

    Raises ModelError where the file is missing, damaged, or no camera's.
    """
    tensors, about = read_weights(weights)
    if about.get("kind") != CAMERA:
        raise ModelError(f"{shown(weights)} is no camera: give a file that `blurspace adapt` wrote")
    space = build_space()
    translator = _loaded(Translator(**_architecture(weights, about, "translator")), "translator", tensors)
    method = str(about["method"])
    if method and Path(method).suffix not in FOREIGN:
        return camera(finest(translator), build_deblurrer(method).methods, space)
    network = build_network(method) if method else _deblurring(weights, tensors, about)
    return camera(finest(translator), network, space, name=str(about.get("known")))


def finest(translator: nn.Module) -> Callable[[Image], Image]:
    """Of a translator's three scales the finest, (b 3 h w), not clamped."""

    def translate(blurry: Image) -> Image:
        found: Image = translator(blurry)[0]
        return found

    return translate


def _shipped(name: str) -> Path:
    card = find_card(name)
    verify(card)
    return WEIGHTS / str(card.weights)


def _deblurring(path: str | Path, tensors: Mapping[str, Any], about: Mapping[str, Any]) -> nn.Module:
    kind = _kind(path, about)
    return _loaded(DEBLURRERS[kind](**_architecture(path, about, kind)), kind, tensors)


def _kind(path: str | Path, about: Mapping[str, Any]) -> str:
    """Which of `DEBLURRERS` a file holds."""
    kind = next((kind for kind in DEBLURRERS if kind in about.get("architecture", {})), None)
    if kind is None:
        raise ModelError(f"{shown(path)} holds no deblurring network: give weights of a recipe with task deblurrer")
    return kind


def _foreign(path: str | Path) -> nn.Module:
    try:
        from spandrel import ImageModelDescriptor, ModelLoader
    except ImportError as problem:
        raise ModelError(
            f"{shown(path)} is no file of ours, and to read others spandrel is needed: pip install spandrel torchvision"
        ) from problem
    try:
        found = ModelLoader().load_from_file(path)
    except Exception as problem:  # unpickling damaged bytes raises what it likes
        raise ModelError(f"{shown(path)} is no checkpoint that spandrel knows: give another") from problem
    same_size = isinstance(found, ImageModelDescriptor) and found.scale == 1
    if not same_size or (found.input_channels, found.output_channels) != (3, 3):
        raise ModelError(f"{shown(path)} is no network from RGB to RGB of the same size: give a deblurrer")
    return _Foreign(found).requires_grad_(False).eval()


class _Foreign(nn.Module):
    """A network that spandrel read; its descriptor pads to the sizes that the network can take, and cuts again."""

    def __init__(self, descriptor: Any) -> None:
        super().__init__()
        self.model, self.call = descriptor.model, descriptor

    def forward(self, blurry: Image) -> Image:
        restored: Image = self.call(blurry)
        return restored


def _architecture(path: str | Path, about: Mapping[str, Any], name: str) -> dict[str, Any]:
    found = about.get("architecture", {}).get(name)
    if found is None:
        raise ModelError(f"{shown(path)} does not hold the network {name}: give weights of a training with one")
    return dict(found)


def _loaded(network: N, name: str, tensors: Mapping[str, Any]) -> N:
    """The network with the tensors under its name, frozen."""
    load_into({name: network}, {key: one for key, one in tensors.items() if key.startswith(f"{name}.")})
    return network.requires_grad_(False).eval()
