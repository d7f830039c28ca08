"""Does the receipt tell good results from bad ones, and sharp photos from blurry ones?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.kernels import line, shake
from blurspace.builders import build_deblurrer
from blurspace.errors import UsageError
from blurspace.metrics import psnr
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.deconvolve import deconvolve
from blurspace.restore.driver import Restored
from blurspace.restore.evidence import gather, normalised_sparsity
from blurspace.restore.observed import Observed
from blurspace.restore.verdict import Referee

from .made import restoring, with_restorers
from .scenes import made_scene

SHAKE = shake(17, extent=15, generator=torch.Generator().manual_seed(3))


def shaken(seed=1, channels=1, kernel=SHAKE, side=230):
    scene = made_scene(side, seed=seed, channels=channels)
    reach = kernel.shape[-1] // 2
    return scene[..., reach:-reach, reach:-reach], blur(scene, kernel, border="valid")


def test_a_shaken_colour_picture_is_restored():
    sharp, blurry = shaken(channels=3)
    result = build_deblurrer("classical", size=21, response="linear")(blurry)
    assert result.receipt.verdict == "restored"
    assert psnr(result.restored, sharp) > psnr(blurry, sharp) + 2
    assert result.receipt.reblur_psnr > 35
    assert "stored values" in result.notes[0]


def test_a_sharp_picture_is_left_alone_to_the_bit():
    scene = made_scene(200, seed=2, channels=3)
    result = build_deblurrer("classical")(scene)
    assert result.receipt.verdict == "left alone"
    assert result.restored is scene
    assert result.kernel is None


@pytest.mark.parametrize("value", [0.0, 0.5, 1.0])
def test_a_flat_picture_is_left_alone(value):
    result = build_deblurrer("classical")(torch.full((1, 3, 64, 64), value))
    assert result.receipt.verdict == "left alone"
    assert "no edges" in result.receipt.reason


def test_a_flat_picture_under_a_given_kernel_stays_flat():
    flat = torch.full((1, 3, 64, 64), 0.5)
    torch.testing.assert_close(build_deblurrer("classical", kernel=SHAKE)(flat).restored, flat, atol=1e-4, rtol=0)


def test_what_is_no_number_is_refused():
    _, blurry = shaken(seed=4)
    broken = with_restorers(
        build_deblurrer("classical", kernel=SHAKE),
        classical=restoring(lambda light: torch.full_like(light, float("nan"))),
    )
    assert broken(blurry).receipt.verdict == "refused"


def test_noise_alone_is_not_deblurred():
    noise = torch.rand(1, 1, 120, 120, generator=torch.Generator().manual_seed(0))
    assert build_deblurrer("classical")(noise).receipt.verdict == "left alone"


def test_a_given_kernel_is_used_as_it_is():
    sharp, blurry = shaken(seed=4)
    result = build_deblurrer("classical", kernel=SHAKE)(blurry)
    assert torch.equal(result.kernel, SHAKE)
    assert psnr(result.restored, sharp) > psnr(blurry, sharp) + 4


def test_a_wrong_kernel_is_refused_and_the_pixels_stay():
    _, blurry = shaken(seed=5, kernel=line(9, 0.0))
    result = build_deblurrer("classical", kernel=line(31, 90.0))(blurry)
    assert result.receipt.verdict == "refused"
    assert result.restored is blurry


def test_working_in_linear_light_suits_a_picture_blurred_in_linear_light():
    scene = made_scene(160, seed=6)
    reach = SHAKE.shape[-1] // 2
    sharp = scene[..., reach:-reach, reach:-reach]
    blurry = to_display(blur(to_linear(scene, "srgb"), SHAKE, border="valid"), "srgb")
    known = build_deblurrer("classical", kernel=SHAKE, response="srgb")(blurry)
    stored = build_deblurrer("classical", kernel=SHAKE, response="linear")(blurry)
    assert psnr(known.restored, sharp) > psnr(stored.restored, sharp) + 1
    assert "linear light" in known.notes[0]


@pytest.mark.parametrize(("options", "sentence"), [({"response": "film"}, "unknown"), ({"size": 12}, "odd number")])
def test_impossible_options_are_refused(options, sentence):
    with pytest.raises(UsageError, match=sentence):
        build_deblurrer("classical", **options)


def test_ringing_raises_the_score_and_the_sparsity_falls_with_sharpness():
    _, blurry = shaken(seed=7)
    good = deconvolve(blurry, SHAKE).clamp(0, 1)
    bad = deconvolve(blurry, line(17, 60.0), strength=2e-5).clamp(0, 1)
    assert normalised_sparsity(good) < normalised_sparsity(blurry)
    ringing = [gather(blurry, seen, blurry, reach=8).ringing for seen in (bad, good)]
    assert ringing[0] > ringing[1]


def test_the_receipt_of_the_true_restoration_is_consistent():
    sharp, blurry = shaken(seed=8)
    evidence = gather(blurry, sharp, blur(sharp, SHAKE), reach=SHAKE.shape[-1] // 2, sigma=0.001)
    receipt = judged(Restored(sharp, UniformBlur(SHAKE), evidence), blurry)
    assert receipt.verdict == "restored"
    assert receipt.change_psnr == pytest.approx(float(psnr(sharp, blurry)))
    assert receipt.reblur_psnr > 40
    assert 5 < receipt.kernel_length < 20


def judged(tried, blurry):
    how = {"method": "classical", "confidence": 0.98, "known": False, "at_once": False}
    return Referee().after(Observed(blurry), tried, **how)


def test_where_the_rest_lies_is_seen():
    """Of noise alone as much is left at edges as all over, and about each pixel; of a wrong kernel it is not."""
    sharp, _ = shaken(seed=8)
    seen = blur(sharp, SHAKE)
    noisy = seen + 0.01 * torch.randn(seen.shape, generator=torch.Generator().manual_seed(0))
    reach = SHAKE.shape[-1] // 2
    right = gather(noisy, sharp, seen, reach=reach, sigma=0.01)
    wrong = gather(noisy, sharp, blur(sharp, line(9, 90.0)), reach=reach, sigma=0.01)
    assert right.rest == pytest.approx(0.01, rel=0.05)
    assert right.rest_at_edges == pytest.approx(1, abs=0.1)
    assert right.worst(0.05) == pytest.approx(1, rel=0.2)
    assert wrong.rest_at_edges > 1.2
    assert wrong.worst(0.05) > 1.5 * wrong.worst(0.5)


def test_what_is_unseen_counts_nowhere():
    sharp, seen = shaken(seed=8)
    unseen = torch.zeros(1, 1, *seen.shape[-2:], dtype=torch.bool)
    unseen[..., 60:90, 100:150] = True
    chance = torch.Generator().manual_seed(0)
    reach = SHAKE.shape[-1] // 2

    def gathered():
        pictures = (torch.where(unseen, torch.rand(sharp.shape, generator=chance), one) for one in (seen, sharp, seen))
        return gather(*pictures, reach=reach, sigma=0.01, unseen=unseen)

    assert gathered() == gathered()
    assert gathered().residual_count < gather(seen, sharp, seen, reach=reach).residual_count
