"""What if the sharp picture must be one that a generator can make? Then its latent is searched, on its spheres.

Tran et al. 2021, section 3.3, after Menon et al. 2020 (PULSE). What comes out is sharp whatever the photo shows, so it
is said to be made (`io.labels`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol, Self

import torch
from torch import Generator, Tensor, nn

from blurspace.blur.kernels import crop_or_pad, gaussian
from blurspace.chance import chance, seeded
from blurspace.io.labels import MADE
from blurspace.nets.sphere import OnSphere, geocross
from blurspace.pixels import luminance
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.driver import Found, Method
from blurspace.restore.finders import KernelFinder
from blurspace.restore.observed import Observed, as_stored
from blurspace.run import Run
from blurspace.search.blurs import Held, SimplexKernel
from blurspace.search.judging import Judged
from blurspace.search.method import FoundPicture
from blurspace.search.objective import Objective
from blurspace.search.operators import Convolution
from blurspace.search.plan import planned
from blurspace.search.solver import BlurUnknown, Joint, Problem, Searched
from blurspace.types import AnyImage, Image

NAME = "manifold"
LEAST = 1e-4  # of the variance of a grey photo, below which it tells no colours
UNKNOWN = 1.5  # px: sigma of a kernel that a search begins with, beside the one that was found


class Generates(Protocol):
    """A generator of pictures, not to be trained on: `nets.printer.Printer`, `nets.stylegan2.StyleGan2`."""

    dim: int  # along which a latent's vectors lie

    def __call__(self, latent: Tensor) -> Image:
        """The picture of a latent."""

    def latent(self, size: tuple[int, int], *, generator: Generator | None = None) -> Tensor:
        """A drawn latent for photos of `size` (h, w). Raises PictureError where it is too small."""

    def to(self, device: torch.device) -> Self:
        """The same on a device."""

    def begin(self, photo: Image) -> Tensor | None:
        """The latent from which a search for what a photo shows begins, where the generator can read."""

    def of_size(self, picture: Image, size: tuple[int, int]) -> AnyImage:
        """A picture for photos of `size` (h, w)."""


class OnManifold(nn.Module):
    """The unknown picture (1 c h w) as one that a generator makes; `start`: a latent, else one is drawn.

    Of a grey generator's picture, a colour `photo` (1 c h w) tells the colours.
    """

    def __init__(
        self, made: Generates, photo: Image, *, start: Tensor | None = None, generator: Generator | None = None
    ) -> None:
        """For what a photo shows. Raises PictureError where it is too small for the generator."""
        super().__init__()
        self.made, self.photo = made, photo
        drawn = made.latent((photo.shape[-2], photo.shape[-1]), generator=generator).to(photo)
        self.latent = OnSphere(drawn if start is None else start, made.dim)

    def forward(self) -> Image:
        """The picture (1 c h w) in [0, 1]."""
        picture = self.made(self.latent())
        picture = self.made.of_size(picture, (self.photo.shape[-2], self.photo.shape[-1])).clamp(0, 1)
        channels = self.photo.shape[1]
        if channels < picture.shape[1]:
            return luminance(picture)
        return coloured(picture, self.photo) if channels > picture.shape[1] else picture

    def crossing(self) -> Tensor:
        """GEOCROSS of the latent's vectors, a scalar; for `Problem.beside`."""
        return geocross(self.latent().movedim(self.latent.dim, -1)[0])


def coloured(grey: Image, photo: AnyImage) -> AnyImage:
    """A grey picture (1 1 h w) with the colours that a photo (1 3 h w) has where it is as bright, by least squares."""
    bright = luminance(photo)
    means, mean = photo.mean((-2, -1), keepdim=True), bright.mean()
    slopes = ((photo - means) * (bright - mean)).mean((-2, -1), keepdim=True) / (bright.var() + LEAST)
    return (means + slopes * (grey - mean)).clamp(0, 1)


