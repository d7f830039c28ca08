"""How does a part of a network become an ONNX file with open sizes, and does that say what torch says?"""

import copy
import hashlib
import inspect
import logging
import math
import sys
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from blurspace.errors import ModelError, install
from blurspace.runtimes import parts
from blurspace.runtimes.engines import Engine
from blurspace.runtimes.kept import keep, kept
from blurspace.runtimes.parts import BATCH, HEIGHT, WIDTH, Part

TOLERANCE = 1e-3  # the most that a part may differ from torch, of the largest number that torch gives (or of 1)
EXAMPLE, CHECKS = (6, 7), ((4, 4), (9, 5), (5, 8))  # multiples, height and width: for the export, and to check it
NEEDED = f"ONNX files need onnx and onnxscript, which are not here: {install('onnx')}"


def export(module: nn.Module, part: Part, *, told: Mapping[str, str] | None = None) -> bytes:
    """The ONNX file of a part, as it stands in torch; `told`: what the file says of itself.

    Raises ModelError where onnx or onnxscript are not there.
    """
    try:
        import onnxscript  # noqa: F401 - torch wants it, and would say so in a page
    except ImportError as problem:
        raise ModelError(NEEDED) from problem
    with _quietly(), torch.inference_mode(False), torch.no_grad():
        program: Any = torch.onnx.export(
            plain(module),
            part.draw(module, EXAMPLE, batch=2),
            dynamo=True,
            input_names=list(part.inputs(module)),
            dynamic_shapes=_open_sizes(module, part),
            verbose=False,
            optimize=True,
        )
        model = program.model_proto
    for name, value in {"multiple": str(part.multiple(module)), **(told or {})}.items():
        model.metadata_props.add(key=name, value=value)
    return bytes(model.SerializeToString())


def onnx_of(module: nn.Module, part: Part) -> bytes:
    """The ONNX file of a part: as it was kept, or made now, and kept where that can be."""
    name = f"{fingerprint(module)}.onnx"
    data = kept(name)
    if data is None:
        data = export(module, part)
        keep(name, data)
    return data


def fingerprint(module: nn.Module) -> str:
    """What an ONNX file hangs on: the weights and the layers, the files that say how they work, torch."""
    digest = hashlib.sha256(f"{torch.__version__} {plain(module)}".encode())
    for file in code_of(module):
        digest.update(file.read_bytes())
    for name, tensor in module.state_dict().items():
        digest.update(f"{name} {tensor.dtype} {tuple(tensor.shape)} ".encode())
        digest.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def code_of(module: nn.Module) -> list[Path]:
    """The files of ours that say what a module computes, and how it is exported.

    Those of its layers, and of the functions that these import, such as `blur.convolve.extend_frame`.
    """
    layers = _ours([parts.__name__, __name__, *(type(one).__module__ for one in module.modules())])
    values = (value for name in layers for value in vars(sys.modules[name]).values())
    used = _ours(value.__module__ for value in values if inspect.isfunction(value))
    return [Path(inspect.getfile(sys.modules[name])) for name in sorted(layers | used)]


def _ours(modules: Iterable[str]) -> set[str]:
    return {name for name in modules if name.startswith("blurspace.")}


def check(module: nn.Module, part: Part, run: Engine, *, checks: Sequence[tuple[int, int]] = CHECKS) -> float:
    """The most that a runtime differs from torch, of torch's largest number, on random pictures of several sizes.

    Raises ModelError where that is above TOLERANCE.
    """
    worst = 0.0
    for number, cells in enumerate(checks):
        inputs = part.draw(module, cells, seed=number + 1)
        with torch.inference_mode():
            wanted = plain(module)(*inputs)
        for right, found in zip([wanted] if isinstance(wanted, Tensor) else wanted, run(inputs), strict=True):
            same = right.shape == found.shape
            error = float((right - found).abs().max() / right.abs().max().clamp_min(1)) if same else torch.inf
            worst = max(worst, torch.inf if math.isnan(error) else error)
    if worst > TOLERANCE:
        given = f"a {type(module).__name__} differs from torch by {worst:.2g} there, and {TOLERANCE:g} was allowed"
        raise ModelError(f"{given}: take --runtime torch, and tell us")
    return worst


def plain(module: nn.Module) -> nn.Module:
    """The module as torch computes it, whatever serves it; it shares all weights."""
    copied = copy.copy(module)
    copied.__dict__.pop("forward", None)
    return copied


def _open_sizes(module: nn.Module, part: Part) -> tuple[Any, ...]:
    """What of each input's shape is open, in torch's words."""
    step, sizes = part.multiple(module), dict[str, Any]()
    for shape in part.inputs(module).values():
        for word in shape:
            if isinstance(word, str) and word not in sizes:
                size = torch.export.Dim(word, min=1 if word == BATCH else 2, max=2**16)
                sizes[word] = step * size if word in (HEIGHT, WIDTH) and step > 1 else size
    shapes = part.inputs(module).values()
    return tuple({axis: sizes[word] for axis, word in enumerate(shape) if isinstance(word, str)} for shape in shapes)


@contextmanager
def _quietly() -> Iterator[None]:
    """No advice from the exporter, such as on what is not installed: what matters is checked."""
    exporter = logging.getLogger("torch.onnx")
    before = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(before)
