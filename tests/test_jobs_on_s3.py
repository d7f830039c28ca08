"""Does a real S3 server get the files that a disk gets, whatever the names are and whatever it refuses?

The server is moto's, in this process: pip install "moto[server,s3]" ".[store]".
"""

import logging
import os

import pytest

from blurspace.cli import main
from blurspace.io import store
from blurspace.jobs.deblur import deblur_files
from blurspace.jobs.files import find_sources
from blurspace.jobs.journal import NAME
from blurspace.jobs.stored import NOTES
from blurspace.jobs.wishes import Wishes

from .fakes import Fake, noisy_photos

NAMES = ("a.png", "b/odd [1] #%3F +é ~'&.png", "c  c.png")
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the server and its client


@pytest.fixture(scope="module")
def server():
    moto = pytest.importorskip("moto.server", reason='no S3 server is here: pip install "moto[server,s3]"')
    pytest.importorskip("s3fs", reason='S3 has no driver here: pip install ".[store]"')
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    one = moto.ThreadedMotoServer(ip_address="127.0.0.1", port=0)
    one.start()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", "http://{}:{}".format(*one.get_host_and_port()))
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
            patch.setenv(name, "us-east-1")
        yield one
    one.stop()


@pytest.fixture
def bucket(server, tmp_path):
    """An empty one, known to this process alone, and the same photos in it and in a folder."""
    import s3fs

    storage, name = s3fs.S3FileSystem(use_listings_cache=False), f"test-{os.getpid()}"
    if storage.exists(name):
        storage.rm(name, recursive=True)
    storage.mkdir(name)
    folder = noisy_photos(tmp_path / "in", NAMES)
    for photo in NAMES:
        storage.put_file(str(folder / photo), f"{name}/in/{photo}")
    return storage, name


def run(place, output):
    sources = find_sources([place], stored=True)
    wishes = Wishes(settings="as usual", plot=True)
    return list(deblur_files(sources, deblurrer=Fake(), output=output, wishes=wishes))


def objects(storage, place):
    found = (name for name in storage.find(place) if NOTES not in name)
    return {name.removeprefix(f"{place}/"): storage.cat_file(name) for name in found}


def tree(folder):
    found = (path for path in folder.rglob("*") if path.is_file() and path.name != NAME)
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_a_bucket_gets_what_a_folder_gets(bucket, tmp_path):
    storage, name = bucket
    here = run(str(tmp_path / "in"), str(tmp_path / "out"))
    there = run(f"s3://{name}/in", f"s3://{name}/out")
    assert [one.verdict for one in there] == ["restored"] * len(NAMES)
    assert [one.output for one in there] == [one.output.replace(str(tmp_path), f"s3://{name}") for one in here]
    assert objects(storage, f"{name}/out") == tree(tmp_path / "out")
    assert len(storage.find(f"{name}/out/{NOTES}")) == 1 + len(NAMES)
    assert all(one.done_before for one in run(f"s3://{name}/in/", f"s3://{name}/out/"))


def test_what_is_not_there_is_one_sentence(bucket, capsys):
    _, name = bucket
    for place, code in ((f"s3://{name}/none", 3), ("s3://no-such-bucket/in", 3)):
        assert main(["deblur", place]) == code
        assert f"{place} cannot be opened (there is no such place): check the name" in capsys.readouterr().err
    assert main(["deblur", f"s3://{name}/in", "-o", "s3://no-such-bucket/out"]) == 1
    assert "cannot be written (there is no such place)" in capsys.readouterr().err


def test_an_object_that_goes_away_fails_alone(bucket):
    storage, name = bucket
    sources = find_sources([f"s3://{name}/in"], stored=True)
    storage.rm_file(f"{name}/in/a.png")
    outcomes = list(deblur_files(sources, deblurrer=Fake(), output=f"s3://{name}/out", wishes=Wishes(settings="x")))
    assert [one.failure for one in outcomes] == ["unreadable", None, None]


def test_who_may_not_is_told_so(bucket, monkeypatch, capsys):
    """The server as one that checks keys, of which it has given none."""
    from moto.core import set_initial_no_auth_action_count

    _, name = bucket

    @set_initial_no_auth_action_count(0)
    def refused():
        return main(["deblur", f"s3://{name}/in"])

    assert refused() == 3
    assert "give this account the right to list, read and write there" in capsys.readouterr().err


def test_a_server_that_is_gone_fails_each_file_in_one_sentence(bucket, monkeypatch):
    _, name = bucket
    sources = find_sources([f"s3://{name}/in"], stored=True)
    place = store.place_of

    def gone(address):
        storage, known = place(address)
        options = {"endpoint_url": "http://127.0.0.1:9", "config_kwargs": {"retries": {"max_attempts": 0}}}
        elsewhere = type(storage)(**options)
        elsewhere.retries = 1
        return elsewhere, known

    outcomes = deblur_files(sources, deblurrer=Fake(), output=f"s3://{name}/out", wishes=Wishes(settings="x"))
    monkeypatch.setattr(store, "place_of", gone)
    for one in outcomes:
        assert one.failure == "unreadable"
        assert "Could not connect to the endpoint" in one.reason
        assert one.reason.endswith("check the credentials, the address of the server and the network")
