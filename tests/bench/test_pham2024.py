"""Do the protocols of Blur2Blur train what they say, and count what they should?"""

from functools import partial

import pytest
import torch

from blurspace.bench import pham2024_adapt, pham2024_gopro, runner, translations
from blurspace.bench.protocols import PROTOCOLS
from blurspace.bench.result import markdown, read_csv
from blurspace.blur import spectra
from blurspace.errors import UsageError
from blurspace.jobs.each import picture_bytes
from blurspace.train.converter import train_judge


def save(folder, count, size, *names):
    """Photos with texture, the same under each name; a pair's blurry one is a little duller."""
    for place in range(count):
        coarse = torch.rand(1, 3, size[0] // 8, size[1] // 8, generator=torch.Generator().manual_seed(place))
        picture = torch.nn.functional.interpolate(coarse, size, mode="bicubic").clamp(0, 1)
        for name in names:
            (folder / name).mkdir(parents=True, exist_ok=True)
            dull = 0.9 * picture if name.endswith("blur") else picture
            (folder / name / f"{place:03}.png").write_bytes(picture_bytes(dull))


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    save(folder / "train", 8, (304, 304), "photos")
    save(folder / "train" / "gopro_half" / "shot1", 3, (224, 224), "sharp", "blur")
    save(folder / "train" / "reds_half" / "020", 3, (224, 224), "sharp", "blur")
    save(folder / "train", 12, (224, 224), "gopro_240fps_half")
    save(folder / "test" / "gopro" / "shot2", 1, (256, 256), "sharp", "blur")
    save(folder / "test", 2, (304, 304), "kodak24")
    return folder


@pytest.fixture(autouse=True)
def small(monkeypatch):
    for module in (pham2024_adapt, pham2024_gopro, translations):
        monkeypatch.setattr(module, "BANK", 2)
    monkeypatch.setattr(pham2024_adapt, "TESTS", 1)
    monkeypatch.setattr(spectra, "LONGEST", (3, 5, 7))
    monkeypatch.setattr(translations, "WIDTHS", (4, 6))
    monkeypatch.setattr(translations, "BATCH", 2)
    monkeypatch.setattr(translations, "RENDERED", 2)
    monkeypatch.setattr(translations, "train_judge", partial(train_judge, steps=1))


@pytest.mark.parametrize("method", ["blurry", "home", "known", "blur2blur", "made pairs"])
def test_methods_of_the_made_cameras(data, method):
    result = runner.run("pham2024-adapt", data=data, method=method, limit=1)
    (row,) = result.rows
    assert row["gain_db"] == pytest.approx(row["psnr"] - row["blurry_psnr"], abs=1e-4)
    assert result.summary["gain_over_plain"] == pytest.approx(row["psnr"] - row["plain_psnr"], abs=1e-3)
    if method == "blurry":
        assert row["gain_db"] == row["coarse_change"] == 0
    if method in ("home", "known"):
        assert row["psnr"] == row["plain_psnr"] != row["blurry_psnr"]
    assert (row["input_known"] is not None) == (method == "blur2blur")
    assert (row["input_fools_critic"] is not None) == (method == "blur2blur")
    again = read_csv(result.csv())
    assert PROTOCOLS["pham2024-adapt"].result(again.rows, method=method, data=data.name).summary == again.summary
    assert f"| {method} |" in markdown(pham2024_adapt.table([result]))


def test_real_pictures(data):
    result = runner.run("pham2024-gopro", data=data, method="ours", limit=1)
    (row,) = result.rows
    assert row["blurry_psnr"] < row["psnr"] + 60
    assert result.summary["name"] == "pham2024-gopro"
    assert "paper" not in markdown(pham2024_gopro.table([result]))


def test_unknown_methods_say_which_there_are(data):
    for name in ("pham2024-adapt", "pham2024-gopro"):
        with pytest.raises(UsageError, match=r"method nothing is not measured by this protocol: give one of blurry"):
            runner.run(name, data=data, method="nothing")


def test_the_paper_has_numbers_of_our_methods_only():
    assert set(pham2024_adapt.PAPER) <= set(pham2024_adapt.METHODS)
