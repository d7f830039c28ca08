"""What can be asked about photos: add, show, restore, read or draw their blur, mask, forget?"""

from contextlib import suppress
from importlib.resources import files
from typing import Annotated, Any, Literal

import numpy as np
import torch
from fastapi import APIRouter, Query, Request, Response

from blurspace.io.images import as_kernel, kernel_bytes, kernel_in
from blurspace.jobs.each import describe_kernel
from blurspace.restore.region import Mask
from blurspace.types import Kernel
from blurspace.web import pictures
from blurspace.web.answers import about_photo, about_result, sent
from blurspace.web.limits import Refusal
from blurspace.web.models import Deblur, Drawn, Place
from blurspace.web.queue import Job
from blurspace.web.server import (
    BODY,
    Here,
    Route,
    Server,
    TheServer,
    Welcome,
    clean_name,
    one_of,
    photo_of,
)
from blurspace.web.visitors import File, Held, KeptKernel, Visitor
from blurspace.web.work import Wish, rounded

router = APIRouter(prefix="/api", tags=["photos"], route_class=Route)
EXAMPLES = ("shaken-cereal.jpg", "shaken-fruit.jpg")
LEAST_PLACE = 0.02  # of a side: less is a click, and no box
Name = Annotated[str, Query(max_length=1000)]


@router.post("/photos", status_code=201, openapi_extra=BODY)
async def add_photo(request: Request, server: TheServer, visitor: Welcome, name: Name = "photo") -> dict[str, Any]:
    """Add a photo: its file is the body, whose content says what it is."""
    if len(visitor.photos) >= server.limits.photos:
        raise Refusal(429, f"{len(visitor.photos)} photos are kept already, and no more fit: remove some")
    async with server.body(request, server.limits.file_bytes, visitor) as data:
        return await admitted(server, visitor, data, clean_name(name))


@router.post("/examples/{name}", status_code=201)
async def add_example(name: str, server: TheServer, visitor: Welcome) -> dict[str, Any]:
    """Add one of the photos that come with the page."""
    if name not in EXAMPLES:
        raise Refusal(404, f"there is no such example: ask for {EXAMPLES[0]}")
    data = files("blurspace.web").joinpath("page", "examples", name).read_bytes()
    with server.upload(len(data), visitor):
        return await admitted(server, visitor, data, name)


async def admitted(server: Server, visitor: Visitor, data: bytes, name: str) -> dict[str, Any]:
    """Decode a photo, keep it, and tell of it."""
    photo = await server.decoded(server.workshop.admit, data, name)
    server.visitors.room(photo.nbytes)
    server.visitors.keep(visitor.photos, photo, most=server.limits.photos, what="photos")
    return {**about_photo(photo), "kernels": []}


@router.get("/photos")
async def list_photos(request: Request, server: TheServer) -> list[dict[str, Any]]:
    """All photos of this visitor, with their last results, and the job that is under way."""
    visitor = server.visitors.find(request.cookies.get(server.cookie))
    if visitor is None:
        return []
    told = []
    for photo in list(visitor.photos.values()):
        jobs = [server.queue.told(job) for job in server.queue.under_way(visitor.id, photo.id)]
        kernels = [about_kernel(photo, name, kept) for name, kept in list(photo.kernels.items())]
        told.append({**about_photo(photo), "kernels": kernels, "job": jobs[-1] if jobs else None})
    return told


@router.delete("/photos/{photo}", status_code=204)
async def forget_photo(photo: str, server: TheServer, visitor: Here) -> Response:
    """Remove a photo, stop what is done to it, and delete its results."""
    photo_of(visitor, photo)
    server.queue.forget(visitor.id, photo)
    server.workshop.forget(photo)
    visitor.photos.pop(photo, None)
    return Response(status_code=204)


@router.get("/photos/{photo}/view")
async def view_photo(photo: str, visitor: Here) -> Response:
    """The photo, in a format that browsers show."""
    return sent(photo_of(visitor, photo).view)


@router.post("/photos/{photo}/deblur", status_code=202)
async def deblur(photo: str, asked: Deblur, server: TheServer, visitor: Here) -> dict[str, Any]:
    """Restore a photo: gives a job, whose result tells of it. Of the same photo, another strength needs no search."""
    held = photo_of(visitor, photo)
    kernel = None if asked.kernel is None else one_of(held.kernels, asked.kernel, "kernel").kernel
    region: Mask = "auto" if asked.mask == "auto" else None
    if asked.mask not in (None, "auto"):
        region = one_of(held.masks, str(asked.mask), "mask")
    force = asked.force and kernel is not None
    name = f"{asked.method} {asked.kernel} {asked.mask} {force}"
    wish = Wish(name, asked.strength, asked.method, kernel, force, region)
    held.asked = True

    def work(job: Job) -> dict[str, Any]:
        run = server.queue.run(job, server.workshop.how())
        if small := server.workshop.preview(held, wish, run):
            with suppress(Refusal):  # without room for a preview, the result may still fit
                shown = server.visitors.replace_oldest(held.previews, small, most=1)
                job.show(f"/api/photos/{photo}/previews/{shown}")
        outcome = server.workshop.deblur(held, wish, run)
        run.check()  # whoever cancelled wants no result
        outcome.told["asked"] = job.asked
        server.visitors.replace_oldest(held.results, outcome, most=server.limits.results)
        return about_result(f"/api/photos/{photo}/results", outcome)

    kept = server.workshop.is_kept(held, wish)
    expected = server.workshop.expected(held, asked.method, given=kernel is not None, kept=kept)
    return server.queue.told(
        server.queue.add(Job(work, visitor.id, photo, "deblur", expected, asked=asked.model_dump()))
    )


