"""Do `blur`, `transfer`, `diagnose` and the cases of `train` come out of a real Ray cluster as they do alone?"""

import os
import signal
import time
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from blurspace.blur.kernels import delta
from blurspace.codes import BlurBank
from blurspace.data.crops import SharpPhotos
from blurspace.jobs.blur import blur_files
from blurspace.jobs.files import find_sources
from blurspace.jobs.inspect import diagnose_files
from blurspace.jobs.kinds import plan_blur
from blurspace.jobs.on_ray import helped_on_ray, on_ray
from blurspace.jobs.transfer import Draw, transfer_files
from blurspace.jobs.worked import Portable
from blurspace.nets.kernel_space import BasisSpace
from blurspace.train.cases import Making, Range, make_shards

pytestmark = pytest.mark.skipif(
    "BLURSPACE_CLUSTER" not in os.environ, reason="set BLURSPACE_CLUSTER=1: it takes minutes"
)
SHAKEN = plan_blur("shake", 5.0, sigma=0.02)


class DyingOnce(BasisSpace):
    """A kernel space that kills its worker, the second time that it is asked."""

    mark = Path("never")

    def reblur(self, sharp, code):
        if self.mark.with_suffix(".begun").exists() and not self.mark.exists():
            self.mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)
        if self.mark.suffix == ".mark":
            self.mark.with_suffix(".begun").touch()
        return super().reblur(sharp, code)


def photos(folder):
    folder.mkdir(parents=True)
    for seed in range(4):
        pixels = np.random.default_rng(seed).integers(0, 255, (24, 40 + seed, 3), dtype=np.uint8)
        Pil.fromarray(pixels).save(folder / f"{seed}.png")
    return find_sources([str(folder)])


def told(records, out):
    plain = [str({name: value for name, value in one.items() if name != "seconds"}) for one in records]
    return [one.replace(str(out), "OUT") for one in plain]


def contents(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.*") if path.is_file()}


def test_blur_and_diagnose_of_names_as_they_were_typed(tmp_path, two_workers, monkeypatch):
    photos(tmp_path / "in")
    monkeypatch.chdir(tmp_path)
    made = []
    for name, how in (("alone", {}), ("many", {"engine": on_ray})):
        outcomes = list(blur_files(find_sources(["in"]), SHAKEN, output=name, **how))
        made.append(told([one.record() for one in outcomes], name))
        looked = list(diagnose_files(find_sources([name]), plot=True, **how))
        made.append(told([record for record, _ in looked], name))
    assert made[:2] == made[2:]
    assert len(contents(tmp_path / "many")) == 8
    assert contents(tmp_path / "many") == contents(tmp_path / "alone")


def test_a_worker_that_dies_among_copies_loses_none(tmp_path, two_workers):
    sources = photos(tmp_path / "in")
    torch.manual_seed(0)
    space = DyingOnce(count=4, side=5, stride=8).requires_grad_(False)
    bank = BlurBank(tuple(torch.rand(1, 5, 4, 4).half() for _ in range(3)), ("p", "q", "r"), space.fingerprint())
    give = partial(transfer_files, sources, draw=Draw(bank, space, copies=2))
    alone = list(give(output=tmp_path / "alone"))
    space.mark = tmp_path / "died.mark"
    many = list(give(output=tmp_path / "many", engine=on_ray))
    assert space.mark.exists()
    assert told([one.record() for one in many], tmp_path / "many") == told(
        [one.record() for one in alone], tmp_path / "alone"
    )
    assert contents(tmp_path / "many") == contents(tmp_path / "alone")


def wait_for(ready):
    until = time.monotonic() + 120
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.1)


class Shards(Portable[None, None]):
    """Makes shards of cases of a pretended search, and notes who made which."""

    def __init__(self, folder, out):
        self.folder, self.out = folder, out

    def __call__(self, task):
        making = Making(
            ranges=(Range(3, 9, side=64, crop=24, count=1),),
            shard=1,
            widest=15,
            least_agreement=0,
            search=lambda _: delta(9),
        )
        make_shards(SharpPhotos(self.folder), self.out, count=4, seed=1, report=self.note, making=making)

    def note(self, line):
        (self.out / f"{line.split()[0]}.by-{os.getpid()}").touch()


def test_cases_are_made_by_workers_and_are_the_same(tmp_path, two_workers):
    folder = tmp_path / "in"
    folder.mkdir()
    for seed in range(2):
        pixels = np.random.default_rng(seed).integers(0, 255, (160, 160, 3), dtype=np.uint8)
        Pil.fromarray(pixels).save(folder / f"{seed}.png")
    alone = Shards(folder, tmp_path / "alone")
    alone(None)
    said = []
    with helped_on_ray(Shards(folder, tmp_path / "many"), jobs=2, report=said.append):
        wait_for(lambda: len(list((tmp_path / "many").glob("*.by-*"))) == 4)
    assert len(shards := list((tmp_path / "alone").glob("*.safetensors"))) == 4
    assert {path.name: path.read_bytes() for path in shards} == {
        path.name: path.read_bytes() for path in (tmp_path / "many").glob("*.safetensors")
    }
    assert not list((tmp_path / "many").glob(f"*.by-{os.getpid()}"))
    assert said == []


class Wrong(Portable[None, None]):
    """Work that cannot be done there."""

    def __init__(self, mark):
        self.mark = mark

    def __call__(self, task):
        self.mark.touch()
        raise ZeroDivisionError("oh")


def test_workers_that_cannot_help_are_told(tmp_path, two_workers):
    said = []
    with helped_on_ray(Wrong(tmp_path / "tried"), jobs=1, report=said.append):
        wait_for((tmp_path / "tried").exists)
        time.sleep(5)  # it has to say so
    (line,) = said
    assert line.startswith("a worker of the cluster could not help: an unexpected error, ZeroDivisionError: oh")
