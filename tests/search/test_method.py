"""Does a search work as a method: any size, in tiles, within its time, with a receipt?"""

from dataclasses import replace
from inspect import Parameter, signature
from pathlib import Path

import numpy as np
import PIL.Image
import pytest
import torch

from blurspace import api, cli
from blurspace.areas import whole
from blurspace.blur.convolve import blur
from blurspace.blur.exposure import to_display, to_linear
from blurspace.blur.kernels import line
from blurspace.builders import build_deblurrer, build_space
from blurspace.chance import chance
from blurspace.errors import Cancelled, ModelError, PictureError, UsageError
from blurspace.io.images import write_kernel
from blurspace.levels import to_levels
from blurspace.metrics import psnr
from blurspace.restore.blurs import CodeBlur, UniformBlur
from blurspace.restore.driver import Found, Method, deblur
from blurspace.restore.observed import Observed
from blurspace.run import Run
from blurspace.search.method import DisplayedBlur, FoundPicture, Searcher, SearchSettings, search_method
from blurspace.search.solver import Joint
from blurspace.search.starts import AboutKernel, first_code
from blurspace.search.stopping import Patience

SPACE = build_space()
KERNEL = line(7, 20.0)
QUICK = SearchSettings(
    small=Joint(2),
    sharpen=Joint(2, picture_rate=0.05),
    both=Joint(2, picture_rate=0.05),
    last=Joint(1),
    least=24,
    tile=64,
)


