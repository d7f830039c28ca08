"""Where do VGG19's weights come from? From torchvision's file, which the user has fetched, checked by its hash."""

import hashlib
from io import BufferedReader
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from blurspace.errors import ModelError
from blurspace.io.files import shown

# torchvision's VGG19_Weights.IMAGENET1K_V1; like all its files, named after how its SHA-256 starts.
URL = "https://download.pytorch.org/models/vgg19-dcbb9e9d.pth"
SIZE, HASH_START = 574_673_361, "dcbb9e9d"
FETCH = f"download {URL} ({SIZE} bytes, SHA-256 {HASH_START}...)"
NEEDED = "features."  # the classifier's three layers, six sevenths of the file, are not needed


def read_vgg19_state(path: str | Path) -> dict[str, Tensor]:
    """The convolutions of torchvision's VGG19 file by name ("features.0.weight", ...), on the CPU.

    Raises ModelError, which says where to get the file, if it is missing or another one. Runs no code from it.
    """
    try:
        with Path(path).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
            if not digest.startswith(HASH_START):
                found = f"{file.tell()} bytes, SHA-256 {digest[:8]}..."
                raise ModelError(f"{shown(path)} is not torchvision's VGG19 ({found}): {FETCH}")
            return _features(file, shown(path))
    except FileNotFoundError:
        raise ModelError(f"{shown(path)} does not exist: {FETCH}") from None
    except (OSError, ValueError) as problem:  # ValueError: a null byte in the path
        reason = getattr(problem, "strerror", None) or problem
        raise ModelError(f"{shown(path)} cannot be read ({reason}): {FETCH}") from problem


def _features(file: BufferedReader, name: str) -> dict[str, Tensor]:
    file.seek(0)
    try:
        state: dict[str, Any] = torch.load(file, map_location="cpu", weights_only=True)
        return {key: state[key].detach() for key in state if key.startswith(NEEDED)}
    except Exception as problem:  # a damaged file makes the parsers raise what they like
        raise ModelError(f"{name} holds no weights by name: {FETCH}") from problem
