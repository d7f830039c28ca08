"""What do all requests share: the limits, the visitors, the queue, and how a body is read without trusting it?"""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath, PureWindowsPath
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message

from blurspace.web.guard import named
from blurspace.web.limits import Limits, Refusal, busy
from blurspace.web.queue import Queue
from blurspace.web.visitors import COOKIE, Held, Visitor, Visitors
from blurspace.web.work import Workshop

T = TypeVar("T")
SWEEP = 30.0  # seconds between looks for those who are idle
DECODERS = 2  # threads in which uploads are decoded, beside the work
LONGEST_NAME = 120


@dataclass(eq=False)
class Server:
    """All of it. `workshop`: does the work; `queue`: says whose turn it is."""

    limits: Limits
    workshop: Workshop
    queue: Queue
    visitors: Visitors
    port: int | None = None  # cookies do not tell ports apart
    uploads: int = 0
    arriving: int = 0  # bytes of these, as they were announced
    decoders: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(DECODERS, "blurspace-decoder"))

    @property
    def cookie(self) -> str:
        """The name of the cookie by which a visitor is known."""
        return named(COOKIE, self.port)

    async def decoded(self, work: Callable[..., T], *given: Any) -> T:
        """What `work` makes of something, in a thread beside."""
        return await asyncio.get_running_loop().run_in_executor(self.decoders, work, *given)

    @contextmanager
    def upload(self, size: int, visitor: Visitor | None = None) -> Iterator[None]:
        """A place for an upload of so many bytes, until what is made of them is kept. Raises Refusal."""
        if self.uploads >= self.limits.uploads:
            raise busy(f"{self.uploads} uploads are under way already: try again in a while")
        self.visitors.room(self.arriving + size)
        whose = visitor or Visitor()  # a new one is nobody's
        self.uploads, self.arriving, whose.uploads = self.uploads + 1, self.arriving + size, whose.uploads + 1
        try:
            yield
        finally:
            self.uploads, self.arriving, whose.uploads = self.uploads - 1, self.arriving - size, whose.uploads - 1

    @asynccontextmanager
    async def body(self, request: Request, most: int, visitor: Visitor | None = None) -> AsyncIterator[bytes]:
        """All of a body of at most so many bytes, which count as an upload until the context ends.

        Raises Refusal where it is longer, too slow, cut off, or no room.
        """
        told = request.headers.get("content-length", str(most))
        if not told.isdecimal():
            raise Refusal(400, "the length of the upload is no number")
        if int(told) > most:
            raise Refusal(413, f"the upload has {int(told)} bytes, more than the limit of {most}: give a smaller one")
        with self.upload(int(told), visitor):
            yield await self._read(request, int(told))

    async def _read(self, request: Request, most: int) -> bytes:
        read = bytearray()
        try:
            async with asyncio.timeout(self.limits.upload_seconds):
                async for chunk in request.stream():
                    read += chunk
                    if len(read) > most:
                        raise Refusal(413, f"the upload has more bytes than the limit of {most}: give a smaller one")
        except TimeoutError:
            given = f"the upload took longer than {self.limits.upload_seconds:.0f} s"
            raise Refusal(408, f"{given}: try again, or give a smaller file") from None
        except ClientDisconnect:
            raise Refusal(400, "the upload was cut off: try again") from None
        return bytes(read)

    async def sweep(self) -> None:
        """Forget who was idle for long, again and again, also where nobody asks any more."""
        while True:
            await asyncio.sleep(min(SWEEP, self.limits.idle_seconds / 2))
            self.visitors.sweep()

    def close(self) -> None:
        """Stop all work."""
        self.queue.close()
        self.decoders.shutdown(wait=False, cancel_futures=True)


async def server_of(request: Request) -> Server:
    """The server of a request."""
    return request.app.state.server  # type: ignore[no-any-return]


TheServer = Annotated[Server, Depends(server_of)]


class Route(APIRoute):
    """A way into the API whose JSON is read as uploads are: FastAPI alone would read without an end."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """What answers a request."""
        answer = super().get_route_handler()

        async def bounded(request: Request) -> Response:
            server = await server_of(request)
            async with server.body(request, server.limits.kernel_bytes) as data:

                async def receive() -> Message:
                    return {"type": "http.request", "body": data, "more_body": False}

                return await answer(Request(request.scope, receive))

        return answer if self.body_field is None else bounded


async def visitor_here(request: Request, server: TheServer) -> Visitor:
    """Who asks. Raises Refusal where nothing is kept for this browser, or no more."""
    found = server.visitors.find(request.cookies.get(server.cookie))
    if found is None:
        raise Refusal(404, "nothing is kept for this browser, or no more: add the photo again")
    return found


async def visitor_welcome(request: Request, response: Response, server: TheServer) -> Visitor:
    """Who asks; a new one gets a cookie."""
    visitor = server.visitors.welcome(request.cookies.get(server.cookie))
    response.set_cookie(server.cookie, visitor.id, httponly=True, samesite="strict", path="/")
    return visitor


Here = Annotated[Visitor, Depends(visitor_here)]
Welcome = Annotated[Visitor, Depends(visitor_welcome)]
BODY = {"requestBody": {"required": True, "content": {"application/octet-stream": {"schema": {"format": "binary"}}}}}


def photo_of(visitor: Visitor, photo: str) -> Held:
    """One of a visitor's photos. Raises Refusal."""
    return one_of(visitor.photos, photo, "photo")


def one_of(things: dict[str, T], name: str, what: str) -> T:
    """The thing of that id. Raises Refusal where there is none."""
    if name not in things:
        raise Refusal(404, f"there is no such {what}, or no more: make it again")
    return things[name]


def clean_name(given: str) -> str:
    """A file's name as a visitor gave it, without folders or signs that mean something to a file system."""
    last = PureWindowsPath(PurePosixPath(given).name).name
    kept = "".join(letter if letter.isprintable() and letter not in '<>:"/\\|?*' else "_" for letter in last)
    return kept.rstrip(". ")[-LONGEST_NAME:].lstrip() or "photo"
