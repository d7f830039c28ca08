"""Which methods are built from which weights? One function per card of the catalogue, all called alike."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from torch import nn

from blurspace.errors import ModelError, UsageError
from blurspace.io.weights import load_into, read_weights
from blurspace.nets.analysis import Analysis
from blurspace.nets.deconvolver import Deconvolver
from blurspace.nets.kernel_space import BasisSpace
from blurspace.nets.restorer import Restorer
from blurspace.nets.synthesis import Synthesis
from blurspace.restore.driver import Method
from blurspace.restore.finders import FieldFinder, KernelFinder
from blurspace.restore.learned import Learned
from blurspace.restore.network import network_method
from blurspace.restore.pair import pair_method
from blurspace.restore.total_variation import TotalVariation
from blurspace.types import Kernel

SPACE = "kernel-space.safetensors"  # beside the weights: reads the blur for the receipts of networks


@dataclass(frozen=True)
class Options:
    """What a user may ask of a method: see `catalog.build_deblurrer`."""

    kernel: Kernel | None = None
    size: int | None = None
    response: str | None = None
    strength: float = 1.0


def classical(weights: Path | None, options: Options, device: str) -> tuple[Method, ...]:
    """Estimate the kernel, deconvolve with total variation; no weights."""
    del weights, device
    return (Method("classical", KernelFinder(options.size), TotalVariation),)


def learned(weights: Path, options: Options, device: str) -> tuple[Method, ...]:
    """Estimate the kernel, deconvolve with the networks that were trained on such estimates."""
    networks = _loaded(weights, {"trusting": Deconvolver, "wary": Deconvolver}, device)
    return (Method("learned", KernelFinder(options.size), Learned(networks["trusting"], networks["wary"])),)


def auto(weights: Path, options: Options, device: str) -> tuple[Method, ...]:
    """The learned deconvolution, and where its receipt is bad the classical one or a field; one kernel for all."""
    return (*learned(weights, options, device), *classical(None, options, device), _field(options))


def rotation(weights: Path | None, options: Options, device: str) -> tuple[Method, ...]:
    """Estimate a field of kernels as a turning camera leaves it, or one kernel where it did not turn; no weights.

    Raises UsageError on a given kernel.
    """
    if options.kernel is not None:
        raise UsageError("rotation finds its own kernels: leave the kernel out or take another method")
    return (_field(options), *classical(weights, options, device))


def kaufman2020_small(weights: Path, options: Options, device: str) -> tuple[Method, ...]:
    """The paper's pair of networks. Raises UsageError on options that it does not know."""
    if options.size is not None or options.response is not None or options.strength != 1:
        raise UsageError("kaufman2020-small knows no size, response or strength: leave them out or take another method")
    networks = _loaded(weights, {"analysis": Analysis, "synthesis": Synthesis}, device)
    return (pair_method(networks["analysis"], networks["synthesis"], name="kaufman2020-small"),)


def restorer(weights: Path, options: Options, device: str) -> tuple[Method, ...]:
    """A network that restores at once. Raises UsageError on options, none of which it knows."""
    if options != Options():
        raise UsageError(f"{weights.stem} knows no kernel, size, response or strength: leave them out")
    network = _loaded(weights, {"restorer": Restorer}, device)["restorer"]
    space = _loaded(weights.with_name(SPACE), {"space": BasisSpace}, device)["space"]
    return (network_method(network, space, name=weights.stem),)


def _field(options: Options) -> Method:
    return Method("rotation", FieldFinder(KernelFinder(options.size)), TotalVariation)


def _loaded(weights: Path, kinds: Mapping[str, type[nn.Module]], device: str) -> dict[str, Any]:
    """The networks of a weights file, built as the file says. Raises ModelError on a file of other networks."""
    tensors, about = read_weights(weights)
    try:
        networks = {name: kind(**about["architecture"][name]) for name, kind in kinds.items()}
    except (KeyError, TypeError) as problem:
        raise ModelError(
            f"{weights.name} does not say how to build {', '.join(kinds)}: reinstall blurspace"
        ) from problem
    load_into(networks, tensors)
    return {name: network.eval().requires_grad_(False).to(device) for name, network in networks.items()}
