"""Is what the page shows upright, and what is drawn on it turned back?"""

import io

import numpy as np
import pytest
import torch
from PIL import Image as Pil
from PIL import ImageOps

from blurspace.blur.kernels import line
from blurspace.blur.varying import KernelField
from blurspace.io.exif import orientation
from blurspace.io.images import read_photo
from blurspace.restore.blurs import FieldBlur, UniformBlur
from blurspace.restore.observed import Observed
from blurspace.web.pictures import field_picture, kernel_picture, map_picture, stored, stored_box, upright, viewable

from .quick import jpeg, png

HOLDS = range(1, 9)


@pytest.mark.parametrize("held", HOLDS)
def test_upright_is_what_pillow_says(held):
    data = jpeg(held)
    photo = read_photo(data)
    assert orientation(photo.exif) == held
    with Pil.open(io.BytesIO(data)) as image:
        wanted = np.asarray(ImageOps.exif_transpose(image))
    turned = upright(photo.samples, held)
    assert np.array_equal(turned[0].permute(1, 2, 0).numpy(), wanted)
    assert torch.equal(stored(turned, held), photo.samples)


def test_no_orientation_is_upright():
    assert orientation(None) == 1
    assert orientation(b"damaged") == 1
    assert orientation(read_photo(png()).exif) == 1


@pytest.mark.parametrize("held", HOLDS)
def test_a_box_is_turned_as_its_pixels_are(held):
    picture = torch.zeros(1, 1, 40, 60)
    shown = upright(picture, held)
    height, width = shown.shape[-2:]
    shown[..., round(0.1 * height) : round(0.4 * height), round(0.2 * width) : round(0.9 * width)] = 1
    left, top, right, bottom = stored_box((0.2, 0.1, 0.9, 0.4), held)
    back = stored(shown, held)
    inside = back[..., round(top * 40) : round(bottom * 40), round(left * 60) : round(right * 60)]
    assert inside.min() == 1
    assert inside.sum() == back.sum()


def decoded(file):
    with Pil.open(io.BytesIO(file.data)) as image:
        return np.asarray(image)


def test_what_browsers_show_is_shown_as_it_is():
    data = jpeg(6)
    photo = read_photo(data)
    assert viewable(data, photo, photo.samples, 6).data is data  # browsers turn a JPEG themselves
    data = png()
    photo = read_photo(data)
    assert viewable(data, photo, photo.samples, 1).data is data
    turned = viewable(data, photo, photo.samples, 6)  # they agree less on what a PNG's EXIF says
    assert turned.kind == "image/png"
    assert decoded(turned).shape == (40, 24, 3)


def test_a_kernel_is_shown_upright():
    flat = kernel_picture(line(9, 0), 1)
    tall = kernel_picture(line(9, 0), 6)
    assert np.array_equal(np.rot90(decoded(flat), -1), decoded(tall))


def test_kernels_are_drawn_where_they_are():
    field = KernelField(torch.cat([line(9, 0), line(9, 90)]), 1, 2)
    drawn = decoded(field_picture(FieldBlur(field), (300, 600), 1))
    alpha = drawn[..., 3] > 128
    left, right = alpha[:, : alpha.shape[1] // 2], alpha[:, alpha.shape[1] // 2 :]
    assert left.any(0).sum() > left.any(1).sum()  # a flat one
    assert right.any(1).sum() > right.any(0).sum()  # and a tall one
    once = decoded(field_picture(UniformBlur(line(9, 0)), (300, 600), 1))[..., 3] > 128
    assert once[: once.shape[0] // 3].any()
    assert once[-once.shape[0] // 3 :].any()


def test_the_map_covers_what_was_looked_at():
    sharp = torch.from_numpy(np.kron(np.random.default_rng(0).integers(0, 2, (40, 60)), np.ones((8, 8))))
    seen = Observed(sharp[None, None].float() * 0.8 + 0.1)
    drawn = map_picture(seen)
    assert drawn.shape[:2] == (171, 256)
    assert drawn[..., 3].max() > 0
    assert not map_picture(Observed(torch.full((1, 1, 200, 200), 0.5)))[..., 3].any()  # nothing tells
