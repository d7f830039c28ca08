"""Do the methods of the catalogue do what their cards say, each on its own picture?"""

import math
from dataclasses import replace

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import delta, extent, gaussian, line, shake
from blurspace.blur.varying import KernelField, blur_varying, draw_rotation_path, rotation_field
from blurspace.builders import build_deblurrer
from blurspace.errors import ModelError, UsageError
from blurspace.metrics import psnr
from blurspace.restore.blurs import FieldBlur, UniformBlur, shorten
from blurspace.restore.driver import Found, Method, in_order
from blurspace.restore.finders import FieldFinder, KernelFinder
from blurspace.restore.learned import Learned, make_start
from blurspace.restore.observed import Observed
from blurspace.restore.total_variation import TotalVariation, total_variation
from blurspace.run import Run

from .made import finding, restoring, with_finder, with_restorers
from .scenes import made_scene

SHAKE = shake(15, extent=13, generator=torch.Generator().manual_seed(3))


def shaken(kernel=SHAKE, *, side=200, channels=3, sigma=0.01):
    generator = torch.Generator().manual_seed(7)
    scene, reach = made_scene(side, seed=2, channels=channels), kernel.shape[-1] // 2
    blurry = blur(scene, kernel, border="valid")
    noisy = (blurry + sigma * torch.randn(blurry.shape, generator=generator)).clamp(0, 1)
    return scene[..., reach:-reach, reach:-reach], noisy


@pytest.mark.parametrize("channels", [1, 3])
def test_the_learned_deconvolution_restores_what_it_was_told(channels):
    sharp, blurry = shaken(channels=channels)
    result = build_deblurrer("learned", kernel=SHAKE, response="linear")(blurry)
    assert result.receipt.verdict == "restored"
    assert result.method == "learned"
    assert psnr(result.restored, sharp) > psnr(blurry, sharp) + 4


def test_clipped_pixels_keep_what_the_classical_start_made_of_them():
    _, blurry = shaken()
    blurry[..., 80:90, 80:90] = 1.0
    assert build_deblurrer("learned", kernel=SHAKE)(blurry).restored.isfinite().all()


@pytest.mark.parametrize("strength", [0.25, 0.5, 0.75, 1.0])
def test_strength_shortens_the_kernel(strength):
    whole = line(21, 30.0)
    short = shorten(whole, strength)
    assert math.isclose(float(short.sum()), 1.0, abs_tol=1e-5)
    assert short.shape[-1] % 2 == 1
    assert math.isclose(extent(short)[0], strength * extent(whole)[0], abs_tol=1.5)


@pytest.mark.parametrize("side", [5, 15, 31])
@pytest.mark.parametrize("strength", [0.05, 0.3, 0.53, 0.85, 0.9])
def test_a_shortened_kernel_keeps_its_light_and_its_centre(side, strength):
    whole = shake(side, generator=torch.Generator().manual_seed(side))
    short = shorten(whole, strength)
    assert short.shape[-1] % 2 == 1
    torch.testing.assert_close(short.sum(), whole.sum())
    for before, after in zip(centroid(whole), centroid(short), strict=True):
        assert after == pytest.approx(strength * before, abs=1e-4)


def centroid(kernel):
    place = torch.arange(kernel.shape[-1]) - kernel.shape[-1] // 2
    return [float((kernel[0, 0].sum(axis) * place).sum()) for axis in (0, 1)]


def test_less_strength_changes_less():
    _, blurry = shaken()
    changes = [
        build_deblurrer("classical", kernel=SHAKE, strength=strength)(blurry).receipt.change_psnr
        for strength in (0.4, 1)
    ]
    assert changes[0] > changes[1]
    with pytest.raises(UsageError, match="strength of 0"):
        build_deblurrer("classical", strength=0)


def bad(light):
    return torch.rand(light.shape, generator=torch.Generator().manual_seed(0))


def with_verdicts(learned, classical):
    """`auto`, whose methods end as told, with the kernel given so that nothing is searched."""
    return with_restorers(
        build_deblurrer("auto", kernel=SHAKE, response="linear"), learned=learned, classical=classical
    )


