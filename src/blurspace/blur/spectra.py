"""Which blurs does a camera make, told from blurry and sharp pictures of it that show different things?

Sharp pictures of one camera have much the same mean power spectrum, whatever they show. Blur multiplies it by the power
of its kernel; so the ratio of the mean powers of two unpaired piles is the mean power of the camera's kernels, and the
best mixture of known kernels that explains it says how long, in which directions and how often the camera blurs.

The idea is ours; that blur shows in power spectra is old (Cannon 1976, "Blind deconvolution of spatially invariant
image blurs with phase"). It is blind to the phase, and to what differs within a picture.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from blurspace.blur.kernels import line
from blurspace.errors import UsageError
from blurspace.types import Image, Kernel

Power = Float[Tensor, "side half"]  # of a real picture, as torch.fft.rfft2 orders it

SIDE = 128  # px: of the squares whose spectra are averaged; five times the longest line below (ours)
# Cycles per px. Below, the window's own spectrum and the pile's contents; above, noise and JPEG (ours).
LOWEST, HIGHEST = 0.01, 0.35
SCALE = 0.03  # cycles per px up to which no blur of ours shows: there the ratio is 1 by definition
SMOOTHING = 1  # bins on each side, geometric mean: the power of single frequencies is a matter of chance (ours)
# The dictionary: no blur, and lines by half pixels and ten degrees (ours).
LONGEST = (3, 5, 7, 9, 11, 13, 17, 21, 25)
ANGLES = range(0, 180, 10)
# The shortest dictionary is taken that misses by at most so many times the least: long lines also explain, in part,
# how the piles differ in what they show (ours).
SLACK = 1.1
STEPS = 2000  # of the multiplicative updates (ours)
GONE = 1e-10  # a weight that fell below comes to nothing; multiplied on, it would slow the arithmetic tenfold (ours)
FLOOR = 0.02  # added to the ratio where errors are weighed by it, so that what is blurred away does not decide (ours)


@dataclass(frozen=True, eq=False)
class KernelMixture:
    """How often a camera blurs how: `weights` (n), which sum to 1, of as many `kernels`; `misfit`, relative, rms."""

    kernels: tuple[Kernel, ...]
    weights: Tensor
    misfit: float

    def draw(self, generator: torch.Generator | None = None) -> Kernel:
        """One of the kernels, as often as the camera uses it."""
        return self.kernels[int(torch.multinomial(self.weights, 1, generator=generator))]

    def mean(self) -> Kernel:
        """The mean kernel (1 1 k k)."""
        side = max(kernel.shape[-1] for kernel in self.kernels)
        reach = [(side - kernel.shape[-1]) // 2 for kernel in self.kernels]
        padded = [functional.pad(kernel, (pad,) * 4) for kernel, pad in zip(self.kernels, reach, strict=True)]
        return (torch.cat(padded) * self.weights.view(-1, 1, 1, 1)).sum(0, keepdim=True)


def mean_power(pictures: Iterable[Image]) -> Power:
    """The mean power spectrum of all squares of 128 px in grey pictures' (b c h w) luminance, windowed.

    Squares do not overlap and lie about the middle. Raises UsageError where every picture is smaller.
    """
    window = torch.hann_window(SIDE, periodic=False)
    total, count = torch.zeros(SIDE, SIDE // 2 + 1), 0
    for picture in pictures:
        squares = _squares(picture.mean(1))
        if not len(squares):
            continue
        squares = (squares - squares.mean((1, 2), keepdim=True)) * window[:, None] * window
        total += torch.fft.rfft2(squares).abs().square().sum(0)
        count += len(squares)
    if not count:
        raise UsageError(f"no picture has {SIDE} px in height and width, which spectra need: give bigger ones")
    return _smooth(total / count)


def power_ratio(blurry: Power, sharp: Power) -> Power:
    """How much of the power is left at each frequency, from 0 (all blurred away) to about 1, and 1 at low ones."""
    frequency = _frequency()
    ratio = blurry / sharp.clamp_min(1e-12)
    return ratio / ratio[(frequency > LOWEST) & (frequency < SCALE)].mean()


def fit_mixture(ratio: Power) -> KernelMixture:
    """The mixture of lines at all angles whose mean power is nearest to `ratio`; as short ones as will do.

    Least squares of the relative error with weights >= 0.
    """
    lines = [(1.0, 0), *((length / 2, angle) for length in range(4, 2 * LONGEST[-1] + 1) for angle in ANGLES)]
    kernels = [line(length, angle) for length, angle in lines]
    kept = ((_frequency() > LOWEST) & (_frequency() < HIGHEST)).float() / (ratio + FLOOR)
    atoms = torch.stack([(torch.fft.rfft2(kernel[0, 0], s=(SIDE, SIDE)).abs().square() * kept) for kernel in kernels])
    table, wanted = atoms.flatten(1), (ratio * kept).flatten()
    gram, match = table @ table.T, table @ wanted
    found = []
    for longest in LONGEST:
        count = sum(length <= longest for length, _ in lines)
        weights = _shares(gram[:count, :count], match[:count])
        misfit = (weights @ table[:count] - wanted).norm() / wanted.norm()
        found.append(KernelMixture(tuple(kernels[:count]), weights / weights.sum(), float(misfit)))
    least = min(mixture.misfit for mixture in found)
    return next(mixture for mixture in found if mixture.misfit <= SLACK * least)


def _shares(gram: Tensor, match: Tensor) -> Tensor:
    """Weights w >= 0 of the least w gram w - 2 w match, by the multiplicative updates of Lee and Seung 2001."""
    weights, kept, shares = torch.full_like(match, 1 / len(match)), torch.arange(len(match)), torch.zeros_like(match)
    for step in range(STEPS):
        weights = weights * match / (gram @ weights).clamp_min_(1e-12)
        if step % 100 == 99:
            left = weights > GONE
            weights, kept, match, gram = weights[left], kept[left], match[left], gram[left][:, left]
    return shares.scatter(0, kept, weights)


def spectral_distance(one: Power, other: Power) -> float:
    """How different two cameras blur: the root mean square, in dB, of what their ratios differ by; 0 = alike.

    Both as `power_ratio` gives them. Over frequencies from 0.01 to 0.35 cycles per px.
    """
    kept = (_frequency() > LOWEST) & (_frequency() < HIGHEST)
    decibels = [10 * (ratio[kept] + FLOOR).log10() for ratio in (one, other)]
    return float((decibels[0] - decibels[1]).square().mean().sqrt())


def _squares(grey: Tensor) -> Tensor:
    """(b h w) -> (n SIDE SIDE), about the middle."""
    rows, columns = (length // SIDE for length in grey.shape[-2:])
    if not rows or not columns:
        return grey.new_zeros(0, SIDE, SIDE)
    top, left = ((length - count * SIDE) // 2 for length, count in zip(grey.shape[-2:], (rows, columns), strict=True))
    middle = grey[:, top : top + rows * SIDE, left : left + columns * SIDE]
    return middle.unfold(1, SIDE, SIDE).unfold(2, SIDE, SIDE).flatten(0, 2)


def _smooth(power: Power) -> Power:
    """The geometric mean over neighbouring frequencies, on the torus that spectra are."""
    whole = torch.cat((power, power[:, 1:-1].roll(-1, 0).flip(0).flip(1)), 1).clamp_min(1e-12)
    padded = functional.pad(whole.log()[None, None], (SMOOTHING,) * 4, mode="circular")
    return functional.avg_pool2d(padded, 2 * SMOOTHING + 1, stride=1)[0, 0, :, : power.shape[1]].exp()


def _frequency() -> Power:
    """Cycles per px of each bin."""
    return (torch.fft.fftfreq(SIDE)[:, None].square() + torch.fft.rfftfreq(SIDE).square()).sqrt()
