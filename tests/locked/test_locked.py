"""Do the methods that have learned still make of six small pictures what they made when that was locked?"""

import pytest

from .compare import check
from .make import CASES


@pytest.mark.parametrize(("method", "name"), [case for case in CASES if case[0] not in ("classical", "rotation")])
def test_it_is_what_it_was(method, name):
    check(method, name)
