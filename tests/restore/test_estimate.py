"""Does the classical estimation find kernels that we know?"""

from dataclasses import replace

import pytest
import torch

from blurspace.blur.convolve import blur, to_otf
from blurspace.blur.kernels import crop_or_pad, delta, extent, gaussian, line, shake
from blurspace.restore.candidates import begin, estimate_kernel
from blurspace.restore.estimate import Reached, Search, find, refine, settle
from blurspace.restore.kernel_step import solve_kernel, tidy_kernel
from blurspace.restore.pyramid import STARTS, first_kernels, grow, resize_kernel, scales, shrink, side_at
from blurspace.restore.settings import SearchSettings
from blurspace.restore.sparse_gradients import look, sparse_spectrum

from .scenes import made_scene


def similarity(estimated, true, reach=3):
    """The best normalised correlation over small shifts: 1 for the same kernel."""
    side = max(estimated.shape[-1], true.shape[-1]) + 2 * reach
    first, second = crop_or_pad(estimated, side), crop_or_pad(true, side)
    products = [
        (first.roll((down, right), (-2, -1)) * second).sum()
        for down in range(-reach, reach + 1)
        for right in range(-reach, reach + 1)
    ]
    return float(max(products) / (first.norm() * second.norm()))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_kernel_of_a_shaken_scene_is_found_without_its_size(seed):
    true = shake(17, extent=15, generator=torch.Generator().manual_seed(seed))
    blurry = blur(made_scene(180, seed=seed), true, border="valid")

    found = estimate_kernel(blurry).kernel

    assert found.shape[-1] % 2 == 1
    assert (found >= 0).all()
    torch.testing.assert_close(found.sum(), torch.tensor(1.0))
    assert similarity(found, true) > 0.85


def test_a_bound_wider_than_what_is_looked_at_is_no_error():
    true = line(9, 30.0)
    blurry = blur(made_scene(200, seed=3), true, border="valid")
    assert estimate_kernel(blurry, size=99, settings=SearchSettings(window=64)).kernel.shape[-1] <= 64


def test_a_larger_bound_than_the_kernel_does_no_harm():
    true = line(9, 30.0)
    blurry = blur(made_scene(200, seed=3), true, border="valid")
    for side in (13, 21):
        assert similarity(find(blurry, Search(side), len(scales(side)) - 1).kernel, true) > 0.8


def test_two_searches_with_the_widest_bound_start_across_each_other():
    def found(blurry, search, level, **_):
        return Reached(search, line(search.side, 0.0), 0)

    begun = replace(begin(made_scene(128, seed=3)), find=found, score=lambda searches, found: 1.0).widest(31)
    assert [(one.found.search.side, one.found.search.starts) for one in begun] == [(31, (0,)), (31, (1,))]


def test_windows_of_one_photo_are_evidence_together():
    """The same window twice is as good as once; two others together are not worse than the worse one."""
    true = line(9, 30.0)
    scenes = [blur(made_scene(136, seed=seed), true, border="valid") for seed in (4, 5)]
    alone = [estimate_kernel(scene, size=13).kernel for scene in scenes]
    assert similarity(estimate_kernel(torch.cat([scenes[0], scenes[0]], 1), size=13).kernel, alone[0]) > 0.98
    together = estimate_kernel(torch.cat(scenes, 1), size=13).kernel
    assert similarity(together, true) > min(similarity(one, true) for one in alone) - 1e-3


def test_a_kernel_of_the_photo_made_smaller_is_a_start():
    true = line(21, 30.0)
    blurry = blur(made_scene(200, seed=4), true, border="valid")
    found = estimate_kernel(blurry, near=resize_kernel(true, 0.5), scale=0.5)
    assert similarity(found.kernel, true) > 0.95
    assert found.confidence > 0.9


def test_a_kernel_like_it_that_is_too_wide_for_the_window_is_cut():
    wide = line(31, 0.0, size=31)
    found = estimate_kernel(made_scene(96, seed=3), near=wide, scale=0.25)  # 124 px in 96
    assert found.kernel.shape[-1] < 48


