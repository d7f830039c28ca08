"""Is what was never blurred found, left out of every judgement, and copied through as it was?"""

import math

import cv2
import numpy as np
import PIL.Image
import PIL.ImageDraw
import PIL.ImageFont
import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.kernels import line, shake
from blurspace.builders import build_deblurrer
from blurspace.metrics import psnr
from blurspace.restore.observed import Observed
from blurspace.restore.untouched import filled
from blurspace.restore.verdict import nothing_to_do
from blurspace.sharpness import SHARP

from .scenes import made_scene

SHAKE = shake(13, extent=11, generator=torch.Generator().manual_seed(3))
SIZE = (200, 240)
BAR = 30


def pair(channels=3):
    """A made scene, and the same under a shake (1 c h w), of 8 bits but as floats."""
    scene = made_scene(260, seed=5, channels=channels)[..., 10 : 10 + SIZE[0], 10 : 10 + SIZE[1]]
    noise = 0.003 * torch.randn(scene.shape, generator=torch.Generator().manual_seed(7))
    return scene, ((blur(scene, SHAKE) + noise).clamp(0, 1) * 255).round() / 255


def stored(pixels, most=255, dtype=torch.uint8):
    return (pixels * most).round().to(torch.int32).to(dtype)


def stamp(picture, text="18:22 14.07"):
    """The picture with print in it, and where (h w, bool)."""
    canvas = np.zeros(SIZE, np.uint8)
    cv2.putText(canvas, text, (30, 180), cv2.FONT_HERSHEY_SIMPLEX, 0.8, 255, 2, cv2.LINE_8)
    drawn = torch.from_numpy(canvas > 0)
    colour = torch.tensor([0.95, 0.6, 0.1])[:, None]
    printed = picture.clone()
    printed[0, :, drawn] = colour.expand(3, int(drawn.sum()))
    return printed, drawn


def barred(picture, value, *, sides=False):
    """The picture with bars of one value above and below, or a frame of it."""
    pad = (BAR, BAR, BAR, BAR) if sides else (0, 0, BAR, BAR)
    return torch.nn.functional.pad(picture, pad, value=value)


@pytest.mark.parametrize(("value", "sides"), [(0.0, False), (1.0, True), (0.4, True)])
def test_bars_and_frames_are_found_and_copied(value, sides):
    scene, blurry = pair()
    photo, truth = stored(barred(blurry, value, sides=sides)), barred(scene, value, sides=sides)
    seen = Observed(photo)
    assert seen.untouched is not None
    left = BAR if sides else 0
    expected = torch.ones_like(seen.untouched)
    expected[..., BAR + 2 : -BAR - 2, left + 2 * sides : photo.shape[-1] - left - 2 * sides] = False
    assert torch.equal(seen.untouched, expected)
    assert seen.sharpness < SHARP
    result = build_deblurrer("classical", kernel=SHAKE, response="linear")(photo)
    assert result.receipt.verdict == "restored"
    hidden = seen.untouched.expand_as(photo)
    assert torch.equal(result.restored[hidden], photo[hidden])
    inside = (..., slice(BAR + 2, -BAR - 2), slice(left + 2, photo.shape[-1] - left - 2))
    assert psnr(result.restored.float()[inside] / 255, truth[inside]) > 4 + psnr(
        photo.float()[inside] / 255, truth[inside]
    )


def test_a_blurred_dark_sky_is_no_bar():
    _, blurry = pair()
    rows = torch.linspace(0, 1, SIZE[0])[:, None]
    sky = blurry * (4 * (rows - 0.3)).clamp(0, 1)
    assert Observed(stored(sky)).untouched is None


def test_an_ordinary_photo_is_seen_whole():
    scene, blurry = pair()
    for photo in (scene, blurry):
        assert Observed(stored(photo)).untouched is None


def test_print_is_found_and_copied():
    scene, blurry = (0.5 * one + 0.25 for one in pair())
    photo, drawn = stamp(blurry)
    photo = stored(photo)
    seen = Observed(photo)
    assert seen.untouched is not None
    assert bool(seen.untouched[0, 0][drawn].all())
    assert float(seen.untouched.float().mean()) < 0.15
    assert seen.sharpness < SHARP
    result = build_deblurrer("classical", kernel=SHAKE, response="linear")(photo)
    hidden = seen.untouched.expand_as(photo)
    assert torch.equal(result.restored[hidden], photo[hidden])
    away = ~hidden
    gain = [(one.float() / 255 - scene)[away].square().mean() for one in (photo, result.restored)]
    assert gain[1] < 0.4 * gain[0]


def test_print_on_a_sharp_photo_is_part_of_it():
    printed, _ = stamp(pair()[0])
    assert Observed(stored(printed)).untouched is None


def cut_out(hidden):
    _, blurry = pair()
    rows, columns = torch.meshgrid(torch.linspace(-1, 1, SIZE[0]), torch.linspace(-1, 1, SIZE[1]), indexing="ij")
    alpha = (rows.square() + columns.square() < 0.8)[None, None]
    return stored(torch.where(alpha, blurry, hidden)), stored(alpha.float())


def watermark(picture, opaque):
    """The picture with white letters upon it, through which it shows."""
    over = PIL.Image.new("L", (picture.shape[-1], picture.shape[-2]))
    PIL.ImageDraw.Draw(over).text((10, 130), "© SAMPLE", font=PIL.ImageFont.load_default(size=70), fill=255)
    letters = torch.from_numpy(np.array(over)).float() / 255
    return picture.lerp(torch.ones(()), opaque * letters), letters > 0.5


