"""What does every training step do: descend the loss, keep a running mean of the weights?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from blurspace.errors import ModelError
from blurspace.io.weights import named_tensors

if TYPE_CHECKING:  # pydantic is needed by those only who read recipes
    from blurspace.train.settings import AdamSettings

# The mean's decay starts low, so that the random weights of the beginning are forgotten: min(decay, (1+n)/(10+n)),
# as TensorFlow's ExponentialMovingAverage(num_updates) does.
EARLY = 10
SECOND_BETA = 0.999  # Kingma and Ba 2015, algorithm 1


def descend(loss: Tensor, optimiser: torch.optim.Optimizer, *, clip: float | None = None) -> float:
    """One optimiser step down the gradient of `loss` (a scalar tensor). Returns the norm of the gradient before `clip`.

    `clip`: the greatest norm of all gradients together; None = no limit. The loop stops where a norm is not finite.
    """
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    # Half precision is for the forward pass; gradients keep the precision of what they belong to.
    with torch.autocast(loss.device.type, enabled=False):
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(parameters, float("inf") if clip is None else clip)
        optimiser.step()
    return float(norm)


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