@pytest.mark.parametrize(("side", "size"), [(20, None), (40, 3), (64, 5), (64, 63)])
def test_small_pictures_and_bounds_have_a_kernel_too(side, size):
    found = estimate_kernel(made_scene(side, seed=3), size=size)
    assert found.kernel.shape[-1] <= min(size or side, side // 2)
    assert 0 <= found.confidence <= 1


def test_the_estimate_is_the_same_twice():
    blurry = blur(made_scene(128, seed=4), gaussian(1.5), border="valid")
    torch.testing.assert_close(
        estimate_kernel(blurry, size=9).kernel, estimate_kernel(blurry, size=9).kernel, rtol=0, atol=0
    )


@pytest.mark.parametrize("astray", [False, True])
def test_the_confidence_is_how_well_the_searches_agree(astray):
    """With `astray` each search ends in a kernel of another direction."""
    directions = iter((0.0, 90.0))

    def found(blurry, search, level, **_):
        drawn = line(21, next(directions) if astray else 0.0)
        return Reached(search, crop_or_pad(drawn, search.side), level)

    two = SearchSettings(spread=0)  # so that there are two searches
    estimate = replace(begin(made_scene(128, seed=4), settings=two), find=found).best(41, 128)
    assert estimate.confidence < 0.5 if astray else estimate.confidence > 0.99


def settling(blurry, size, **settings):
    """How far each of the searches that went on has settled, and the kernel (1 1 k k) that came out."""
    settled = []

    def noted(*given, **options):
        settled.append(settle(*given, **options))
        return settled[-1]

    searches = begin(blurry, settings=SearchSettings(**settings))
    kernel = replace(searches, settle=noted).best(size, min(blurry.shape[-2:])).kernel
    return settled, kernel


def test_a_few_searches_go_on_and_the_best_to_the_last_level():
    blurry = blur(made_scene(128, seed=4), line(9, 20.0), border="replicate")
    settled, kernel = settling(blurry, 13, near=1e9)
    *before, last = settled
    assert 1 < len(before) <= SearchSettings.most_going
    assert all(found.level == len(scales(found.search.side)) - 2 for found in before)
    assert last.level == len(scales(last.search.side)) - 1
    assert all(found.search.softness == SearchSettings.softness for found in settled)
    assert similarity(kernel, line(9, 20.0)) > 0.9


def test_a_kernel_that_the_last_level_spoils_is_only_enlarged():
    """What settling makes of it is here as wide as it can be."""
    true = line(9, 20.0)
    searches = begin(blur(made_scene(128, seed=4), true, border="valid"))

    def spoiling(blurry, now, levels, **_):
        side = side_at(now.search.side, scales(now.search.side)[levels.stop - 1])
        return Reached(now.search, torch.full((1, 1, side, side), 1 / side**2), levels.stop - 1)

    search = searches.search(13)
    half = resize_kernel(crop_or_pad(true, 13), 0.5)
    start = Reached(search, crop_or_pad(half, side_at(13, scales(13)[-3])), len(scales(13)) - 3)
    spoilt, kept = (replace(searches, settle=how).finished([start]).found for how in (spoiling, settle))
    assert similarity(spoilt.kernel, true) > 1.5 * similarity(torch.full((1, 1, 13, 13), 1 / 169), true)
    assert similarity(kept.kernel, true) > similarity(spoilt.kernel, true)


def test_many_starts_are_searched_from_at_once():
    """All of a batch together, each as if alone; from some of them the right kernel is found."""
    true = shake(29, extent=27, generator=torch.Generator().manual_seed(5))
    blurry = blur(made_scene(220, seed=5), true, border="valid")
    together = find(blurry, Search(29, starts=tuple(range(STARTS))), 1).kernel
    assert together.shape[0] == STARTS
    for start in (0, STARTS - 1):
        alone = find(blurry, Search(29, starts=(start,)), 1).kernel
        torch.testing.assert_close(together[start : start + 1], alone, rtol=0, atol=2e-3)
    best = replace(begin(blurry), settings=SearchSettings(spread_at=2)).spread(29)
    assert 0 < len(best) <= SearchSettings.spread_going


def test_first_kernels_differ_and_are_kernels():
    drawn = first_kernels(7, torch.zeros(1))
    assert drawn.shape == (STARTS, 1, 7, 7)
    torch.testing.assert_close(drawn.sum((1, 2, 3)), torch.ones(STARTS))
    assert len({tuple(one.flatten().tolist()) for one in drawn}) == STARTS


def test_a_search_goes_on_from_where_it_was():
    blurry = blur(made_scene(160, seed=4), line(15, 20.0), border="valid")
    begun = find(blurry, Search(21), 1)
    torch.testing.assert_close(find(blurry, Search(21), 3, begun=begun).kernel, find(blurry, Search(21), 3).kernel)


def test_ignored_pixels_do_not_speak():
    true = line(9, 0.0)
    blurry = blur(made_scene(200, seed=5), true, border="valid")
    spoilt = blurry.clone()
    spoilt[..., 60:100, 60:100] = torch.rand(40, 40, generator=torch.Generator().manual_seed(0))
    ignore = torch.zeros_like(blurry, dtype=torch.bool)
    ignore[..., 58:102, 58:102] = True
    found = find(spoilt, Search(13), len(scales(13)) - 1, ignore=ignore)
    assert similarity(found.kernel, true) > 0.75


def test_the_kernel_step_inverts_a_known_convolution_where_it_was_seen():
    """Beyond the frame, and in a hole inside it, the blurry gradients are anything."""
    true = shake(11, extent=11, generator=torch.Generator().manual_seed(7))
    draw = torch.Generator().manual_seed(8)
    sharp = torch.randn(2, 1, 1, 90, 90, generator=draw)
    blurry = torch.stack([blur(picture, true, border="circular") for picture in sharp])
    trust = torch.zeros(90, 90)
    trust[:60, :70] = 1
    trust[20:30, 20:40] = 0
    spoilt = blurry.lerp(torch.randn(blurry.shape, generator=draw), 1 - trust)
    spectra, found = torch.fft.rfft2(sharp), delta(11)
    for _ in range(10):
        found = solve_kernel(spectra, spoilt, trust, found, ridge=0.0)
    assert similarity(found, true, reach=0) > 0.999
    assert similarity(solve_kernel(spectra, spoilt, torch.ones_like(trust), delta(11), ridge=0.0), true, reach=0) < 0.99


def test_tidying_drops_loose_specks_and_centres():
    kernel = torch.zeros(1, 1, 15, 15)
    kernel[..., 3, 2:7] = 1.0
    kernel[..., 12, 12] = 0.2
    tidy = tidy_kernel(kernel, threshold=0.02)
    expected = torch.zeros(1, 1, 15, 15)
    expected[..., 7, 5:10] = 0.2
    torch.testing.assert_close(tidy, expected)


def test_an_empty_kernel_becomes_no_blur():
    assert torch.equal(tidy_kernel(torch.zeros(1, 1, 9, 9), threshold=0.02), delta(9))


def test_the_sparse_picture_is_flatter_than_a_noisy_one_and_keeps_its_steps():
    steps = torch.zeros(1, 1, 64, 64)
    steps[..., 20:44, 20:44] = 0.8
    noisy = steps + 0.02 * torch.randn(steps.shape, generator=torch.Generator().manual_seed(0))
    found = torch.fft.irfft2(sparse_spectrum(noisy, to_otf(delta(), (64, 64)), 4e-3), s=(64, 64))
    assert (found - steps).abs().max() < 0.05


def test_refining_keeps_a_true_kernel():
    true = shake(13, extent=11, generator=torch.Generator().manual_seed(9))
    blurry = blur(made_scene(200, seed=9), true, border="valid")
    kept = refine(look(blurry, 13, fade=20), true, (3e-4, 1e-4, 3e-5), Search(13), threshold=0.01)
    assert similarity(kept, true, reach=0) > 0.98


def test_settling_goes_down_to_the_level_and_keeps_the_kernel():
    true = shake(21, extent=19, generator=torch.Generator().manual_seed(9))
    blurry = blur(made_scene(220, seed=9), true, border="valid")
    half = find(blurry, Search(21), len(scales(21)) - 3)
    full = settle(blurry, half, range(half.level, half.level + 3))
    assert (full.level, full.kernel.shape[-1]) == (half.level + 2, 21)
    assert similarity(full.kernel, true) > 0.9


def test_a_kernel_grows_by_the_scale():
    small = line(9, 0.0)
    grown = grow(grow(small, 15), 21)
    assert float(grown.sum()) == pytest.approx(1)
    assert extent(grown)[0] == pytest.approx(2 * extent(small)[0], abs=2)


def test_shrinking_is_exact_in_scale():
    """A straight edge at a known place must land where the scale says, to a tenth of a pixel."""
    ramp = torch.arange(101, dtype=torch.float32).expand(1, 1, 101, 101) / 100
    small = shrink(ramp, 0.5**0.5)
    slope = (small[0, 0, 30, 50] - small[0, 0, 30, 20]) / 30
    assert slope * 100 == pytest.approx(2**0.5, rel=1e-3)
