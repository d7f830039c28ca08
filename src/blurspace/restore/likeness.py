"""How little like a sharp picture that explains a photo is what a kernel makes of it? The score of kernels."""

from torch import Tensor

from blurspace.restore.deconvolve import Rounds, deconvolve
from blurspace.restore.evidence import normalised_sparsity, unexplained
from blurspace.run import Run
from blurspace.types import Image, Kernel


def unlike_sharp(
    blurry: Image, kernel: Kernel, clipped: Tensor | None, *, strength: float, rounds: Rounds, run: Run | None = None
) -> float:
    """Normalised sparsity times residual of `blurry` (1 1 h w) deconvolved by a kernel (1 1 k k): lower is better.

    `clipped` (1 1 h w, bool): pixels that are only known to be at least what is seen. `strength`, `rounds`: of the
    hyper-Laplacian deconvolution. Source: Krishnan, Tay and Fergus 2011, eq. 2 (the sparsity).
    """
    sharp = deconvolve(
        blurry, kernel, strength=strength, prior="hyper-laplacian", saturated=clipped, rounds=rounds, run=run
    )
    return normalised_sparsity(sharp) * unexplained(blurry, sharp, kernel, clipped)
