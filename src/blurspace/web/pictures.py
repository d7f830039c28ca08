"""What does a browser show: photos upright and in a format that it knows, kernels upon them, the map of their blur?

Photos lie in memory as their files store them; EXIF's orientation says how a camera was held. What is drawn on the page
is upright, and is turned back before it counts.
"""

import io

import torch
from PIL import Image as Pil
from torch import Tensor

from blurspace.blur.kernels import show
from blurspace.io.images import FORMATS, encode_photo
from blurspace.jobs.each import picture_bytes
from blurspace.levels import from_levels, to_levels
from blurspace.restore.blurs import FieldBlur
from blurspace.restore.observed import Observed
from blurspace.types import Blur, Kernel, Photo
from blurspace.web.visitors import File

KINDS = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp", "AVIF": "image/avif", "TIFF": "image/tiff"}
SHOWN = ("JPEG", "PNG", "WEBP", "AVIF")  # by all browsers
FIELD_SIDE, MAP_SIDE, KERNEL_SIDE = 1000, 256, 255  # px, of what is drawn
GRID = (3, 4)  # places at which one kernel for the whole photo is drawn, down and across
FILLED = 0.7  # of the room of a place, by its kernel
AMBER = (255, 196, 60)
# Of the map: colours that also those tell apart who see no red or green (Okabe and Ito 2008).
COLOURS = {"sharp": (0, 114, 178), "blurred": (213, 94, 0), "between": (240, 228, 66)}
COVER = 110  # of 255: how much of the photo the map covers
Box = tuple[float, float, float, float]  # left, top, right, bottom, as shares of a photo's sides


def format_in(data: bytes) -> str | None:
    """The format of a file by its content; None where it is none of those in the table."""
    return next((name for name, row in FORMATS.items() if row.matches(data)), None)


def kind_of(data: bytes) -> str:
    """The media type of a picture by its content."""
    return KINDS.get(format_in(data) or "", "application/octet-stream")


def viewable(data: bytes | None, photo: Photo, samples: Tensor, orientation: int) -> File:
    """What a browser shows of a photo with these samples, whose file is `data`: that file, or an upright PNG of it."""
    found = format_in(data) if data is not None else None
    if data is not None and found in SHOWN and (orientation == 1 or found == "JPEG"):
        return File(data, KINDS[found])
    plain = Photo(upright(to_levels(from_levels(samples)), orientation).contiguous(), icc=photo.icc)
    return File(encode_photo(plain, plain.samples), KINDS["PNG"])


def upright(picture: Tensor, orientation: int) -> Tensor:
    """A picture (... h w) as it is stored, turned and mirrored as EXIF's orientation (1 to 8) says."""
    turned = picture.transpose(-1, -2) if orientation >= 5 else picture
    flips = {2: [-1], 3: [-1, -2], 4: [-2], 6: [-1], 7: [-1, -2], 8: [-2]}
    return turned.flip(flips[orientation]) if orientation in flips else turned


def stored(picture: Tensor, orientation: int) -> Tensor:
    """What is upright (... h w), as a file of that orientation stores it."""
    return upright(picture, {6: 8, 8: 6}.get(orientation, orientation))


def stored_box(box: Box, orientation: int) -> Box:
    """A box of the upright photo, as one of the stored photo."""
    corners = [_stored_place(x, y, orientation) for x, y in (box[:2], box[2:])]
    (left, right), (top, bottom) = (sorted(place[axis] for place in corners) for axis in (0, 1))
    return left, top, right, bottom


def _stored_place(x: float, y: float, orientation: int) -> tuple[float, float]:
    places = {
        **{2: (1 - x, y), 3: (1 - x, 1 - y), 4: (x, 1 - y)},
        **{5: (y, x), 6: (y, 1 - x), 7: (1 - y, 1 - x), 8: (1 - y, x)},
    }
    return places.get(orientation, (x, y))


def kernel_picture(kernel: Kernel, orientation: int) -> File:
    """A kernel to look at, upright, white on black."""
    return File(picture_bytes(upright(show(kernel.cpu(), size=KERNEL_SIDE, sqrt=True), orientation)), KINDS["PNG"])


def field_picture(blur: Blur, size: tuple[int, int], orientation: int) -> File:
    """A layer to lay upon an upright photo of `size` (h, w, as stored): at each place its kernel, larger than it is."""
    share = FIELD_SIDE / max(size)
    height, width = (max(1, round(side * share)) for side in size)
    rows, columns = (blur.field.rows, blur.field.columns) if isinstance(blur, FieldBlur) else GRID
    if not isinstance(blur, FieldBlur) and height > width:
        rows, columns = columns, rows
    kernels = (
        blur.field.kernels.cpu()
        if isinstance(blur, FieldBlur)
        else blur.kernel.cpu().expand(rows * columns, -1, -1, -1)
    )
    side = max(3, round(FILLED * min(height / rows, width / columns)))
    drawn, layer = show(kernels, size=side, sqrt=True), torch.zeros(height, width)
    for node, one in enumerate(drawn):
        top = round((node // columns + 0.5) * height / rows - side / 2)
        left = round((node % columns + 0.5) * width / columns - side / 2)
        layer[top : top + side, left : left + side] = one[0]
    colours = torch.tensor(AMBER).expand(height, width, 3)
    return _layer(torch.cat((colours, (255 * layer)[..., None]), -1), orientation)


def map_picture(seen: Observed) -> Tensor:
    """The map of a photo (h w 4), small, as stored: which cells are sharp, which blurred, which in between."""
    height, width = seen.size
    share = MAP_SIDE / max(seen.size)
    area, parts = seen.looked_at, seen.parts
    whole = torch.zeros(max(1, round(height * share)), max(1, round(width * share)), 4)
    (top, bottom), (left, right) = (
        (round(first * share), round(last * share)) for first, last in (area.rows, area.columns)
    )
    cells = torch.zeros(*parts.vote.shape, 4)
    for where, name in ((parts.vote, "between"), (parts.sharp, "sharp"), (parts.blurred, "blurred")):
        cells[where] = torch.tensor((*COLOURS[name], COVER)).float()
    room = whole[top:bottom, left:right]
    if room.numel():
        rows = torch.arange(room.shape[0]) * cells.shape[0] // room.shape[0]
        columns = torch.arange(room.shape[1]) * cells.shape[1] // room.shape[1]
        room.copy_(cells[rows][:, columns])
    return whole


def map_file(seen: Observed, orientation: int) -> File:
    """The map as a layer to lay upon an upright photo."""
    return _layer(map_picture(seen), orientation)


def _layer(picture: Tensor, orientation: int) -> File:
    """A picture (h w 4) of values up to 255, as a PNG, upright."""
    turned = upright(picture.permute(2, 0, 1), orientation).permute(1, 2, 0)
    written = io.BytesIO()
    Pil.fromarray(turned.round().to(torch.uint8).contiguous().numpy(), "RGBA").save(written, "PNG")
    return File(written.getvalue(), KINDS["PNG"])
