"""Are the bytes those of the command line, and a preview like what it previews?"""

import pkgutil
from collections import Counter
from functools import wraps

import pytest
import torch

from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import line
from blurspace.io.images import encode_photo, kernel_bytes, read_kernel, read_photo
from blurspace.metrics import psnr
from blurspace.run import Run
from blurspace.types import Photo
from blurspace.web.limits import Limits
from blurspace.web.preview import made_small
from blurspace.web.work import Wish, Workshop, result_name

from ..restore.scenes import made_scene
from ..test_cli import run  # noqa: F401 - a fixture


@pytest.fixture(scope="module")
def shaken():
    sharp = made_scene(160, seed=0, channels=3)
    blurry = photograph(sharp, line(9, 20), sigma=0.005, round8=True, border="valid", response="linear")
    return encode_photo(Photo.of(blurry), blurry)


@pytest.mark.parametrize("strength", [1.0, 0.6])
def test_the_bytes_are_those_of_the_command_line(shaken, tmp_path, run, strength):  # noqa: F811
    (tmp_path / "p.png").write_bytes(shaken)
    (tmp_path / "k.tiff").write_bytes(kernel_bytes(line(9, 20)))
    told = run("deblur", tmp_path / "p.png", "--kernel", tmp_path / "k.tiff", "--force", "--strength", strength)
    assert told.code == 0, told.err
    workshop = Workshop(Limits(), device="cpu")
    held = workshop.admit(shaken, "p.png")
    wish = Wish("a", 1.0, "auto", read_kernel(tmp_path / "k.tiff"), force=True)
    first = workshop.deblur(held, wish, workshop.how())
    outcome = workshop.deblur(held, Wish("a", strength), workshop.how())  # from what is kept
    assert (first.told["verdict"], outcome.told["verdict"]) == ("restored", "restored")
    assert outcome.files["file"].data == (tmp_path / "p.deblurred.png").read_bytes()
    assert outcome.files["file"].name == "p.deblurred.png"


def test_a_preview_is_like_the_result(shaken, monkeypatch):
    monkeypatch.setattr("blurspace.web.preview.PIXELS", 8_000)  # of a photo of 23,000
    workshop = Workshop(Limits(), device="cpu")
    held, wish = workshop.admit(shaken, "p.png"), Wish("a", 1.0, "classical", line(9, 20), force=True)
    assert workshop.preview(held, wish, Run()) is None  # nothing is kept yet
    outcome = workshop.deblur(held, wish, Run())
    small = read_photo(workshop.preview(held, wish, Run()).data).pixels
    half = [torch.nn.functional.avg_pool2d(read_photo(data).pixels, 2) for data in (outcome.files["file"].data, shaken)]
    assert small.shape[-1] == held.width // 2
    assert psnr(small, half[0]) > psnr(half[1], half[0]) + 3


def test_a_small_photo_needs_no_preview(shaken):
    workshop = Workshop(Limits(), device="cpu")
    held, wish = workshop.admit(shaken, "p.png"), Wish("a", 1.0, "classical", line(9, 20), force=True)
    kept = workshop._kept_for(held, wish)
    assert made_small(kept.seen) is None


# What hangs on the photo and not on the strength: where it is worked out.
ONCE = (
    "blurspace.restore.finders.KernelFinder.__call__",
    "blurspace.restore.observed.estimate_sigma",
    "blurspace.restore.observed.untouched",
    "blurspace.restore.observed.find_parts",
    "blurspace.web.kept.made_small",
    "blurspace.web.pictures.map_picture",
    "blurspace.web.pictures.kernel_picture",
    "blurspace.web.pictures.field_picture",
)
DECONVOLVED = "blurspace.restore.total_variation.deconvolve"


@pytest.fixture
def counted(monkeypatch):
    """How often each of these was called."""
    calls = Counter()

    def count(name):
        place, _, last = name.rpartition(".")
        before = getattr(pkgutil.resolve_name(place), last)

        @wraps(before)
        def counting(*given, **how):
            calls[name] += 1
            return before(*given, **how)

        monkeypatch.setattr(name, counting)

    for name in (*ONCE, DECONVOLVED):
        count(name)
    return calls


def test_another_strength_works_out_only_what_hangs_on_it(shaken, monkeypatch, counted):
    monkeypatch.setattr("blurspace.web.preview.PIXELS", 8_000)  # of a photo of 23,000
    workshop = Workshop(Limits(), device="cpu")
    held, kernel = workshop.admit(shaken, "p.png"), line(9, 20)

    def shown(strength):
        wish = Wish("a", strength, "classical", kernel, force=True)
        return workshop.preview(held, wish, Run()), workshop.deblur(held, wish, Run())

    first, (small, second) = shown(1.0)[1], shown(0.8)
    assert small is not None
    assert all(counted[name] for name in ONCE)
    counted.clear()
    other, third = shown(0.6)
    assert {name: counted[name] for name in ONCE} == dict.fromkeys(ONCE, 0)
    assert counted[DECONVOLVED] in (2, 3, 4)  # the preview and the result, each again where the kernel errs
    assert small.data != other.data
    assert len({one.files["file"].data for one in (first, second, third)}) == 3
    assert all(first.files[name] is third.files[name] for name in ("map", "kernel", "kernel_file", "field"))


def test_only_so_many_pixels_are_kept(shaken):
    workshop = Workshop(Limits(alive_pixels=60_000), device="cpu")
    helds = [workshop.admit(shaken, "p.png") for _ in range(3)]
    wish = Wish("a", 1.0, "mild")
    for held in helds:
        workshop._kept_for(held, wish)
    assert [workshop.is_kept(held, wish) for held in helds] == [False, True, True]
    workshop.forget(helds[1].id)
    assert not workshop.is_kept(helds[1], wish)


@pytest.mark.parametrize(
    ("name", "format", "wanted"),
    [
        ("a.jpg", "JPEG", "a.deblurred.jpg"),
        ("a.JPEG", "JPEG", "a.deblurred.JPEG"),
        ("a.heic", "JPEG", "a.deblurred.jpg"),
        ("a", "PNG", "a.deblurred.png"),
    ],
)
def test_results_are_called_as_on_the_command_line(name, format, wanted):
    class Coding:
        pass

    Coding.format = format
    assert result_name(name, Photo(torch.zeros(1, 3, 8, 8, dtype=torch.uint8), coding=Coding())) == wanted