def test_auto_takes_the_first_good_receipt():
    _, blurry = shaken()
    good = total_variation
    assert with_verdicts(good, restoring(bad))(blurry).method == "learned"
    second = with_verdicts(restoring(bad), good)(blurry)
    assert (second.method, second.receipt.verdict) == ("classical", "restored")
    neither = with_verdicts(restoring(bad), restoring(bad))(blurry)
    assert (neither.method, neither.receipt.verdict) == ("learned", "refused")
    assert torch.equal(neither.restored, blurry)


def test_one_search_serves_all_methods_and_its_confidence_goes_with_its_kernel():
    _, blurry = shaken()
    asked = []

    def find(seen, run):
        asked.append(seen)
        return Found(UniformBlur(SHAKE), 0.97)

    told = build_deblurrer("auto", response="linear")  # the scene was blurred as stored
    auto = with_finder(with_restorers(told, learned=restoring(bad)), find)
    result = auto(blurry)
    assert (result.method, result.confidence, len(asked)) == ("classical", 0.97, 1)
    assert build_deblurrer("classical", kernel=SHAKE)(blurry).confidence is None


@pytest.mark.parametrize("channels", [1, 3])
def test_the_wary_network_restores_where_the_kernel_does_not_explain_the_photo(channels):
    _, blurry = shaken(channels=channels)
    clipped = torch.zeros_like(blurry, dtype=torch.bool)

    def restored(trusting, sigma=0.01):
        seen, run = Observed(blurry, least_sigma=sigma), Run()
        restorer = Learned(trusting, lambda *given: 0 * given[0])(seen, Found(UniformBlur(SHAKE), known=True), run)
        return restorer(seen.light(seen.area), seen.area, run)

    start = make_start(blurry, SHAKE, Observed(blurry, least_sigma=0.01).sigma, clipped)
    torch.testing.assert_close(restored(lambda *given: given[-1]), start)
    assert not restored(lambda *given: given[0]).any()  # what is still blurry, blurred again, is not the photo
    torch.testing.assert_close(restored(lambda *given: given[0], sigma=1.0), blurry)  # so much noise explains it


@pytest.mark.parametrize("response", ["linear", "srgb"])
def test_the_networks_are_shown_light_as_bright_as_it_looks_and_it_comes_back_dark(response):
    _, blurry = shaken(sigma=0.002)
    seen, run, shown = Observed(0.3 * blurry, response=response), Run(), []

    def network(light, *told):
        shown.append(light)
        return told[-1]

    restorer = Learned(network, network)(seen, Found(UniformBlur(SHAKE), known=True), run)
    light = seen.light(seen.area)
    restored = restorer(light, seen.area, run)
    looks = float(seen.display(seen.area).mean())
    assert float(light.mean()) < 0.5 * looks or response == "linear"
    assert float(shown[0].mean()) == pytest.approx(looks, rel=1e-4)
    torch.testing.assert_close(restored, replace(restorer, gain=1.0, tried=None)(light, seen.area, run))


@pytest.fixture(scope="module")
def rotated():
    """A picture under a made rotation, sharp and blurry, and the field."""
    scene = made_scene(200, seed=5)
    path = draw_rotation_path(extent=13, focal=200, roll=3.0, generator=torch.Generator().manual_seed(1))
    field = rotation_field(path, (200, 200), focal=200, rows=3, columns=4)
    return scene, blur_varying(scene, field), field


def rotation(field, start=None):
    """The method `rotation`, whose search for a field ends in this one, and its search for a kernel in `start`."""
    start = start or finding(UniformBlur(SHAKE), notes=("a kernel",))
    first, second = build_deblurrer("rotation").methods
    finder = FieldFinder(start, estimate=lambda *_, **__: field)
    return replace(build_deblurrer("rotation"), methods=(replace(first, find=finder), replace(second, find=start)))


def test_a_field_has_a_strength_too(rotated):
    _, blurry, field = rotated
    results = [replace(rotation(field), strength=strength)(blurry) for strength in (1, 0.5)]
    assert [result.method for result in results] == ["rotation", "rotation"]
    lengths = [result.receipt.kernel_length for result in results]  # of what was removed
    assert results[0].blur.length_angle() == results[1].blur.length_angle()  # of what was found
    assert lengths[1] == pytest.approx(lengths[0] / 2, abs=1.5)
    assert results[1].receipt.change_psnr > results[0].receipt.change_psnr


