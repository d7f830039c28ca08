"""Are objects of a storage deblurred as files are, with the same bytes, records and refusals? In fsspec's memory."""

import json

import fsspec
import pytest

from blurspace.jobs import stored
from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.files import find_sources
from blurspace.jobs.journal import NAME
from blurspace.jobs.wishes import Wishes

from .fakes import Fake, noisy_photos

NAMES = ("a.png", "sub/a.png", "sub/odd [1] #%3F ä.png")
IN, OUT = "memory://bucket/in", "memory://bucket/out"


@pytest.fixture
def memory():
    """Of this process; what tests before left is gone."""
    storage = fsspec.filesystem("memory")
    storage.store.clear()
    return storage


@pytest.fixture
def folder(tmp_path, memory):
    """The same photos here and in the memory."""
    folder = noisy_photos(tmp_path / "bucket" / "in", NAMES)
    for name in NAMES:
        memory.pipe_file(f"/bucket/in/{name}", (folder / name).read_bytes())
    return folder


def run(names=(IN,), output=OUT, *, deblurrer=None, settings="as usual", **wishes):
    sources = find_sources(list(names), output=output, stored=True)
    asked = Wishes(settings=settings, **wishes)
    return list(deblur_files(sources, deblurrer=deblurrer or Fake(), output=output, wishes=asked))


def objects(memory, below):
    """All but the notes."""
    return {
        name.removeprefix(f"/bucket/{below}/"): memory.cat_file(name)
        for name in memory.find(f"/bucket/{below}")
        if stored.NOTES not in name
    }


def files(folder):
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def told(outcomes, root):
    """The records, with addresses where those of files name paths; without what differs from run to run."""
    records = [{**one.record(), "seconds": 0, "peak_mib": 0} for one in outcomes]
    return json.dumps(records).replace(str(root) + "/", "memory://")


@pytest.mark.parametrize("verdict", ["restored", "left alone", "refused"])
@pytest.mark.parametrize("wishes", [{"plot": True}, {"format": "JPEG"}], ids=str)
def test_bytes_and_records_are_those_of_files(folder, memory, tmp_path, verdict, wishes):
    there = run(deblurrer=Fake(verdict), **wishes)
    here = run([str(folder)], str(tmp_path / "bucket" / "out"), deblurrer=Fake(verdict), **wishes)
    assert objects(memory, "out") == files(tmp_path / "bucket" / "out")
    assert told(there, tmp_path) == told(here, tmp_path)
