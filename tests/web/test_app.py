"""Is the page whole, small and by itself; is /api documented; do the other tabs get what they ask for?"""

import re

import pytest

from blurspace.io.files import SUFFIXES
from blurspace.web.app import PAGE, page_files

from .quick import png
from .test_photos import added, followed

MOST = 300_000  # bytes of the page and all that it loads: issue 19


def test_the_page_is_small_and_loads_nothing_from_elsewhere(serve):
    client = serve()
    assert sum(path.stat().st_size for path in page_files().values()) < MOST
    for name in ("", *page_files()):
        answer = client.get(f"/{name}")
        assert answer.status_code == 200
        if name.endswith((".html", ".js", ".css")):
            text = re.sub(r'xmlns="[^"]+"', "", answer.text)
            assert not re.search(r"(https?:)?//[a-z0-9-]+\.[a-z]", text), name
    assert client.get("/").text == (PAGE / "index.html").read_text()


def test_nothing_is_inline():
    """The policy forbids it, and a browser would leave it out."""
    for path in PAGE.glob("*.html"):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|\sstyle=|<style|javascript:", text), path


def test_every_module_says_what_it_answers():
    for path in PAGE.glob("*.js"):
        first = path.read_text().splitlines()[0]
        assert first.startswith("// "), path
        assert "?" in first, path
        assert len(path.read_text().splitlines()) <= 300


def test_what_scripts_look_for_is_on_the_page():
    text = (PAGE / "index.html").read_text() + (PAGE / "api.html").read_text()
    there = set(re.findall(r'\bid="([\w-]+)"', text))
    for path in PAGE.glob("*.js"):
        asked = set(re.findall(r'\b(?:by|reveal)\("([\w-]+)"[,)]', path.read_text()))
        assert asked <= there, path
    assert len(there) == len(re.findall(r'\bid="', (PAGE / "index.html").read_text())) + 1  # api.html has one more


def test_every_kind_of_photo_can_be_chosen():
    """Browsers know these of images; all others have to be said by their suffix."""
    known = {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp"}
    accept = re.search(r'id="choose"[^>]*accept="([^"]+)"', (PAGE / "index.html").read_text())
    assert accept
    assert set(accept[1].split(",")) | known == {"image/*"} | SUFFIXES


def test_the_api_is_documented(serve):
    client = serve()
    told = client.get("/api/openapi.json").json()
    assert told["info"]["title"] == "blurspace"
    for path, ways in told["paths"].items():
        assert path.startswith("/api/")
        for way in ways.values():
            assert way["description"], path
    for name in ("/docs", "/redoc"):  # FastAPI's load their scripts from elsewhere
        assert client.get(name).status_code == 404


def test_what_the_page_asks_is_in_the_api(serve):
    paths = serve().get("/api/openapi.json").json()["paths"]
    known = {re.sub(r"\{\w+\}", "*", path.removeprefix("/api/")) for path in paths}
    calls = r'(?:api\.|await )(?:get|remove|upload|post)\((?:`|")([^`"?]+)'
    for path in PAGE.glob("*.js"):
        for asked in re.findall(calls, path.read_text()):
            assert re.sub(r"\$\{[^}]+\}", "*", asked) in known, (path, asked)


def test_nothing_is_measured_for_others(serve, monkeypatch):
    """FastAPI would send telemetry where these say; none of it is on."""
    monkeypatch.setenv("FASTAPI_OTEL_AUTO_CONFIGURE", "true")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://203.0.113.1:4318")
    client = serve()
    assert client.get("/api/about").status_code == 200
    told = getattr(client.app.app, "_telemetry", {})  # older versions have none
    assert not any(told.get(name) for name in ("auto_configure", "tracing", "metrics", "logs"))


@pytest.mark.parametrize("name", ["shaken-fruit.jpg", "shaken-cereal.jpg"])
def test_examples(serve, name):
    assert serve().post(f"/api/examples/{name}").json()["name"] == name


def test_no_other_examples(serve):
    assert serve().post("/api/examples/..%2findex.html").status_code in (404, 405)
    assert serve().post("/api/examples/LICENCE.txt").status_code == 404


def test_a_blur_is_transferred(serve):
    client = serve()
    sharp, blurry, to = (added(client, png(96, 80, seed=seed), f"{seed}.png") for seed in range(3))
    job = client.post("/api/transfers", json={"sharp": sharp["id"], "blurry": blurry["id"], "to": to["id"]}).json()
    result = followed(client, job)[-1]["result"]
    assert result["name"] == "2.blurred.png"
    assert result["length_px"] > 0
    for what in ("file", "view", "code"):
        assert client.get(result["files"][what]).headers["content-type"] == "image/png"


def test_a_transfer_is_what_the_command_line_makes(serve, tmp_path):
    from blurspace.builders import build_space
    from blurspace.data.layouts import PairFiles
    from blurspace.jobs.files import Source
    from blurspace.jobs.transfer import Draw, extract_bank, transfer_files

    client, paths = serve(), []
    for seed in range(3):
        paths.append(tmp_path / f"{seed}.png")
        paths[-1].write_bytes(png(96, 80, seed=seed))
    ids = [added(client, path.read_bytes(), path.name)["id"] for path in paths]
    job = client.post("/api/transfers", json=dict(zip(("sharp", "blurry", "to"), ids, strict=True))).json()
    ours = client.get(followed(client, job)[-1]["result"]["files"]["file"]).content
    space = build_space()
    draw = Draw(extract_bank([PairFiles(*paths[:2], scene="")], space=space), space)
    list(transfer_files([Source(str(paths[2]))], draw=draw, output=tmp_path / "out"))
    assert ours == (tmp_path / "out" / "blur" / "2.png").read_bytes()


def test_two_sizes_are_no_pair(serve):
    client = serve()
    one, other = added(client), added(client, png(50, 50), "other.png")
    ids = {"sharp": one["id"], "blurry": other["id"], "to": one["id"]}
    last = followed(client, client.post("/api/transfers", json=ids).json())[-1]
    assert last["state"] == "failed"
    assert "other.png has 50 x 50" in last["error"]


def test_a_report_reaches_nowhere(serve):
    client = serve()
    page = (
        b"<html><LINK rel=preconnect href=http://x.example><li<link>nk><meta http-equiv=refresh><base\thref=/>"
        b"<iframe/srcdoc='&lt;link rel=preconnect>'></iframe><p>kept</p>"
    )
    shown = client.get(client.post("/api/reports", content=page).json()["view"])
    assert not re.search(rb"</?(link|meta|base|iframe)\b", shown.content.lower())
    assert b"<x-LINK rel" in shown.content
    assert b"</x-iframe><p>kept</p>" in shown.content
    assert shown.headers["x-dns-prefetch-control"] == "off"


def test_a_report_is_shown_in_a_sandbox(serve):
    client = serve()
    page = b"<!doctype html><title>a camera</title><script>alert(1)</script>"
    told = client.post("/api/reports", content=page).json()
    shown = client.get(told["view"])
    assert shown.content == page
    policy = shown.headers["content-security-policy"]
    assert policy.startswith("sandbox;")
    assert "script" not in policy  # default-src 'none' forbids all
    assert shown.headers["x-frame-options"] == "SAMEORIGIN"
    assert client.post("/api/reports", content=png()).status_code == 415
    client.cookies.clear()
    assert client.get(told["view"]).status_code == 404
