"""Does `blurspace web` listen where it is told, say where, and say what is missing?"""

import socket
import sys
import threading
from types import SimpleNamespace

import pytest

from blurspace.cli.pages import ANNOUNCER, _listening, _reached

from .test_cli import run  # noqa: F401 - a fixture


@pytest.fixture
def started(monkeypatch):
    """In the place of a server that runs until Ctrl+C: one that is interrupted as soon as it has told where it is."""
    import uvicorn

    seen = SimpleNamespace(server=None, place=None, opened=[])

    def runs(self, sockets):
        seen.server, seen.place, self.started = self, sockets[0].getsockname(), True
        for thread in threading.enumerate():
            if thread.name == ANNOUNCER:
                thread.join(5)
        raise KeyboardInterrupt

    def build(limits, device):
        workshop = SimpleNamespace(warm=lambda: None, device=device)
        return SimpleNamespace(limits=limits, workshop=workshop, close=lambda: None)

    monkeypatch.setattr("blurspace.web.app.build_server", build)
    monkeypatch.setattr(uvicorn.Server, "run", runs)
    monkeypatch.setattr("webbrowser.open", seen.opened.append)
    return seen


def test_it_listens_to_this_machine(run, started):  # noqa: F811
    told = run("web", "--port", "0", "--max-pixels", "1000")
    host, port = started.place
    assert host == "127.0.0.1"
    assert told.code == 0, told.err
    assert told.out == f"http://127.0.0.1:{port}/\n"
    assert started.opened == [f"http://127.0.0.1:{port}/"]
    guard = started.server.config.app
    assert (guard.token, guard.port) == (None, port)
    assert guard.app.state.server.limits.pixels == 1000


def test_others_need_a_token(run, started):  # noqa: F811
    told = run("web", "--port", "0", "--host", "0.0.0.0", "--no-browser")
    guard = started.server.config.app
    assert len(guard.token) >= 24
    assert told.out.strip().endswith(f"/?token={guard.token}")
    assert started.opened == []
    assert "://0.0.0.0" not in told.out  # which no browser of another machine can open


@pytest.mark.parametrize("host", ["localhost.evil.lan", "127.example.com", "darkroom"])
def test_a_name_is_judged_by_where_it_listens(run, started, monkeypatch, host):  # noqa: F811
    """Not by how it begins; and the address that is printed is one that the server answers to."""
    create = socket.create_server
    for bound, secret in (("0.0.0.0", True), ("127.0.0.1", False)):  # what a resolver makes of it
        monkeypatch.setattr(socket, "create_server", lambda at, bound=bound, **how: create((bound, at[1]), **how))
        told = run("web", "--port", "0", "--host", host, "--no-browser")
        guard = started.server.config.app
        assert (guard.token is not None) == secret
        assert told.out.startswith(f"http://{host}:{guard.port}/")
        assert guard.is_ours(f"{host}:{guard.port}")


@pytest.mark.skipif(not socket.has_dualstack_ipv6(), reason="there is no IPv6 here")
def test_all_addresses_are_those_of_ipv4_too():
    with _listening("::", 0) as heard, socket.create_connection(("127.0.0.1", heard.getsockname()[1]), 5):
        pass


def test_all_addresses_are_told_as_one_that_others_reach(monkeypatch):
    assert [_reached(host) for host in ("127.0.0.1", "::1", "192.168.0.7")] == ["127.0.0.1", "[::1]", "192.168.0.7"]

    ways = []

    class Way(socket.socket):
        def connect(self, _):
            if not ways:
                raise OSError("no network")

        def getsockname(self):
            return ways[0], 40000

    monkeypatch.setattr(socket, "socket", Way)
    assert [_reached(host) for host in ("0.0.0.0", "::", "")] == ["127.0.0.1"] * 3
    ways.append("10.1.2.3")
    assert [_reached(host) for host in ("0.0.0.0", "::", "")] == ["10.1.2.3"] * 3


def test_a_port_that_is_taken(run):  # noqa: F811
    with socket.create_server(("127.0.0.1", 0)) as taken:
        told = run("web", "--port", taken.getsockname()[1], "--no-browser")
    assert told.code == 2
    assert "give another --port" in told.err
    assert told.err.count("\n") == 1


def test_an_address_that_is_none(run):  # noqa: F811
    told = run("web", "--host", "192.0.2.1", "--no-browser")
    assert told.code == 2
    assert "nothing can listen at 192.0.2.1" in told.err


def test_without_its_extra(run, monkeypatch):  # noqa: F811
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    told = run("web")
    assert told.code == 2
    assert 'pip install ".[web]"' in told.err
    assert told.err.count("\n") == 1
