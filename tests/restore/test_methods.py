"""Do the methods of the catalogue do what their cards say, each on its own picture?"""

import math

import pytest
import torch
from blurspace.restore.auto import Auto
from blurspace.restore.by_field import FieldDeblurrer, middle
from blurspace.restore.by_kernel import KernelDeblurrer, shorten

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import delta, extent, gaussian, line, shake
from blurspace.blur.varying import KernelField, blur_varying, draw_rotation_path, rotation_field
from blurspace.catalog import build_deblurrer
from blurspace.errors import ModelError, UsageError
from blurspace.metrics import psnr
from blurspace.restore.candidates import Estimate
from blurspace.restore.learned import learned_restore, make_start
from blurspace.restore.pair import PairDeblurrer

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
    result = build_deblurrer("fourier-pair", kernel=SHAKE)(blurry)
    assert result.receipt.verdict == "restored"
    assert result.method == "fourier-pair"
    assert psnr(result.restored, sharp) > psnr(blurry, sharp) + 4


def test_clipped_pixels_keep_what_the_classical_start_made_of_them():
    _, blurry = shaken()
    blurry[..., 80:90, 80:90] = 1.0
    assert build_deblurrer("fourier-pair", kernel=SHAKE)(blurry).restored.isfinite().all()


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
    changes = [KernelDeblurrer(kernel=SHAKE, strength=strength)(blurry).receipt.change_psnr for strength in (0.4, 1)]
    assert changes[0] > changes[1]
    with pytest.raises(UsageError, match="strength of 0"):
        KernelDeblurrer(strength=0)


def with_verdicts(learned, classical):
    """An `Auto` whose two methods end as told, with the kernel given so that nothing is searched."""
    auto = build_deblurrer("auto", kernel=SHAKE)
    assert isinstance(auto, Auto)
    for method, restore in ((auto.learned, learned), (auto.classical, classical)):
        method.restore = restore
    return auto


def good(light, kernel, clipped, sigma):
    return KernelDeblurrer().restore(light, kernel, clipped, sigma)


def bad(light, *_):
    return torch.rand(light.shape, generator=torch.Generator().manual_seed(0))


def test_auto_takes_the_first_good_receipt():
    _, blurry = shaken()
    assert with_verdicts(good, bad)(blurry).method == "fourier-pair"
    second = with_verdicts(bad, good)(blurry)
    assert (second.method, second.receipt.verdict) == ("classical", "restored")
    neither = with_verdicts(bad, bad)(blurry)
    assert neither.receipt.verdict == "refused"
    assert torch.equal(neither.restored, blurry)


def test_the_confidence_of_a_search_goes_with_its_kernel(monkeypatch):
    _, blurry = shaken()
    monkeypatch.setattr("blurspace.restore.by_kernel.estimate_kernel", lambda *_, **__: Estimate(SHAKE, 0.6))
    auto = build_deblurrer("auto")
    auto.learned.restore = bad  # so that the classical one takes its kernel over
    assert (auto(blurry).method, auto(blurry).confidence) == ("classical", 0.6)
    assert build_deblurrer("classical", kernel=SHAKE)(blurry).confidence is None


@pytest.mark.parametrize("channels", [1, 3])
def test_the_wary_network_restores_where_the_kernel_does_not_explain_the_photo(channels):
    _, blurry = shaken(channels=channels)
    clipped = torch.zeros_like(blurry, dtype=torch.bool)

    def restored(trusting, sigma=0.01):
        restore = learned_restore(trusting, lambda *given: 0 * given[0], known=True)
        return restore(blurry, SHAKE, clipped, sigma)

    torch.testing.assert_close(restored(lambda *given: given[-1]), make_start(blurry, SHAKE, 0.01, clipped))
    assert not restored(lambda *given: given[0]).any()  # what is still blurry, blurred again, is not the photo
    torch.testing.assert_close(restored(lambda *given: given[0], sigma=1.0), blurry)  # so much noise explains it


def test_auto_tries_no_field_where_less_blur_is_to_be_removed(monkeypatch):
    monkeypatch.setattr("blurspace.restore.by_kernel.estimate_kernel", lambda *_, **__: Estimate(SHAKE, 0.6))
    monkeypatch.setattr("blurspace.restore.auto.FieldDeblurrer", lambda *_: pytest.fail("a field has no strength"))
    auto = build_deblurrer("auto", strength=0.5)
    auto.learned.restore = auto.classical.restore = bad
    assert auto(shaken()[1]).receipt.verdict == "refused"


def test_auto_leaves_sharp_pictures_alone():
    sharp = made_scene(128, seed=4, channels=3)
    assert build_deblurrer("auto")(sharp).receipt.verdict == "left alone"


@pytest.fixture
def turned(monkeypatch):
    """A picture under a made rotation, and a search for fields that finds the true one."""
    scene = made_scene(200, seed=5)
    path = draw_rotation_path(extent=13, focal=200, roll=3.0, generator=torch.Generator().manual_seed(1))
    field = rotation_field(path, (200, 200), focal=200, rows=3, columns=4)
    monkeypatch.setattr("blurspace.restore.by_field.estimate_field", lambda *_, **__: field)
    return scene, blur_varying(scene, field), middle(field)


def test_rotation_beats_one_kernel_where_the_camera_turned(turned):
    scene, blurry, kernel = turned
    single = KernelDeblurrer(kernel=kernel)
    result = FieldDeblurrer(single)(blurry)
    assert (result.method, result.receipt.verdict) == ("rotation", "restored")
    assert psnr(result.restored, scene) > psnr(single(blurry).restored, scene) + 1


def test_a_uniform_field_is_no_rotation(monkeypatch):
    _, blurry = shaken(channels=1)
    uniform = KernelField(SHAKE.expand(12, -1, -1, -1), 3, 4)
    monkeypatch.setattr("blurspace.restore.by_field.estimate_field", lambda *_, **__: uniform)
    assert FieldDeblurrer(KernelDeblurrer(kernel=SHAKE))(blurry).method == "classical"


def test_a_sharp_picture_has_no_field():
    sharp = made_scene(128, seed=4, channels=3)
    assert build_deblurrer("rotation")(sharp).receipt.verdict == "left alone"


def test_the_paper_pair_halves_what_is_too_long_for_it():
    pair = build_deblurrer("kaufman2020-small", kernel=gaussian(1.0))
    assert isinstance(pair, PairDeblurrer)
    _, blurry = shaken()
    assert "full size" in pair(blurry).history[0]
    long = PairDeblurrer(pair.analysis, pair.synthesis, method="test", kernel=line(45, 20.0))
    assert "50%" in long(shaken(side=300)[1]).history[0]


def test_options_that_a_method_does_not_know():
    with pytest.raises(UsageError, match="leave them out"):
        build_deblurrer("kaufman2020-small", size=11)
    with pytest.raises(UsageError, match="finds its own kernels"):
        build_deblurrer("rotation", kernel=delta(3))
    with pytest.raises(ModelError, match="no method to deblur is named paint"):
        build_deblurrer("paint")
