"""Which processes train the same networks together, and what do they tell one another?

Lightning Fabric knows how `torchrun` and SLURM number them and which GPU is whose, and joins them by NCCL or gloo; a
process alone never loads it. Gradients are averaged by `train.steps`, and not by Fabric's wrapped modules (torch's
DDP): tasks call other methods than `forward`, train two networks in turn, and differentiate within a loss, and DDP is
made for none of that. What comes out is what DDP would compute.
"""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from blurspace.errors import ModelError, UsageError, install

if TYPE_CHECKING:
    from lightning_fabric import Fabric


class Team:
    """This process and the others; without a `fabric` there are no others."""

    def __init__(self, device: str = "cpu", fabric: "Fabric | None" = None) -> None:
        """Be one of the processes that `fabric` has joined."""
        self._fabric = fabric
        self.device = device if fabric is None else str(fabric.device)
        self.count = 1 if fabric is None else fabric.world_size
        self.rank = 0 if fabric is None else fabric.global_rank

    @property
    def leads(self) -> bool:
        """Whether it is this process that measures, writes files and says how far all are."""
        return self.rank == 0

    def summed(self, values: Tensor) -> Tensor:
        """The sum of what all give, the same bits for each; `values` is on `device` and may be overwritten."""
        if self._fabric is not None:
            self._fabric.all_reduce(values, reduce_op="sum")  # in place
        return values

    def told(self, values: Sequence[float]) -> list[float]:
        """The same of numbers."""
        if self._fabric is None:
            return list(values)
        return self.summed(torch.tensor(values, dtype=torch.float64, device=self.device)).tolist()

    def follow(self, tensors: Iterable[Tensor]) -> None:
        """Give all what the leader has, in place."""
        if self._fabric is not None:
            for one in tensors:
                torch.distributed.broadcast(one, src=0)


ALONE = Team()


@contextmanager
def joined(device: str) -> Iterator[Team]:
    """Within this block: the team that this process was started in, on "cpu" or each on a GPU of its own ("cuda").

    Raises ModelError without lightning-fabric, which only several processes need, and UsageError where they were
    started in a way that is not known, or SLURM was not told how many a machine has.
    """
    started_with = _launcher(os.environ)
    if started_with is None:
        yield Team(device)
        return
    try:
        from lightning_fabric import Fabric
        from lightning_fabric.plugins import environments
    except ImportError as problem:
        needs = "training in several processes needs lightning-fabric, which is not here"
        raise ModelError(f"{needs}: {install('train')}") from problem
    kind, here = started_with
    environment = environments.TorchElasticEnvironment() if kind == "torchrun" else environments.SLURMEnvironment()
    machines = environment.world_size() // here
    fabric = Fabric(accelerator=device, strategy="ddp", devices=here, num_nodes=machines, plugins=[environment])
    fabric.launch()
    try:
        yield Team(device, fabric)
    finally:
        torch.distributed.destroy_process_group()


def _launcher(variables: Mapping[str, str]) -> tuple[str, int] | None:
    """What started several processes, "torchrun" or "srun", and how many of them on this machine; None for one."""
    if int(variables.get("WORLD_SIZE") or 1) > 1:
        if "TORCHELASTIC_RUN_ID" not in variables or "LOCAL_WORLD_SIZE" not in variables:
            given = f"WORLD_SIZE is {variables['WORLD_SIZE']}, but torchrun did not start this process"
            raise UsageError(f"{given}: start it with torchrun, or unset WORLD_SIZE")
        return "torchrun", int(variables["LOCAL_WORLD_SIZE"])
    # The steps of a job are what srun starts; a shell or script of the job has the number of tasks too, and is one.
    if "SLURM_STEP_ID" not in variables or int(variables.get("SLURM_NTASKS") or 1) < 2:
        return None
    if "SLURM_NTASKS_PER_NODE" not in variables:
        raise UsageError(
            "srun was not told how many processes a machine has: give --ntasks-per-node in place of --ntasks"
        )
    return "srun", int(variables["SLURM_NTASKS_PER_NODE"])
