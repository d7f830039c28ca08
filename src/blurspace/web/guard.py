"""Whose requests are answered? Of this machine's own page, or of who has the token; of no other page, under no name.

A page of the web may make a browser send requests here. Those that change something carry the page's Origin; those that
come by a foreign name that was bent to 127.0.0.1 (DNS rebinding) carry that name as Host. Both are refused. Where the
server listens to more than this machine, a secret token is wanted too.
"""

import hmac
import ipaddress
import re
import socket
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from typing import Any
from urllib.parse import parse_qs

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

TOKEN = "blurspace-token"  # the name of a cookie
SAFE = ("GET", "HEAD", "OPTIONS")
# Everything comes from here, nothing is inline, nobody may frame it (W3C: Content Security Policy 3).
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
HEADERS = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=()",
    "cache-control": "no-store",
}
HOST = re.compile(r"(?P<name>\[[0-9a-fA-F:.]+\]|[^:\[\]@/\s]+)(:(?P<port>\d{1,5}))?")


class Guard:
    """Stands before an app (ASGI). `token`: None where only this machine can ask. `port`: None for any.

    `name`: under which it was told to listen, and may be asked, beside localhost and addresses.
    """

    def __init__(self, app: App, *, token: str | None = None, port: int | None = None, name: str = "localhost") -> None:
        """Keep them."""
        self.app, self.token, self.port, self.name = app, token, port, name.lower()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer, or refuse; each answer gets the headers that keep browsers strict."""
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return
        if scope["method"] == "HEAD":  # as GET, of whose answer servers leave the body out (RFC 9110, section 9.3.2)
            scope = {**scope, "method": "GET"}
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}

        async def strict(message: Message) -> None:
            if message["type"] == "http.response.start":
                given = list(message.get("headers", []))
                own = {name.lower() for name, _ in given}
                more = [(name.encode(), value.encode()) for name, value in HEADERS.items() if name.encode() not in own]
                message["headers"] = [*given, *more]
            await send(message)

        if refused := self.refusal(scope["method"], scope["path"], headers):
            await _answer(strict, 403, refused)
        elif self.token is None or self.knows(headers):
            await self.app(scope, receive, strict)
        elif self.brings(scope):
            cookie = f"{named(TOKEN, self.port)}={self.token}; HttpOnly; SameSite=Strict; Path=/"
            # No redirection: after a click on another page's link, browsers follow it without a Strict cookie.
            again = [(b"refresh", b"0; url=/"), (b"set-cookie", cookie.encode())]
            await _answer(strict, 200, "the page opens", again)
        else:
            await _answer(strict, 401, "this server wants its token: open the address that blurspace web printed")

    def refusal(self, method: str, path: str, headers: dict[str, str]) -> str | None:
        """Why a request is not even looked at, in a sentence; None where it may pass."""
        host = headers.get("host", "")
        if not self.is_ours(host):
            return "this server answers to this machine's address only, and was asked by another name"
        # Links may lead to the page, not into the API, which would take who brings no Strict cookie for a new visitor.
        followed = headers.get("sec-fetch-mode") == "navigate" and not path.startswith("/api/")
        if headers.get("sec-fetch-site") in ("cross-site", "same-site") and not followed:
            return "another page asked, and this server answers only its own"
        if method in SAFE:
            return None
        origin = headers.get("origin")
        if origin is not None and origin not in (f"http://{host}", f"https://{host}"):
            return "another page asked, and this server answers only its own"
        return None

    def is_ours(self, host: str) -> bool:
        """Whether a Host header names this machine: by an address or its own name, which no foreign DNS can bend."""
        found = HOST.fullmatch(host)
        if not found or (self.port is not None and int(found["port"] or 80) != self.port):
            return False
        name = found["name"].lower()
        if name in ("localhost", self.name) or (self.token is not None and name == socket.gethostname().lower()):
            return True
        try:
            address = ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return address.is_loopback or self.token is not None

    def knows(self, headers: dict[str, str]) -> bool:
        """Whether a request shows the token, as a cookie or as `Authorization: Bearer`."""
        return any(
            self.matches(one) for one in (cookies(headers).get(named(TOKEN, self.port)), _bearer(headers)) if one
        )

    def brings(self, scope: Message) -> bool:
        """Whether it asks for the page with the token in its address, which then becomes a cookie."""
        query = parse_qs(scope.get("query_string", b"").decode("latin-1"))
        return bool(scope["path"] == "/" and any(map(self.matches, query.get("token", []))))

    def matches(self, given: str) -> bool:
        """Whether it is the token, in a time that tells nothing of it."""
        return hmac.compare_digest(given.encode(), (self.token or "").encode())


def named(cookie: str, port: int | None) -> str:
    """A cookie's name with the port: browsers send the cookies of one port to all others too."""
    return cookie if port is None else f"{cookie}-{port}"


def cookies(headers: dict[str, str]) -> dict[str, str]:
    """The cookies of a request; none where they cannot be read."""
    try:
        return {name: one.value for name, one in SimpleCookie(headers.get("cookie", "")).items()}
    except CookieError:
        return {}


def _bearer(headers: dict[str, str]) -> str | None:
    kind, _, value = headers.get("authorization", "").partition(" ")
    return value if kind.lower() == "bearer" else None


async def _answer(send: Send, status: int, sentence: str, headers: list[tuple[bytes, bytes]] | None = None) -> None:
    """A whole answer in plain text."""
    kind = [(b"content-type", b"text/plain; charset=utf-8"), *(headers or [])]
    await send({"type": "http.response.start", "status": status, "headers": kind})
    await send({"type": "http.response.body", "body": sentence.encode()})