@router.get("/photos/{photo}/results/{result}/{what}")
async def result_file(photo: str, result: str, what: str, visitor: Here) -> Response:
    """A file of a result: `file`, `kernel_file` (to save), `view`, `kernel`, `field`, `map`."""
    outcome = one_of(photo_of(visitor, photo).results, result, "result")
    return sent(one_of(outcome.files, what, "file"), save=what in ("file", "kernel_file"))


@router.get("/photos/{photo}/previews/{preview}")
async def preview_file(photo: str, preview: str, visitor: Here) -> Response:
    """How another strength will look, smaller, while it is worked out: the job tells where."""
    return sent(one_of(photo_of(visitor, photo).previews, preview, "preview"))


@router.post("/photos/{photo}/masks", status_code=201, openapi_extra=BODY)
async def add_mask(photo: str, request: Request, server: TheServer, visitor: Here) -> dict[str, Any]:
    """Add a mask: a grey picture like the upright photo, white where it is to be restored."""
    held = photo_of(visitor, photo)
    async with server.body(request, server.limits.file_bytes, visitor) as data:
        mask = await server.decoded(server.workshop.mask, data, held)
        used = in_use(server, visitor, held, "mask")
        name = server.visitors.replace_oldest(held.masks, mask, most=server.limits.results, used=used)
    return {"id": name, "share": round(float(mask.sum()) / mask.numel() / 255, 4)}


@router.post("/photos/{photo}/places", status_code=202)
async def read_place(photo: str, asked: Place, server: TheServer, visitor: Here) -> dict[str, Any]:
    """Read the blur in one place of a photo: gives a job, whose result is a kernel."""
    held = photo_of(visitor, photo)
    if asked.right - asked.left < LEAST_PLACE or asked.bottom - asked.top < LEAST_PLACE:
        raise Refusal(422, "the place is too small, or inside out: draw a larger box")
    box = asked.left, asked.top, asked.right, asked.bottom

    def work(job: Job) -> dict[str, Any]:
        kernel = server.workshop.kernel_of(held, box, server.queue.run(job, server.workshop.how()))
        return {**kept_kernel(server, visitor, held, kernel, "read in a place of the photo"), "box": box}

    expected = server.workshop.expected(held, "auto", given=False, kept=False)
    return server.queue.told(server.queue.add(Job(work, visitor.id, photo, "place", expected)))


@router.post("/photos/{photo}/kernels", status_code=201)
async def add_drawn_kernel(photo: str, asked: Drawn, server: TheServer, visitor: Here) -> dict[str, Any]:
    """Add a kernel that was drawn, upright as the photo is shown."""
    held = photo_of(visitor, photo)
    if len({len(row) for row in asked.values}) != 1:
        raise Refusal(422, "the rows of the kernel differ in length: give them equally long")
    drawn = as_kernel(np.array(asked.values), name="the drawing")
    kernel = pictures.stored(drawn, held.orientation).contiguous()
    return kept_kernel(server, visitor, held, kernel, "drawn")


@router.post("/photos/{photo}/kernels/file", status_code=201, openapi_extra=BODY)
async def add_kernel_file(
    photo: str, request: Request, server: TheServer, visitor: Here, name: Name = "kernel"
) -> dict[str, Any]:
    """Add a kernel from a file, as `blurspace kernel --save` writes: a TIFF, a grey picture, or .npy."""
    held = photo_of(visitor, photo)
    most = server.limits.kernel_side**2
    async with server.body(request, server.limits.kernel_bytes, visitor) as data:
        kernel = await server.decoded(lambda: kernel_in(data, name=clean_name(name), max_pixels=most))
    if kernel.shape[-1] > server.limits.kernel_side:
        raise Refusal(422, f"the kernel is {kernel.shape[-1]} px wide: give one of {server.limits.kernel_side} at most")
    return kept_kernel(server, visitor, held, kernel, f"loaded from {clean_name(name)}")


@router.get("/photos/{photo}/kernels/{kernel}/{what}")
async def kernel_file(photo: str, kernel: str, what: Literal["file", "picture"], visitor: Here) -> Response:
    """A kernel as a float TIFF (`file`), which `--kernel` takes, or as a picture (`picture`), upright."""
    held = photo_of(visitor, photo)
    found = one_of(held.kernels, kernel, "kernel").kernel
    if what == "file":
        return sent(File(kernel_bytes(found), "image/tiff", "kernel.tiff"), save=True)
    return sent(pictures.kernel_picture(found, held.orientation))


def in_use(server: Server, visitor: Visitor, held: Held, what: Literal["kernel", "mask"]) -> set[str]:
    """The ids of the kernels or masks that a photo's results and jobs name: the page may come back to them."""
    asked = [one.told["asked"] for one in list(held.results.values())]
    asked += [job.asked for job in server.queue.under_way(visitor.id, held.id) if job.asked]
    return {one[what] for one in asked}


def kept_kernel(server: Server, visitor: Visitor, held: Held, kernel: Kernel, origin: str) -> dict[str, Any]:
    """Keep a kernel of a photo, and tell of it."""
    kept, used = KeptKernel(kernel, origin), in_use(server, visitor, held, "kernel")
    name = server.visitors.replace_oldest(held.kernels, kept, most=server.limits.kernels, used=used)
    return about_kernel(held, name, kept)


def about_kernel(held: Held, name: str, kept: KeptKernel) -> dict[str, Any]:
    """What the page is told of a kernel of a photo."""
    upright = pictures.upright(kept.kernel[0, 0], held.orientation)
    below = f"/api/photos/{held.id}/kernels/{name}"
    return {
        "id": name,
        "origin": kept.origin,
        **describe_kernel(kept.kernel),
        "values": rounded(torch.as_tensor(upright)),
        "files": {"file": f"{below}/file", "picture": f"{below}/picture"},
    }
