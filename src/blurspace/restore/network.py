"""How does a network that restores at once become a deblurrer that can be believed?

Such a network names no kernel. So the kernel space reads from its result and the photo which blur lies between them;
the receipt then judges it like any other.
"""

from collections.abc import Callable

import torch
from torch.nn import functional

from blurspace.blur.kernels import normalise, trim
from blurspace.metrics import psnr
from blurspace.nets.kernel_space import BasisSpace
from blurspace.restore.diagnose import already_sharp
from blurspace.restore.noise import estimate_sigma
from blurspace.restore.receipt import judge, left_alone
from blurspace.types import Code, Image, Kernel, Restoration

Network = Callable[[Image], Image]
# Of a kernel's largest value: less is what the least squares of a code leave beside the path (ours).
FAINT = 0.02
UNCHANGED = 45.0  # dB between photo and result: a difference of 1.4 of 255 levels, which nobody sees (ours)


class NetworkDeblurrer:
    """A `Deblurrer` that is one network: (1 3 h w) -> (1 3 h w), display-referred, any size. Grey goes in as RGB.

    `space` reads the blur for the receipt; `method` is the network's name.
    """

    def __init__(self, network: Network, space: BasisSpace, *, method: str) -> None:
        """Keep them; the network is called without gradients."""
        self.network, self.space, self.method = network, space, method

    def __call__(self, blurry: Image, *, least_sigma: float = 0.0) -> Restoration:
        """Restore `blurry` (1 c h w), display-referred in [0, 1]; same size, clamped to [0, 1]."""
        sigma = max(estimate_sigma(blurry), least_sigma)
        sharp = already_sharp(blurry, sigma=sigma, method=self.method)
        return sharp or explained(blurry, self.restore(blurry), self.space, sigma=sigma, method=self.method)

    def restore(self, blurry: Image) -> Image:
        """What the network makes of a picture (1 c h w), clamped to [0, 1]; no receipt."""
        return in_colour(self.network, blurry)


def in_colour(network: Network, picture: Image) -> Image:
    """What a network of RGB makes of a picture (1 c h w), grey or RGB, clamped to [0, 1], without gradients."""
    with torch.inference_mode():
        found = network(picture.expand(-1, 3, -1, -1)).clamp(0, 1)
    return (found.mean(1, keepdim=True) if picture.shape[1] == 1 else found).clone()


def explained(
    blurry: Image, restored: Image, space: BasisSpace, *, sigma: float, method: str, history: tuple[str, ...] = ()
) -> Restoration:
    """The restoration of `blurry` that a network gave, with its receipt; refused, it is the photo as it was."""
    if float(psnr(restored, blurry)) > UNCHANGED:
        receipt = left_alone("the network changed next to nothing: it sees no blur that it knows", sigma=sigma)
        return Restoration(blurry, None, blurry, receipt, method, history)
    with torch.no_grad():
        code = space.extract(restored, blurry)
        reblurred = space.reblur(restored, code).clamp(0, 1)
    kernel = mean_kernel(space, code)
    receipt = judge(blurry, restored, reblurred, kernel, sigma=sigma)
    if receipt.verdict != "restored":
        restored = blurry
    return Restoration(restored, kernel, reblurred, receipt, method, history)


def mean_kernel(space: BasisSpace, code: Code) -> Kernel:
    """The kernel (1 1 k k) of a code (1 c p q), the mean over its map, without what is faint."""
    kernel = space.kernels(code[:, :-1]).mean((1, 2))[:, None]
    kernel = functional.relu(kernel - FAINT * kernel.amax())
    return trim(normalise(kernel))
