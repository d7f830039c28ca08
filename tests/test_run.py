"""Is a device there or said not to be, is memory known, and does work stop when told to?"""

import time

import pytest
import torch

from blurspace.errors import Cancelled, UsageError
from blurspace.run import DEVICES, Run, free_memory, held_memory, pick_device


def test_some_device_is_always_there():
    assert pick_device() in DEVICES[1:]
    assert pick_device("cpu") == "cpu"


@pytest.mark.parametrize("name", ["tpu", "", "CPU"])
def test_an_unknown_device_is_refused_in_a_sentence(name):
    with pytest.raises(UsageError, match="is not known: give one of auto, cpu, cuda, mps"):
        pick_device(name)


@pytest.mark.parametrize(
    ("name", "there"), [("cuda", torch.cuda.is_available()), ("mps", torch.backends.mps.is_available())]
)
def test_a_device_that_is_asked_for_is_there_or_refused(name, there):
    if there:
        assert pick_device(name) == name
        return
    with pytest.raises(UsageError, match=f"the device {name} was asked for and there is none: give --device cpu"):
        pick_device(name)


def test_memory_is_known():
    assert free_memory() > 0
    assert held_memory() > 0
    assert 0 < Run().room() < free_memory() * 2
    assert Run(memory=5).room() == 5


def test_steps_tell_and_stop():
    told = []
    run = Run(on_step=lambda *step: told.append(step))
    assert list(run.steps("counting", "ab")) == ["a", "b"]
    assert told == [("counting", 0, 2), ("counting", 1, 2), ("counting", 2, 2)]
    for stopped in (Run(cancelled=lambda: True), Run(deadline=time.monotonic() - 1)):
        with pytest.raises(Cancelled):
            stopped.step("counting", 0, 1)
        with pytest.raises(Cancelled):
            list(stopped.steps("counting", "ab"))
    Run(cancelled=lambda: False, deadline=time.monotonic() + 60).check()
