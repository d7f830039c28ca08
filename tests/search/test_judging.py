"""Is what was made refused where it does not explain the photo, or the receipt is not sure?"""

from dataclasses import replace

import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import line
from blurspace.chance import chance
from blurspace.restore.blurs import UniformBlur
from blurspace.restore.driver import Found, Method, deblur
from blurspace.restore.observed import Observed
from blurspace.restore.verdict import Referee
from blurspace.run import Run
from blurspace.search import judging
from blurspace.search.judging import Judged
from blurspace.search.method import FoundPicture

KERNEL = line(5, 0.0)
SHARP = torch.rand(1, 1, 12, 12, generator=chance(2, 0)).repeat_interleave(8, -1).repeat_interleave(8, -2)


def method(picture):
    found = Found(UniformBlur(KERNEL), picture=picture)
    plain = Method("made", lambda seen, run: found, lambda seen, found, run: FoundPicture(picture, "linear", 1))
    return plain, found


def observed():
    return Observed(blur(SHARP, KERNEL), response="linear", given=UniformBlur(KERNEL))


def test_what_explains_the_photo_stays():
    plain, found = method(SHARP)
    assert Judged(plain)(observed(), Run()) is found


def test_what_does_not_is_refused():
    plain, _ = method((SHARP + 0.2).clamp(0, 1))
    done = deblur(observed(), [replace(plain, find=Judged(plain))], Run())
    assert (done.receipt.verdict, done.receipt.code) == ("refused", "unexplained")
    assert torch.equal(done.restored, observed().pixels)


def test_one_must_be_sure(monkeypatch):
    plain, _ = method(SHARP)
    told = Referee().belief
    for least, refused in ((0.0, False), (1.1, True)):
        monkeypatch.setattr(judging, "SURE", least)
        monkeypatch.setattr(judging, "Referee", lambda: Referee(replace(told, least=0.0, least_known=0.0, gain=99.0)))
        assert (Judged(plain)(observed(), Run()).refusal is not None) == refused
