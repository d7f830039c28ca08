"""How does a network of another project come in? Through spandrel, which is not among our needs."""

from pathlib import Path
from typing import Any

from torch import nn

from blurspace.errors import ModelError
from blurspace.types import Image


def read_foreign(path: str | Path, label: str) -> nn.Module:
    """The deblurring network (b 3 h w) -> (b 3 h w) in another project's checkpoint, not to be trained on.

    Raises ModelError where spandrel is not here, or cannot read it as one; `label` names the file.
    """
    try:
        from spandrel import ImageModelDescriptor, ModelLoader
    except ImportError as problem:
        needed = "to read others spandrel is needed: pip install spandrel torchvision"
        raise ModelError(f"{label} is no file of ours, and {needed}") from problem
    try:
        found = ModelLoader().load_from_file(path)
    except Exception as problem:  # unpickling damaged bytes raises what it likes
        raise ModelError(f"{label} is no checkpoint that spandrel knows: give another") from problem
    same_size = isinstance(found, ImageModelDescriptor) and found.scale == 1
    if not same_size or (found.input_channels, found.output_channels) != (3, 3):
        raise ModelError(f"{label} is no network from RGB to RGB of the same size: give a deblurrer")
    return _Foreign(found).requires_grad_(False).eval()


class _Foreign(nn.Module):
    """A network that spandrel read; its descriptor pads to the sizes that the network can take, and cuts again."""

    def __init__(self, descriptor: Any) -> None:
        super().__init__()
        self.model, self.call = descriptor.model, descriptor

    def forward(self, blurry: Image) -> Image:
        return self.call(blurry)
