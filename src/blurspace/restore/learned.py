"""How do trained networks deconvolve a photo, grey or in colour? From total variation, and warily where need be."""

from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn

from blurspace.areas import Area
from blurspace.blur.convolve import blur
from blurspace.restore.deconvolve import Rounds, deconvolve, strength_for
from blurspace.restore.driver import Found
from blurspace.restore.evidence import LEAST_NOISE, unexplained
from blurspace.restore.lights import Decoupled
from blurspace.restore.observed import CPU, Observed
from blurspace.restore.total_variation import by_total_variation, margin_of, settled, settling_area
from blurspace.run import Run
from blurspace.types import Blur, Image, Kernel

# Of total variation, for the start.
START = Rounds(12)
# A kernel explains a photo if what is left has at most this many times the noise.
EXPLAINED = 1.08
# The networks learned from display values, and take what is darker for noise; so light is made as bright for them as it
# looks, or as this mean, which is enough: deconvolution does not mind (our measurement).
ENOUGH_LIGHT = 0.25
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
    rounds: Rounds = START

    def __call__(self, seen: Observed, found: Found, run: Run) -> "LearnedRestorer":
        """The restorer for a blur that was found; the network is settled in one piece, see `settling_area`."""
        assert found.blur is not None
        area = settling_area(seen, run, BYTES_PER_PX)
        light = seen.light(area).to(run.device)
        start, sigma = settled(light, area, seen, found.blur, rounds=self.rounds, run=run)
        doubt, gain = 0.0 if found.known else 1.0, gain_for(light, seen.display(area))
        trusting = LearnedRestorer(
            self.trusting, seen, found.blur, doubt, gain=gain, rounds=self.rounds, begun=(area, start), sigma=sigma
        )
        sharp = trusting(light, area, run)
        masks = [mask for mask in (seen.saturated(area, light.device), start.unseen) if mask is not None]
        ignored = masks[0] | masks[-1] if masks else None
        rest = unexplained(light, sharp, found.blur.kernel.to(light), ignored)
        if rest <= EXPLAINED * max(seen.sigma, LEAST_NOISE) * _told(seen, area) ** 0.5:
            return replace(trusting, tried=(area, sharp))
        return replace(trusting, network=self.wary)


def _told(seen: Observed, area: Area) -> float:
    """Of a piece, the share of the pixels that tell something: what others leave unexplained counts as nothing."""
    hidden = seen.unseen(area, CPU)
    return 1.0 if hidden is None else 1 - float(hidden.float().mean())


@dataclass(frozen=True)
class LearnedRestorer:
    """A `Restorer` by one network, for one kernel; `doubt`: 1 for a kernel that was found, 0 for one that was given.

    `gain`: how many times brighter the network is shown the light. `sigma`: what counts as noise, if not the
    photo's. `begun`, `tried`: an area, and its start or sharp light, where these are known already.
    """

    network: nn.Module
    seen: Observed
    blur: Blur
    doubt: float
    gain: float = 1.0
    rounds: Rounds = START
    sigma: float | None = None
    begun: tuple[Area, Decoupled] | None = None
    tried: tuple[Area, Image] | None = None
    multiple: int = 16  # the networks halve the resolution three times, and may a fourth: all tiles on one grid
    bytes_per_px: int = BYTES_PER_PX

    @property
    def margin(self) -> int:
        """px that a tile needs around it."""
        return margin_of(self.blur)

    def __call__(self, tile: Image, area: Area, run: Run) -> Image:
        """The sharp light (1 c h w) of a tile."""
        if self.tried and area == self.tried[0]:
            return self.tried[1]
        kernel, clipped = self.blur.kernel.to(tile), self.seen.saturated(area, tile.device)
        if self.begun and area == self.begun[0]:
            start = self.begun[1]
        else:
            how: dict[str, Any] = {"rounds": self.rounds, "run": run, "sigma": self.sigma}
            start = by_total_variation(tile, area, self.seen, self.blur, **how)
        told = tile.new_tensor([self.seen.sigma if self.sigma is None else self.sigma]), tile.new_tensor([self.doubt])
        run.check()
        seen = asked_of(tile, start, kernel)
        with torch.inference_mode(), run.networks():
            blurry, begun = (self.gain * planes.expand(-1, 3, -1, -1) for planes in (seen, start.beside))
            sharp = self.network(blurry, kernel, *told, begun) / self.gain
        sharp = sharp.mean(1, keepdim=True) if tile.shape[1] == 1 else sharp
        # Clipped pixels contradict the kernel, and the networks have never seen any: what the start made stays.
        sharp = sharp if clipped is None else torch.where(clipped, start.beside, sharp)
        return sharp if start.sharp is start.beside else torch.where(start.sharp == start.beside, sharp, start.sharp)


def gain_for(light: Image, display: Image) -> float:
    """How many times brighter the networks are shown light (1 c h w) that is displayed so: 1 or more."""
    return max(min(float(display.mean()), ENOUGH_LIGHT) / max(float(light.mean()), 1e-6), 1.0)


def asked_of(light: Image, start: Decoupled, kernel: Kernel) -> Image:
    """The blurry light (1 c h w) that the networks are to explain: what did not count is as the start explains it."""
    return light if start.unseen is None else torch.where(start.unseen, blur(start.beside, kernel), light)


def make_start(
    light: Image,
    kernel: Kernel,
    sigma: float,
    clipped: Tensor | None = None,
    *,
    rounds: Rounds = START,
    run: Run | None = None,
) -> Image:
    """The classical restoration (b c h w) that the networks start from."""
    return deconvolve(light, kernel.to(light), strength=strength_for(sigma), saturated=clipped, rounds=rounds, run=run)
