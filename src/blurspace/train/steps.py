"""What does every training step do: descend the loss, on several parts of a batch at once, and keep a running mean?"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from blurspace.errors import ModelError
from blurspace.io.weights import named_tensors
from blurspace.train.team import ALONE, Team

if TYPE_CHECKING:  # pydantic is needed by those only who read recipes
    from blurspace.train.settings import AdamSettings

# The mean's decay starts low, so that the random weights of the beginning are forgotten: min(decay, (1+n)/(10+n)),
# as TensorFlow's ExponentialMovingAverage(num_updates) does.
EARLY = 10
SECOND_BETA = 0.999  # Kingma and Ba 2015, algorithm 1


@dataclass(frozen=True)
class Descent:
    """What a task yields in the middle of its step: to go down the gradient of `loss`, a scalar tensor.

    `clip`: the greatest norm of all gradients together; None = no limit.
    """

    loss: Tensor
    optimiser: torch.optim.Optimizer
    clip: float | None = None


# Each yield is given the norm of the gradient before `clip`; what is returned are means over the batch, by name.
Step = Generator[Descent, float, dict[str, float]]


def take(steps: Sequence[Step], *, buffers: Sequence[Tensor] = (), team: Team = ALONE) -> dict[str, float]:
    """Take one step on several parts of its batch, side by side: each `Descent` goes down the mean of their gradients.

    All processes of `team` count, which have as many parts each. `buffers`, of the networks, are what steps change
    without a descent: each part starts from the same, and the mean of the changes is what stays, so that weights and
    buffers do not depend on which process has which part. Returns the means of the numbers, over the parts here.
    """
    parts, norm = len(steps) * team.count, None
    while True:
        told, asked, changes = list[dict[str, float]](), None, _Changes(buffers if parts > 1 else ())
        for step in steps:
            changes.begin()
            try:
                one = next(step) if norm is None else step.send(norm)
            except StopIteration as end:
                told.append(end.value)
            else:
                _add_gradient(one, parts, first=asked is None)
                asked = one
            changes.end()
        changes.settle(team, parts)
        if asked is None:
            return {name: sum(row[name] for row in told) / len(told) for name in told[0]}
        norm = _go_down(asked, team)


def descend(loss: Tensor, optimiser: torch.optim.Optimizer, *, clip: float | None = None) -> float:
    """One optimiser step of this process down the gradient of `loss`, as a `Descent` says; the norm before `clip`."""
    one = Descent(loss, optimiser, clip)
    _add_gradient(one, 1, first=True)
    return _go_down(one, ALONE)


def _add_gradient(one: Descent, parts: int, *, first: bool) -> None:
    # Half precision is for the forward pass; gradients keep the precision of what they belong to.
    with torch.autocast(one.loss.device.type, enabled=False):
        if first:
            one.optimiser.zero_grad(set_to_none=True)
        (one.loss / parts if parts > 1 else one.loss).backward()


def _go_down(one: Descent, team: Team) -> float:
    """The loop stops where the norm is not finite."""
    parameters = [parameter for group in one.optimiser.param_groups for parameter in group["params"]]
    with torch.autocast(one.loss.device.type, enabled=False):
        if team.count > 1:
            _add_up(parameters, team)
        norm = nn.utils.clip_grad_norm_(parameters, float("inf") if one.clip is None else one.clip)
        one.optimiser.step()
    return float(norm)


@torch.no_grad()
def _add_up(parameters: Sequence[nn.Parameter], team: Team) -> None:
    """The gradients of all processes, by one message; one that no process has stays none, which Adam tells from 0."""
    have = parameters[0].new_tensor([one.grad is not None for one in parameters])
    flat = [(torch.zeros_like(one) if one.grad is None else one.grad).flatten() for one in parameters]
    *summed, have = team.summed(torch.cat([*flat, have])).split([*map(len, flat), len(parameters)])
    for one, gradient, holders in zip(parameters, summed, have.tolist(), strict=True):
        one.grad = gradient.view_as(one) if holders else None


class _Changes:
    """What the parts of a batch change in some buffers; whole numbers (counters) end as one part leaves them."""

    def __init__(self, buffers: Sequence[Tensor]) -> None:
        self.buffers, self.before = buffers, [one.clone() for one in buffers]
        self.sums = [torch.zeros_like(one) for one in buffers]

    @torch.no_grad()
    def begin(self) -> None:
        for one, old in zip(self.buffers, self.before, strict=True):
            one.copy_(old)

    @torch.no_grad()
    def end(self) -> None:
        for one, old, total in zip(self.buffers, self.before, self.sums, strict=True):
            total.add_(one - old)

    @torch.no_grad()
    def settle(self, team: Team, parts: int) -> None:
        for one, old, total in zip(self.buffers, self.before, self.sums, strict=True):
            if one.is_floating_point():
                one.copy_(old + team.summed(total) / parts)


def make_adam(parameters: Iterable[nn.Parameter], settings: "AdamSettings") -> torch.optim.Adam:
    """Adam as a recipe says; its clip is for `descend`."""
    return torch.optim.Adam(parameters, lr=settings.learning_rate, betas=(settings.first_beta, SECOND_BETA))


def means(rows: Sequence[Mapping[str, Tensor]]) -> dict[str, float]:
    """The mean of all numbers (n,) that rows have by one name, for each name."""
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: float(torch.cat([row[name] for row in rows if name in row]).mean()) for name in names}


class Average:
    """A running mean of the weights and buffers of some networks; with `decay` 0 it is the networks themselves."""

    def __init__(self, networks: Mapping[str, nn.Module], *, decay: float) -> None:
        """Start from the networks as they are."""
        self.decay = decay
        self._live = named_tensors(networks)
        self.tensors = {name: one.clone() for name, one in self._live.items()} if decay else self._live

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after `step` steps; whole numbers (counters of a layer) are copied."""
        if not self.decay:
            return
        share = 1 - min(self.decay, (1 + step) / (EARLY + step))
        smooth = [name for name, one in self._live.items() if one.is_floating_point()]
        torch._foreach_lerp_([self.tensors[name] for name in smooth], [self._live[name] for name in smooth], share)
        for name in self._live.keys() - set(smooth):
            self.tensors[name].copy_(self._live[name])

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take the mean from a checkpoint, or start it from the live weights. Raises ModelError on a missing one."""
        if not self.decay:
            return
        if self.tensors.keys() != tensors.keys():
            raise ModelError("the checkpoint's running mean is of other networks: resume it with its own recipe")
        for name, one in self.tensors.items():
            one.copy_(tensors[name])

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """Within this block the networks hold the mean."""
        if not self.decay:
            yield
            return
        kept = {name: one.clone() for name, one in self._live.items()}
        self._copy(self.tensors)
        try:
            yield
        finally:
            self._copy(kept)

    @torch.no_grad()
    def _copy(self, source: Mapping[str, Tensor]) -> None:
        for name, one in self._live.items():
            one.copy_(source[name])
