"""When has a search gone far enough, without the truth to ask? Where its pictures change least: their running variance.

A deep prior first draws the picture and then its noise; in between the pictures of successive steps hardly differ.
Wang, Li, Zhuang, Chen, Liang and Sun 2021, "Early stopping for deep image prior", algorithm 1 (ES-WMV).
"""

from collections import deque
from dataclasses import dataclass, field

import torch
from torch import Tensor

from blurspace.types import Image


@dataclass(frozen=True)
class Patience:
    """`window`: of how many steps the pictures are compared; `steps`: how long one waits for a smaller variance."""

    window: int = 30  # the paper: 100 of some 10 000 steps; ours are some hundred
    steps: int = 100  # the paper: 1000


@dataclass
class Watch:
    """Looks at the picture of each step, and keeps what was there when the running variance was least."""

    patience: Patience = field(default_factory=Patience)
    least: float = float("inf")
    waited: int = 0
    best: tuple[Tensor, ...] = ()
    _last: deque[Tensor] = field(default_factory=deque)

    def enough(self, picture: Image, *beside: Tensor) -> bool:
        """Whether to stop at a picture (1 c h w); `beside`: what is kept together with the best one."""
        self._last.append(picture.detach())
        if len(self._last) < self.patience.window:
            return False
        if len(self._last) > self.patience.window:
            self._last.popleft()
        self.waited += 1
        if (variance := self.variance()) < self.least:
            self.least, self.waited = variance, 0
            self.best = tuple(one.detach().clone() for one in (picture, *beside))
        return self.waited >= self.patience.steps

    def variance(self) -> float:
        """The mean squared distance of the window's pictures from their mean."""
        mean = torch.stack(tuple(self._last)).mean(0)
        return sum(float((one - mean).square().mean()) for one in self._last) / len(self._last)
