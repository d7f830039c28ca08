"""Is the photo translated first, deblurred second, and the receipt about the photo itself?"""

from dataclasses import replace

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.builders import build_space
from blurspace.restore.deblurrer import Deblurrer
from blurspace.restore.driver import Found
from blurspace.restore.network import network_method
from blurspace.restore.translated import camera

from .made import reblurred
from .scenes import made_scene

SHARP = made_scene(128, seed=0, channels=3)
PHOTO = blur(SHARP, line(9, 0))
KNOWN = blur(SHARP, line(9, 90))  # the same scene in known blur


@pytest.fixture(scope="module")
def space():
    return build_space()


def methods(network, space, calls=()):
    """The method that is a network; its finder writes down which noise the photo has at least."""

    def find(seen, run):
        calls.append(("least sigma", seen.least_sigma))
        return Found(notes=("tried",))

    return (replace(network_method(network, space, name="made"), find=find),)


def made_camera(space, calls, *, restored=SHARP):
    """A translator and a network that know all answers, and write down when they are asked, and what."""

    def translate(picture):
        calls.append(("translate", picture.clone(), torch.is_grad_enabled()))
        return KNOWN

    def restore(picture):
        calls.append(("restore", picture.clone(), torch.is_grad_enabled()))
        return restored

    return camera(translate, methods(restore, space, calls), space)


def test_translated_first_and_deblurred_second(space):
    calls = []
    result = made_camera(space, calls)(PHOTO, least_sigma=0.02)
    assert [name for name, *_ in calls] == ["translate", "least sigma", "restore"]
    assert torch.equal(calls[0][1], PHOTO)
    assert calls[1][1] == 0.02
    assert torch.equal(calls[2][1], KNOWN)
    assert not calls[0][2]
    assert not calls[2][2]
    assert torch.equal(result.restored, SHARP)
    assert result.method == "translated, made"
    assert result.notes == ("translated into the known blur", "tried")


def test_the_receipt_is_about_the_photo_and_not_about_the_translation(space):
    result = made_camera(space, [])(PHOTO)
    assert result.receipt.verdict == "restored"
    rows, columns = (float(result.kernel.sum(axis).amax()) for axis in (-1, -2))
    assert rows > 3 * columns  # one row holds the line: it lies along the rows, as in the photo
    assert float((reblurred(result) - PHOTO).abs().mean()) < 0.01
    assert result.receipt.sigma < 0.02


def test_a_result_that_does_not_explain_the_photo_is_refused(space):
    """The translator shows another scene, which the deblurrer restores and believes in."""
    other = made_scene(128, seed=5, channels=3)
    known = (network_method(lambda _: other, space, name="made"),)
    assert Deblurrer(known)(blur(other, line(9, 90))).receipt.verdict == "restored"
    result = camera(lambda _: blur(other, line(9, 90)), known, space)(PHOTO)
    assert result.receipt.verdict == "refused"
    assert torch.equal(result.restored, PHOTO)
    assert result.method == "translated, made"


def test_what_the_deblurrer_refuses_is_not_written(space):
    result = made_camera(space, [], restored=SHARP.flip(-1))(PHOTO)
    assert result.receipt.verdict == "refused"
    assert result.receipt.reason.startswith("after the translation ")
    assert torch.equal(result.restored, PHOTO)
    assert result.method == "translated, made"
    assert result.notes == ("translated into the known blur", "tried")


def test_what_the_deblurrer_leaves_alone_is_judged_as_a_result(space):
    """The translator gave a sharp picture, so that there was nothing left to do."""
    result = camera(lambda _: SHARP, lambda picture: 0 * picture, space)(PHOTO)
    assert torch.equal(result.restored, SHARP)
    assert result.receipt.verdict == "restored"
    assert result.kernel.shape[-1] >= 9


def test_a_sharp_photo_is_left_alone_and_nobody_asked(space):
    calls = []
    result = made_camera(space, calls)(SHARP, least_sigma=0.3)
    assert (result.receipt.verdict, calls) == ("left alone", [])
    assert torch.equal(result.restored, SHARP)
    assert (result.method, result.kernel, result.receipt.sigma) == ("translated", None, 0.3)


def test_grey_in_grey_out(space):
    grey, sharp = PHOTO.mean(1, keepdim=True), SHARP.mean(1, keepdim=True)
    asked = []

    def translate(picture):
        asked.append(picture.shape)
        return KNOWN

    own = camera(translate, lambda _: sharp.expand(-1, 3, -1, -1), space)
    torch.testing.assert_close(own.translate(grey), KNOWN.mean(1, keepdim=True))
    result = own(grey)
    assert asked == [(1, 3, 128, 128)] * 2
    assert result.restored.shape == reblurred(result).shape == grey.shape
    torch.testing.assert_close(result.restored, sharp)


def test_the_translation_is_clamped_and_may_be_worked_on(space):
    own = camera(lambda picture: 3 * picture - 1, (), space)
    found = own.translate(PHOTO)
    assert (float(found.min()), float(found.max())) == (0, 1)
    assert not found.is_inference()
    assert not own.translate(PHOTO[:, :1]).is_inference()
