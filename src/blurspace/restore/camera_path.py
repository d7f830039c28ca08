"""Which poses of a turning camera explain the blur of several windows at once?

The motion density function (Gupta, Joshi, Zitnick, Cohen and Curless 2010): a weight >= 0 for each pose of a lattice
of rotations (pitch, yaw, roll; Whyte, Sivic, Zisserman and Ponce 2012). Each pose puts its weight on one place, shared
by four pixels, in the kernel of every window, so the kernels are linear in the weights, and least squares over all
windows is a small non-negative problem (Hirsch, Schuler, Harmeling and Schölkopf 2011).
"""

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from blurspace.blur.kernels import normalise, trim
from blurspace.blur.varying import rotation_displacements
from blurspace.types import Kernel

# At most this many steps of roll to either side: more of them than pixels of blur tell nothing new.
ROLL_STEPS = 20
# A pose is tried if its place in this share of the windows is within SLACK px of light of the whole picture's kernel.
SUPPORTED = 0.7
SLACK = 4
# Kernel values under this share of the peak are no light (as in `estimate`).
FAINT = 0.02
# Iterations of the projected gradient method: our measurement.
ITERATIONS = 40
POWER_STEPS = 12


@dataclass(frozen=True)
class Poses:
    """Rotations of a camera, and where each one puts its light in the kernels of n windows.

    `angles` (p 3): rotation vectors. `taps` and `shares` (n p 4): the four pixels of the flattened stack of n kernels
    that a pose touches in each window, and how much of its weight each gets. `side`: of the kernels in px.
    """

    angles: Tensor
    taps: Tensor
    shares: Tensor
    side: int

    def kernels(self, weights: Tensor) -> Kernel:
        """The kernels (n 1 k k) that weights (p) draw; each sums to what the weights sum to."""
        count = self.taps.shape[0]
        light = self.shares.new_zeros(count * self.side**2)
        light.index_add_(0, self.taps.flatten(), (self.shares * weights[None, :, None]).flatten())
        return light.view(count, 1, self.side, self.side)

    def gather(self, kernels: Tensor) -> Tensor:
        """The adjoint of `kernels`: (n 1 k k) -> (p)."""
        return (kernels.flatten()[self.taps] * self.shares).sum((0, 2))


def place_poses(angles: Tensor, places: Tensor, *, size: tuple[int, int], focal: float, side: int) -> Poses:
    """The poses of `angles` (p 3) as seen at `places` (n 2); all must fall into the square of `side` px."""
    at = rotation_displacements(angles, places, size=size, focal=focal) + side // 2
    corner = at.floor().clamp(0, side - 2)
    down, right = (at - corner).clamp(0, 1).unbind(-1)
    shares = torch.stack(((1 - down) * (1 - right), (1 - down) * right, down * (1 - right), down * right), -1)
    first = corner[..., 0].long() * side + corner[..., 1].long()
    first = first + side * side * torch.arange(len(places))[:, None]
    taps = first[..., None] + torch.tensor([0, 1, side, side + 1])
    return Poses(angles, taps, shares.to(torch.float32), side)


def candidate_poses(kernel: Kernel, places: Tensor, *, size: tuple[int, int], focal: float) -> tuple[Tensor, Tensor]:
    """The poses worth trying (p 3), and the weights (p) with which they draw `kernel` (1 1 k k) in every window.

    A lattice of 1 px in pitch and yaw, and at the outermost window in roll; kept are the poses whose light falls near
    the kernel's in most windows. The weights lie on the poses without roll: from there, roll is taken up only as far
    as the windows ask for it: even weights at the start leave the roll smeared out wherever the windows are silent.
    """
    reach = kernel.shape[-1] // 2
    support = (kernel > FAINT * kernel.max()).float()
    support = functional.max_pool2d(support, 2 * SLACK + 1, stride=1, padding=SLACK)[0, 0]
    shifts = support.nonzero() - reach
    middle = torch.tensor([(size[0] - 1) / 2, (size[1] - 1) / 2], dtype=torch.float64)
    arm = float((places - middle).norm(dim=-1).max().clamp_min(1))
    count = min(reach, ROLL_STEPS) if arm > 1 and len(places) > 1 else 0
    tried, start = [], []
    for step in range(-count, count + 1):
        roll = step * max(reach / max(count, 1), 1) / arm
        angles = functional.pad(torch.stack((-shifts[:, 0], shifts[:, 1]), -1).double() / focal, (0, 1), value=roll)
        at = rotation_displacements(angles, places, size=size, focal=focal) + reach
        kept = ((at >= 0) & (at <= 2 * reach)).all(-1).all(0)
        at = at.round().long().clamp(0, 2 * reach)
        kept &= support[at[..., 0], at[..., 1]].mean(0) >= SUPPORTED
        light = kernel[0, 0][shifts[:, 0] + reach, shifts[:, 1] + reach]
        tried.append(angles[kept])
        start.append(light[kept] if step == 0 else torch.zeros(int(kept.sum())))
    weights = torch.cat(start)
    return torch.cat(tried), weights / weights.sum()


def solve_weights(poses: Poses, systems: Tensor, targets: Tensor, start: Tensor, *, grid: int) -> Tensor:
    """The weights >= 0 (p) with the least sum over the windows of  k . (A * k) / 2 - b . k,  k = their kernel.

    `systems` (n 1 grid grid//2+1): the transfer function of each window's A; `targets` (n 1 k k): its b. Accelerated
    projected gradients (Beck and Teboulle 2009), as in `kernel_step`.
    """
    side = poses.side

    def apply(weights: Tensor) -> Tensor:
        spectrum = systems * torch.fft.rfft2(poses.kernels(weights), s=(grid, grid))
        return torch.fft.irfft2(spectrum, s=(grid, grid))[..., :side, :side]

    probe = torch.ones_like(start)
    for _ in range(POWER_STEPS):
        probe = poses.gather(apply(probe / probe.norm()))
    step = 1 / (1.05 * probe.norm())
    weights = ahead = start
    momentum = 1.0
    for _ in range(ITERATIONS):
        before, weights = weights, (ahead - step * poses.gather(apply(ahead) - targets)).clamp_min(0)
        faster = (1 + math.sqrt(1 + 4 * momentum**2)) / 2
        ahead = torch.lerp(before, weights, 1 + (momentum - 1) / faster)
        momentum = faster
    return weights


def predict_kernels(angles: Tensor, weights: Tensor, places: Tensor, *, size: tuple[int, int], focal: float) -> Kernel:
    """The kernels (n 1 k k) that weighted poses draw at `places` (n 2), the mean pose turned to 0; trimmed, sum 1."""
    angles = angles - weights.to(angles) @ angles
    reach = math.ceil(float(rotation_displacements(angles, places, size=size, focal=focal).abs().max())) + 1
    poses = place_poses(angles, places, size=size, focal=focal, side=2 * reach + 1)
    return trim(tidy(poses.kernels(weights)))


def tidy(kernels: Kernel) -> Kernel:
    """Kernels without their faintest values, sum 1."""
    return normalise(torch.where(kernels >= FAINT * kernels.amax((-2, -1), keepdim=True), kernels, 0))
