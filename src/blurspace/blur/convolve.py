"""How does one kernel blur a whole picture, and what happens at the border?

Model: blurry = the part of kernel * extended(sharp) inside the frame: the uniform blur B = I * k of Kaufman and Fattal
2020, section 3.2, with the unknown world beyond the frame filled in by a border rule. True convolution: an off-centre
delta to the right of the kernel's centre moves the picture to the right. (torch's conv2d correlates, so it gets the
flipped kernel.)
"""

from functools import lru_cache
from typing import Literal

import torch
from jaxtyping import Complex
from torch import Tensor
from torch.nn import functional

from blurspace.errors import UsageError
from blurspace.run import full_precision
from blurspace.types import AnyImage, Image, Kernel

Border = Literal["replicate", "reflect", "circular", "zero", "valid"]
BORDERS: tuple[Border, ...] = ("replicate", "reflect", "circular", "zero", "valid")

# Values of one plane of a spectrum from which on a CPU planes are transformed back one by one, by our timing.
LARGE = 2**17
DIRECT_UP_TO = 5  # px: the side up to which conv2d is at least as fast as the FFT, by our timing on one core


def blur(sharp: Image, kernel: Kernel, *, border: Border = "replicate") -> AnyImage:
    """Blur a picture with one kernel, or a batch of pictures with one kernel each.

    `sharp` (b c h w): any range, it is linear in it; give linear light where the camera response is known.
    `kernel` (1 or b, 1, k, k): k odd; the same for all channels. Pictures and kernels may both carry gradients.
    `border` says what lies beyond the frame: "replicate" repeats the edge pixel, "reflect" mirrors without repeating
    it (needs k // 2 < h, w), "circular" wraps round (needs k // 2 <= h, w), "zero" is black, and "valid" assumes
    nothing and returns only what is known: (b c h-k+1 w-k+1). All others return (b c h w).
    Raises UsageError on an unknown border, an impossible kernel shape, or a kernel too big for the border rule.
    Source: Kaufman and Fattal 2020, section 3.2.
    """
    check_pair(sharp, kernel, border)
    check_fits(sharp.shape[-2:], kernel.shape[-1], border)
    return _convolve_valid(extend_frame(sharp, kernel.shape[-1] // 2, border), kernel)


def to_otf(kernel: Kernel, size: tuple[int, int]) -> Complex[Tensor, "_b 1 _h half"]:
    """The kernel's transfer function on a (h, w) grid: irfft2(rfft2(x) * to_otf(k, (h, w)), s=(h, w)) = blur(x, k).

    That is the circular blur. The kernel's centre pixel is rolled to the origin, so nothing moves.
    Returns complex (b 1 h w//2+1). Raises UsageError where the kernel is bigger than the grid.
    """
    _check_kernel(kernel)
    height, width = size
    side = kernel.shape[-1]
    if side > min(height, width):
        given = f"the kernel is {side} px wide and the grid {height} x {width}"
        raise UsageError(f"{given}: give a kernel no bigger than the grid, or trim it first")
    padded = functional.pad(kernel, (0, width - side, 0, height - side))
    return torch.fft.rfft2(padded.roll((-(side // 2), -(side // 2)), dims=(-2, -1)))


@lru_cache(maxsize=4096)
def fast_size(least: int) -> int:
    """The next 2^a 3^b 5^c that is >= `least`: FFTs of such sizes are fast in every library (MKL, pocketfft, cuFFT)."""
    size = max(1, least)
    while True:
        rest = size
        for factor in (2, 3, 5):
            while rest % factor == 0:
                rest //= factor
        if rest == 1:
            return size
        size += 1


def from_spectrum(spectrum: Complex[Tensor, "b c h half"], size: tuple[int, int]) -> AnyImage:
    """The pictures (b c h w) of `size` (h, w) behind their half spectra: `irfft2`, sooner for large ones on a CPU.

    Given several planes at once, torch takes longer over their columns (our timing).
    """
    if spectrum.device.type != "cpu" or spectrum[0, 0].numel() < LARGE:
        return torch.fft.irfft2(spectrum, s=size)
    planes = [torch.fft.irfft2(plane, s=size) for plane in spectrum.flatten(0, 1)]
    return torch.stack(planes).unflatten(0, spectrum.shape[:2])


def _convolve_valid(picture: Tensor, kernel: Tensor) -> Tensor:
    """The part of the convolution that needs nothing beyond the picture: (b c h w) -> (b c h-k+1 w-k+1)."""
    side = kernel.shape[-1]
    height, width = picture.shape[-2:]
    if side <= DIRECT_UP_TO:
        return _direct(picture, kernel)
    # A circular convolution at the picture's own size is enough: what wraps round falls outside the valid part.
    size = (fast_size(height), fast_size(width))
    spectrum = torch.fft.rfft2(picture, s=size) * torch.fft.rfft2(kernel, s=size)
    return from_spectrum(spectrum, size)[..., side - 1 : height, side - 1 : width].contiguous()


def _direct(picture: Tensor, kernel: Tensor) -> Tensor:
    """conv2d with a kernel per picture, flipped because conv2d correlates."""
    batch, channels = picture.shape[:2]
    weight = kernel.flip(-2, -1)
    # Blur is physics: half precision of a surrounding autocast would quantise the light to 8 bits.
    with full_precision(picture.device):
        if kernel.shape[0] == 1:
            result = functional.conv2d(picture.reshape(batch * channels, 1, *picture.shape[-2:]), weight)
        else:
            planes = picture.reshape(1, batch * channels, *picture.shape[-2:])
            result = functional.conv2d(planes, weight.repeat_interleave(channels, 0), groups=batch * channels)
    return result.reshape(batch, channels, *result.shape[-2:])


def extend_frame(picture: Tensor, reach: int, border: Border) -> Tensor:
    """Add `reach` pixels on each side by the border rule; by slices: torch's padding has a random gradient on GPUs."""
    if border == "valid" or reach == 0:
        return picture
    rows = _extend_rows(picture, reach, border)
    return _extend_rows(rows.transpose(-2, -1), reach, border).transpose(-2, -1)


def _extend_rows(picture: Tensor, reach: int, border: Border) -> Tensor:
    length = picture.shape[-2]
    if border == "replicate":
        before = picture[..., :1, :].expand(-1, -1, reach, -1)
        after = picture[..., -1:, :].expand(-1, -1, reach, -1)
    elif border == "reflect":
        before = picture[..., 1 : reach + 1, :].flip(-2)
        after = picture[..., length - 1 - reach : length - 1, :].flip(-2)
    elif border == "circular":
        before, after = picture[..., length - reach :, :], picture[..., :reach, :]
    else:
        before = after = picture.new_zeros(1).expand(*picture.shape[:-2], reach, picture.shape[-1])
    return torch.cat((before, picture, after), dim=-2)


def check_pair(picture: Tensor, kernel: Tensor, border: str) -> None:
    """Raise UsageError where a picture and a kernel cannot be convolved."""
    if border not in BORDERS:
        raise UsageError(f"border {border!r} is unknown: choose one of {', '.join(BORDERS)}")
    if picture.ndim != 4:
        raise UsageError(f"the picture has shape {tuple(picture.shape)}: give (batch, channels, height, width)")
    _check_kernel(kernel)
    if kernel.shape[0] not in (1, picture.shape[0]):
        given = f"{kernel.shape[0]} kernels were given for {picture.shape[0]} pictures"
        raise UsageError(f"{given}: give one kernel, or one per picture")


def _check_kernel(kernel: Tensor) -> None:
    if kernel.ndim != 4 or kernel.shape[1] != 1 or kernel.shape[2] != kernel.shape[3] or kernel.shape[3] % 2 == 0:
        raise UsageError(f"the kernel has shape {tuple(kernel.shape)}: give (batch, 1, k, k) with k odd")


def check_fits(size: torch.Size, side: int, border: Border) -> None:
    """A picture is mirrored or wrapped only once, and a valid blur needs one whole kernel."""
    least = {"reflect": side // 2 + 1, "circular": side // 2, "valid": side}.get(border, 1)
    if min(size) < least:
        needs = f"needs a picture of at least {least} px and got {size[0]} x {size[1]}"
        raise UsageError(
            f"a {side} px kernel with border {border!r} {needs}: use a smaller kernel or border 'replicate'"
        )
