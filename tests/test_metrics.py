"""Does every metric agree with an independent oracle, per picture?"""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage
from skimage.metrics import peak_signal_noise_ratio, structural_similarity

from blurspace.errors import UsageError
from blurspace.metrics import aligned, coarse_change, psnr, ssim


@pytest.fixture
def pictures():
    generator = np.random.default_rng(0)
    sharp = np.clip(ndimage.gaussian_filter(generator.random((2, 3, 50, 61)), (0, 0, 1, 1)) * 3 - 1, 0, 1)
    sharp[:, :, :20, :20] = 0.7  # flat, where small variances drown
    restored = np.clip(sharp + generator.normal(0, [[[[0.02]]], [[[0.08]]]], sharp.shape), 0, 1)
    return torch.tensor(restored, dtype=torch.float32), torch.tensor(sharp, dtype=torch.float32)


def skimage_psnr(restored, sharp):
    return peak_signal_noise_ratio(sharp.double().numpy(), restored.double().numpy(), data_range=1)


def skimage_ssim(restored, sharp):
    options = {"channel_axis": 0, "data_range": 1, "gaussian_weights": True, "use_sample_covariance": False}
    return structural_similarity(sharp.double().numpy(), restored.double().numpy(), **options)


ORACLES = {psnr: skimage_psnr, ssim: skimage_ssim}


@pytest.mark.parametrize("metric", ORACLES)
@pytest.mark.parametrize("channels", [1, 3])
def test_each_metric_is_its_oracle_per_picture(metric, channels, pictures):
    restored, sharp = (picture[:, :channels] for picture in pictures)
    found = metric(restored, sharp)
    assert found.shape == (2,)
    np.testing.assert_allclose(found, [ORACLES[metric](*pair) for pair in zip(restored, sharp, strict=True)], rtol=1e-5)


@pytest.mark.parametrize("metric", ORACLES)
def test_the_better_picture_has_the_better_number(metric, pictures):
    better, worse = metric(*pictures)
    assert better > worse


def test_equal_pictures(pictures):
    _, sharp = pictures
    assert psnr(sharp, sharp).tolist() == [math.inf] * 2
    assert ssim(sharp, sharp).tolist() == [1.0] * 2


def test_psnr_crops_and_rounds(pictures):
    restored, sharp = pictures
    torch.testing.assert_close(psnr(restored, sharp, crop=7), psnr(restored[..., 7:-7, 7:-7], sharp[..., 7:-7, 7:-7]))
    almost = sharp + 0.001
    as_bytes = [(picture.clamp(0, 1) * 255).round() / 255 for picture in (almost, sharp)]
    torch.testing.assert_close(psnr(almost, sharp, round8=True), psnr(*as_bytes))


def test_psnr_of_trusted_pixels(pictures):
    restored, sharp = pictures
    trust = torch.rand(len(sharp), 1, *sharp.shape[-2:], generator=torch.Generator().manual_seed(0))
    found = psnr(restored, sharp, trust=trust, crop=2)
    for one in range(len(sharp)):
        weights, error = (x[one, :, 2:-2, 2:-2].double().numpy() for x in (trust, (restored - sharp).square()))
        mean = np.average(error.mean(0), weights=weights[0])
        assert float(found[one]) == pytest.approx(-10 * np.log10(mean), abs=1e-3)
    torch.testing.assert_close(psnr(restored, sharp, trust=torch.ones_like(trust)), psnr(restored, sharp))


def brute_force(restored, sharp, max_shift, step, crop):
    """The protocol as written: shift, compare, keep the least."""
    restored = np.round(np.clip(restored, 0, 1) * 255) / 255
    target = sharp[crop:-crop, crop:-crop]
    shifts = np.arange(-max_shift, max_shift + step / 2, step)
    ssd = np.empty((len(shifts), len(shifts)))
    for i, down in enumerate(shifts):
        for j, right in enumerate(shifts):
            moved = ndimage.shift(restored, (-down, -right), order=1)[crop:-crop, crop:-crop]
            ssd[i, j] = ((moved - target) ** 2).sum()
    row, column = np.unravel_index(ssd.argmin(), ssd.shape)
    return ssd[row, column], (shifts[row], shifts[column])


@pytest.mark.parametrize("moved", [(0, 0), (2.25, -1.5), (-4.75, 5), (0.6, 0.1)])
def test_aligned_is_the_full_search(moved, pictures):
    _, sharp = pictures
    sharp = sharp[:1, :1]
    noise = np.random.default_rng(1).normal(0, 0.01, sharp.shape[-2:])
    restored = torch.tensor(ndimage.shift(sharp[0, 0].numpy(), moved, order=1) + noise, dtype=torch.float32)
    found = aligned(restored[None, None], sharp)
    ssd, shift = brute_force(restored.double().numpy(), sharp[0, 0].double().numpy(), 5, 0.25, 15)
    assert tuple(found.shift[0].tolist()) == shift
    assert found.ssd.item() == pytest.approx(ssd, rel=1e-5)
    assert found.restored.shape == found.sharp.shape == (1, 1, 20, 31)
    torch.testing.assert_close(found.sharp, sharp[..., 15:-15, 15:-15])
    assert ((found.restored - found.sharp) ** 2).sum().item() == pytest.approx(found.ssd.item())


def test_aligned_takes_batches_and_colours(pictures):
    _, sharp = pictures
    restored = torch.stack((sharp[0].roll(2, -1), sharp[1].roll(-3, -2)))
    found = aligned(restored, sharp)
    assert found.shift.tolist() == [[0, 2], [-3, 0]]
    for index in range(2):
        alone = aligned(restored[index : index + 1], sharp[index : index + 1])
        torch.testing.assert_close(alone.restored[0], found.restored[index])
    perfect = aligned(torch.round(sharp * 255) / 255, torch.round(sharp * 255) / 255, crop=6, step=0.5)
    assert perfect.shift.tolist() == [[0, 0], [0, 0]]
    assert perfect.ssd.max() < 1e-9


@pytest.mark.parametrize(
    "call",
    [
        lambda a, b: psnr(a, b[:1]),
        lambda a, b: psnr(a[0], b[0]),
        lambda a, b: psnr(a, b, crop=25),
        lambda a, b: ssim(a[..., :10], b[..., :10]),
        lambda a, b: aligned(a, b, crop=5),
        lambda a, b: aligned(a, b, step=0.3),
        lambda a, b: aligned(a, b, crop=25),
    ],
)
def test_impossible_comparisons_are_refused(call, pictures):
    with pytest.raises(UsageError):
        call(*pictures)


def test_coarse_change():
    """A shift of brightness counts as it is; what is moved within 64 px does not."""
    picture = torch.rand(2, 3, 130, 64, generator=torch.Generator().manual_seed(0))
    brighter = torch.cat((picture[:1] * 1.1, picture[1:]))
    torch.testing.assert_close(coarse_change(brighter, picture), torch.tensor([0.1, 0.0]), atol=1e-5, rtol=0)
    mixed = picture.clone()
    mixed[..., :64, :] = picture[..., :64, :].flip(-2)
    torch.testing.assert_close(coarse_change(mixed, picture), torch.zeros(2), atol=1e-6, rtol=0)
    with pytest.raises(UsageError, match="needs 64"):
        coarse_change(picture[..., :63, :], picture[..., :63, :])
