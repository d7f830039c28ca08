"""How do requests come to their answers? The server put together, with the page itself."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse

from blurspace import __version__
from blurspace.errors import BlurspaceError, MemoryExhaustedError, PictureError
from blurspace.jobs.each import sentence
from blurspace.web import others, photos
from blurspace.web.guard import Guard
from blurspace.web.limits import Limits, Refusal
from blurspace.web.queue import Queue
from blurspace.web.server import Server
from blurspace.web.visitors import Visitors
from blurspace.web.work import Workshop

PAGE = Path(__file__).parent / "page"
LOOK = PAGE.parent.parent / "pages" / "look.css"  # of all pages of blurspace
SUFFIXES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".jpg": "image/jpeg",
}
# Newer FastAPI sends what it measures to where variables of the environment say; ours tells nobody.
SILENT: Any = {"auto_configure": False, "tracing": False, "metrics": False, "logs": False}
INDEX, DOCUMENTED = "index.html", "api.html"


def build_server(limits: Limits | None = None, *, device: str = "auto") -> Server:
    """The server without its door: visitors, queue and workshop. Raises UsageError where the device is not there."""
    limits = limits or Limits()
    workshop = Workshop(limits, device=device)
    queue = Queue(workers=limits.workers, waiting=limits.waiting, job_seconds=limits.job_seconds)
    visitors = Visitors(limits)

    def forgotten(visitor: str, held: tuple[str, ...]) -> None:
        queue.forget(visitor)
        for photo in held:
            workshop.forget(photo)

    visitors.forgotten = forgotten
    return Server(limits, workshop, queue, visitors)


def build_app(server: Server, *, token: str | None = None, port: int | None = None, name: str = "localhost") -> Guard:
    """The app (ASGI). `token`: wanted of everybody, where more than this machine can ask.

    `port`: the only one that a Host header may name; `name`: what it may name beside localhost and addresses.
    """

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        sweeping = asyncio.create_task(server.sweep())
        yield
        sweeping.cancel()
        server.close()

    app = FastAPI(
        title="blurspace",
        version=__version__,
        description="Finds, shows and removes blur, on this machine.",
        docs_url=None,  # FastAPI's pages load their scripts from elsewhere; ours does not
        redoc_url=None,
        openapi_url="/api/openapi.json",
        telemetry=SILENT,
        lifespan=lifespan,
    )
    app.state.server, server.port = server, port
    app.include_router(photos.router)
    app.include_router(others.router)
    for kind in (Refusal, BlurspaceError, RequestValidationError):
        app.add_exception_handler(kind, _told)
    _serve_page(app)
    return Guard(app, token=token, port=port, name=name)


def page_files() -> dict[str, Path]:
    """What the page is made of, by its address below `/`."""
    own = {path.relative_to(PAGE).as_posix(): path for path in sorted(PAGE.rglob("*")) if path.suffix in SUFFIXES}
    return {**own, LOOK.name: LOOK}


def _serve_page(app: FastAPI) -> None:
    """Serve the files of the page, and nothing else: an address is looked up, and never becomes a path."""
    files = {name: (path.read_bytes(), SUFFIXES[path.suffix]) for name, path in page_files().items()}
    files |= {"": files[INDEX], "api": files[DOCUMENTED]}

    @app.get("/{name:path}", include_in_schema=False)
    async def page(name: str) -> Response:
        if name not in files:
            return JSONResponse({"detail": "there is no such page"}, 404)
        data, kind = files[name]
        return Response(data, media_type=kind)


async def _told(_: Request, error: Exception) -> Response:
    """An error as a status and one sentence."""
    if isinstance(error, Refusal):
        headers = {} if error.retry is None else {"retry-after": str(error.retry)}
        return JSONResponse({"detail": error.sentence}, error.status, headers)
    if isinstance(error, RequestValidationError):
        return JSONResponse({"detail": _first(error.errors())}, 422)
    status = 415 if isinstance(error, PictureError) else 503 if isinstance(error, MemoryExhaustedError) else 422
    return JSONResponse({"detail": sentence(error)}, status)


def _first(errors: Any) -> str:
    """The first thing that is wrong with a request, in a sentence."""
    one = errors[0] if errors else {"loc": (), "msg": "it cannot be read"}
    if one.get("type") == "json_invalid":
        return f"the request is no JSON: from character {one['loc'][-1]} on it cannot be read"
    where = ".".join(str(part) for part in one["loc"] if part != "body")
    return f"{where or 'the request'}: {one['msg']}"
