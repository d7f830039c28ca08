"""Does a real Ray cluster of two workers give the same files and records, whatever dies?

Ray took 42 s to start on our busy machine, so this runs only where BLURSPACE_CLUSTER is set.
"""

import json
import os
import random
import signal
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pil

from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.files import find_sources
from blurspace.jobs.on_ray import on_ray
from blurspace.jobs.wishes import Wishes
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Restoration
from blurspace.types import Receipt

pytestmark = pytest.mark.skipif(
    "BLURSPACE_CLUSTER" not in os.environ, reason="set BLURSPACE_CLUSTER=1: it takes minutes"
)
POISON = 20  # px: so wide is the photo that kills every worker


class Slow(Deblurrer):
    """Inverts a photo in a while, notes its process, and dies of a poisoned one."""

    def __init__(self, marks):
        super().__init__(())
        object.__setattr__(self, "marks", marks)

    def __call__(self, blurry, **options):
        if blurry.shape[-1] == POISON:
            (self.marks / f"poison-{os.getpid()}").touch()
            os.kill(os.getpid(), signal.SIGKILL)
        (self.marks / f"worker-{os.getpid()}").touch()
        time.sleep(0.2)
        receipt = Receipt("restored", "because of the test", 0.01, 40.0, 30.0, 3.0, 0.0)
        return Restoration(255 - blurry, None, receipt, "fake", ())


def run(tmp_path, widths, *, engine=None, name="out"):
    folder, marks = tmp_path / "in", tmp_path / "marks"
    for place in (folder, marks):
        place.mkdir(exist_ok=True)
    for number, width in enumerate(widths):
        pixels = np.random.default_rng(number).integers(0, 255, (24, width, 3), dtype=np.uint8)
        Pil.fromarray(pixels).save(folder / f"{number:03}.png")
    sources, asked = find_sources([str(folder)]), Wishes(settings="as usual")
    out = str(tmp_path / name)
    return list(deblur_files(sources, deblurrer=Slow(marks), output=out, wishes=asked, engine=engine))


def told(outcomes):
    left_out = ("seconds", "peak_mib", "output")
    records = [{name: value for name, value in one.record().items() if name not in left_out} for one in outcomes]
    return [json.dumps(one) for one in records]


def kill_some(marks, stop, killed):
    chance = random.Random(3)
    while not stop.wait(chance.uniform(4, 8)) and len(killed) < 3:
        for mark in sorted(marks.glob("worker-*")):
            number = int(mark.name.split("-")[1])
            if number in killed:
                continue
            try:
                os.kill(number, signal.SIGKILL)
            except ProcessLookupError:
                continue
            killed.append(number)
            break


@contextmanager
def killing(marks):
    """Within it some of the workers that left a mark are killed; gives those that were."""
    for mark in marks.iterdir():
        mark.unlink()
    stop, killed = threading.Event(), []
    thread = threading.Thread(target=kill_some, args=(marks, stop, killed))
    thread.start()
    try:
        yield killed
    finally:
        stop.set()
        thread.join()


def test_killed_workers_lose_and_double_nothing(tmp_path, two_workers, capsys):
    widths = [40 + number % 7 for number in range(60)]
    alone = run(tmp_path, widths, name="alone")
    with killing(tmp_path / "marks") as killed:
        many = run(tmp_path, widths, engine=on_ray)
    assert killed
    assert capsys.readouterr().out == ""  # where records go
    assert told(many) == told(alone)
    made = {path.name: path.read_bytes() for path in (tmp_path / "out").iterdir() if path.suffix == ".png"}
    assert made == {path.name: path.read_bytes() for path in (tmp_path / "alone").iterdir() if path.suffix == ".png"}
    assert len(made) == len(widths)


def test_a_poisoned_file_is_one_failed_record(tmp_path, two_workers):
    outcomes = run(tmp_path, [40, POISON, 41, 42], engine=on_ray)
    assert [one.verdict for one in outcomes] == ["restored", "failed", "restored", "restored"]
    assert (outcomes[1].failure, outcomes[1].exit_code) == ("process died", 1)
    assert len(list(Path(tmp_path / "marks").glob("poison-*"))) == 3
