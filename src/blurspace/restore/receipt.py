"""Does this restoration explain the photo, and is it worth having? The receipt, with its verdict.

A re-blur score alone rewards doing nothing, so it stands beside the kernel's length, the amount of change and the
ringing. Verdicts: "restored"; "refused" (the result would be worse than the input); and "left alone" (the photo was
sharp before anything was tried, see `diagnose`).
"""

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.blur.fourier import inner_differences
from blurspace.blur.kernels import extent
from blurspace.metrics import psnr
from blurspace.types import AnyImage, Image, Kernel, Receipt

# Where a window of the kernel's size varies by less than this in the blurry picture, the sharp one is flat as well.
FLAT_RANGE = 6 / 255
# Sharper edges make the gradients sparser; ringing makes them denser. A result less sparse than its input has failed.
WORST_SPARSITY_RATIO = 1.0
LEAST_SPARSITY = 1e-12  # a photo of one colour has none to divide by
# The residual may be this many times the noise (JPEG and a kernel that varies add to it), above 8-bit rounding.
RESIDUAL_PER_SIGMA, RESIDUAL_FLOOR = 4.0, 6 / 255
# Of the gradients of the restored picture, the mean in flat areas may be this share of the mean elsewhere.
WORST_RINGING = 0.35


def judge(blurry: Image, restored: Image, reblurred: Image, kernel: Kernel, *, sigma: float) -> Receipt:
    """The receipt of a restoration by one kernel; pictures (1 c h w) display-referred in [0, 1].

    `reblurred` is the restored picture under the kernel, in the same light as the photo.
    """
    length, _ = extent(kernel)
    reach = kernel.shape[-1] // 2
    ratio = normalised_sparsity(restored) / max(normalised_sparsity(blurry), LEAST_SPARSITY)
    ringing = ringing_share(blurry, restored, reach)
    inner = [picture[..., reach:-reach, reach:-reach] if reach else picture for picture in (blurry, reblurred)]
    residual = float((inner[0] - inner[1]).square().mean().sqrt())
    reason = _failure(residual, sigma, ratio, ringing)
    return Receipt(
        verdict="refused" if reason else "restored",
        reason=reason or f"a blur of {length:.0f} px was removed, and blurring the result again gives the photo",
        sigma=sigma,
        reblur_psnr=float(psnr(inner[1], inner[0])),
        change_psnr=float(psnr(restored, blurry)),
        kernel_length=length,
        ringing=ringing,
    )


def unexplained(blurry: Image, sharp: AnyImage, kernel: Kernel, clipped: Tensor | None = None) -> float:
    """What `sharp` (b c h w), blurred by `kernel`, leaves of `blurry`: root mean square, where all of it was seen.

    `clipped` (bool, broadcast with `blurry`): pixels that count as explained, whatever they show.
    """
    reach = kernel.shape[-1] // 2
    inside = (..., slice(reach, blurry.shape[-2] - reach), slice(reach, blurry.shape[-1] - reach))
    rest = (blur(sharp, kernel, border="valid") - blurry[inside]).square()
    if clipped is not None:
        rest = torch.where(clipped[inside], 0, rest)
    return float(rest.mean().sqrt())


def left_alone(reason: str, *, sigma: float) -> Receipt:
    """The receipt of a photo in which there was nothing to do: its pixels stay as they are."""
    infinite = float("inf")
    return Receipt("left alone", reason, sigma, infinite, infinite, kernel_length=1.0, ringing=0.0)


def normalised_sparsity(picture: Image) -> float:
    """|grad|_1 / |grad|_2 over the pixels (Krishnan, Tay and Fergus 2011, eq. 2): lower is sharper, free of scale."""
    size = _gradient_length(picture)
    return float(size.mean() / size.square().mean().sqrt().clamp_min(1e-12))


def ringing_share(blurry: Image, restored: Image, reach: int) -> float:
    """Mean gradient of the restored picture where the scene is flat, over its mean elsewhere; 0 if nothing is flat.

    The scene is flat where the blurry picture hardly varies within a kernel's reach; what varies there after
    deconvolution was not in the scene.
    """
    grey = blurry.mean(1, keepdim=True)
    flat = (_highest(grey, reach) + _highest(-grey, reach) < FLAT_RANGE)[..., :-1, :-1]
    size = _gradient_length(restored.mean(1, keepdim=True))
    if not flat.any() or flat.all():
        return 0.0
    return min(1.0, float(size[flat].mean() / size[~flat].mean().clamp_min(1e-12)))


def _highest(picture: Image, reach: int) -> Image:
    """The largest value within `reach` px in both directions, rows first: a square maximum is separable."""
    rows = functional.max_pool2d(picture, (2 * reach + 1, 1), stride=1, padding=(reach, 0))
    return functional.max_pool2d(rows, (1, 2 * reach + 1), stride=1, padding=(0, reach))


def _failure(residual: float, sigma: float, sparsity_ratio: float, ringing: float) -> str:
    """Why the result is not to be trusted, in one sentence; empty if it is."""
    if not residual <= max(RESIDUAL_FLOOR, RESIDUAL_PER_SIGMA * sigma):  # nor where it is no number
        return "no single kernel explains this photo: blurring the result again does not give it back"
    if sparsity_ratio > WORST_SPARSITY_RATIO:
        return "the result has ghosts rather than sharper edges, so the photo is better as it is"
    if ringing > WORST_RINGING:
        return "the result rings in the photo's flat areas, so the photo is better as it is"
    return ""


def _gradient_length(picture: Image) -> AnyImage:
    return inner_differences(picture).square().sum(0).sqrt()
