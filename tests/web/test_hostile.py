"""Do hostile uploads end in a sentence, and keep nothing: bombs, polyglots, names of paths, nothing, slow, cut off?"""

import io
import os
import socket
import struct
import sys
import threading
import time
import zlib
from contextlib import contextmanager

import numpy as np
import pytest
import uvicorn
from PIL import Image as Pil

from blurspace.web.app import build_app, build_server
from blurspace.web.limits import Limits
from blurspace.web.server import clean_name

from .quick import jpeg, make_quick, png
from .test_photos import added, done


def refused(client, data, status, name="photo.png"):
    answer = client.post("/api/photos", params={"name": name}, content=data)
    assert answer.status_code == status, answer.text
    told = answer.json()["detail"]
    assert told
    assert "\n" not in told
    assert "Traceback" not in told
    assert all(not one.photos for one in client.server.visitors._all.values())
    return told


def bomb(width=30_000, height=30_000):
    """A PNG of a few kilobytes that says that it has 900 megapixels."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + chunk(b"IEND", b"")


def test_a_bomb_is_not_decoded(serve):
    start = time.perf_counter()
    assert "limit of 50000000" in refused(serve(), bomb(), 415)
    assert time.perf_counter() - start < 2


def test_a_big_file_is_not_read(serve):
    client = serve(file_bytes=1000)
    assert "limit of 1000" in refused(client, bytes(1001), 413)
    assert "limit of 1000" in refused(client, iter([bytes(600), bytes(600)]), 413)  # that does not say how long it is
    assert client.server.arriving == client.server.uploads == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"<html><script>alert(1)</script></html>",
        b"%PDF-1.7 nothing",
        b"GIF89a" + bytes(40),
        b"MZ" + bytes(100),
        png()[:60],
        png()[:-30],
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"II*\0" + b"\xff" * 60,
        bytes(5000),
    ],
    ids=["empty", "html", "pdf", "gif", "exe", "head", "cut", "magic", "jpeg", "tiff", "zeros"],
)
def test_what_is_no_photo_is_refused(serve, data):
    refused(serve(), data, 415)


def test_a_photo_is_what_it_holds_and_not_what_it_is_called(serve):
    client = serve()
    photo = added(client, png(), "page.html")
    assert client.get(photo["view"]).headers["content-type"] == "image/png"


def test_a_polyglot_stays_a_picture(serve, monkeypatch):
    """A PNG with a page in it, behind its end: it is sent as a picture, and nothing may run in it."""
    make_quick(monkeypatch)
    client = serve()
    photo = added(client, png() + b"<html><script>alert(1)</script></html>", "x.html")
    shown = client.get(photo["view"])
    assert shown.headers["content-type"] == "image/png"
    assert shown.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in shown.headers["content-security-policy"]
    assert b"<script>" not in client.get(done(client, photo)["files"]["file"]).content


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\win.ini", "win.ini"),
        ("/etc/cron.d/x.png", "x.png"),
        ("C:evil.png", "C_evil.png"),
        ("..", "photo"),
        ("", "photo"),
        ("a\nb\0.png", "a_b_.png"),
        ("<img src=x>.png", "_img src=x_.png"),
        ('a".png', "a_.png"),
        ("x" * 500 + ".png", "x" * 116 + ".png"),
        ("Über Bö.png", "Über Bö.png"),
    ],
)
def test_names_are_no_paths(serve, monkeypatch, given, kept):
    assert clean_name(given).removeprefix("C_") == kept.removeprefix("C_")
    make_quick(monkeypatch)
    client = serve()
    result = done(client, added(client, name=given))
    header = client.get(result["files"]["file"]).headers["content-disposition"]
    assert "/" not in header
    assert "\\" not in header
    assert header.isascii()


class Writes:
    """Which files were opened for writing, while it listens; hooks of audits can be added, and never taken away."""

    def __init__(self):
        self.on, self.seen = False, []
        sys.addaudithook(self)

    def __call__(self, event, given):
        if self.on and event == "open" and (given[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            self.seen.append(given[0])


def test_nothing_is_written_to_disk(serve, monkeypatch, tmp_path):
    make_quick(monkeypatch)
    client, writes = serve(), Writes()
    result = done(client, added(client))  # what is imported late is here
    writes.on = True
    (tmp_path / "seen").write_text("this is")
    result = done(client, added(client, name="../x.png"))
    client.get(result["files"]["kernel_file"])
    writes.on = False
    assert writes.seen == [str(tmp_path / "seen")]


@pytest.mark.parametrize("path", ["/../app.py", "/%2e%2e/app.py", "/..%2fapp.py", "/page/index.html", "//etc/passwd"])
def test_addresses_are_no_paths(serve, path):
    assert serve().get(path).status_code == 404


def test_memory_is_bounded(serve):
    client = serve(held_bytes=2 * len(png()) + 100)
    for _ in range(2):
        added(client)
    answer = client.post("/api/photos", content=png())
    assert answer.status_code == 503
    assert answer.headers["retry-after"]
    assert "full" in answer.json()["detail"]


def test_kernels_count(serve):
    client = serve(held_bytes=2 * len(png()))
    path = f"/api/photos/{added(client)['id']}/kernels"
    body = {"values": [[1.0] * 31] * 31}  # 4 kB as it is kept
    assert client.post(path, json=body).status_code == 503
    small = {"values": [[1.0] * 5] * 5}
    before = next(iter(client.server.visitors._all.values())).size
    assert client.post(path, json=small).status_code == 201
    assert next(iter(client.server.visitors._all.values())).size == before + 100


def test_photos_are_counted(serve):
    client = serve(photos=1)
    added(client)
    assert client.post("/api/photos", content=png()).status_code == 429


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


def test_a_picture_of_many_frames_is_refused(serve):
    written = io.BytesIO()
    frames = [Pil.new("RGB", (32, 32), (n, 0, 0)) for n in range(3)]
    frames[0].save(written, "TIFF", save_all=True, append_images=frames[1:])
    assert "frames" in refused(serve(), written.getvalue(), 415)


def test_a_kernel_file_that_promises_too_much(serve):
    client, written = serve(), io.BytesIO()
    np.lib.format.write_array_header_1_0(written, {"descr": "<f8", "fortran_order": False, "shape": (99_999, 99_999)})
    answer = client.post(f"/api/photos/{added(client)['id']}/kernels/file", content=written.getvalue())
    assert answer.status_code == 415
    assert "more than the limit of 65025 values" in answer.json()["detail"]


def test_a_photo_is_no_kernel_file(serve):
    client = serve()
    answer = client.post(f"/api/photos/{added(client)['id']}/kernels/file", content=jpeg(width=400, height=300))
    assert answer.status_code == 415
    assert answer.json()["detail"].endswith("limit of 65025: give the small grey picture of a kernel")
