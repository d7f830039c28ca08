"""How are the unknowns searched for? Down the objective with Adam: in turn, as Algorithm 1 is printed, or both at once.

Tran et al. 2021, section 3.2. `Alternate` is Algorithm 1; `Joint` is what their released code does, as SelfDeblur did
before (Ren et al. 2020, algorithm 2).
"""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from blurspace.errors import PictureError
from blurspace.run import Run
from blurspace.search.blurs import Held
from blurspace.search.objective import Objective
from blurspace.search.operators import Operator
from blurspace.search.stopping import Patience, Watch
from blurspace.types import Image

DIVERGED = "the search for the blur of this photo diverged to no number: give another --seed"


class BlurUnknown(Protocol):
    """A module that gives a blur, and tells the norm of what is searched."""

    def __call__(self) -> Tensor:
        """A code, or a kernel."""

    def norm(self) -> Tensor:
        """The |k| of Eq. 5, a scalar."""

    def parameters(self) -> Iterator[nn.Parameter]:
        """What is searched."""


# Gives a new blur with random weights; Algorithm 1 begins it anew for each of its steps, which are counted.
NewBlur = Callable[[int], BlurUnknown]


@dataclass(frozen=True)
class Problem:
    """A photo `blurry` (1 c h w), display values, what is to explain it, and what else counts `beside`: a scalar."""

    blurry: Image
    operator: Operator
    objective: Objective
    beside: Callable[[], Tensor] | None = None

    def loss(self, sharp: Image, blur: BlurUnknown) -> Tensor:
        """What is minimised, a scalar."""
        found = self.objective(self.blurry, self.operator(sharp, blur()), sharp, blur.norm())
        return found if self.beside is None else found + self.beside()

    def seconds_per_step(self, picture: nn.Module, blur: BlurUnknown) -> float:
        """How long a step takes here, about: the second of two that lead nowhere."""
        for _ in range(2):
            begun = time.perf_counter()
            self.loss(picture(), blur).backward()
        picture.zero_grad()
        return time.perf_counter() - begun


@dataclass(frozen=True)
class Searched:
    """What was found: `picture` (1 c h w) and `blur` (a code or kernel), the `losses` of the steps, why they ended."""

    picture: Image
    blur: Tensor
    losses: tuple[float, ...]
    ended: str


@dataclass(frozen=True)
class Joint:
    """Both unknowns at once: each step is one of Adam down the gradients of all parameters."""

    steps: int = 300  # ours: as many as a CPU has time for; the released code has 5000
    picture_rate: float = 0.01  # of a deep prior, as SelfDeblur; the released code has 5e-4
    blur_rate: float = 0.02  # of latent numbers (ours)
    last_rate: float = 0.2  # the share of the rates that is left at the end, in equal steps (ours)
    patience: Patience | None = None  # stop where the running variance says so; None = all steps

    def __call__(
        self, problem: Problem, picture: nn.Module, new_blur: NewBlur, run: Run, *, stage: str = "searching"
    ) -> Searched:
        """Search; raises PictureError where it diverges, Cancelled as `run` says."""
        blur, losses, ended = new_blur(0), list[float](), "all steps were done"
        watch = Watch(self.patience) if self.patience else None
        rates = ((picture.parameters(), self.picture_rate), (blur.parameters(), self.blur_rate))
        adam = torch.optim.Adam([{"params": list(one), "lr": rate, "first": rate} for one, rate in rates])
        for step in run.steps(stage, range(self.steps)):
            sharp = picture()
            loss = problem.loss(sharp, blur)
            if watch and watch.enough(sharp, blur()):
                ended = f"the pictures changed least {watch.waited} steps before"
                break
            losses.append(_descend(loss, adam))
            for group in adam.param_groups:
                group["lr"] = group["first"] * (1 - (1 - self.last_rate) * (step + 1) / self.steps)
        return Searched(*_found(picture, blur, watch), tuple(losses), ended)


@dataclass(frozen=True)
class Alternate:
    """Algorithm 1: the blur is searched to the end, from new random weights, before each step of the picture.

    That is as printed with `restarts` and one step of the picture. Without, the blur goes on from where it was.
    """

    steps: int = 100  # of the picture's; the paper says "until converged" (ours)
    blur_steps: int = 50  # at most, between two of them (ours)
    picture_steps: int = 1  # at a time: Algorithm 1, lines 10 and 11; the released code for faces has 300
    restarts: bool = True  # Algorithm 1, lines 4 and 5
    picture_rate: float = 0.01
    blur_rate: float = 0.02
    converged: float = 1e-3  # the relative change of the loss that counts as none (ours; the paper names none)
    patience: Patience | None = None

    def __call__(
        self, problem: Problem, picture: nn.Module, new_blur: NewBlur, run: Run, *, stage: str = "searching"
    ) -> Searched:
        """Search; raises PictureError where it diverges, Cancelled as `run` says."""
        blur, losses, ended = new_blur(0), list[float](), "all steps were done"
        watch = Watch(self.patience) if self.patience else None
        adam = torch.optim.Adam(picture.parameters(), lr=self.picture_rate)
        for step in run.steps(stage, range(self.steps)):
            blur = new_blur(step) if self.restarts and step else blur
            self.settle(problem, picture, blur, run)
            held = Held(blur(), blur.norm())
            for _ in range(self.picture_steps):
                run.check()
                losses.append(_descend(problem.loss(picture(), held), adam))
            if watch and watch.enough(picture(), blur()):
                ended = f"the pictures changed least {watch.waited} steps before"
                break
        return Searched(*_found(picture, blur, watch), tuple(losses), ended)

    def settle(self, problem: Problem, picture: nn.Module, blur: BlurUnknown, run: Run) -> None:
        """Step B: search the blur alone until its loss stays (lines 6 to 9)."""
        with torch.no_grad():
            sharp = picture()
        adam, before = torch.optim.Adam(blur.parameters(), lr=self.blur_rate), math.inf
        for _ in range(self.blur_steps):
            run.check()
            loss = _descend(problem.loss(sharp, blur), adam)
            if abs(before - loss) <= self.converged * abs(loss):
                break
            before = loss


def _descend(loss: Tensor, adam: torch.optim.Adam) -> float:
    """One step; the loss before it. Raises PictureError where it is not a number."""
    value = float(loss.detach())
    if not math.isfinite(value):
        raise PictureError(DIVERGED)
    adam.zero_grad()
    loss.backward()
    adam.step()
    return value


def _found(picture: nn.Module, blur: BlurUnknown, watch: Watch | None) -> tuple[Image, Tensor]:
    """The best that was seen, or else the last. Raises PictureError where that is not a number."""
    if watch and watch.best:
        return watch.best[0], watch.best[1]
    with torch.no_grad():
        sharp, last = picture().clone(), blur().clone()
    if not (sharp.isfinite().all() and last.isfinite().all()):
        raise PictureError(DIVERGED)
    return sharp, last
