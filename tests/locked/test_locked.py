"""Do all methods still make of six small pictures what they made when that was locked?

In one file, so that one worker of pytest has all: what is searched for in a picture is searched for once.
"""

import pytest

from .compare import check
from .make import CASES


@pytest.mark.parametrize(("method", "name"), CASES)
def test_it_is_what_it_was(method, name):
    check(method, name)
