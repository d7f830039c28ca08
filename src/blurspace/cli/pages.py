"""Which verb shows a page in the browser? `web`."""

import ipaddress
import secrets
import socket
import threading
import time
from typing import TYPE_CHECKING, Annotated

from typer import Option

from blurspace.cli.options import Device
from blurspace.cli.run import verb
from blurspace.console import Console
from blurspace.errors import UsageError, install

if TYPE_CHECKING:
    import uvicorn

NEEDS = f"blurspace web needs fastapi and uvicorn, and they are not here: {install('web')}"
EVERYWHERE = ("0.0.0.0", "::", "")
ELSEWHERE = "192.0.2.1"  # nobody's (RFC 5737)
ANNOUNCER = "blurspace-announcer"  # a thread
PATIENCE = 60.0  # seconds, for the server to start


@verb
def web(
    console: Console,
    *,
    host: Annotated[
        str, Option("--host", help="Listen here. Others than 127.0.0.1 can be asked by other machines, with a token.")
    ] = "127.0.0.1",
    port: Annotated[int, Option("--port", min=0, max=65535, help="Listen here; 0: any that is free.")] = 8765,
    no_browser: Annotated[bool, Option("--no-browser", help="Print the address, open no browser.")] = False,
    max_pixels: Annotated[int, Option("--max-pixels", min=1, help="Refuse photos with more.")] = 50_000_000,
    device: Device = "auto",
) -> int:
    """Show a page in the browser: drop photos, look at what is made of them. Ends with Ctrl+C."""
    try:
        import uvicorn

        from blurspace.web.app import build_app, build_server
    except ImportError as problem:
        if (problem.name or "").partition(".")[0] not in ("fastapi", "uvicorn", "starlette", "pydantic"):
            raise
        raise UsageError(NEEDS) from problem
    from blurspace.web.limits import Limits

    listening = _listening(host, port)
    bound, port = listening.getsockname()[:2]
    token = None if ipaddress.ip_address(bound).is_loopback else secrets.token_urlsafe(24)
    server = build_server(Limits(pixels=max_pixels), device=device)
    threading.Thread(target=server.workshop.warm, daemon=True).start()
    config = uvicorn.Config(
        build_app(server, token=token, port=port, name=host),
        log_level="error",
        access_log=False,
        server_header=False,
        http="h11",
        ws="none",
        timeout_graceful_shutdown=1,
    )
    shown = _reached(host)
    address = f"http://{shown}:{port}/" + ("" if token is None else f"?token={token}")
    running = uvicorn.Server(config)
    told = running, console, address, not no_browser
    threading.Thread(target=_announce, args=told, name=ANNOUNCER, daemon=True).start()
    with listening:
        try:
            running.run(sockets=[listening])
        except KeyboardInterrupt:
            console.message("stopped")
    return 0


def _listening(host: str, port: int) -> socket.socket:
    """A socket that listens. Raises UsageError where that cannot be."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        both = host == "::" and socket.has_dualstack_ipv6()  # all addresses, also those of IPv4
        return socket.create_server((host, port), family=family, dualstack_ipv6=both)
    except (OSError, OverflowError) as problem:
        given = f"nothing can listen at {host} port {port} ({getattr(problem, 'strerror', None) or problem})"
        raise UsageError(f"{given}: give another --port, or 0 for any that is free, or another --host") from problem


def _reached(host: str) -> str:
    """What stands for a host in an address: for all of this machine's, the one that others reach it by."""
    if host not in EVERYWHERE:
        return f"[{host}]" if ":" in host else host
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((ELSEWHERE, 9))  # UDP: only the way there is looked up, and nothing is sent
            return str(asked.getsockname()[0])
        except OSError:
            return "127.0.0.1"


def _announce(running: "uvicorn.Server", console: Console, address: str, browser: bool) -> None:
    """Tell the address as soon as somebody answers there, and show it."""
    late = time.monotonic() + PATIENCE
    while not running.started:
        if running.should_exit or time.monotonic() > late:
            return
        time.sleep(0.02)
    console.data({"address": address}, address)
    console.message("the page is there until Ctrl+C; photos stay on this machine, and are forgotten at the end")
    if browser:
        import webbrowser

        webbrowser.open(address)