def test_auto_leaves_sharp_pictures_alone():
    sharp = made_scene(128, seed=4, channels=3)
    assert build_deblurrer("auto")(sharp).receipt.verdict == "left alone"


def test_rotation_beats_one_kernel_where_the_camera_turned(rotated):
    scene, blurry, field = rotated
    single = build_deblurrer("classical", kernel=FieldBlur(field).kernel)(blurry)
    result = rotation(field)(blurry)
    assert (result.method, result.receipt.verdict) == ("rotation", "restored")
    assert result.notes[0] == "a kernel"
    assert "the camera turned" in result.notes[1]
    assert psnr(result.restored, scene) > psnr(single.restored, scene) + 1


def test_a_uniform_field_is_no_rotation():
    _, blurry = shaken(channels=1)
    uniform = KernelField(SHAKE.expand(12, -1, -1, -1), 3, 4)
    assert rotation(uniform)(blurry).method == "classical"


def test_stripes_of_a_wrong_kernel_count_as_noise():
    """Two halves move apart, so no kernel explains both."""
    scene = made_scene(200, seed=2)
    blurry = torch.cat((blur(scene, line(15, 0.0))[..., :100], blur(scene, line(15, 90.0))[..., 100:]), -1)
    seen, found, run = Observed(blurry), Found(UniformBlur(line(15, 0.0))), Run()
    restored = total_variation(seen, found, run)(blurry, seen.area, run)
    striped = TotalVariation(seen, found)(blurry, seen.area, run)
    assert psnr(restored, scene) > psnr(striped, scene) + 1
    right = total_variation(Observed(shaken(channels=1)[1]), Found(UniformBlur(SHAKE)), run)
    assert right.sigma == right.seen.sigma


def test_kernels_as_wide_as_half_a_photo_are_no_rotation():
    _, blurry = shaken(channels=1)
    wide = torch.zeros(12, 1, 121, 121)
    wide[:, :, 60, 60], wide[0, :, 0, 0], wide[-1, :, -1, 0] = 0.5, 0.5, 0.5
    assert rotation(KernelField(wide / wide.sum((-2, -1), keepdim=True), 3, 4))(blurry).method == "classical"


def test_a_given_kernel_is_no_field():
    seen = Observed(shaken(channels=1)[1], given=UniformBlur(SHAKE))
    assert FieldFinder(KernelFinder())(seen, Run()) is None


def test_a_sharp_picture_has_no_field():
    sharp = made_scene(128, seed=4, channels=3)
    assert build_deblurrer("rotation")(sharp).receipt.verdict == "left alone"


def test_the_paper_pair_halves_what_is_too_long_for_it():
    pair = build_deblurrer("kaufman2020-small", kernel=gaussian(1.0))
    _, blurry = shaken()
    assert "full size" in pair(blurry).notes[0]
    long = replace(pair, given=UniformBlur(line(45, 20.0)))
    assert "50%" in long(shaken(side=300)[1]).notes[0]


def test_options_that_a_method_does_not_know():
    with pytest.raises(UsageError, match="leave it out"):
        build_deblurrer("kaufman2020-small", size=11)
    with pytest.raises(UsageError, match="rotation knows no kernel: leave it out or take another method"):
        build_deblurrer("rotation", kernel=delta(3))
    with pytest.raises(ModelError, match="no method to deblur is named paint"):
        build_deblurrer("paint")


def test_what_has_learned_in_another_light_comes_second() -> None:
    """In `auto` the networks come first only in stored values, which they have learned in."""
    learner, other, last = (Method(name, _nothing, total_variation) for name in ("learner", "other", "last"))
    methods = [replace(learner, response="linear"), other, last]
    picture = torch.rand(1, 1, 64, 64, generator=torch.Generator().manual_seed(1))
    for response, names in (("linear", ["learner", "other", "last"]), ("srgb", ["other", "learner", "last"])):
        assert [one.name for one in in_order(Observed(picture, response=response), methods, Run())] == names


def _nothing(seen: Observed, run: Run) -> None:
    """A finder that finds nothing."""
    del seen, run
