"""Which runtimes are there, and how does each of them compute an ONNX file?"""

from collections.abc import Callable, Sequence
from importlib import import_module, metadata
from importlib.util import find_spec

import torch
from torch import Tensor

from blurspace.errors import ModelError, UsageError, install

TORCH, AUTO = "torch", "auto"
Engine = Callable[[Sequence[Tensor]], list[Tensor]]  # the inputs of a part, in its order -> its outputs


def onnxruntime_engine(data: bytes, threads: int) -> Engine:
    """What onnxruntime makes of an ONNX file, by so many threads; many may call it at a time."""
    library = import_module("onnxruntime")
    options = library.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3  # errors alone
    # Threads that wait in a circle would take from torch what it needs in between; memory that is kept for the next
    # picture, from what the user allows. (Without any arena it takes a sixth longer: our measurement.)
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    given_back = library.RunOptions()
    given_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")
    session = library.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    names = [one.name for one in session.get_inputs()]

    def run(inputs: Sequence[Tensor]) -> list[Tensor]:
        fed = {name: one.detach().contiguous().numpy() for name, one in zip(names, inputs, strict=True)}
        return [torch.from_numpy(found) for found in session.run(None, fed, given_back)]

    return run


def openvino_engine(data: bytes, threads: int) -> Engine:
    """What OpenVINO makes of an ONNX file, by so many threads, in all bits; many may call it at a time."""
    library = import_module("openvino")
    core = library.Core()
    how = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32"}
    compiled = core.compile_model(core.read_model(data), "CPU", how)

    def run(inputs: Sequence[Tensor]) -> list[Tensor]:
        fed = [one.detach().contiguous().numpy() for one in inputs]
        found = compiled.create_infer_request().infer(fed)  # one of its own: requests are not to be shared
        return [torch.from_numpy(found[one].copy()) for one in compiled.outputs]

    return run


# By the name that is typed: the library, and what computes by it.
ENGINES: dict[str, tuple[str, Callable[[bytes, int], Engine]]] = {
    "onnx": ("onnxruntime", onnxruntime_engine),
    "openvino": ("openvino", openvino_engine),
}
RUNTIMES = (AUTO, TORCH, *ENGINES)


def installed() -> tuple[str, ...]:
    """The runtimes that are here, torch first."""
    return (TORCH, *(name for name in ENGINES if not missing(name)))


def missing(name: str) -> tuple[str, ...]:
    """The libraries that a runtime needs and that are not here: its own, and what makes ONNX files for it."""
    wanted = () if name == TORCH else (ENGINES[name][0], "onnx", "onnxscript")
    return tuple(library for library in wanted if not _is_here(library))


def _is_here(library: str) -> bool:
    """Whether it can be imported; an empty folder of its name, as updates leave behind, is none."""
    spec = find_spec(library)
    return spec is not None and spec.origin is not None


def check_runtime(name: str, device: str = "cpu") -> str:
    """The name, if such a runtime can be had on that device: else UsageError, or ModelError where it is not here."""
    if name not in (TORCH, *ENGINES):
        raise UsageError(f"the runtime {name} is not known: give one of {', '.join(RUNTIMES)}")
    if name != TORCH and device != "cpu":
        raise UsageError(f"the runtime {name} works on the processor alone: give --device cpu, or --runtime torch")
    if lacking := missing(name):
        given = f"the runtime {name} needs {' and '.join(lacking)}, which {'are' if lacking[1:] else 'is'} not here"
        raise ModelError(f"{given}: {install(name)}")
    return name


def versioned(name: str) -> str:
    """A runtime with its version, as in `torch 2.13.0`."""
    library = ENGINES[name][0] if name in ENGINES else TORCH
    try:
        version = torch.__version__ if library == TORCH else metadata.version(library)
    except metadata.PackageNotFoundError:  # of another distribution, as onnxruntime-gpu
        version = str(import_module(library).__version__)
    return f"{library} {version.split('+')[0]}"
