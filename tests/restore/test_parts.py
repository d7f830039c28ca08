"""Is a blurred part found where it is, is a soft background told from it, and is a shake of all of it neither?"""

import pytest
import torch
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import disk, gaussian, line, shake
from blurspace.restore.diagnose import diagnose
from blurspace.restore.observed import Observed
from blurspace.restore.parts import Parts, find_parts, largest_patch
from blurspace.restore.verdict import nothing_to_do

from .scenes import made_scene

SIDE = 360


def scene(seed=1):
    """Through a lens: without one its edges are as sharp as print, which is found as drawn over a photo."""
    return blur(made_scene(SIDE, seed=seed), gaussian(0.5))


def inside(top, left, size):
    """A soft-edged square (1 1 h w): 1 in it."""
    mask = torch.zeros(1, 1, SIDE, SIDE)
    mask[..., top : top + size, left : left + size] = 1
    return functional.avg_pool2d(mask, 7, 1, 3)


@pytest.mark.parametrize(("seed", "kernel"), [(1, line(15, 20.0)), (2, disk(5.0)), (4, line(11, 90.0))])
def test_a_blurred_part_is_found_where_it_is(seed, kernel):
    photo = scene(seed).lerp(blur(scene(seed), kernel), inside(180, 90, 150))
    receipt = nothing_to_do(Observed(photo))
    assert (receipt.verdict, receipt.code) == ("left alone", "part_blurred")
    box = Observed(photo).parts.box
    assert overlap(box, (25, 50, 67, 92)) > 0.4
    found = diagnose(Observed(photo))
    assert (found.kind, found.part, found.blur) == ("part", box, None)


def overlap(one, other):
    """The area that two boxes share, over that of both."""
    first, last = [max(one[k], other[k]) for k in (0, 1)], [min(one[k], other[k]) for k in (2, 3)]
    shared = max(last[0] - first[0], 0) * max(last[1] - first[1], 0)
    return shared / (sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)) - shared)


@pytest.mark.parametrize("seed", [1, 2, 4])
def test_a_sharp_subject_before_a_soft_background_is_left_alone(seed):
    photo = blur(scene(seed), disk(7.0)).lerp(scene(seed), inside(110, 120, 140))
    receipt = nothing_to_do(Observed(photo))
    assert receipt.code == "sharp"
    assert "subject" in receipt.reason


KERNELS = [line(15, 0.0), line(21, 90.0), shake(21, extent=19), gaussian(2.0), disk(5.0)]


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("seed", [1, 2, 4])
def test_what_is_blurred_all_over_is_neither(seed, kernel):
    noise = 0.01 * torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(seed))
    photo = (blur(scene(seed), kernel) + noise).clamp(0, 1)
    photo[..., :120] = photo[..., :120].mean()  # a wall, which does not vote
    seen = Observed(photo)
    assert nothing_to_do(seen) is None
    assert not seen.parts.subject
    assert seen.parts.box is None


def cells(*rows):
    """A map from lines of letters: s is sharp, S surely so, b blurred, u undecided, and a dot does not vote."""
    letters = [list(row) for row in rows]

    def where(those):
        return torch.tensor([[letter in those for letter in row] for row in letters])

    return Parts(where("sSbu"), where("sS"), where("b"), where("S"))


def test_a_subject_stands_alone_before_what_is_blurred_nearly_everywhere():
    assert cells("bbbbbb", "bbSsbb", "bbssb.", "bbbbb.").subject
    assert not cells("bbbbbb", "bbssbb", "bbssb.", "bbbbb.").subject  # only along the direction of a line
    assert not cells("bsubbb", "bbSsbb", "ubssbs", "bbsbuu").subject  # sharp cells are all over it
    assert not cells("bbbbbb", "bbSsbb", "bbbsb.", "bbbbb.").subject  # too few
    assert not cells("SSSSSS", "SSSSSS", "SSSSSb", "SSSSSb").subject  # hardly a background


def test_a_part_is_blurred_only_where_the_rest_is_sharp_for_sure():
    assert cells("Sssss", "sbbsS", "sbbss", "sssss").box == (20, 25, 60, 75)
    assert cells("sssss", "sbbss", "sbbss", "sssss").box is None  # as along a line
    assert cells("S....", ".bb.s", ".bb..", "s.s..").box is None  # as lamps at night are


def test_a_few_narrow_edges_make_no_sharp_photo():
    assert cells("bbbb", "bsub", "bbbb").nowhere_sharp
    assert not cells("bbbb", "bSub", "bbbb").nowhere_sharp
    assert not cells("uuuu", "bsub", "uuuu").nowhere_sharp
    seen = Observed(scene())
    assert nothing_to_do(seen).code == "sharp"
    seen.parts = cells("bbbb", "bsub", "bbbb")
    assert nothing_to_do(seen) is None


def test_pixels_that_tell_nothing_do_not_vote():
    photo = blur(scene(), disk(7.0)).lerp(scene(), inside(110, 120, 140))
    trust = 1 - (inside(100, 110, 160) > 0).float()
    assert find_parts(photo, 0.0).subject
    assert not find_parts(photo, 0.0, trust).subject
    assert not find_parts(photo, 0.0, torch.zeros_like(trust)).vote.any()


def test_the_map_is_a_picture_of_the_size_that_is_asked_for():
    parts = find_parts(scene(), 0.0)
    shown = parts.show((90, 120))
    assert shown.shape == (1, 3, 90, 120)
    assert 0 <= float(shown.min()) <= float(shown.max()) <= 1


def test_the_largest_patch_hangs_together_along_sides():
    cells = torch.tensor([[1, 0, 1, 1], [0, 1, 0, 1], [0, 1, 0, 0]], dtype=torch.bool)
    assert sorted(largest_patch(cells)) == [(0, 2), (0, 3), (1, 3)]
    assert largest_patch(torch.zeros(2, 2, dtype=torch.bool)) == []