@dataclass(frozen=True)
class ManifoldSettings:
    """How a manifold is searched; frozen, and passed in. Ours but where a source stands."""

    objective: Objective = field(default_factory=lambda: Objective(gradients=0.0))  # the generator is the prior
    joint: Joint = field(default_factory=lambda: Joint(200, picture_rate=0.05, blur_rate=2e-3))  # PULSE: 100 of 0.4
    crossing: float = 0.0  # the weight of GEOCROSS: PULSE has 0.05, for a latent per layer
    side: int = 31  # px: of the kernel that is searched


@dataclass(frozen=True)
class ManifoldFinder:
    """Finds the picture of a generator, and the kernel, that explain a photo together. Same seed, same result."""

    made: Generates
    seed: int = 0
    minutes: float | None = None
    settings: ManifoldSettings = field(default_factory=ManifoldSettings)

    def __call__(self, seen: Observed, run: Run) -> Found:
        """The picture, stored as the photo is, and its blur; a kernel that is known stays as it is."""
        kernel = seen.find(KernelFinder(), run)
        blurs = [blur.to(run.device) for blur in self.blurs(kernel)]
        found, note = self.searched(seen.display(seen.area).to(run.device), blurs, run, response=seen.response)
        stored, notes = as_stored(found.picture.cpu(), seen.pixels.dtype), (*kernel.notes, note, MADE)
        return Found(UniformBlur(found.blur.cpu()), known=kernel.known, picture=stored, notes=notes)

    def blurs(self, kernel: Found) -> list[Held] | list[SimplexKernel]:
        """The unknown kernels, each a start: a Gaussian, and the one that was found; or the one that is known."""
        if kernel.known:
            assert kernel.blur is not None
            return [Held(kernel.blur.kernel)]
        starts = [gaussian(UNKNOWN), *([] if kernel.blur is None else [kernel.blur.kernel])]
        side = max(self.settings.side, *(start.shape[-1] for start in starts))
        with seeded(self.seed):
            return [
                SimplexKernel(side, start=crop_or_pad(start, side), generator=chance(self.seed, 1)) for start in starts
            ]

    def searched(self, blurry: Image, blurs: Sequence[BlurUnknown], run: Run, *, response: str) -> tuple[Searched, str]:
        """What explains a photo (1 c h w; display values, on the run's device) best from any of the blurs.

        And how long it takes.
        """
        picture, problem = self.begun(blurry, response)
        plan = planned(
            problem.seconds_per_step(picture, blurs[0]) * len(blurs) * self.settings.joint.steps, self.minutes
        )
        joint, stage = plan.shortened(self.settings.joint), f"searching what can be made{plan.about}"

        def from_one(blur: BlurUnknown) -> Searched:
            picture, problem = self.begun(blurry, response)
            return joint(problem, picture, lambda _: blur, run, stage=stage)

        return min(map(from_one, blurs), key=lambda found: found.losses[-1]), plan.note

    def begun(self, blurry: Image, response: str) -> tuple[OnManifold, Problem]:
        """The unknown picture, where its search begins, and what is to be explained."""
        crossing = self.settings.crossing
        made = self.made.to(blurry.device)
        picture = OnManifold(made, blurry, start=made.begin(blurry), generator=chance(self.seed, 0))
        beside = (lambda: crossing * picture.crossing()) if crossing else None
        return picture, Problem(blurry, Convolution(response), self.settings.objective, beside)


def manifold_method(made: Generates, *, seed: int = 0, minutes: float | None = None) -> Method:
    """The method that searches on a generator's manifold; its picture is plausible, not evidence."""

    def restorer(seen: Observed, found: Found, run: Run) -> FoundPicture:
        del run
        assert found.picture is not None
        return FoundPicture(found.picture, seen.response, 1)

    method = Method(NAME, ManifoldFinder(made, seed, minutes), restorer, label=MADE)
    return replace(method, find=Judged(method))
