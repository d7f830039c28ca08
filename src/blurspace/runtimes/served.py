"""How does another runtime take the place of torch within a network, and when does torch do it all the same?"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from blurspace.runtimes.engines import ENGINES, TORCH, Engine, check_runtime
from blurspace.runtimes.exported import check, onnx_of
from blurspace.runtimes.parts import PARTS, Part, parts_of

N = TypeVar("N", bound=nn.Module)
FIRST_CHECK = ((4, 5),)  # multiples: one small picture, before an engine is believed


def serve(network: N, runtime: str) -> N:
    """The network itself, its parts from now on computed by a runtime: same class, weights and answers, but for 1e-3.

    A runtime's engine is made at its first picture, from an ONNX file that is made then, if none was kept. torch does
    what others cannot: gradients, other devices, half precision. Raises UsageError where the runtime is not known or
    the network on another device, ModelError where the runtime is not here.
    """
    check_runtime(runtime, next((one.device.type for one in network.parameters()), "cpu"))
    for _, module, part in () if runtime == TORCH else tuple(parts_of(network, served=True)):
        module.forward = Served(module, part, runtime)  # type: ignore[assignment]
    return network


def is_served(network: nn.Module) -> bool:
    """Whether any of its modules is computed by a runtime other than torch."""
    return any(isinstance(module.__dict__.get("forward"), Served) for module in network.modules())


@dataclass(eq=False)
class Served:
    """What a part's `forward` is then. It can be pickled: each process makes an engine of its own."""

    module: nn.Module
    part: Part
    runtime: str
    _engine: tuple[int, Engine] | None = field(default=None, repr=False)  # for so many threads
    _lock: Any = field(default_factory=Lock, repr=False)

    def __call__(self, *inputs: Tensor) -> Any:
        """What the part makes of its inputs."""
        if not self.takes(inputs):
            return type(self.module).forward(self.module, *inputs)
        (height, width), step = inputs[0].shape[-2:], self.part.multiple(self.module)
        around = self.part.fills == "around"
        (top, bottom), (left, right) = (_rims(length, step, around=around) for length in (height, width))
        first = functional.pad(inputs[0], (left, right, top, bottom), mode="replicate")
        found = self.engine()((first, *inputs[1:]))
        cut = [_cut(one, (height, width), (first.shape[-2], first.shape[-1]), (top, left)) for one in found]
        return cut[0] if len(cut) == 1 else tuple(cut)

    def takes(self, inputs: Sequence[Tensor]) -> bool:
        """Whether a runtime can compute these: plain numbers in all bits on the processor, and nobody wants gradients.

        Other shapes than the part's are torch's as well: it knows what to say of them.
        """
        shapes = tuple(self.part.inputs(self.module).values())
        usual = len(inputs) == len(shapes) and all(
            one.device.type == "cpu"
            and one.dtype == torch.float32
            and one.ndim == len(shape)
            and all(isinstance(word, str) or word == size for word, size in zip(shape, one.shape, strict=True))
            for one, shape in zip(inputs, shapes, strict=True)
        )
        learning = torch.is_grad_enabled() and any(one.requires_grad for one in (*inputs, *self.module.parameters()))
        return usual and not learning and not torch.is_autocast_enabled("cpu")

    def engine(self) -> Engine:
        """The engine for as many threads as torch has; a new one has shown that it says what torch says.

        Raises ModelError where it does not.
        """
        threads = torch.get_num_threads()
        with self._lock:
            if self._engine is None or self._engine[0] != threads:
                self._engine = threads, engine_of(self.module, self.part, self.runtime, threads)
            return self._engine[1]

    def __getstate__(self) -> dict[str, Any]:
        """All but the engine; a row of functions is found again by its class."""
        return {"module": self.module, "part": type(self.module), "runtime": self.runtime}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """As new: without an engine."""
        vars(self).update(state, part=PARTS[state["part"]], _engine=None, _lock=Lock())


def engine_of(module: nn.Module, part: Part, runtime: str, threads: int) -> Engine:
    """A runtime's engine for a part. Raises ModelError where it does not say what torch says."""
    made = ENGINES[runtime][1](onnx_of(module, part), threads)
    check(module, part, made, checks=FIRST_CHECK)
    return made


def _rims(length: int, step: int, *, around: bool) -> tuple[int, int]:
    """How many px before and after bring `length` to a multiple of `step`."""
    missing = -length % step
    before = missing // 2 if around else 0
    return before, missing - before


def _cut(found: Tensor, size: tuple[int, int], filled: tuple[int, int], begin: tuple[int, int]) -> Tensor:
    """Of what came of a filled picture that of the picture itself, at whatever scale it came, rounded up."""
    height, width = (-(-length * out // all_) for length, out, all_ in zip(size, found.shape[-2:], filled, strict=True))
    top, left = (at * out // all_ for at, out, all_ in zip(begin, found.shape[-2:], filled, strict=True))
    return found[..., top : top + height, left : left + width]
