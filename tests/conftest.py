"""What holds for all tests: one thread, so that a busy machine does not turn small FFTs into a spinning match.

And every call in the package is checked against its named shapes, once it has returned: what it refuses, it refuses in
its own words.
"""

import inspect
import sys
import types
from typing import Any, Union, get_args, get_origin

import torch
from beartype import beartype
from jaxtyping import AbstractArray, install_import_hook

torch.set_num_threads(1)


def shapes_in(kind):
    """An annotation with Any for all but shapes: mypy looks after the rest, and stubs stand in for networks."""
    if inspect.isclass(kind) and issubclass(kind, AbstractArray):
        return kind
    origin, parts = get_origin(kind), tuple(map(shapes_in, get_args(kind)))
    if origin not in (Union, types.UnionType, tuple, list, dict) or all(part is Any for part in parts):
        return Any
    as_they_are = (types.NoneType, ...)
    parts = tuple(one if one in as_they_are else part for one, part in zip(get_args(kind), parts, strict=True))
    return Union[parts] if origin in (Union, types.UnionType) else origin[parts]  # noqa: UP007


def check_shapes(function):
    """A typechecker for jaxtyping, which calls its result before (with `-> Any`: left as it is) and after each call."""
    if function.__annotations__.get("return", Any) is not Any:
        function.__annotations__ = {name: shapes_in(kind) for name, kind in function.__annotations__.items()}
        if any(kind is not Any for kind in function.__annotations__.values()):
            return beartype(function)
    return function


# jaxtyping wants a module to import it from.
sys.modules["blurspace_shapes"] = types.SimpleNamespace(check_shapes=check_shapes)
install_import_hook("blurspace", "blurspace_shapes.check_shapes")
