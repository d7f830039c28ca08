"""Do hostile uploads end in a sentence, and keep nothing: bombs, polyglots, names of paths, nothing, slow, cut off?"""

import io
import os
import struct
import sys
import time
import zlib

import numpy as np
import pytest
from PIL import Image as Pil

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
        (".hidden.png", ".hidden.png"),
        ("x" * 10 + " " * 5 + "y" * 112 + ".png", "y" * 112 + ".png"),
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
    before = next(iter(client.server.visitors._all.values())).nbytes
    assert client.post(path, json=small).status_code == 201
    assert next(iter(client.server.visitors._all.values())).nbytes == before + 100


def test_photos_are_counted(serve):
    client = serve(photos=1)
    added(client)
    assert client.post("/api/photos", content=png()).status_code == 429


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
