"""How does a trained network deconvolve a photo, grey or in colour? It starts from total variation."""

import torch
from torch import Tensor, nn

from blurspace.deblur.by_kernel import Restore
from blurspace.deblur.deconvolve import deconvolve, strength_for
from blurspace.types import Image, Kernel

# Of total variation, for the start.
START_ITERATIONS = 20


def learned_restore(network: nn.Module, *, known: bool) -> Restore:
    """A `Restore` by a `nets.deconvolver.Deconvolver`, which knows colour: grey goes in as three equal planes.

    `known`: whether the kernels are known, and not estimated from the photo.
    """

    def restore(light: Image, kernel: Kernel, clipped: Tensor, sigma: float) -> Image:
        start = make_start(light, kernel, sigma, clipped)
        noise, doubt = light.new_tensor([sigma]), light.new_tensor([0.0 if known else 1.0])
        colours = [planes.expand(-1, 3, -1, -1) for planes in (light, start)]
        with torch.inference_mode():
            sharp = network(colours[0], kernel, noise, doubt, colours[1])
        # Clipped pixels contradict the kernel, and the network has never seen any: what the start made of them stays.
        sharp = torch.where(clipped, start, sharp.mean(1, keepdim=True) if light.shape[1] == 1 else sharp)
        return sharp.clone()

    return restore


def make_start(light: Image, kernel: Kernel, sigma: float, clipped: Tensor | None = None) -> Image:
    """The classical restoration (b c h w) that the network starts from."""
    return deconvolve(light, kernel, strength=strength_for(sigma), saturated=clipped, iterations=START_ITERATIONS)
