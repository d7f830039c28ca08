"""Is a photo restored where it was asked to be, joined without a seam, and left as it is to the bit elsewhere?"""

import pytest
import torch
from torch.nn import functional

from blurspace.areas import Area, whole
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import gaussian, line
from blurspace.builders import build_deblurrer
from blurspace.errors import UsageError
from blurspace.levels import to_levels
from blurspace.metrics import psnr
from blurspace.restore.blurred_part import blurred_part
from blurspace.restore.learned import _told
from blurspace.restore.observed import Observed
from blurspace.restore.region import FEATHER, as_mask, described, weights
from blurspace.run import Run
from blurspace.sharpness import SHARP

from .scenes import made_scene

SIDE, EDGE = 360, 190
KERNEL = line(13, 20.0)


def scene(seed=1):
    return blur(made_scene(SIDE, seed=seed), gaussian(0.5))


def left(edge=EDGE):
    """White in the columns before `edge`."""
    mask = torch.zeros(1, 1, SIDE, SIDE, dtype=torch.uint8)
    mask[..., :edge] = 255
    return mask


def noisy(picture, sigma=0.003):
    noise = sigma * torch.randn(picture.shape, generator=torch.Generator().manual_seed(0))
    return to_levels(picture + noise)


def half_blurred(seed=1):
    """A made scene and a photo of it whose left part is blurred."""
    sharp = scene(seed)
    return sharp, noisy(torch.where(left() > 0, blur(sharp, KERNEL), sharp))


def restoring(region, **options):
    how = {"kernel": KERNEL, "response": "linear"} | options
    return build_deblurrer("classical", region=region, **how)


def test_it_is_restored_inside_and_the_same_to_the_bit_outside():
    sharp, photo = half_blurred()
    result = restoring(left())(photo)
    assert result.receipt.verdict == "restored"
    assert (result.region.share, result.region.part) == (pytest.approx(EDGE / SIDE), (0, 0, 53, 100))
    assert torch.equal(result.restored[..., EDGE:], photo[..., EDGE:])
    before, after = (psnr(one[..., :EDGE].float() / 255, sharp[..., :EDGE]) for one in (photo, result.restored))
    assert after > before + 4


def test_what_is_outside_has_no_say():
    _, photo = half_blurred()
    other = photo.clone()
    other[..., EDGE:] = torch.randint(0, 256, other[..., EDGE:].shape, generator=torch.Generator().manual_seed(1))
    one, two = (restoring(left())(picture) for picture in (photo, other))
    assert one.receipt == two.receipt
    assert torch.equal(one.restored[..., :EDGE], two.restored[..., :EDGE])
    for name in ("sigma", "sharpness"):
        assert len({getattr(Observed(picture, region=left()), name) for picture in (photo, other)}) == 1
    assert Observed(photo, region=left()).sharpness < SHARP < Observed(photo, region=255 - left()).sharpness


def steps(result):
    """How much neighbours differ across the region's edge, and elsewhere inside on average."""
    found = (result.restored.float() / 255).diff(dim=-1).abs().mean((0, 1, 2))
    return float(found[EDGE - 1]), float(found[: EDGE - 20].mean())


def test_the_join_has_no_seam(monkeypatch):
    photo = noisy(blur(scene(), KERNEL))
    across, inside = steps(restoring(left())(photo))
    assert across <= inside
    hard = lambda mask, area: (area.cut(mask) > 0).float()  # noqa: E731
    monkeypatch.setattr("blurspace.restore.observed.weights", hard)
    across, inside = steps(restoring(left())(photo))
    assert across > 1.5 * inside


def test_hard_edges_get_soft_inwards_and_soft_ones_stay():
    area = whole((SIDE, SIDE))
    found = weights(left(), area)[0, 0, 5]
    assert not bool(found[EDGE:].any())
    assert torch.allclose(found[EDGE - FEATHER : EDGE], torch.arange(FEATHER, 0, -1) / FEATHER)
    assert bool((found[: EDGE - FEATHER] == 1).all())
    soft = to_levels(torch.linspace(0, 1, SIDE).expand(1, 1, SIDE, SIDE))
    assert torch.equal(weights(soft, area), soft / 255)
    piece = Area((40, 90), (EDGE - 30, EDGE + 3), (SIDE, SIDE))
    assert torch.equal(weights(left(), piece), piece.cut(weights(left(), area)))


