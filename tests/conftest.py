"""What holds for all tests: one thread, so that a busy machine does not turn small FFTs into a spinning match.

And calls in the package are checked against their named shapes, once they have returned: what they refuse, they refuse
in their own words. Of a function that a test calls very often, after the first calls only some: checks take a fifth of
the time of a search.
"""

import gc
import inspect
import sys
import types
from collections import Counter
from functools import wraps
from typing import Any, Union, get_args, get_origin

import jaxtyping
import pytest
import torch
from beartype import beartype

torch.set_num_threads(1)
FIRST, SHARE = 50, 50  # calls of a function, in one test, that are all checked; of how many others one is
CALLS = Counter()  # how often the code of each function was run in this test; the function might hold a picture


@pytest.fixture(autouse=True, scope="session")
def no_home(tmp_path_factory):
    """What a user has measured for this machine, or made for it, is nothing to the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))
        yield


def pytest_collection_finish():
    """What is imported and collected stays: whoever looks for garbage in a test need not look through all of that."""
    gc.freeze()


def pytest_runtest_setup():
    CALLS.clear()


def shapes_in(kind):
    """An annotation with Any for all but shapes: mypy looks after the rest, and stubs stand in for networks."""
    if inspect.isclass(kind) and issubclass(kind, jaxtyping.AbstractArray):
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


def not_always(plain, checked):
    """The checked function, and in most of very many calls the plain one."""
    code = plain.__code__

    @wraps(plain)
    def called(*arguments, **named):
        CALLS[code] += 1
        often = CALLS[code] > FIRST and CALLS[code] % SHARE
        return (plain if often else checked)(*arguments, **named)

    return called


def jaxtyped(*, typechecker):
    """What jaxtyping's hook puts above each function and class: nothing, where no shape is named (it costs 15 us)."""

    def decorate(thing):
        function = (
            thing.__init__ if inspect.isclass(thing) else getattr(thing, "fget", getattr(thing, "__func__", thing))
        )
        kinds = inspect.get_annotations(function).values()
        if all(shapes_in(kind) is Any for kind in kinds):
            return thing
        guarded = checked(thing, typechecker=typechecker)
        return not_always(thing, guarded) if inspect.isfunction(thing) else guarded

    return decorate


checked, jaxtyping.jaxtyped = jaxtyping.jaxtyped, jaxtyped
sys.modules["blurspace_shapes"] = types.SimpleNamespace(check_shapes=check_shapes)  # to be found by its name
jaxtyping.install_import_hook("blurspace", "blurspace_shapes.check_shapes")
