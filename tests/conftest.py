"""What holds for all tests: one thread, so that a busy machine does not turn small FFTs into a spinning match.

And every call in the package is checked against its named shapes, once it has returned: what it refuses, it refuses in
its own words.
"""

import inspect
import sys
import types
import typing

import torch
from beartype import beartype
from jaxtyping import AbstractArray, install_import_hook

torch.set_num_threads(1)


def _names_a_shape(annotation):
    if inspect.isclass(annotation) and issubclass(annotation, AbstractArray):
        return True
    return any(_names_a_shape(part) for part in typing.get_args(annotation))


def check_shapes(function):
    """Beartype for tensors alone: mypy looks after the rest, and stubs may stand in for networks and consoles."""
    shapes = {name: kind for name, kind in function.__annotations__.items() if _names_a_shape(kind)}
    if not shapes or function.__annotations__.get("return", typing.Any) is typing.Any:
        return function
    function.__annotations__ = shapes
    return beartype(function)


sys.modules["check_shapes"] = types.SimpleNamespace(check_shapes=check_shapes)
install_import_hook("blurspace", "check_shapes.check_shapes")
