"""Do the protocols about kernel spaces train, transfer and search as they say, on data of the documented layout?"""

import numpy as np
import pytest
import torch

from blurspace.bench import (
    runner,
    spaces,
    tran2021_augmented,
    tran2021_retrieval,
    tran2021_swapped,
    tran2021_transfer,
    transfer,
)
from blurspace.bench.alone import Cost
from blurspace.bench.protocols import PROTOCOLS
from blurspace.blur.exposure import photograph
from blurspace.blur.kernels import line
from blurspace.errors import NoInputError, UsageError
from blurspace.io.images import encode_photo, write_bytes
from blurspace.metrics import psnr
from blurspace.train import filters
from blurspace.types import Pair, Photo


def textured(seed, size=(96, 112)):
    generator = torch.Generator().manual_seed(seed)
    rough = torch.rand(1, 3, size[0] // 4, size[1] // 4, generator=generator)
    picture = torch.nn.functional.interpolate(rough, size=size, mode="bicubic").clamp(0, 1)
    return (0.1 + 0.7 * picture + 0.1 * torch.rand(1, 3, *size, generator=generator)).clamp(0, 1)


def save(path, picture):
    path.parent.mkdir(parents=True, exist_ok=True)
    write_bytes(path, encode_photo(Photo.of(picture), picture), overwrite=True)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The layout of the protocols, with small pictures."""
    root = tmp_path_factory.mktemp("data")
    for index in range(4):
        save(root / "train" / "photos" / f"{index}.png", textured(index))
        for name in ("kodak24", "cid22"):
            save(root / "test" / name / f"{index}.png", textured(10 + index))
    for folder, shot in (("train/gopro_half", "shot1"), ("train/reds_half", "020"), ("test/gopro", "")):
        for index in range(3):
            sharp = textured(20 + index, (192, 192) if folder.startswith("test") else (176, 176))
            save(root / folder / shot / "sharp" / f"{index}.png", sharp)
            blurry = photograph(sharp, line(5 + index, 30 * index), response="linear")
            save(root / folder / shot / "blur" / f"{index}.png", blurry)
    for index in range(6):
        save(root / "train" / "gopro_240fps_half" / f"{index}.png", textured(30).roll(index, -1))
    kernels = {f"f_{shake}": line(3 + shake, 20 * shake)[0, 0].numpy() for shake in range(1, 9)}
    pairs = {f"{letter}_1_{shake}": np.zeros((16, 16), np.float32) for letter in "xy" for shake in range(1, 9)}
    (root / "bench" / "levin2009").mkdir(parents=True)
    np.savez(root / "bench" / "levin2009" / "levin32.npz", **kernels, **pairs)
    return root


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(filters, "START_BATCHES", 6)
    for module in (tran2021_transfer, tran2021_retrieval):
        monkeypatch.setattr(module, "STEPS", 1)
        monkeypatch.setattr(module, "TRAIN_CROP", 64)
        monkeypatch.setattr(module, "COUNT", 8)
    monkeypatch.setattr(tran2021_transfer, "SIDE", 15)
    monkeypatch.setattr(tran2021_transfer, "CROP", 64)
    for name, value in {"SIDE": 11, "SCENE_SIDE": 64, "SCENES": 2, "FRAMES": 2, "RETRIEVAL_STEPS": 2}.items():
        monkeypatch.setattr(tran2021_retrieval, name, value)
    space = {"count": 4, "side": 9, "steps": 1}
    for name, value in {"WIDTHS": (4, 6), "CROP": 64, "BATCH": 2, "SPACE": space}.items():
        monkeypatch.setattr(tran2021_swapped, name, value)
    for name, value in {"CROP": 64, "TESTS": 2, "TEST_CROP": 64}.items():
        monkeypatch.setattr(tran2021_augmented, name, value)
    for name, value in {"SCENES": 2, "CROP": 60, "FRAMES": 2, "MOMENTS": 3, "LARGE": (64, 96), "RUNS": 1}.items():
        monkeypatch.setattr(transfer, name, value)
    monkeypatch.setattr(transfer, "SHAPES", ((64, 64), (48, 96)))
    monkeypatch.setattr(transfer, "command", lambda *_: Cost(1.0, 1.0, 100.0, 0.0, 0, "", ""))


def test_table_1(data):
    result = runner.run("tran2021-transfer", data=data, limit=2)
    assert [row["kernel"] for row in result.rows] == [1, 2]
    assert [row["paper_psnr"] for row in result.rows] == [49.48, 51.93]
    for row in result.rows:
        assert row["transfers"] == 4 * tran2021_transfer.TARGETS
        assert row["psnr"] > row["sharp_psnr"] + 5
        assert row["worst_psnr"] <= row["psnr"]
    check_again(result)


def test_table_3(data):
    result = runner.run("tran2021-retrieval", data=data)
    cells = {(row["trained_on"], row["tested_on"]): row for row in result.rows}
    assert len(cells) == 8
    assert {cell for cell, row in cells.items() if row["note"]} == {("reds half", "reds half")}
    for row in result.rows:
        assert row["pairs"] == 2
        assert row["psnr"] > row["sharp_psnr"]
        assert row["psnr"] >= row["extracted_psnr"] - 0.2  # the search goes by another distance
    same = cells["hand", "hand"]["psnr"] - cells["wheel", "hand"]["psnr"]
    assert result.summary["most_lost_across_domains"] >= round(same, 4)
    check_again(result)


def test_table_2(data):
    result = runner.run("tran2021-swapped", data=data, limit=2)
    assert [row["trained_on"] for row in result.rows] == ["none", "original", "blur-swapped"]
    assert [row["paper_psnr"] for row in result.rows] == [None, 30.20, 28.49]
    assert all(10 < row["psnr"] < 60 for row in result.rows)
    check_again(result)


def test_swapped_pairs_keep_the_sharp_picture_and_change_the_blur():
    sharp = [textured(seed, (176, 176)) for seed in range(2)]
    blurry = [photograph(one, line(9, angle), response="linear") for one, angle in zip(sharp, (0, 90), strict=True)]
    pairs = [(torch.cat(both) * 255).round().to(torch.uint8) for both in zip(sharp, blurry, strict=True)]
    swapped = tran2021_swapped._swapped(pairs)
    for index, (pair, old) in enumerate(zip(swapped, pairs, strict=True)):
        assert torch.equal(pair[0], old[0])
        wanted = photograph(sharp[index], line(9, 90 - 90 * index), response="linear")
        distances = [psnr(pair[1:].float() / 255, one) for one in (wanted, blurry[index])]
        assert distances[0] > distances[1] + 5


def test_table_4(data):
    result = runner.run("tran2021-augmented", data=data, limit=2)
    assert [row["trained_on"] for row in result.rows] == ["none", "lines", "lines and REDS codes"]
    assert result.rows[2]["paper_reds_psnr"] == 28.37
    gained = result.rows[2]["reds_psnr"] - result.rows[1]["reds_psnr"]
    assert result.summary["gained_reds_psnr"] == pytest.approx(gained, abs=1e-4)
    check_again(result)


def test_the_shipped_space(data):
    result = runner.run("transfer", data=data)
    tasks = {row["task"]: row for row in result.rows}
    assert [name for name in tasks if name.startswith("self-transfer")] == [
        f"self-transfer, {kind}"
        for kind in ("made camera hand", "made camera wheel", "GoPro", "REDS half", "3 frames of 240 fps averaged")
    ]
    for name in ("GoPro", "REDS half"):
        row = tasks[f"self-transfer, {name}"]
        assert row["psnr"] > row["sharp_psnr"] + 5
    sizes = [row for row in result.rows if " onto " in row["task"]]
    assert sizes[0]["lost_db"] == 0
    assert sizes[1]["lost_db"] == pytest.approx(sizes[0]["psnr"] - sizes[1]["psnr"], abs=2e-4)
    assert result.rows[-1]["seconds"] > 0
    check_again(result)


def test_the_best_uniform_kernel_is_best():
    """It finds a uniform kernel in the light where the blur happened, to 8 bits."""
    sharp = textured(3, (80, 80))
    for response, exponents in (("linear", (1.0, 2.4)), ("srgb", (2.4,))):
        pair = Pair(sharp, photograph(sharp, line(7, 25), response=response))
        assert spaces.best_uniform_psnr(pair, exponents=exponents, side=9) > 45
    assert spaces.best_uniform_psnr(Pair(sharp, sharp), exponents=(1.0,), side=5) > 55


def test_missing_data_and_other_methods_are_one_sentence(data, tmp_path):
    with pytest.raises(NoInputError, match="train/photos"):
        runner.run("tran2021-retrieval", data=tmp_path)
    with pytest.raises(UsageError, match="kernel-space"):
        runner.run("transfer", data=data, method="fourier-pair")


def check_again(result):
    """The committed rows give the committed summary."""
    again = PROTOCOLS[result.summary["name"]].result(
        result.rows, method=result.summary["method"], data=result.summary["data"]
    )
    assert again.summary == result.summary
