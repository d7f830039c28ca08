"""Where does the search for a code begin? At kernels that were found otherwise, or at a code of a smaller picture."""

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.kernels import crop_or_pad, delta
from blurspace.chance import seeded
from blurspace.nets.kernel_space import BasisSpace
from blurspace.types import Code, Kernel

# The exponent of `blur.curve` that is nearest to a response, less 1: what a code says of its light.
CURVES = {"linear": 0.0, "srgb": 1.4, "gamma 2.2": 1.2}


class AboutKernel(BasisSpace):
    """A kernel `space` whose codes begin at a kernel (1 1 k k) in place of none: weights of zero blur by that.

    The filters alone know smooth blurs only, and would lose half of a thin kernel. It is cut to the filters' side.
    """

    beside: Tensor

    def __init__(self, space: BasisSpace, kernel: Kernel) -> None:
        """Share the weights of the space."""
        count, side = space.basis.shape[:2]
        with seeded(0):  # its own first weights are thrown away, and must not move anyone's numbers
            super().__init__(count=count, side=side, stride=space.stride)
        self.basis, self.log_stiffness, self.prior = space.basis, space.log_stiffness, space.prior
        self.register_buffer("beside", (crop_or_pad(kernel.to(space.basis), side) - delta(side).to(space.basis))[0, 0])

    def kernels(self, weights: Tensor) -> Tensor:
        """See `BasisSpace.kernels`."""
        return super().kernels(weights) + self.beside


def first_code(space: BasisSpace, size: tuple[int, int], *, response: str) -> Code:
    """The code (1 c p q) for pictures of `size` (h, w) that changes nothing but the light, to that of a `response`."""
    code = space.rest_code(size)
    code[:, -1] = CURVES[response]
    return code


@torch.no_grad()
def enlarged(space: BasisSpace, code: Code, factor: int, size: tuple[int, int]) -> Code:
    """A code (1 c p q) of a picture at 1 / `factor` of its resolution, for the picture of `size` (h, w) itself."""
    kernels = space.kernels(code[:, :-1])
    (rows, columns), side = kernels.shape[1:3], kernels.shape[-1]
    wide = factor * (side - 1) + 1  # so that pixels lie on pixels, the middle on the middle
    grown = functional.interpolate(
        kernels.view(1, rows * columns, side, side), (wide, wide), mode="bilinear", align_corners=True
    )
    grown = crop_or_pad((grown / factor**2).movedim(1, 0), side).view(1, rows, columns, side, side)
    found = torch.cat((_weights(space, grown), code[:, -1:]), 1)
    return functional.interpolate(found, space.cells(size), mode="bilinear")


def _weights(space: BasisSpace, kernels: Tensor) -> Tensor:
    """The weights (1 n p q) of the filters that come nearest to kernels (1 p q k k), by least squares."""
    wanted = kernels.clone()
    middle = wanted.shape[-1] // 2
    wanted[..., middle, middle] -= 1
    # In double precision: in single, the last bits differ from call to call.
    filters, wanted = space.filters().detach().double().flatten(1), wanted.double().flatten(3)
    found = torch.linalg.lstsq(filters.T, wanted.view(-1, wanted.shape[-1]).T).solution
    return found.view(1, -1, *kernels.shape[1:3]).to(kernels)
