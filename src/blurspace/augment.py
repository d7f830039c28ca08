"""How does a training set get the blur of one camera? A plain callable for data loaders."""

from pathlib import Path

import torch
from torch import Tensor

from blurspace.builders import build_space
from blurspace.codes import BlurBank, code_for, pick, read_bank
from blurspace.errors import UsageError
from blurspace.nets.kernel_space import BasisSpace
from blurspace.types import Code


class CameraBlur:
    """Blurs pictures as the camera of a blur bank does; labels stay aligned, because the blur is centred everywhere.

    Called with a picture (c h w) or a batch (b c h w) in [0, 1], grey or RGB, it returns the blurry picture of that
    shape and the code (1 c p q) that was used, by which `space.reblur` does the same again. `share`: of the calls that
    blur at all; the others return the picture itself and the code that changes nothing.
    """

    def __init__(self, bank: BlurBank | str | Path, *, space: BasisSpace | None = None, share: float = 1.0) -> None:
        """`bank`: or its file. `space`: the kernel space that made it; None = the one we ship.

        Raises ModelError where the bank is of another space, or no bank; UsageError on a share outside [0, 1].
        """
        if not 0 <= share <= 1:
            raise UsageError(f"a share of {share} was given: give 0 to 1")
        self.space, self.share = space or build_space(), share
        self.bank = (bank if isinstance(bank, BlurBank) else read_bank(bank)).of(self.space)

    @torch.no_grad()
    def __call__(self, picture: Tensor, *, generator: torch.Generator | None = None) -> tuple[Tensor, Code]:
        """The blurry picture and its code. `generator`: on the CPU; None = torch's own, which data loaders seed."""
        batch = picture if picture.ndim == 4 else picture[None]
        size = (batch.shape[-2], batch.shape[-1])
        if float(torch.rand((), generator=generator)) >= self.share:
            return picture, self.space.rest_code(size)
        code = self.space.centred(code_for(self.space, pick(self.bank, generator), size, generator))
        blurry = self.space.reblur(batch, code).clamp(0, 1)
        return blurry.view(picture.shape), code