def test_letters_that_let_the_photo_through_are_found_by_their_one_paint():
    scene = made_scene(360, seed=3, channels=3)
    kernel = shake(17, extent=15, generator=torch.Generator().manual_seed(3))
    noise = 0.004 * torch.randn(scene.shape, generator=torch.Generator().manual_seed(4))
    photo, letters = watermark((blur(scene, kernel) + noise).clamp(0, 1), 0.4)
    seen = Observed(photo)
    assert seen.untouched is not None
    assert float(seen.untouched[0, 0][letters].float().mean()) > 0.9
    assert float(seen.untouched.float().mean()) < 0.2
    assert nothing_to_do(seen) is None
    assert Observed(watermark(scene, 0.4)[0]).untouched is None  # where the photo is sharp they are part of it


def test_hidden_colours_change_nothing_and_stay():
    results = []
    noise = torch.rand(1, 3, *SIZE, generator=torch.Generator().manual_seed(1))
    for hidden in (torch.tensor(0.0), torch.tensor(1.0), noise):
        photo, alpha = cut_out(hidden)
        result = build_deblurrer("classical", kernel=SHAKE, response="linear")(photo, alpha=alpha)
        under = (alpha == 0).expand_as(photo)
        assert torch.equal(result.restored[under], photo[under])
        results.append((result.receipt, result.restored[~under], Observed(photo, alpha=alpha).sharpness))
    for receipt, pixels, sharpness in results[1:]:
        assert receipt == results[0][0]
        assert torch.equal(pixels, results[0][1])
        assert sharpness == results[0][2]
    assert results[0][2] < SHARP


def test_where_all_is_hidden_there_is_nothing_to_judge():
    photo, alpha = cut_out(torch.tensor(0.0))
    assert Observed(photo, alpha=torch.zeros_like(alpha)).sharpness == math.inf


def test_little_of_the_range_is_as_good_as_all():
    _, blurry = pair(channels=1)
    deblurrer = build_deblurrer("classical", kernel=SHAKE, response="linear")
    full, little = (stored(blurry, most, torch.uint16) for most in (65535, 4095))
    expected, result = deblurrer(full), deblurrer(little)
    assert Observed(little).sharpness == pytest.approx(Observed(full).sharpness, rel=0.01)
    assert result.receipt.verdict == "restored"
    off = result.restored.to(torch.float32) / 4095 - expected.restored.to(torch.float32) / 65535
    assert float(off.abs().mean()) < 1e-3


@pytest.mark.parametrize(
    ("most", "gain"),
    [(4095, 16.0), (3200, 16.0), (900, 64.1), (13000, 4.0), (2800, 1), (9000, 1), (17000, 1), (300, 1), (0, 1)],
)
def test_a_dark_photo_of_16_bits_is_no_sensors(most, gain):
    photo = torch.zeros(1, 1, 64, 64, dtype=torch.int32)
    photo[..., 20, 30] = most
    assert Observed(photo.to(torch.uint16)).gain == pytest.approx(gain, rel=1e-2)


@pytest.mark.parametrize("response", ["linear", "srgb"])
@pytest.mark.parametrize("most", [0.15, 0.24])  # of white; the second is near a sensor's of 14 bits
def test_lights_of_a_dark_photo_of_16_bits_are_restored_beyond_a_guessed_white(most, response):
    scene = torch.full((1, 1, 96, 96), 0.01)
    scene[..., 20:80:12, 20:80:12] = 1.0
    light = blur(scene, line(5, 0.0))
    light = light / light.max()
    photo = to_display(light * to_linear(torch.tensor(most), response), response)
    photo = stored(photo, 65535, torch.uint16)
    deblurrer = build_deblurrer("classical", kernel=line(5, 0.0), response=response, force=True)
    result, plain = deblurrer(photo), deblurrer(photo.float() / 65535)
    assert Observed(photo).gain == (1 if most < 0.18 else pytest.approx(4, rel=1e-3))
    assert float(result.restored.to(torch.int32).max()) / 65535 == pytest.approx(float(plain.restored.max()), rel=0.1)
    assert float(plain.restored.max()) > 1.5 * most


def test_a_full_sensor_stays_full():
    _, blurry = pair(channels=1)
    deblurrer = build_deblurrer("classical", kernel=SHAKE, response="linear")
    photo = stored((1.5 * blurry).clamp(0, 1), 4095, torch.uint16)
    assert int(deblurrer(photo).restored.to(torch.int32).max()) == 4095


def test_lights_do_not_ring():
    scene = 0.3 * pair()[0]
    scene[..., 100:103, 120:123] = 20.0
    blurry = blur(scene, SHAKE).clamp(0, 1)
    photo = stored(blurry)
    assert Observed(photo).sharpness < SHARP
    result = build_deblurrer("classical", kernel=SHAKE, response="linear")(photo)
    away = torch.ones(SIZE, dtype=torch.bool)
    away[88:115, 108:135] = False
    before, after = ((one.float() / 255 - scene)[..., away].square().mean() for one in (photo, result.restored))
    assert after < 0.4 * before


def test_what_is_filled_in_comes_from_the_rest_alone():
    scene = pair()[0]
    unknown = torch.zeros(1, 1, *SIZE, dtype=torch.bool)
    unknown[..., 50:120, 60:] = True
    found = filled(scene, unknown)
    assert torch.equal(found, filled(torch.where(unknown, 0.77, scene), unknown))
    assert torch.equal(found[(~unknown).expand_as(found)], scene[(~unknown).expand_as(found)])
    assert float(found.min()) >= float(scene.min()) - 1e-6
    assert float(found.max()) <= float(scene.max()) + 1e-6
