"""Do the protocols of searches measure what they say, and draw their sheets?"""

from dataclasses import replace
from functools import partial

import pytest
import torch

from blurspace.bench import tran2021_convergence, tran2021_manifold, tran2021_search
from blurspace.bench.sheets import write_sheet
from blurspace.bench.tran2021_manifold import errors
from blurspace.builders import build_deblurrer, build_space
from blurspace.chance import chance
from blurspace.io.images import read_photo
from blurspace.restore.finders import KernelFinder
from blurspace.search.method import Searcher, SearchSettings, search_method
from blurspace.search.solver import Joint
from blurspace.types import Pair


@pytest.mark.parametrize(
    ("read", "wanted", "share"),
    [("sign", "sign", 0), ("", "sign", 1), ("sgn", "sign", 0.25), ("signs", "sign", 0.25), ("sing", "sign", 0.5)],
)
def test_character_errors(read, wanted, share):
    assert errors(read, wanted) == share


def test_sheet(tmp_path):
    grey, colour = torch.zeros(1, 1, 20, 30), torch.full((1, 3, 20, 30), 0.5)
    write_sheet(tmp_path / "sheet.png", [[grey, colour], [colour, grey]])
    assert read_photo(tmp_path / "sheet.png").samples.shape == (1, 3, 48, 68)


def test_a_row_of_a_search(monkeypatch):
    quick = SearchSettings(small=Joint(2), sharpen=Joint(1), both=Joint(1), last=Joint(1), least=24)
    for room in ("blurspace.bench.tran2021_search", "blurspace.search.method"):
        monkeypatch.setattr(f"{room}.KernelFinder", partial(KernelFinder, 7))
    monkeypatch.setattr(tran2021_search, "SearchSettings", lambda: quick)
    method = replace(search_method(build_space()), find=Searcher(build_space(), settings=quick))
    monkeypatch.setattr(tran2021_search, "search_method", lambda space: method)
    monkeypatch.setattr(tran2021_search, "build_deblurrer", lambda name: build_deblurrer("mild"))
    sharp = torch.rand(1, 3, 8, 8, generator=chance(0, 0)).repeat_interleave(8, -1).repeat_interleave(8, -2)
    row, pictures = tran2021_search.measure("one", Pair(sharp, torch.nn.functional.avg_pool2d(sharp, 5, 1, 2)))
    assert row["verdict"] in ("restored", "refused", "left alone")
    assert row["gain_db"] == (row["raw_db"] if row["verdict"] == "restored" else 0)
    assert len(pictures) == 5
    assert tran2021_search.summary([row])["mean_raw_db"] == pytest.approx(row["raw_db"], abs=1e-4)


def test_curves_fall_and_are_drawn():
    photo = tran2021_convergence.blurred()[..., :64]
    curves = {name: tran2021_convergence.losses(name, photo, Joint(5)) for name in tran2021_convergence.COLOURS}
    assert {len(curve) for curve in curves.values()} == {5}
    assert all(curve[-1] < curve[0] for curve in curves.values())
    assert tran2021_convergence.plotted(curves).shape == (1, 3, 240, 480)


def test_the_line_of_the_curves_is_blurred_differently_at_its_ends():
    photo = tran2021_convergence.blurred()
    along, down = (photo.diff(dim=axis).abs().mean(-2)[0, 0] for axis in (-1, -2))
    ratio = along[:255] / (down[:255] + 1e-6)
    assert ratio[:64].median() < ratio[-64:].median()


def test_a_line(monkeypatch, tmp_path):
    monkeypatch.setattr(tran2021_manifold, "build_deblurrer", lambda name: build_deblurrer("mild"))
    monkeypatch.setattr(tran2021_manifold, "find_reader", lambda: lambda picture: "sign")
    monkeypatch.setattr(tran2021_manifold, "found", lambda seen: (seen.pixels, "refused"))
    monkeypatch.setattr(tran2021_manifold, "SHEET", tmp_path / "sheet.png")
    (row,) = tran2021_manifold.run(None, limit=1)
    assert row["known_psnr"] == row["blind_psnr"] == row["blurry_psnr"]
    assert row["known_errors"] == 0
    assert (tmp_path / "sheet.png").exists()
    assert tran2021_manifold.summary([row])["mean_blind_errors"] == 0
