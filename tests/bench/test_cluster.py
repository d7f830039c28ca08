"""Does benchmarks/cluster.py find the processes of a run, make photos that differ, and see what is lost or doubled?"""

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from blurspace.io.images import read_kernel

from .test_scripts import FOLDER, script

SLEEP = "import time; print('here', flush=True); time.sleep(60)"


@pytest.fixture
def cluster(monkeypatch):
    monkeypatch.syspath_prepend(FOLDER)
    monkeypatch.setattr("blurspace.jobs.on_ray.imported", lambda: None)
    module = script("cluster")
    monkeypatch.setattr(module, "LARGE", 128)
    monkeypatch.setattr(module, "SIDES", (40, 48))
    return module


@pytest.fixture
def sleeper(cluster):
    """A process that is called like a worker of Ray, and has the mark."""
    environment, named = os.environ | {cluster.MARK: "abc"}, [cluster.WORKER, "-c", SLEEP]
    with subprocess.Popen(named, executable=sys.executable, env=environment, stdout=subprocess.PIPE) as running:
        running.stdout.readline()
        yield running
        running.kill()


def sharp_photos(folder, count):
    folder.mkdir()
    for number in range(count):
        noise = np.random.default_rng(number).integers(0, 255, (100, 120, 3), dtype=np.uint8)
        Image.fromarray(noise).save(folder / f"{number}.png")


def test_photos_differ_and_the_few_are_the_first_of_the_many(cluster, tmp_path):
    sharp_photos(tmp_path / "sharp", 2)
    cluster.make_photos(tmp_path / "home", tmp_path / "sharp", 25, 3)
    many, heavy, poisoned = (cluster.contents(tmp_path / "home" / name) for name in ("many", "heavy", "poisoned"))
    assert (len(set(many.values())), len(heavy), len(poisoned)) == (25, 3, cluster.FEW + 1)
    assert heavy.items() <= many.items()
    (large,) = poisoned.keys() - many.keys()
    assert sorted(poisoned).index(large) == 10
    with Image.open(tmp_path / "home" / "poisoned" / large) as picture:
        assert picture.size == (128, 128)
    assert read_kernel(tmp_path / "home" / "kernel.tiff").shape[-1] == 15


def test_the_processes_of_a_run_are_known_by_its_mark(cluster, sleeper):
    assert cluster.workers("abc") == [sleeper.pid]
    assert cluster.workers("ab") == []
    assert cluster.processor_seconds("abc")["work"] > 0
    assert cluster.processor_seconds("ab") == {"work": 0.0, "ray": 0.0}


def test_a_random_worker_is_killed(cluster, sleeper):
    assert cluster.kill_one("abc", random.Random(0)) == 1
    assert sleeper.wait() == -9
    assert cluster.kill_one("abc", random.Random(0)) == 0


@pytest.mark.parametrize(("most", "dies"), [(1, True), (100_000, False), (None, False)])
def test_who_holds_too_much_is_killed(cluster, sleeper, most, dies):
    with cluster.strangled("abc", most) as died:
        until = time.monotonic() + (60 if dies else 0.2)
        while sleeper.poll() is None and time.monotonic() < until:
            time.sleep(0.01)
    assert (died == {sleeper.pid}) is dies
    assert (sleeper.poll() == -9) is dies


def told(names, seconds, **more):
    records = [
        {"input": f"/in/{name}", "output": f"/out/{name}", "verdict": "restored", "seconds": 1} for name in names
    ]
    cost = {"start-up": 1.0, "seconds": seconds, "busy": 9.0, "ray's own": 0.1, "processor": 20.0}
    return cost | {"records": records, "killed": 0, "exit code": 0, "commit": "abc"} | more


def test_a_row_tells_what_it_costs_and_what_is_lost_doubled_or_other(cluster, tmp_path):
    plain, ray = cluster.PARTS[:2]
    for name in ("many", "results/plain", "results/ray"):
        (tmp_path / name).mkdir(parents=True)
        for photo in "abc":
            (tmp_path / name / f"{photo}.png").write_bytes(photo.encode())
    done = {plain: told("abc", 10.0), ray: told("abc", 10.4)}
    same = {"photos": 3, "results": 3, "other bytes": 0, "records": 3, "records twice": 0, "other records": ""}
    fine = cluster.row(tmp_path, ray, done)
    assert fine.items() >= (same | {"over plain, %": 4.0, "at work, %": 86.5}).items()
    (tmp_path / "results" / "ray" / "a.png").unlink()
    (tmp_path / "results" / "ray" / "b.png").write_bytes(b"other")
    done[ray]["records"][2]["verdict"] = "failed"
    done[ray]["records"].append(done[ray]["records"][0])
    other = {"results": 2, "other bytes": 1, "records": 4, "records twice": 1, "other records": "c: failed"}
    assert cluster.row(tmp_path, ray, done).items() >= other.items()


def test_what_was_run_is_not_run_again(cluster, tmp_path, monkeypatch):
    sharp_photos(tmp_path / "sharp", 1)
    home, ran = tmp_path / "home" / "25-3-10-2", Counter()

    def measured(place, part, jobs, kills):
        ran[part.name] += 1
        if part.name == "killed" and ran[part.name] == 1:
            raise KeyboardInterrupt
        return told([path.name for path in (place / part.photos).iterdir()], 10.0)

    monkeypatch.setattr(cluster, "measured", measured)
    places = {"--data": tmp_path / "sharp", "--home": tmp_path / "home", "--out": tmp_path / "cluster.csv"}
    words = [str(word) for both in places.items() for word in both]
    monkeypatch.setattr(sys, "argv", ["cluster.py", "--photos", "25", "--heavy", "3", *words])
    with pytest.raises(KeyboardInterrupt):
        cluster.main()
    cluster.main()
    assert ran == {one.name: 1 + (one.name == "killed") for one in cluster.PARTS}
    assert len((tmp_path / "cluster.csv").read_text(encoding="utf-8").splitlines()) == 1 + len(cluster.PARTS)
    assert json.loads((home / "plain.json").read_text(encoding="utf-8"))["seconds"] == 10.0
