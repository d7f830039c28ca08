"""What can be asked beside photos: how far a job is, a transfer of blur, the report of a camera, to be forgotten?"""

import re
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from blurspace import __version__
from blurspace.web.answers import about_result, events, sent
from blurspace.web.limits import Refusal
from blurspace.web.models import Transfer
from blurspace.web.photos import EXAMPLES
from blurspace.web.queue import Job
from blurspace.web.server import BODY, Here, Route, TheServer, Welcome, one_of, photo_of
from blurspace.web.visitors import File, Visitor
from blurspace.web.words import METHODS
from blurspace.web.work import TRANSFER_SECONDS

router = APIRouter(prefix="/api", route_class=Route)
# Of a report: its own styles and the pictures within it, and nothing else; it may stand in our page alone.
REPORT = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'"
HTML = (b"<!doctype html", b"<html")
# What connects elsewhere though the policy forbids to load anything, or holds another page, which may. Renamed, and not
# removed, so that what is left can form none of them anew.
OUTWARD = re.compile(rb"<(?=/?(link|meta|base|iframe|frame|frameset|object|embed|portal|fencedframe)\b)", re.IGNORECASE)


@router.get("/about", tags=["server"])
async def about(server: TheServer, _: Welcome) -> dict[str, Any]:
    """Which version this is, and what it takes. Asked first, it gives the cookie by which a visitor is known."""
    limits = server.limits
    return {
        "version": __version__,
        "device": server.workshop.device,
        "file_bytes": limits.file_bytes,
        "pixels": limits.pixels,
        "photos": limits.photos,
        "idle_minutes": round(limits.idle_seconds / 60),
        "methods": METHODS,
        "examples": EXAMPLES,
    }


@router.get("/jobs/{job}", tags=["jobs"])
async def job_state(job: str, server: TheServer, visitor: Here) -> dict[str, Any]:
    """How far a job is, and at its end the result."""
    return server.queue.told(_job(server, visitor, job))


@router.get("/jobs/{job}/events", tags=["jobs"])
async def job_events(job: str, server: TheServer, visitor: Here) -> StreamingResponse:
    """The same as server-sent events, until the job ends."""
    return StreamingResponse(events(server, visitor, _job(server, visitor, job)), media_type="text/event-stream")


@router.delete("/jobs/{job}", tags=["jobs"])
async def cancel_job(job: str, server: TheServer, visitor: Here) -> dict[str, Any]:
    """Stop a job."""
    found = _job(server, visitor, job)
    server.queue.cancel(found)
    return server.queue.told(found)


@router.post("/transfers", status_code=202, tags=["transfer"])
async def transfer(asked: Transfer, server: TheServer, visitor: Here) -> dict[str, Any]:
    """Give the blur between two photos to a third: gives a job."""
    sharp, blurry, to = (photo_of(visitor, name) for name in (asked.sharp, asked.blurry, asked.to))

    def work(job: Job) -> dict[str, Any]:
        run = server.queue.run(job, server.workshop.how())
        outcome = server.workshop.transfer(sharp, blurry, to, run)
        server.visitors.replace_oldest(visitor.transfers, outcome, most=server.limits.results)
        return about_result("/api/transfers", outcome)

    pixels = sum(one.width * one.height for one in (sharp, to))
    return server.queue.told(
        server.queue.add(Job(work, visitor.id, to.id, "transfer", TRANSFER_SECONDS * pixels / 1e6))
    )


@router.get("/transfers/{result}/{what}", tags=["transfer"])
async def transferred_file(result: str, what: str, visitor: Here) -> Response:
    """A file of a transfer: `file` (to save), `view`, `code`."""
    outcome = one_of(visitor.transfers, result, "result")
    return sent(one_of(outcome.files, what, "file"), save=what == "file")


@router.post("/reports", status_code=201, openapi_extra=BODY, tags=["adapt"])
async def add_report(request: Request, server: TheServer, visitor: Welcome) -> dict[str, str]:
    """Add the page that `blurspace adapt` wrote, to be shown: nothing in it can run."""
    async with server.body(request, server.limits.report_bytes, visitor) as data:
        if not data.lstrip()[:20].lower().startswith(HTML):
            raise Refusal(
                415, "this is no HTML page: give the .html file that blurspace adapt wrote beside the camera's"
            )
        kept = File(await server.decoded(tamed, data), "text/html; charset=utf-8", "camera.html")
    name = server.visitors.replace_oldest(visitor.reports, kept, most=server.limits.results)
    return {"id": name, "view": f"/api/reports/{name}"}


@router.get("/reports/{report}", tags=["adapt"])
async def report(report: str, visitor: Here) -> Response:
    """The page, in a sandbox."""
    found = sent(one_of(visitor.reports, report, "report"), policy=REPORT)
    found.headers["x-frame-options"] = "SAMEORIGIN"
    found.headers["x-dns-prefetch-control"] = "off"  # else names in links are looked up
    return found


@router.delete("/visitor", status_code=204, tags=["server"])
async def forget(server: TheServer, visitor: Here) -> Response:
    """Stop all work for this browser, and delete all that is kept for it."""
    server.visitors.drop(visitor.id)
    gone = Response(status_code=204)
    gone.delete_cookie(server.cookie, path="/")
    return gone


def tamed(page: bytes) -> bytes:
    """A page whose tags that reach outwards mean nothing any more."""
    return OUTWARD.sub(b"<x-", page).replace(b"<x-/", b"</x-")


def _job(server: TheServer, visitor: Visitor, name: str) -> Job:
    found = server.queue.find(name, visitor.id)
    if found is None:
        raise Refusal(404, "there is no such job, or no more: start it again")
    return found
