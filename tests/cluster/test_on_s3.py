"""Does a real Ray cluster of two workers give the same objects on a real S3 server, each once, whatever dies?

Runs only where BLURSPACE_CLUSTER is set; needs pip install ".[ray,store]" "moto[server,s3]".
"""

import os
import subprocess
import sys

import pytest
import torch

from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.each import picture_bytes
from blurspace.jobs.files import find_sources
from blurspace.jobs.on_ray import imported, on_ray
from blurspace.jobs.stored import NOTES
from blurspace.jobs.wishes import Wishes

from . import test_on_ray
from .test_on_ray import POISON, Slow, killing, run, told

pytestmark = pytest.mark.skipif(
    "BLURSPACE_CLUSTER" not in os.environ, reason="set BLURSPACE_CLUSTER=1: it takes minutes"
)
SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def storage():
    """A client of a server in a process of its own, which keeps each version of an object."""
    pytest.importorskip("moto", reason='no S3 server is here: pip install "moto[server,s3]"')
    s3fs = pytest.importorskip("s3fs", reason='S3 has no driver here: pip install ".[store]"')
    how = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    with subprocess.Popen([sys.executable, "-c", SERVER], **how) as server, pytest.MonkeyPatch.context() as patch:
        told = (line for line in server.stdout if line.strip().isdigit())
        patch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{int(next(told))}")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
            patch.setenv(name, "us-east-1")
        client = s3fs.S3FileSystem(use_listings_cache=False)
        client.mkdir("photos")
        client.call_s3("put_bucket_versioning", Bucket="photos", VersioningConfiguration={"Status": "Enabled"})
        yield client
        server.stdin.close()


@pytest.fixture(scope="module")
def two_workers(storage):
    """Whose environment names the server."""
    pytest.importorskip("ray", reason='Ray is not here: pip install ".[ray]"')
    ray = imported()
    ray.shutdown()  # of other tests, whose workers know no server
    ray.init(address="local", num_cpus=2, include_dashboard=False, log_to_driver=False)
    ray.cloudpickle.register_pickle_by_value(test_on_ray)
    yield
    ray.shutdown()


def on_s3(tmp_path, storage, name, engine=on_ray):
    """As `run`, of the same photos put into a bucket."""
    storage.put(f"{tmp_path / 'in'}/", f"photos/{name}/in/", recursive=True)
    sources, asked = find_sources([f"s3://photos/{name}/in"], stored=True), Wishes(settings="as usual")
    out, slow = f"s3://photos/{name}/out", Slow(tmp_path / "marks")
    return list(deblur_files(sources, deblurrer=slow, output=out, wishes=asked, engine=engine))


def versions(storage, prefix):
    """How often each object was put."""
    listed = storage.call_s3("list_object_versions", Bucket="photos", Prefix=prefix)
    names = [one["Key"] for one in listed["Versions"]]
    return {name: names.count(name) for name in names}


def test_killed_workers_lose_and_double_nothing(tmp_path, storage, two_workers):
    widths = [40 + number % 7 for number in range(40)]
    alone = run(tmp_path, widths, name="out")
    with killing(tmp_path / "marks") as killed:
        many = on_s3(tmp_path, storage, "killed")
    assert killed
    assert told(many) == [one.replace(str(tmp_path), "s3://photos/killed") for one in told(alone)]
    here = {path.name: path.read_bytes() for path in (tmp_path / "out").glob("*.png")}
    counts = {name: count for name, count in versions(storage, "killed/out/").items() if NOTES not in name}
    assert counts == dict.fromkeys((f"killed/out/{name}" for name in here), 1)
    assert {name: storage.cat_file(f"photos/killed/out/{name}") for name in here} == here
    assert len(here) == len(widths)
    assert all(one.done_before for one in on_s3(tmp_path, storage, "killed", engine=None))


def test_a_poisoned_object_is_one_failed_record(tmp_path, storage, two_workers):
    run(tmp_path, [40, 41, 42], name="out")
    (tmp_path / "in" / "001.png").write_bytes(picture_bytes(torch.zeros(1, 3, 24, POISON)))
    outcomes = on_s3(tmp_path, storage, "poisoned")
    assert [one.verdict for one in outcomes] == ["restored", "failed", "restored"]
    assert (outcomes[1].failure, outcomes[1].input) == ("process died", "s3://photos/poisoned/in/001.png")
    assert len(versions(storage, "poisoned/out/0")) == 2
