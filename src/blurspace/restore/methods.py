"""Which deblurrers are built from which weights? One function per card of the catalogue, all called alike."""

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
from blurspace.restore.auto import Auto
from blurspace.restore.by_field import FieldDeblurrer
from blurspace.restore.by_kernel import KernelDeblurrer, Restore, total_variation
from blurspace.restore.learned import learned_restore
from blurspace.restore.network import NetworkDeblurrer
from blurspace.restore.pair import PairDeblurrer
from blurspace.types import Kernel

SPACE = "kernel-space.safetensors"  # beside the weights: reads the blur for the receipts of networks


@dataclass(frozen=True)
class Options:
    """What a user may ask of a method: see `KernelDeblurrer`."""

    kernel: Kernel | None = None
    size: int | None = None
    response: str | None = None
    strength: float = 1.0


def classical(weights: Path | None, options: Options) -> KernelDeblurrer:
    """Estimate the kernel, deconvolve with total variation; no weights."""
    del weights
    return _by_kernel(options, total_variation, "classical")


def fourier_pair(weights: Path, options: Options) -> KernelDeblurrer:
    """Estimate the kernel, deconvolve with the networks that were trained on such estimates."""
    networks = _loaded(weights, {"trusting": Deconvolver, "wary": Deconvolver})
    restore = learned_restore(networks["trusting"], networks["wary"], known=options.kernel is not None)
    return _by_kernel(options, restore, "fourier-pair")


def auto(weights: Path, options: Options) -> Auto:
    """The learned deconvolution, and where its receipt is bad the classical one or a field; one kernel for all."""
    return Auto(fourier_pair(weights, options), classical(None, options))


def kaufman2020_small(weights: Path, options: Options) -> PairDeblurrer:
    """The paper's pair of networks. Raises UsageError on options that it does not know."""
    if options.size is not None or options.response is not None or options.strength != 1:
        raise UsageError("kaufman2020-small knows no size, response or strength: leave them out or take another method")
    networks = _loaded(weights, {"analysis": Analysis, "synthesis": Synthesis})
    return PairDeblurrer(networks["analysis"], networks["synthesis"], method="kaufman2020-small", kernel=options.kernel)


def rotation(weights: Path | None, options: Options) -> FieldDeblurrer:
    """Estimate a field of kernels as a turning camera leaves it; no weights. Raises UsageError on a given kernel."""
    if options.kernel is not None or options.strength != 1:
        raise UsageError("rotation finds its own kernels, whole: leave kernel and strength out or take another method")
    return FieldDeblurrer(classical(weights, options))


def restorer(weights: Path, options: Options) -> NetworkDeblurrer:
    """A network that restores at once. Raises UsageError on options, none of which it knows."""
    if options != Options():
        raise UsageError(f"{weights.stem} knows no kernel, size, response or strength: leave them out")
    network = _loaded(weights, {"restorer": Restorer})["restorer"]
    space = _loaded(weights.with_name(SPACE), {"space": BasisSpace})["space"]
    return NetworkDeblurrer(network, space, method=weights.stem)


def _by_kernel(options: Options, restore: Restore, method: str) -> KernelDeblurrer:
    return KernelDeblurrer(
        kernel=options.kernel,
        size=options.size,
        response=options.response,
        strength=options.strength,
        restore=restore,
        method=method,
    )


def _loaded(weights: Path, kinds: Mapping[str, type[nn.Module]]) -> dict[str, Any]:
    """The networks of a weights file, built as the file says. Raises ModelError on a file of other networks."""
    tensors, about = read_weights(weights)
    try:
        networks = {name: kind(**about["architecture"][name]) for name, kind in kinds.items()}
    except (KeyError, TypeError) as problem:
        raise ModelError(
            f"{weights.name} does not say how to build {', '.join(kinds)}: reinstall blurspace"
        ) from problem
    load_into(networks, tensors)
    return {name: network.eval().requires_grad_(False) for name, network in networks.items()}
