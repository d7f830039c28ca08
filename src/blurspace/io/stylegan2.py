"""Where do a StyleGAN2's weights come from? From a checkpoint that the user has, read without running code from it."""

from argparse import Namespace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.serialization import safe_globals

from blurspace.errors import ModelError, PictureError
from blurspace.io.files import sha256_of, shown

AVERAGE = "g_ema"  # the running mean of the generator's weights, beside what training needs
GIVE = "give a PyTorch checkpoint of StyleGAN2"


def read_stylegan2_state(path: str | Path, *, sha256: str | None = None) -> dict[str, Tensor]:
    """The generator's tensors by their official names ("style.1.weight", ...), float32, on the CPU.

    They are alone in it, or are its `g_ema`. `sha256`: what the file's must start with, where it is known. Raises
    ModelError on a file that is missing, another, or holds none.
    """
    name = shown(path)
    try:
        if sha256:
            _check(path, sha256.lower())
        return _state(_unpickled(path), name)
    except ModelError:
        raise
    except (FileNotFoundError, PictureError):
        raise ModelError(f"{name} does not exist: {GIVE}") from None
    except Exception as problem:  # a damaged file makes the parsers raise what they like
        raise ModelError(f"{name} holds no weights by name: {GIVE}") from problem


def _state(held: Any, name: str) -> dict[str, Tensor]:
    """The tensors by name in what a checkpoint holds. Raises ModelError where there are none, or what they like."""
    state = held.get(AVERAGE, held) if isinstance(held, dict) else None
    if not isinstance(state, dict) or not all(
        isinstance(key, str) and isinstance(one, Tensor) for key, one in state.items()
    ):
        raise ModelError(f"{name} holds no weights by name: {GIVE}")
    if not all(bool(one.isfinite().all()) for one in state.values()):
        raise ModelError(f"{name} holds weights that are not finite: {GIVE}")
    return {key: one.detach().float() for key, one in state.items()}


def _check(path: str | Path, sha256: str) -> None:
    digest = sha256_of(path)
    if not digest.startswith(sha256):
        raise ModelError(f"{shown(path)} is not the file that was wanted (SHA-256 {digest}): {GIVE}")


def _unpickled(path: str | Path) -> Any:
    """What a checkpoint holds; beside tensors only what a training was told (`argparse`), which can do nothing."""
    with safe_globals([Namespace]):
        return torch.load(path, map_location="cpu", weights_only=True)
