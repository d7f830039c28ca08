"""Is the photo translated first, deblurred second, and the receipt about the photo itself?"""

from dataclasses import replace

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.builders import build_space
from blurspace.restore.network import NetworkDeblurrer
from blurspace.restore.translated import Translated

from .scenes import made_scene

SHARP = made_scene(128, seed=0, channels=3)
PHOTO = blur(SHARP, line(9, 0))
KNOWN = blur(SHARP, line(9, 90))  # the same scene in known blur


@pytest.fixture(scope="module")
def space():
    return build_space()


def camera(space, calls, *, verdict=None):
    """A translator and a network that know all answers, and write down when they are asked, and what."""

    def translate(picture):
        calls.append(("translate", picture.clone(), torch.is_grad_enabled()))
        return KNOWN

    def restore(picture):
        calls.append(("restore", picture.clone(), torch.is_grad_enabled()))
        return SHARP

    network = NetworkDeblurrer(restore, space, method="made")

    def deblur(picture, *, least_sigma=0.0):
        result = network(picture, least_sigma=least_sigma)
        calls.append(("least sigma", least_sigma))
        if verdict:
            return replace(result, receipt=replace(result.receipt, verdict=verdict), history=("tried",))
        return replace(result, history=("tried",))

    return Translated(translate, deblur, space)


def test_translated_first_and_deblurred_second(space):
    calls = []
    result = camera(space, calls)(PHOTO, least_sigma=0.02)
    assert [name for name, *_ in calls] == ["translate", "restore", "least sigma"]
    assert torch.equal(calls[0][1], PHOTO)
    assert torch.equal(calls[1][1], KNOWN)
    assert not calls[0][2]
    assert calls[2][1] == 0.02
    assert torch.equal(result.restored, SHARP)
    assert result.method == "translated, made"
    assert result.history == ("translated into the known blur", "tried")


def test_the_receipt_is_about_the_photo_and_not_about_the_translation(space):
    result = camera(space, [])(PHOTO)
    assert result.receipt.verdict == "restored"
    rows, columns = (float(result.kernel.sum(axis).amax()) for axis in (-1, -2))
    assert rows > 3 * columns  # one row holds the line: it lies along the rows, as in the photo
    assert float((result.reblurred - PHOTO).abs().mean()) < 0.01
    assert result.receipt.sigma < 0.02


def test_a_result_that_does_not_explain_the_photo_is_refused(space):
    """The translator shows another scene, which the deblurrer restores and believes in."""
    other = made_scene(128, seed=5, channels=3)
    deblur = NetworkDeblurrer(lambda _: other, space, method="made")
    assert deblur(blur(other, line(9, 90))).receipt.verdict == "restored"
    result = Translated(lambda _: blur(other, line(9, 90)), deblur, space)(PHOTO)
    assert result.receipt.verdict == "refused"
    assert torch.equal(result.restored, PHOTO)
    assert result.method == "translated, made"


def test_what_the_deblurrer_refuses_is_not_written(space):
    result = camera(space, [], verdict="refused")(PHOTO)
    assert result.receipt.verdict == "refused"
    assert result.receipt.reason.startswith("after the translation ")
    assert torch.equal(result.restored, PHOTO)
    assert torch.equal(result.reblurred, PHOTO)
    assert result.method == "translated, made"
    assert result.history == ("translated into the known blur", "tried")


def test_what_the_deblurrer_leaves_alone_is_judged_as_a_result(space):
    """The translator gave a sharp picture, so that there was nothing left to do."""
    deblur = NetworkDeblurrer(lambda picture: 0 * picture, space, method="made")
    result = Translated(lambda _: SHARP, deblur, space)(PHOTO)
    assert torch.equal(result.restored, SHARP)
    assert result.receipt.verdict == "restored"
    assert result.kernel.shape[-1] >= 9


def test_a_sharp_photo_is_left_alone_and_nobody_asked(space):
    calls = []
    result = camera(space, calls)(SHARP, least_sigma=0.3)
    assert (result.receipt.verdict, calls) == ("left alone", [])
    assert torch.equal(result.restored, SHARP)
    assert (result.method, result.kernel, result.receipt.sigma) == ("translated", None, 0.3)


def test_grey_in_grey_out(space):
    grey, sharp = PHOTO.mean(1, keepdim=True), SHARP.mean(1, keepdim=True)
    asked = []

    def translate(picture):
        asked.append(picture.shape)
        return KNOWN

    camera = Translated(translate, NetworkDeblurrer(lambda _: sharp.expand(-1, 3, -1, -1), space, method="made"), space)
    torch.testing.assert_close(camera.translate(grey), KNOWN.mean(1, keepdim=True))
    result = camera(grey)
    assert asked == [(1, 3, 128, 128)] * 2
    assert result.restored.shape == result.reblurred.shape == grey.shape
    torch.testing.assert_close(result.restored, sharp)


def test_the_translation_is_clamped_and_may_be_worked_on(space):
    camera = Translated(lambda picture: 3 * picture - 1, None, space)
    found = camera.translate(PHOTO)
    assert (float(found.min()), float(found.max())) == (0, 1)
    assert not found.is_inference()
    assert not camera.translate(PHOTO[:, :1]).is_inference()
