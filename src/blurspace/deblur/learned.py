"""How does a trained network deconvolve a photo, grey or in colour? It starts classically, and judges what is left."""

import torch
from torch import Tensor, nn

from blurspace.deblur.by_kernel import Restore
from blurspace.deblur.deconvolve import deconvolve, strength_for
from blurspace.types import Image, Kernel

# The classical start. Training used 10 steps (`train.cases`); on six photos of Kodak with true kernels the network
# makes 27.08 dB of that, 27.29 of 20 steps and 27.32 of 30; total variation alone has 27.21 after its 30.
START_ITERATIONS = 20


def learned_restore(network: nn.Module) -> Restore:
    """A `Restore` by a `nets.deconvolver.Deconvolver`, which knows colour: grey goes in as three equal planes."""

    def restore(light: Image, kernel: Kernel, clipped: Tensor, sigma: float) -> Image:
        start = deconvolve(light, kernel, strength=strength_for(sigma), saturated=clipped, iterations=START_ITERATIONS)
        noise = light.new_tensor([sigma])
        planes = [picture.expand(-1, 3, -1, -1) for picture in (light, start)]
        with torch.inference_mode():
            sharp = network(planes[0], kernel, noise, planes[1])
        # Clipped pixels contradict the kernel, and the network has never seen any: what the start made of them stays.
        sharp = torch.where(clipped, start, sharp.mean(1, keepdim=True) if light.shape[1] == 1 else sharp)
        return sharp.clone()

    return restore