def test_a_photo_in_tiles_is_as_one_in_one_piece():
    _, photo = half_blurred()
    one, tiled = restoring(left())(photo), restoring(left())(photo, run=Run(memory=40_000_000))
    assert torch.equal(tiled.restored[..., EDGE:], photo[..., EDGE:])
    assert float((one.restored.int() - tiled.restored.int()).abs().float().mean()) < 0.05
    far = torch.zeros_like(left())
    far[..., :40, :40] = 255
    seen = Observed(photo, region=far)
    assert seen.stays(Area((40, SIDE), (0, SIDE), seen.size))
    assert not seen.stays(Area((39, SIDE), (0, SIDE), seen.size))
    assert _told(seen, seen.area) == pytest.approx((40 / SIDE) ** 2)


@pytest.mark.parametrize("seed", [1, 3])
def test_the_blurred_part_is_found_and_does_not_reach_into_the_sharp_one(seed):
    sharp, photo = half_blurred(seed)
    assert Observed(photo).parts.box is not None
    region = blurred_part(Observed(photo))
    assert not bool(region[..., EDGE + FEATHER :].any())
    assert float((region[..., :EDGE] > 0).float().mean()) > 0.7
    result = restoring("auto")(photo)
    assert result.receipt.verdict == "restored"
    assert result.region == described(region)
    assert torch.equal(result.restored[region == 0], photo[region == 0])
    before, after = (psnr(one[..., :EDGE].float() / 255, sharp[..., :EDGE]) for one in (photo, result.restored))
    assert after > before + 2


def test_the_blurred_part_of_a_photo_of_several_windows(monkeypatch):
    _, photo = half_blurred()
    whole_map = blurred_part(Observed(photo))
    monkeypatch.setattr("blurspace.restore.blurred_part.LARGEST", 180)
    region = blurred_part(Observed(photo))
    same = ((region > 0) == (whole_map > 0)).float()
    assert float(same.mean()) > 0.85


def test_where_all_is_blurred_alike_all_is_restored():
    photo = noisy(blur(scene(), KERNEL))
    assert blurred_part(Observed(photo)) is None
    result, plain = restoring("auto")(photo), restoring(None)(photo)
    assert result.region is None
    assert torch.equal(result.restored, plain.restored)
    tiny = noisy(made_scene(40, seed=1))
    assert blurred_part(Observed(tiny)) is None


def test_a_sharp_region_is_left_alone():
    _, photo = half_blurred()
    result = build_deblurrer("classical", region=255 - left())(photo)
    assert (result.receipt.verdict, result.receipt.code) == ("left alone", "sharp")
    assert torch.equal(result.restored, photo)


def test_bad_masks_are_refused_in_a_sentence():
    _, photo = half_blurred()
    for region, words in (
        (left()[..., :100], "100 x 360 pixels was given for a photo of 360 x 360"),
        (left().float(), "uint8"),
    ):
        with pytest.raises(UsageError, match=words):
            restoring(region)(photo)
    with pytest.raises(UsageError, match="colour"):
        as_mask(torch.tensor([0.0, 1.0, 1.0])[None, :, None, None].expand(1, 3, 4, 4))
    with pytest.raises(UsageError, match="black all over"):
        as_mask(torch.zeros(1, 1, 4, 4))


def test_masks_of_all_kinds():
    grey = torch.linspace(0, 1, 64).reshape(1, 1, 8, 8)
    expected = to_levels(grey)
    assert torch.equal(as_mask(grey), expected)
    assert torch.equal(as_mask(to_levels(grey, 16)), expected)
    assert torch.equal(as_mask(expected.expand(1, 3, 8, 8)), expected)
    alpha = functional.pad(torch.ones(1, 1, 4, 8), (0, 0, 0, 4))
    assert torch.equal(as_mask(grey, alpha), (expected * alpha).to(torch.uint8))
