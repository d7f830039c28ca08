"""How do trained weights become a file, and how are they read back without trusting it?

A safetensors file: tensors named "NETWORK.parameter", and as metadata `about` (JSON: architecture, recipe, steps,
minutes, device) with a SHA-256 of everything, because the format itself would not notice a changed weight.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load, save
from torch import Tensor, nn

from blurspace.errors import ModelError
from blurspace.io.files import shown, write_bytes

ENTRY = "blurspace"  # one, because safetensors writes several in random order
AGAIN = "copy, download or train it again"


def write_weights(
    path: str | Path, networks: Mapping[str, nn.Module], *, about: Mapping[str, Any], half: bool = False
) -> None:
    """Write parameters and buffers of `networks` (name without a dot -> module), whole or not at all; replaces `path`.

    `about`: whatever JSON holds. `half` stores floating-point tensors as float16, half the bytes. Raises OutputError
    where the file cannot be written.
    """
    write_tensors(path, named_tensors(networks), about=about, half=half)


def write_tensors(path: str | Path, tensors: Mapping[str, Tensor], *, about: Mapping[str, Any], half: bool) -> None:
    """Like `write_weights`, for tensors that are named already."""
    stored = {name: _stored(tensor, half) for name, tensor in tensors.items()}
    text = json.dumps(about, sort_keys=True)
    entry = json.dumps({"about": text, "sha256": _digest(stored, text)})
    write_bytes(path, save(stored, {ENTRY: entry}), overwrite=True)


def read_weights(path_or_bytes: str | Path | bytes) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """The tensors of a weights file, on the CPU, float16 widened to float32, and what it says `about` itself.

    Raises ModelError on a file that is missing, cut off, changed, not ours, or holds numbers that are not finite.
    """
    name, data = _bytes(path_or_bytes)
    try:
        header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
        entry = json.loads(header["__metadata__"][ENTRY])
        text, digest = entry["about"], entry["sha256"]
        stored, about = load(data), dict(json.loads(text))
    except Exception as problem:  # a damaged header makes the parsers raise what they like
        raise ModelError(f"{name} is no weights file of blurspace, or is cut off: {AGAIN}") from problem
    if digest != _digest(stored, text):
        raise ModelError(f"{name} was changed after it was written (its SHA-256 differs): {AGAIN}")
    if not all(bool(tensor.isfinite().all()) for tensor in stored.values()):
        raise ModelError(f"{name} holds weights that are not finite: {AGAIN}")
    return {key: tensor.float() if tensor.is_floating_point() else tensor for key, tensor in stored.items()}, about


def named_tensors(networks: Mapping[str, nn.Module]) -> dict[str, Tensor]:
    """All parameters and buffers as "NETWORK.parameter" -> tensor; they share memory with the networks."""
    states = {name: network.state_dict() for name, network in networks.items()}
    return {f"{name}.{key}": tensor for name, state in states.items() for key, tensor in state.items()}


def load_into(networks: Mapping[str, nn.Module], tensors: Mapping[str, Tensor]) -> None:
    """Copy `tensors` into the networks' own, which keep their device; every name and shape must match.

    Raises ModelError, naming the first mismatch, before anything is copied.
    """
    wanted = named_tensors(networks)
    for name, tensor in wanted.items():
        if name not in tensors:
            raise ModelError(f"the weights lack {name}: give weights of this architecture")
        if tensors[name].shape != tensor.shape:
            shapes = f"shape {tuple(tensors[name].shape)} in the weights and {tuple(tensor.shape)} in the network"
            raise ModelError(f"{name} has {shapes}: give weights of this architecture")
    for name in tensors:
        if name not in wanted:
            raise ModelError(f"the weights hold {name}, which the network lacks: give weights of this architecture")
    with torch.no_grad():
        for name, tensor in wanted.items():
            tensor.copy_(tensors[name])


def _stored(tensor: Tensor, half: bool) -> Tensor:
    # A copy of its own, because safetensors refuses tensors that share memory.
    copy = tensor.detach().cpu().clone(memory_format=torch.contiguous_format)
    return copy.half() if half and copy.is_floating_point() else copy


def _digest(tensors: Mapping[str, Tensor], text: str) -> str:
    digest = hashlib.sha256(text.encode())
    for name, tensor in sorted(tensors.items()):
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.numpy().tobytes())
    return digest.hexdigest()


def _bytes(path_or_bytes: str | Path | bytes) -> tuple[str, bytes]:
    if isinstance(path_or_bytes, bytes):
        return "the weights given as bytes", path_or_bytes
    name = shown(path_or_bytes)
    try:
        return name, Path(path_or_bytes).read_bytes()
    except FileNotFoundError:
        raise ModelError(f"{name} does not exist: give the path of a weights file") from None
    except (OSError, ValueError) as problem:  # ValueError: a null byte in the path
        reason = getattr(problem, "strerror", None) or problem
        raise ModelError(f"{name} cannot be read ({reason}): give the path of a weights file") from problem
