"""What can a sharp frame lend to a blurry one? Its pixels, moved to where the blurry frame shows the same.

The sharp frame is blurred like the blurry one, so that optical flow compares like with like. The kernel comes from both
by least squares, without any search. A pixel is lent where the flow there and back ends where it began, and where the
moved frame, blurred again, gives what the blurry frame shows.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.fourier import differences
from blurspace.blur.kernels import centre, crop_or_pad, delta, normalise, trim
from blurspace.pixels import luminance
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.kernel_step import solve_kernel, tidy_kernel
from blurspace.sharpness import busiest_window
from blurspace.types import AnyImage, AnyKernel, Image, Kernel

# All numbers are ours, chosen on made pans over photos of our training folder.
ROUNDS = 2  # of kernel and flow: the first flow is between a sharp and a blurry frame, and a little off
WIDEST, SHARE = 61, 8  # px: kernels are at most so wide, and at most so many-th of the shorter side
WINDOW = 512  # px: the kernel is found where the sharp frame has most edges
# Of the kernel's least squares, steps of some iterations each: on a wide square, then on what holds the kernel found so
# far and ROOM px more, where they come nearer to the least. Below so much of its peak a kernel is noise, then and last.
WIDE_STEPS, NEAR_STEPS, ROOM = 8, 20, 2
RIDGE, COARSE, THRESHOLD = 1e-3, 0.1, 0.03
ASTRAY = 1.5  # px: flow there and back may end so far from where it began
# What may stay unexplained: so much, or so many times the noise, or such a share of the contrast there: at the edges of
# print and codes a tenth of a px, or of the kernel, is more than the noise.
LEAST_UNEXPLAINED, PER_SIGMA, OF_CONTRAST = 3 / 255, 2.0, 0.25
OTHER = 0.5  # of the contrast: where more is unexplained by the first kernel, the second is not looked for
PATCH = 9  # px: the sides of squares in which that is measured
NEAR = 6  # px, around a place: of the colours that may be there
FEATHER = 3.0  # px: the sigma of the border between what is lent and what is not
LEAST_TRUST = 1e-6
BROAD = 12.0  # px: the sigma above which brightness is the blurry frame's own, whatever the exposures were
LIGHT = "srgb"  # in which frames are blurred, where nobody says: BT.709 is near to it


@dataclass(frozen=True)
class Loan:
    """What a sharp frame lends: `picture` (1 c h w), display values, with `trust` (1 1 h w) in [0, 1], and the `blur`.

    The blur is the one between both frames, by which the loan was checked.
    """

    picture: Image
    trust: AnyImage
    blur: UniformBlur

    @property
    def share(self) -> float:
        """How much of the frame is lent."""
        return float(self.trust.mean())

    def over(self, base: Image) -> Image:
        """The loan where it is trusted, elsewhere another picture (1 c h w)."""
        return base.lerp(self.picture, self.trust)

    def bounded(self, filled: Image, blurry: Image) -> Image:
        """What fills the gaps (1 c h w), within what both frames show near there: a search leaves specks in them."""
        both = torch.stack((self.picture, blurry))
        most, least = (
            functional.max_pool2d(one, 2 * NEAR + 1, stride=1, padding=NEAR) for one in (both.amax(0), -both.amin(0))
        )
        return torch.maximum(torch.minimum(filled, most), -least)

    def before(self, other: "Loan") -> "Loan":
        """Two loans as one: this one where it is trusted, elsewhere the other."""
        trust = 1 - (1 - self.trust) * (1 - other.trust)
        mine = self.trust / trust.clamp_min(LEAST_TRUST)
        return Loan(other.picture.lerp(self.picture, mine), trust, self.blur)


def lend(
    sharp: Image, blurry: Image, *, sigma: float, response: str | None = None, known: Kernel | None = None
) -> Loan:
    """What a sharp frame lends to a blurry one of the same shot, both (1 c h w), display values in [0, 1].

    `sigma`: the noise of the blurry one. `response`: of the light in which it was blurred. `known`: its kernel, if it
    is; else that is found between both.
    """
    light = response if response not in (None, "auto") else LIGHT
    moved, kernel = moved_by(sharp, flow_between(blurry, sharp)), known if known is not None else delta()
    alike = torch.ones_like(blurry[:, :1])
    for _ in range(ROUNDS):
        if known is None:
            kernel = kernel_between(*(to_linear(luminance(one), light) for one in (moved, blurry)), alike=alike)
        again = blurred(sharp, kernel, light)
        there, back = flow_between(blurry, again), flow_between(again, blurry)
        moved = moved_by(sharp, there)
        again = blurred(moved, kernel, light)
        alike = explained(again, blurry, sigma, of_contrast=OTHER)
    trust = sure(there, back) * explained(again, blurry, sigma)
    soft = _smooth(functional.avg_pool2d(trust, 5, 1, 2) * trust, FEATHER) * trust
    return Loan((moved + _smooth(blurry - again, BROAD)).clamp(0, 1), soft, UniformBlur(kernel))


def kernel_between(sharp: Image, blurry: Image, *, alike: Image | None = None) -> AnyKernel:
    """The kernel (1 1 k k), its centroid in its centre, that maps one grey picture (1 1 h w) of light to another.

    `alike` (1 1 h w): 1 where both show the same, which alone counts; everywhere where not given.
    """
    side = min(min(sharp.shape[-2:]) // SHARE, WIDEST) // 2 * 2 + 1
    window = (..., *busiest_window(sharp, WINDOW))
    sharp, blurry = sharp[window], blurry[window]
    trust = torch.zeros_like(sharp[0])
    trust[:, side:-side, side:-side] = 1 if alike is None else alike[window][0, :, side:-side, side:-side]
    spectra = torch.fft.rfft2(differences(sharp))
    given, found = differences(blurry), normalise(torch.ones(1, 1, side, side)).to(sharp)  # few steps lead from a delta
    for _ in range(WIDE_STEPS):
        found = solve_kernel(spectra, given, trust, found, ridge=RIDGE)
    near = trim(tidy_kernel(found, threshold=COARSE))
    found = crop_or_pad(near, min(near.shape[-1] + 2 * ROOM, side))
    for _ in range(NEAR_STEPS):
        found = solve_kernel(spectra, given, trust, found, ridge=RIDGE)
    return trim(centre(tidy_kernel(found, threshold=THRESHOLD), subpixel=True))


def blurred(display: Image, kernel: Kernel, light: str) -> Image:
    """Display values, blurred in some light."""
    return to_display(blur(to_linear(display, light), kernel.to(display)), light)


def flow_between(first: Image, second: Image) -> Any:
    """How far away each pixel of the first picture is in the second (h w 2), px: dense inverse search, Kroeger 2016."""
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    return search.calc(_levels(first), _levels(second), None)  # type: ignore[call-overload]


def moved_by(picture: Image, flow: Any) -> Image:
    """A picture (1 c h w) looked up where the flow points."""
    array = picture[0].permute(1, 2, 0).numpy()
    moved = cv2.remap(array, *_places(flow), cv2.INTER_LANCZOS4, borderMode=cv2.BORDER_REPLICATE)
    return torch.from_numpy(moved.reshape(array.shape)).permute(2, 0, 1)[None].clamp(0, 1).contiguous()


def sure(there: Any, back: Any) -> Image:
    """Where (1 1 h w) flow there and back ends within ASTRAY px of its beginning, inside of the frame."""
    across, down = _places(there)
    returned = there + cv2.remap(back, across, down, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    height, width = there.shape[:2]
    inside = (across >= 0) & (across <= width - 1) & (down >= 0) & (down <= height - 1)
    return torch.from_numpy(((np.linalg.norm(returned, axis=-1) < ASTRAY) & inside).astype(np.float32))[None, None]


def explained(again: Image, blurry: Image, sigma: float, *, of_contrast: float = OF_CONTRAST) -> AnyImage:
    """Where (1 1 h w) the loan, blurred again, is what the blurry frame shows, but for broad brightness."""
    shown, rest = luminance(blurry), luminance(again - blurry)
    rest, contrast = _spread(rest - _smooth(rest, BROAD)), _spread(shown - _mean(shown))
    return (rest < (of_contrast * contrast).clamp_min(max(LEAST_UNEXPLAINED, PER_SIGMA * sigma))).float()


def _mean(picture: Image) -> Image:
    """Of the patch around each pixel."""
    return functional.avg_pool2d(picture, PATCH, 1, PATCH // 2, count_include_pad=False)


def _spread(picture: Image) -> Image:
    """The root of the mean square of the patch around each pixel."""
    return _mean(picture.square()).sqrt()


def _levels(picture: Image) -> Any:
    return (luminance(picture)[0, 0] * 255).round().clamp(0, 255).to(torch.uint8).numpy()


def _places(flow: Any) -> tuple[Any, Any]:
    """Columns and rows in the other picture."""
    rows, columns = np.indices(flow.shape[:2], dtype=np.float32)
    return columns + flow[..., 0], rows + flow[..., 1]


def _smooth(picture: Tensor, sigma: float) -> Tensor:
    """A Gaussian over a picture (1 c h w)."""
    array = cv2.GaussianBlur(picture[0].permute(1, 2, 0).numpy(), (0, 0), sigma)
    return torch.from_numpy(array.reshape(*picture.shape[-2:], -1)).permute(2, 0, 1)[None]
