"""Is every row of table 3 trained and measured on the same triplets, and does the row say what it is?"""

import pytest

from blurspace.bench import kaufman2020_ablation as ablation
from blurspace.bench import runner
from blurspace.bench.protocols import PROTOCOLS
from blurspace.errors import ModelError, UsageError

TINY = {"analysis": {"width": 3, "features": 2, "filter": 3}, "synthesis": {"width": 4, "hidden": 4, "levels": 1}}


@pytest.fixture
def quick(monkeypatch):
    monkeypatch.setattr(ablation, "DATA", ablation.DATA | {"validation": 4, "batch": 2})
    monkeypatch.setattr(ablation, "ANALYSIS", ablation.ANALYSIS | TINY["analysis"])
    monkeypatch.setattr(ablation, "SYNTHESIS", ablation.SYNTHESIS | TINY["synthesis"])


def test_every_row_of_the_table(quick, photos):
    result = runner.run("kaufman2020-ablation", data=photos, limit=2)
    rows = {row["configuration"]: row for row in result.rows}
    assert list(rows) == ["blurry", *ablation.PAPER]
    assert {name: row["paper_psnr"] for name, row in rows.items() if name != "blurry"} == ablation.PAPER
    assert len({tuple(row) for row in result.rows}) == 1
    blurry = rows["blurry"]["psnr"]
    for row in result.rows:
        assert 5 < row["psnr"] < 60
        assert row["gain"] == pytest.approx(row["psnr"] - blurry, abs=2e-4)
    steps = [row["steps"] for row in result.rows]
    assert steps == [0, 2, 2, 2, 2, 3, 2, 3, 3]
    weights = [row["parameters"] for row in result.rows]
    assert weights[1] < weights[2] == weights[3] < weights[4] < weights[5] == weights[6] == weights[7]
    assert weights[8] == 2 * weights[7]
    summary = result.summary
    assert (summary["name"], summary["method"], summary["n"]) == ("kaufman2020-ablation", "kaufman2020", 9)
    assert (summary["mean_psnr"], summary["blurry_psnr"]) == (None, blurry)
    again = PROTOCOLS["kaufman2020-ablation"].result(result.rows, method=summary["method"], data=summary["data"])
    assert again.summary == summary


def test_scale_optimised_takes_each_triplet_from_its_own_pair(quick, photos, tmp_path, monkeypatch):
    bench = ablation._Ablation(photos, tmp_path, 1)
    bench.guided("none")
    bench.guided("both")
    bench.trained_apart()
    sides = [ablation.trim(one).shape[-1] for piece in held_out(bench) for one in piece.kernel.split(1)]
    assert 0 < sum(side <= 9 for side in sides) < len(sides)
    monkeypatch.setattr(ablation._Trained, "measure", lambda one, pieces: pieces_by_name(one, len(sides)))
    (row,) = bench.by_range()
    assert row["psnr"] == pytest.approx(sum(10 if side <= 9 else 20 for side in sides) / len(sides), abs=1e-3)


def held_out(bench):
    return bench.done["pair"].task.source.held_out


def pieces_by_name(one, count):
    return ablation.torch.full((count,), 10.0 if "3 to 9" in str(one.weights) else 20.0)


def test_method(photos):
    with pytest.raises(UsageError, match="give one of kaufman2020"):
        runner.run("kaufman2020-ablation", data=photos, method="blurry")


def test_without_pydantic_it_is_one_sentence(photos, monkeypatch):
    monkeypatch.setattr(ablation, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match="needs pydantic"):
        runner.run("kaufman2020-ablation", data=photos)
