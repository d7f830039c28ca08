"""What is answered: files that are shown or saved, what is told of photos and results, and how far a job is?"""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from fastapi import Response

from blurspace.web.queue import Job
from blurspace.web.server import Server
from blurspace.web.visitors import File, Held, Outcome, Visitor

# Of what visitors brought: nothing in it may run, wherever it is opened.
INERT = "default-src 'none'; sandbox"
LOOK, STILL = 0.05, 10.0  # seconds between looks at a job, and those after which even a silent one is heard of


def sent(file: File, *, save: bool = False, policy: str = INERT) -> Response:
    """An answer with a file; `save`: a browser is to save it under its name."""
    headers = {"content-security-policy": policy}
    if save:
        headers["content-disposition"] = f"attachment; filename*=UTF-8''{quote(file.name or 'blurspace', safe='')}"
    return Response(file.data, media_type=file.kind, headers=headers)


def about_photo(photo: Held) -> dict[str, Any]:
    """What the page is told of a photo."""
    return {
        "id": photo.id,
        "name": photo.file.name,
        "width": photo.width if photo.orientation < 5 else photo.height,
        "height": photo.height if photo.orientation < 5 else photo.width,
        "bytes": len(photo.file.data),
        "view": f"/api/photos/{photo.id}/view",
        "asked": photo.asked,
        "results": [about_result(f"/api/photos/{photo.id}/results", one) for one in list(photo.results.values())],
    }


def about_result(below: str, outcome: Outcome) -> dict[str, Any]:
    """What the page is told of a result, and where its files are."""
    files = {what: f"{below}/{outcome.id}/{what}" for what in outcome.files}
    name = outcome.files["file"].name if "file" in outcome.files else None
    return {"id": outcome.id, **outcome.told, "files": files, "name": name}


async def events(server: Server, visitor: Visitor, job: Job) -> AsyncIterator[str]:
    """What is told of a job, as server-sent events, whenever it changes, until it ends."""
    last, quiet = "", 0.0
    while True:
        over = job.ended is not None  # before it is told, so that the end is
        told = json.dumps(server.queue.told(job))
        if told != last or quiet > STILL:
            yield ": still here\n\n" if told == last else f"data: {told}\n\n"
            last, quiet = told, 0.0
            server.visitors.find(visitor.id)  # who watches is not idle
        if over:
            return
        await asyncio.sleep(LOOK)
        quiet += LOOK
