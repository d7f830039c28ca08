"""Is light brighter than white where it should be, and what does a file show of it?"""

import torch

from blurspace.blur.exposure import to_linear
from blurspace.chance import chance
from blurspace.data.highlights import DAY, LIGHTS, MOST_LAMPS, NIGHT, PLAIN, Exposure, draw_exposure
from blurspace.restore.lights import LIGHT

LAMP = (10.0, 20.0, 2.0, 30.0, 20.0, 10.0)


def test_a_plain_exposure_leaves_a_photo_as_it_is():
    photo = torch.rand(1, 3, 8, 8, generator=chance(0, 0))
    assert torch.equal(PLAIN.lit(PLAIN.linear(photo)), photo)
    levels = (photo * 255).round() / 255
    torch.testing.assert_close(PLAIN.developed(photo, sigma=0, generator=chance(0, 0)), levels)


def test_a_lamp_lies_in_its_place_and_moves_by_parts_of_a_px():
    dark = torch.zeros(1, 3, 24, 40)
    light = Exposure(lamps=(LAMP,)).lit(dark)
    assert light[0, :, 10, 20].tolist() == [30, 20, 10]
    assert light[0, 0, 10, 18] == light[0, 0, 12, 20] == 15  # half of a px at its rim
    assert (light > 0).any(1).sum() == 21
    moved = Exposure(lamps=((10.25, 18.5, *LAMP[2:]),)).lit(dark)
    assert torch.equal(Exposure(lamps=(LAMP,)).lit(dark, down=0.25, right=-1.5), moved)
    assert torch.equal(Exposure(lamps=(LAMP,)).lit(dark[:, :1]), light[:, :1])


def test_a_full_sensor_shows_no_noise():
    light = torch.tensor([0.2, 1.0, 3.0]).expand(1, 3, 500, 3)
    shown = Exposure("srgb").developed(light, sigma=0.01, generator=chance(0, 0))
    assert torch.equal(shown[..., 2], torch.ones(1, 3, 500))
    assert 0.008 < shown[..., 0].std() < 0.012
    assert abs(to_linear(shown[..., 0]).mean() - 0.2) < 0.002
    assert 0.3 < (shown[..., 1] < 1).float().mean() < 0.7


def test_exposures_are_by_day_or_at_night_with_few_lamps_or_many():
    drawn = [draw_exposure((50, 90), chance(0, seed)) for seed in range(60)]
    days = [DAY[0] <= one.gain <= DAY[1] for one in drawn]
    assert all(day or NIGHT[0] <= one.gain <= NIGHT[1] for day, one in zip(days, drawn, strict=True))
    assert 15 < sum(days) < 45
    assert {len(one.lamps) for one in drawn} >= {0, MOST_LAMPS}
    lamps = [lamp for one in drawn for lamp in one.lamps]
    assert max(row for row, *_ in lamps) < 50 < max(column for _, column, *_ in lamps) < 90
    assert max(max(colour) for _, _, _, *colour in lamps) <= LIGHTS[1]
    assert drawn[0] == draw_exposure((50, 90), chance(0, 0))


def test_white_is_never_taken_for_a_lamp():
    """Training asks nothing at lamps, which are brighter than this; a white wall must come out white."""
    assert DAY[1] <= LIGHT < LIGHTS[0]
