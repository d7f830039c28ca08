"""Which deblurrers are built from which weights? One function per card of the catalogue, with the same options.

`weights`: the card's file, or None where it has none. `kernel`, `size`, `response`, `strength`: see `KernelDeblurrer`.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from blurspace.deblur.auto import Auto
from blurspace.deblur.by_field import FieldDeblurrer
from blurspace.deblur.by_kernel import KernelDeblurrer
from blurspace.deblur.learned import learned_restore
from blurspace.deblur.pair import PairDeblurrer
from blurspace.errors import UsageError
from blurspace.io.weights import load_into, read_weights
from blurspace.nets.analysis import Analysis
from blurspace.nets.deconvolver import Deconvolver
from blurspace.nets.synthesis import Synthesis
from blurspace.types import Deblurrer, Kernel


def classical(
    weights: Path | None,
    *,
    kernel: Kernel | None = None,
    size: int | None = None,
    response: str | None = None,
    strength: float = 1.0,
) -> KernelDeblurrer:
    """Estimate the kernel, deconvolve with total variation; no weights."""
    del weights
    return KernelDeblurrer(kernel=kernel, size=size, response=response, strength=strength)


def fourier_pair(
    weights: Path,
    *,
    kernel: Kernel | None = None,
    size: int | None = None,
    response: str | None = None,
    strength: float = 1.0,
) -> KernelDeblurrer:
    """Estimate the kernel, deconvolve with the network that was trained on such estimates."""
    return KernelDeblurrer(
        kernel=kernel,
        size=size,
        response=response,
        strength=strength,
        restore=learned_restore(_loaded(weights, {"deconvolver": Deconvolver})["deconvolver"]),
        method="fourier-pair",
    )


def auto(
    weights: Path,
    *,
    kernel: Kernel | None = None,
    size: int | None = None,
    response: str | None = None,
    strength: float = 1.0,
) -> Deblurrer:
    """The learned deconvolution, and the classical one where its receipt is bad; one kernel for both."""
    learned = fourier_pair(weights, kernel=kernel, size=size, response=response, strength=strength)
    return Auto(learned, classical(None, kernel=kernel, size=size, response=response, strength=strength))


def rotation(
    weights: Path | None,
    *,
    kernel: Kernel | None = None,
    size: int | None = None,
    response: str | None = None,
    strength: float = 1.0,
) -> FieldDeblurrer:
    """Estimate a field of kernels as a turning camera leaves it; no weights. Raises UsageError on a given kernel."""
    if kernel is not None or strength != 1:
        raise UsageError("rotation finds its own kernels, whole: leave kernel and strength out or take another method")
    return FieldDeblurrer(classical(weights, size=size, response=response))


def kaufman2020_small(
    weights: Path,
    *,
    kernel: Kernel | None = None,
    size: int | None = None,
    response: str | None = None,
    strength: float = 1.0,
) -> PairDeblurrer:
    """The paper's pair of networks. Raises UsageError on options that it does not know."""
    if size is not None or response is not None or strength != 1:
        raise UsageError("kaufman2020-small knows no size, response or strength: leave them out or take another method")
    networks = _loaded(weights, {"analysis": Analysis, "synthesis": Synthesis})
    return PairDeblurrer(networks["analysis"], networks["synthesis"], method="kaufman2020-small", kernel=kernel)


def _loaded(weights: Path, kinds: Mapping[str, type[nn.Module]]) -> dict[str, Any]:
    """The networks of a weights file, built as the file says. Raises ModelError on a wrong file."""
    tensors: dict[str, Tensor]
    tensors, about = read_weights(weights)
    networks = {name: kind(**about["architecture"][name]) for name, kind in kinds.items()}
    load_into(networks, tensors)
    return {name: network.eval().requires_grad_(False) for name, network in networks.items()}
