"""Are bodies bounded in size, time and number, until what is made of them is kept?"""

import socket
import threading
import time
from contextlib import contextmanager

import pytest
import uvicorn

from blurspace.web.app import build_app, build_server
from blurspace.web.limits import Limits

from .quick import png


@contextmanager
def listening(**limits):
    """A real server on a real socket; gives its port and what is behind it."""
    behind = build_server(Limits(**limits), device="cpu")
    heard = socket.create_server(("127.0.0.1", 0))
    port = heard.getsockname()[1]
    config = uvicorn.Config(build_app(behind, port=port), log_level="critical", http="h11", ws="none", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [heard]}, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.005)
    yield port, behind
    server.should_exit = True
    thread.join(5)
    behind.close()
    heard.close()


def head(port, length, path="photos"):
    lines = f"POST /api/{path} HTTP/1.1", f"Host: 127.0.0.1:{port}", f"Content-Length: {length}", "", ""
    return "\r\n".join(lines).encode()


def test_a_slow_body_is_not_waited_for():
    with listening(upload_seconds=0.3) as (port, behind), socket.create_connection(("127.0.0.1", port)) as asked:
        asked.sendall(head(port, 1000) + b"\x89PNG")
        answer = b""
        while b"took longer" not in answer and (more := asked.recv(4000)):  # head and body may come apart
            answer += more
        assert b" 408 " in answer.split(b"\r\n")[0]
        assert b"took longer" in answer
        assert behind.uploads == behind.arriving == 0


def test_a_connection_that_is_cut_leaves_nothing():
    with listening() as (port, behind):
        with socket.create_connection(("127.0.0.1", port)) as asked:
            asked.sendall(head(port, 1000) + bytes(500))
            while not behind.arriving:
                time.sleep(0.005)
        late = time.monotonic() + 5
        while behind.uploads and time.monotonic() < late:
            time.sleep(0.005)
        assert behind.uploads == behind.arriving == 0
        assert all(not one.photos for one in behind.visitors._all.values())


def test_too_many_uploads_at_once_are_told_to_wait():
    with listening(uploads=1) as (port, behind), socket.create_connection(("127.0.0.1", port)) as first:
        first.sendall(head(port, 1000) + bytes(10))
        while not behind.uploads:
            time.sleep(0.005)
        with socket.create_connection(("127.0.0.1", port)) as second:
            second.sendall(head(port, 10) + bytes(10))
            assert b" 503 " in second.recv(4000).split(b"\r\n")[0]


def test_what_waits_to_be_decoded_is_an_upload_still():
    """Else any number of bodies could wait in memory for the threads that decode."""
    with listening(uploads=1) as (port, behind), socket.create_connection(("127.0.0.1", port)) as first:
        opened, admit = threading.Event(), behind.workshop.admit
        behind.workshop.admit = lambda *given: opened.wait(5) and admit(*given)
        first.sendall(head(port, len(png())) + png())
        while not behind.decoders._threads:
            time.sleep(0.005)
        time.sleep(0.1)
        assert (behind.uploads, behind.arriving) == (1, len(png()))
        with socket.create_connection(("127.0.0.1", port)) as second:
            second.sendall(head(port, len(png())) + png())
            assert b" 503 " in second.recv(4000).split(b"\r\n")[0]
        opened.set()
        assert b" 201 " in first.recv(4000).split(b"\r\n")[0]
        assert behind.uploads == behind.arriving == 0


def test_the_memory_is_shared_by_uploads_that_arrive():
    with listening(held_bytes=1500) as (port, behind), socket.create_connection(("127.0.0.1", port)) as first:
        first.sendall(head(port, 1000))
        while not behind.uploads:
            time.sleep(0.005)
        with socket.create_connection(("127.0.0.1", port)) as second:
            second.sendall(head(port, 1000))
            assert b" 503 " in second.recv(4000).split(b"\r\n")[0]


@pytest.mark.parametrize("path", ["photos/x/deblur", "photos/x/places", "photos/x/kernels", "transfers"])
def test_json_without_an_end_is_not_read(serve, path):
    client = serve()
    endless = [b"{", *[b" " * 100_000] * 30]  # 3 MB
    for content in (b"".join(endless), iter(endless)):
        answer = client.post(f"/api/{path}", content=content, headers={"content-type": "application/json"})
        assert answer.status_code == 413, answer.text
        assert "limit of 2000000" in answer.json()["detail"]
    assert client.server.uploads == client.server.arriving == 0


def test_slow_json_is_not_waited_for():
    with listening(upload_seconds=0.3) as (port, _), socket.create_connection(("127.0.0.1", port)) as asked:
        asked.settimeout(5)
        asked.sendall(head(port, 1000, "transfers") + b"{")
        assert b" 408 " in asked.recv(4000).split(b"\r\n")[0]
