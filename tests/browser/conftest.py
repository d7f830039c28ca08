"""A real server, a real browser, and no way to anywhere else. Run by `make browser`; skipped else."""

import importlib.util
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import shake
from blurspace.io.images import encode_photo
from blurspace.types import Photo

ROOT = Path(__file__).parent.parent.parent
AXE = ROOT / "build" / "axe" / "package" / "axe.min.js"
CHROMIUM = shutil.which("chromium")
MISSING = (
    "tests in a browser take a minute, and are run by `make browser`"
    if not os.environ.get("BLURSPACE_BROWSER")
    else "Debian's chromium is not here: run `make browser`"
    if CHROMIUM is None
    else "playwright is not here: run `make browser`"
    if importlib.util.find_spec("playwright") is None
    else ""
)


def pytest_collection_modifyitems(items):
    for item in items:
        if MISSING and Path(item.path).parent == Path(__file__).parent:
            item.add_marker(pytest.mark.skip(reason=MISSING))


@contextmanager
def serving(*options):
    """Where `blurspace web` says that it is."""
    command = [sys.executable, "-m", "blurspace", "web", "--port", "0", "--no-browser", "--device", "cpu", *options]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "OMP_NUM_THREADS": "1"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


@pytest.fixture(scope="session")
def address():
    """A server that all tests share."""
    with serving() as told:
        yield told


@pytest.fixture(scope="session")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.fixture
def visit(browser, address):
    """Open the page as a new visitor; fails at its end where anything was asked of another host, or an error came."""
    strangers, errors = [], []

    def check(route):
        url = route.request.url
        if url.startswith((address, "data:", "blob:")):
            route.continue_()
        else:
            strangers.append(url)
            route.abort()

    @contextmanager
    def opened(path="", *, wrong="", **how):
        context = browser.new_context(accept_downloads=True, **{"viewport": {"width": 1280, "height": 860}, **how})
        context.route("**/*", check)
        page = context.new_page()
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on("console", lambda told: told.type == "error" and errors.append(told.text))  # `wrong`: what is expected
        page.goto(address + path)
        if not path.startswith("api"):
            page.wait_for_selector("html[data-ready]")
        try:
            yield page
        finally:
            context.close()
            errors[:] = [error for error in errors if not wrong or wrong not in error]

    yield opened
    assert strangers == []
    assert errors == []


@pytest.fixture(scope="session")
def shaken(tmp_path_factory):
    """A small photo that is shaken, as a file."""
    from ..restore.scenes import made_scene

    sharp, kernel = (
        made_scene(480, seed=3, channels=3),
        shake(13, extent=11, generator=torch.Generator().manual_seed(4)),
    )
    blurry = photograph(sharp, kernel, sigma=0.004, round8=True, border="valid", response="linear")
    path = tmp_path_factory.mktemp("photos") / "shaken.png"
    path.write_bytes(encode_photo(Photo.of(blurry), blurry))
    return path
