"""How do trained networks deconvolve a photo, grey or in colour? From total variation, and warily where need be."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from blurspace.areas import Area
from blurspace.restore.deconvolve import deconvolve, strength_for
from blurspace.restore.driver import MOST, Found
from blurspace.restore.evidence import unexplained
from blurspace.restore.observed import Observed
from blurspace.restore.total_variation import margin_of
from blurspace.run import Run
from blurspace.types import Image, Kernel

# Of total variation, for the start.
START_ITERATIONS = 20
# A kernel explains a photo if what is left has at most this many times the noise, and noise counts as at least so much
# (rounding to 8 bits is 0.0011).
EXPLAINED, LEAST_NOISE = 1.08, 2e-3
# of memory, for a picture in colour: our measurement.
BYTES_PER_PX = 420


@dataclass(frozen=True)
class Learned:
    """What builds the restorer of two `nets.deconvolver.Deconvolver`s, which know colour: grey is three equal planes.

    `trusting` has learned from kernels that are nearly right, `wary` from worse ones: it restores where the kernel
    turns out not to explain the photo.
    """

    trusting: nn.Module
    wary: nn.Module

    def __call__(self, seen: Observed, found: Found, run: Run) -> "LearnedRestorer":
        """The restorer for a blur that was found in a photo; which network it uses is settled here."""
        return LearnedRestorer(self, seen, found, run)


class LearnedRestorer:
    """A `Restorer` by one of two networks, for one kernel."""

    multiple = 2  # the networks work at half the resolution
    bytes_per_px = BYTES_PER_PX

    def __init__(self, networks: Learned, seen: Observed, found: Found, run: Run) -> None:
        """Try the trusting network on all of a small photo, or where a big one has most edges, and choose."""
        assert found.blur is not None
        self.seen, self.blur, self.doubt = seen, found.blur, 0.0 if found.known else 1.0
        self.margin = margin_of(found.blur)
        height, width = seen.size
        area = seen.area if height * width <= MOST else seen.window(int(MOST**0.5))
        light = seen.light(area).to(run.device)
        start = self._start(light, area, run)
        sharp = self._by(networks.trusting, light, area, start, run)
        clipped = seen.clipped(area).to(run.device)
        rest = unexplained(light, sharp, self.blur.kernel.to(light), clipped)
        if rest <= EXPLAINED * max(seen.sigma, LEAST_NOISE):
            self.network, self._tried = networks.trusting, (area, sharp)
        else:
            self.network, self._tried = networks.wary, (area, self._by(networks.wary, light, area, start, run))

    def __call__(self, tile: Image, area: Area, run: Run) -> Image:
        """The sharp light (1 c h w) of a tile."""
        if area == self._tried[0]:
            return self._tried[1]
        return self._by(self.network, tile, area, self._start(tile, area, run), run)

    def _start(self, light: Image, area: Area, run: Run) -> Image:
        clipped = self.seen.clipped(area).to(light.device)
        return make_start(light, self.blur.kernel, self.seen.sigma, clipped, run=run)

    def _by(self, network: nn.Module, light: Image, area: Area, start: Image, run: Run) -> Image:
        told = light.new_tensor([self.seen.sigma]), light.new_tensor([self.doubt])
        seen_and_start = [planes.expand(-1, 3, -1, -1) for planes in (light, start)]
        run.check()
        with torch.inference_mode(), run.networks():
            sharp = network(seen_and_start[0], self.blur.kernel.to(light), *told, seen_and_start[1])
        # Clipped pixels contradict the kernel, and the networks have never seen any: what the start made stays.
        clipped = self.seen.clipped(area).to(light.device)
        return torch.where(clipped, start, sharp.mean(1, keepdim=True) if light.shape[1] == 1 else sharp)


def make_start(
    light: Image, kernel: Kernel, sigma: float, clipped: Tensor | None = None, *, run: Run | None = None
) -> Image:
    """The classical restoration (b c h w) that the networks start from."""
    return deconvolve(
        light, kernel.to(light), strength=strength_for(sigma), saturated=clipped, iterations=START_ITERATIONS, run=run
    )
