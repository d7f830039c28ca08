"""Is a softness found without a search, undone without halos, and said to be a smaller step where all else failed?"""

import math
from dataclasses import replace

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import delta, gaussian, line
from blurspace.builders import build_deblurrer
from blurspace.metrics import psnr
from blurspace.pixels import highest
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.diagnose import diagnose
from blurspace.restore.driver import in_tiles
from blurspace.restore.mild import ABOUT, BEYOND, find_softness, softness
from blurspace.restore.observed import Observed
from blurspace.restore.verdict import Referee
from blurspace.run import Run
from blurspace.types import Receipt

from .made import made_method
from .scenes import made_scene

LENS = gaussian(0.6)  # edges of made scenes are sharper than those of any photo
MILD = build_deblurrer("mild").methods[0]


def soft_photo(kernel, *, seed=0, sigma=0.004):
    """A scene as a good lens shows it, and the 8-bit photo of it under a kernel."""
    sharp = blur(made_scene(200, seed=seed, channels=3), LENS)
    noise = sigma * torch.randn(sharp.shape, generator=torch.Generator().manual_seed(seed))
    return sharp, ((blur(sharp, kernel) + noise).clamp(0, 1) * 255).round().to(torch.uint8)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("sigma", [0.9, 1.2, 1.8])
@pytest.mark.parametrize("noise", [0.001, 0.01])
def test_a_softness_is_found(seed, sigma, noise):
    found = softness(Observed(soft_photo(gaussian(sigma), seed=seed, sigma=noise)[1]).sharpnesses)
    assert found.longer == found.shorter
    assert found.longer == pytest.approx(sigma, rel=0.2)


@pytest.mark.parametrize("angle", [0.0, 30.0, 90.0, 130.0])
def test_a_motion_of_some_px_is_an_oval(angle):
    found = softness(Observed(soft_photo(line(7, angle))[1]).sharpnesses)
    assert found.longer > 1.5 * found.shorter
    assert abs((found.angle - angle + 90) % 180 - 90) < 12


def test_what_is_sharp_or_known_or_tells_nothing_is_no_softness():
    assert find_softness(Observed(soft_photo(delta(3))[1]), Run()) is None
    assert find_softness(Observed(soft_photo(gaussian(1.2))[1], given=UniformBlur(delta(3))), Run()) is None
    assert softness((math.inf,) * 8) is None


@pytest.mark.parametrize("sigma", [0.9, 1.2, 1.8])
def test_it_is_undone_better_than_by_an_unsharp_mask_and_without_halos(sigma):
    sharp, photo = soft_photo(gaussian(sigma))
    seen, before = Observed(photo), photo / 255
    after = in_tiles(seen, MILD, find_softness(seen, Run()), Run()).picture / 255
    masked = (before + 0.8 * (before - blur(before, gaussian(1.0)))).clamp(0, 1)
    assert float(psnr(after, sharp)) > max(float(psnr(one, sharp)) for one in (before, masked)) + 0.3
    most, least = highest(before, ABOUT), -highest(-before, ABOUT)
    assert bool((after <= most + BEYOND * (most - least) + 1 / 255).all())
    assert bool((after >= least - BEYOND * (most - least) - 1 / 255).all())


class OnlyMild(Referee):
    """Refuses whatever is not the mild method's."""

    def after(self, seen, tried, *, method, **told):
        """Its receipt."""
        receipt: Receipt = super().after(seen, tried, method=method, **told)
        if method == "mild":
            return replace(receipt, verdict="restored", code="restored", reason="it is better")
        return replace(receipt, verdict="refused", code="ghosts", reason="it has ghosts")


def test_where_all_else_is_refused_the_record_says_that_the_step_is_smaller():
    photo = soft_photo(gaussian(1.2))[1]
    first = made_method(lambda light: 1.2 * light, UniformBlur(gaussian(1.5)), name="first")
    result = Deblurrer((first, MILD), referee=OnlyMild())(photo)
    assert (result.method, result.receipt.verdict, result.receipt.code) == ("mild", "restored", "smaller_step")
    assert result.receipt.reason == "a smaller step, for all else was refused: it is better"
    assert any(note.startswith("soft: a Gaussian of about 1.") for note in result.notes)
    assert "first was tried before and refused: it has ghosts" in result.notes
    assert not torch.equal(result.restored, photo)
    alone = Deblurrer((MILD,), referee=OnlyMild())(photo)
    assert (alone.receipt.code, alone.receipt.reason) == ("restored", "it is better")
    assert torch.equal(alone.restored, result.restored)
    refused = Deblurrer((first,), referee=OnlyMild())(photo)
    assert (refused.method, refused.receipt.code) == ("first", "ghosts")


def test_a_mild_softness_is_named_without_a_search(monkeypatch):
    monkeypatch.delattr("blurspace.restore.finders.estimate_kernel")
    found = diagnose(Observed(soft_photo(gaussian(0.9))[1]))
    assert (found.kind, found.blurry) == ("mild", True)
    assert found.reason.startswith("soft: a Gaussian of about ")
    assert 2.5 < found.length_px < 5


def test_where_noise_or_storing_drew_the_edges_nothing_is_found() -> None:
    """Of a photo whose gradients are no larger than what JPEG may have done to it no step is taken: it would smear."""
    picture = torch.linspace(0.3, 0.7, 160).expand(1, 1, 160, 160) + 0.02 * torch.sin(torch.arange(160) / 2)[:, None]
    assert find_softness(Observed(picture.contiguous(), least_sigma=0.06), Run()) is None
