"""How does a file become a generator: our printer of lines, or a StyleGAN2 that the user has?"""

from pathlib import Path

from blurspace.errors import ModelError
from blurspace.io.files import shown
from blurspace.io.stylegan2 import read_stylegan2_state
from blurspace.io.weights import load_into, read_weights
from blurspace.nets.printer import Printer
from blurspace.nets.stylegan2 import StyleGan2
from blurspace.search.manifold import Generates

OURS = ".safetensors"  # as `train` writes files


def read_generator(path: str | Path, *, sha256: str | None = None) -> Generates:
    """The generator in a weights file of task "printer", or in a checkpoint of StyleGAN2; not to be trained on.

    `sha256`: what the checkpoint's must start with; ours carry their own. Raises ModelError where the file is missing,
    damaged, another, lacks a tensor or has one of another size.
    """
    if not str(path).lower().endswith(OURS):
        return StyleGan2.of_official(read_stylegan2_state(path, sha256=sha256))
    tensors, about = read_weights(path)
    known = about.get("architecture", {}).get("printer")
    if known is None:
        raise ModelError(f"{shown(path)} holds no generator: give a file of task printer, or a StyleGAN2's checkpoint")
    try:
        printer = Printer(**known)
    except TypeError as problem:
        raise ModelError(f"{shown(path)} has a printer of another version of blurspace: train it again") from problem
    load_into({"printer": printer}, tensors)
    return printer.requires_grad_(False).eval()