def photo(size=(72, 64), channels=3):
    coarse = torch.rand(1, channels, size[0] // 8 + 1, size[1] // 8 + 1, generator=chance(5, 0))
    sharp = coarse.repeat_interleave(8, -1).repeat_interleave(8, -2)[..., : size[0], : size[1]]
    return sharp, blur(sharp, KERNEL)


def observed(blurry, **more):
    return Observed(blurry, response="linear", **more)


def test_a_known_kernel_is_where_it_begins():
    sharp, blurry = photo((64, 64), channels=1)
    settings = replace(QUICK, last=Joint(12, picture_rate=0.15))
    seen = observed(blurry, given=UniformBlur(KERNEL))
    method = replace(search_method(SPACE), find=Searcher(SPACE, settings=settings))
    done = deblur(seen, [method], Run())
    assert done.method == "search"
    assert any("from the kernel that was given" in note for note in done.notes)
    assert any("a search of about" in note for note in done.notes)
    found = seen.find(method.find, Run())
    assert float(psnr(found.picture, sharp)) > float(psnr(blurry, sharp)) + 1
    assert found.confidence is None


def test_without_a_kernel_a_code_is_drawn(monkeypatch):
    _, blurry = photo()
    monkeypatch.setattr("blurspace.search.method.KernelFinder", lambda: lambda seen, run: Found())
    told = []
    run = Run(on_step=lambda stage, done, total: told.append(stage))
    found = Searcher(SPACE, seed=3, settings=QUICK)(observed(blurry), run)
    assert found.picture.shape == blurry.shape
    assert found.blur.code.shape == SPACE.rest_code((72, 64)).shape
    assert "from a code that was drawn, seed 3" in found.notes[-2]
    assert told[0].startswith("searching small, ")
    assert told[0].endswith(" min in all")
    again = Searcher(SPACE, seed=3, settings=QUICK)(observed(blurry), Run())
    assert torch.equal(found.picture, again.picture)


def test_a_code_that_is_drawn_is_searched_until_the_pictures_change_least(monkeypatch):
    assert SearchSettings().small.patience == Patience()
    _, blurry = photo((64, 64), channels=1)
    monkeypatch.setattr("blurspace.search.method.KernelFinder", lambda: lambda seen, run: Found())
    steps, patient = [], replace(QUICK, small=Joint(200, last_rate=1.0, patience=Patience(window=3, steps=3)))
    run = Run(on_step=lambda stage, done, total: steps.append(done) if stage.startswith("searching small") else None)
    found = Searcher(SPACE, settings=patient)(observed(blurry), run)
    assert 6 <= len(steps) < 200
    last = Searcher(SPACE, settings=replace(patient, small=replace(patient.small, steps=max(steps), patience=None)))
    assert not torch.equal(found.blur.code, last(observed(blurry), Run()).blur.code)  # for the best is kept


def test_a_search_of_a_kernel_cannot_be_forced(tmp_path, capfd):
    _, blurry = photo((64, 64))
    PIL.Image.fromarray(to_levels(blurry)[0].permute(1, 2, 0).numpy()).save(tmp_path / "photo.png")
    write_kernel(tmp_path / "kernel.tiff", KERNEL, overwrite=False)
    for name in ("search", "manifold"):
        options = ["--method", name, "--kernel", str(tmp_path / "kernel.tiff"), "--force"]
        assert cli.main(["deblur", str(tmp_path / "photo.png"), *options]) == 2
        told = capfd.readouterr()
        assert (told.out, told.err.count("\n")) == ("", 1)
        assert f"{name} knows no" in told.err
        assert "force" in told.err
    assert {one.name for one in tmp_path.iterdir()} == {"photo.png", "kernel.tiff"}


def test_python_asks_for_it_as_the_command_line_does(monkeypatch):
    given = {name: one.kind for name, one in signature(api.deblur).parameters.items()}
    for name in signature(build_deblurrer).parameters.keys() - {"method"}:
        assert given[name] == Parameter.KEYWORD_ONLY
    monkeypatch.setattr("blurspace.search.method.SearchSettings", lambda: QUICK)
    _, blurry = photo((64, 64))
    told = api.deblur(blurry, method="search", kernel=KERNEL, response="linear", minutes=5.0, seed=np.int64(4))
    assert told.restoration.method == "search"
    with pytest.raises(UsageError, match=r"^search knows no .*generator"):
        api.deblur(blurry, method="search", generator="printer")
    with pytest.raises(ModelError, match="nowhere"):
        api.deblur(blurry, method="manifold", generator=Path("nowhere.safetensors"))


def test_minutes_make_fewer_steps_or_none(monkeypatch):
    _, blurry = photo((64, 64))
    monkeypatch.setattr("blurspace.search.solver.Problem.seconds_per_step", lambda *_: 6.0)
    seen = observed(blurry, given=UniformBlur(KERNEL))
    settings = replace(QUICK, sharpen=Joint(2), both=Joint(6), last=Joint(2))  # a minute
    found = Searcher(SPACE, minutes=0.5, settings=settings)(seen, Run())
    assert found.notes[-1] == "a search of about 0.5 minutes, with 50% of the steps"
    assert Searcher(SPACE, minutes=9, settings=settings)(seen, Run()).notes[-1].endswith("with 100% of the steps")
    with pytest.raises(PictureError, match=r"^0.1 minutes were given for a search that takes 1.00 here: give"):
        Searcher(SPACE, minutes=0.1, settings=settings)(seen, Run())


def test_it_is_cancelled_between_steps():
    _, blurry = photo((64, 64))
    seen, steps = observed(blurry, given=UniformBlur(KERNEL)), []
    run = Run(on_step=lambda *step: steps.append(step), cancelled=lambda: len(steps) > 1)
    with pytest.raises(Cancelled):
        Searcher(SPACE, settings=QUICK)(seen, run)
    assert len(steps) == 2


def test_a_blur_in_display_values_is_one_in_light():
    sharp, _ = photo((64, 64))
    space = AboutKernel(SPACE, KERNEL)
    code = first_code(space, (64, 64), response="srgb")
    plain, shown = CodeBlur(code, space), DisplayedBlur(code, space, "srgb")
    light = to_linear(sharp, "srgb")
    again = to_display(shown.reblur(light, whole((64, 64))), "srgb")
    torch.testing.assert_close(again, plain.reblur(sharp, whole((64, 64))), atol=1e-4, rtol=0)
    restorer = FoundPicture(sharp, "srgb", SPACE.stride)
    torch.testing.assert_close(restorer(light, whole((64, 64)), Run()), light)


def test_the_card_builds_it():
    (method,) = build_deblurrer("search", minutes=2.0, seed=5).methods
    assert isinstance(method, Method)
    searcher = method.find
    assert (searcher.seed, searcher.minutes) == (5, 2.0)
