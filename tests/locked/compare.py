"""Is what a method makes of a picture what it made when it was locked? FFTs differ a little between machines."""

import functools
import json

import numpy as np
import pytest

from .make import HERE, result

# Levels of 8 bits, and of how many values. Between an Intel and an AMD, with one and the same torch: 2, and 0.017.
MOST_OFF, SHARE_OFF = 3, 0.03


@functools.cache
def locked():
    """The pictures (c h w) and receipts by method and picture."""
    with np.load(HERE / "restored.npz") as file:
        levels = dict(file)
    return levels, json.loads((HERE / "receipts.json").read_text(encoding="utf-8"))


def check(method, name):
    levels, facts = result(method, name)
    wanted, told = (part[f"{method} {name}"] for part in locked())
    assert {key: one for key, one in facts.items() if not isinstance(one, float)} == {
        key: one for key, one in told.items() if not isinstance(one, float)
    }
    numbers = {key: one for key, one in told.items() if isinstance(one, float)}
    assert {key: facts[key] for key in numbers} == pytest.approx(numbers, rel=1e-3)
    off = np.abs(levels.astype(int) - wanted.astype(int))
    assert off.max() <= MOST_OFF
    assert (off > 0).mean() <= SHARE_OFF
