"""Does protocol `kohler` find the photos and frames, and is its fit the best of all factors and shifts?"""

import json

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from blurspace.bench import kohler, published, runner
from blurspace.bench.fit import fit, fitted, movable
from blurspace.bench.protocols import PROTOCOLS
from blurspace.bench.result import read_csv
from blurspace.errors import NoInputError, PictureError, UsageError
from blurspace.io.images import read_photo

SIDE = 96
PATH = [(0, 0), (1, 2), (2, 4), (2, 7), (4, 9)]  # px down and right of each frame


def scene(side, seed):
    generator = np.random.default_rng(seed)
    blocks = np.kron(generator.random((side // 8 + 1, side // 8 + 1, 3)), np.ones((8, 8, 1)))[:side, :side]
    return 0.8 * blocks + 0.1 * generator.random((side, side, 3))


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Pil.fromarray((pixels * 255).round().astype(np.uint8)).save(path)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """2 printouts x trajectories 1 and 8, in the layout of the download; a photo is the mean of its frames."""
    monkeypatch.setattr(kohler, "MAX_SHIFT", 8)  # small pictures, and no time
    root = tmp_path / "kohler"
    for printout in (1, 2):
        big = scene(SIDE + 20, printout)
        frames = [big[down : down + SIDE, right : right + SIDE] for down, right in PATH]
        for trajectory in (1, 8):
            save(root / f"Blurry{printout}_{trajectory}.png", np.mean(frames, 0))
            inside = root / f"Image{printout}" / f"Kernel{trajectory}"
            for number, frame in enumerate(frames, 1):
                save(inside / f"GroundTruth{printout}_{trajectory}_{number}.png", frame)
    return root


def test_fit_is_the_best_of_all():
    """Against a search that tries everything: every shift by interpolation, the factor by numpy's least squares."""
    generator = torch.Generator().manual_seed(1)
    sharp = torch.rand(1, 2, 20, 22, generator=generator)
    restored = ((sharp + sharp.roll(1, -1)) / 3 * 255).round() / 255
    moving = movable(restored, max_shift=2)
    found = fit(moving, sharp)
    target, best = sharp[0, :, 2:-2, 2:-2].double().numpy(), []
    planes = restored[0].double().numpy()
    for down in np.arange(-2, 2.25, 0.25):
        for right in np.arange(-2, 2.25, 0.25):
            row, column = np.clip([np.floor(2 + down), np.floor(2 + right)], 0, 3).astype(int)
            part, rest = 2 + down - row, 2 + right - column
            windows = [planes[:, row + r : row + r + 16, column + c : column + c + 18] for r in (0, 1) for c in (0, 1)]
            weights = [(1 - part) * (1 - rest), (1 - part) * rest, part * (1 - rest), part * rest]
            moved = sum(weight * window for weight, window in zip(weights, windows, strict=True))
            factor, error, *_ = np.linalg.lstsq(moved.reshape(-1, 1), target.ravel(), rcond=None)
            best.append((error[0], factor[0], down, right))
    error, factor, down, right = min(best)
    assert found.shift == (down, right)
    assert found.scale == pytest.approx(factor)
    assert found.psnr == pytest.approx(-10 * np.log10(error / target.size))
    assert found.shift != (round(down), round(right))  # so that the interpolation is tested too
    shown = fitted(moving, found)[0].double().numpy() - target
    assert np.square(shown).sum() == pytest.approx(error, rel=1e-4)


def test_known_psnr():
    """A darker, moved copy with a known error: the factor and the shift are found, and the error is what is left."""
    sharp = torch.from_numpy(scene(80, 3)).permute(2, 0, 1)[None].float()
    error = 10 / 255 * (torch.arange(80) // 5 % 2 * 2 - 1)  # +-10 levels in stripes, which a blurring shift keeps
    restored = ((sharp + error) * 0.8).roll((2, -3), (-2, -1))
    moving = movable(restored, max_shift=5)
    found = fit(moving, sharp)
    assert found.shift == (2, -3)
    assert found.scale == pytest.approx(1.25, rel=0.02)
    assert found.psnr == pytest.approx(20 * np.log10(255 / 10), abs=0.1)
    difference = fitted(moving, found) - sharp[..., 5:-5, 5:-5]
    assert float(-10 * difference.square().mean().log10()) == pytest.approx(found.psnr, abs=1e-3)


def test_equal_and_black_pictures():
    sharp = (torch.rand(1, 1, 30, 30) * 255).round() / 255
    assert fit(movable(sharp, max_shift=3), sharp).psnr > 90
    assert fit(movable(torch.zeros_like(sharp), max_shift=3), sharp).psnr < 10
    with pytest.raises(UsageError, match="too small for shifts"):
        movable(sharp, max_shift=15)
    with pytest.raises(PictureError, match="as they were published"):
        fit(movable(sharp, max_shift=3), sharp[..., :-1])


def test_any_frame_of_the_trajectory_is_right(folder, fake):
    """Frame 4 at two thirds of its light, moved by a px: found, fitted and scored as nearly perfect."""
    shots = kohler.find(folder)
    assert [(shot.printout, shot.trajectory, len(shot.frames)) for shot in shots] == [
        (1, 1, 5),
        (1, 8, 5),
        (2, 1, 5),
        (2, 8, 5),
    ]
    photos = {float(read_photo(shot.blurry).pixels.sum()): shot for shot in shots}

    def answer(blurry):
        return read_photo(photos[float(blurry.sum())].frames[4]).pixels.roll(1, -1) / 1.5

    fake.answer = answer
    result = runner.run("kohler", data=folder)
    assert all(row["psnr"] > 50 and row["ssim"] > 0.99 and row["gain_db"] > 10 for row in result.rows)
    assert all(row["scale"] == pytest.approx(1.5, rel=0.01) for row in result.rows)


def test_summary_and_table(folder):
    result = runner.run("kohler", data=folder, method="blurry")
    summary = result.summary
    assert {row["gain_db"] for row in result.rows} == {0.0}
    assert (summary["n"], summary["of"], summary["least_frames"]) == (4, 48, 5)
    assert [row["n"] for row in summary["trajectories"]] == [2, 2]
    without = [row["psnr"] for row in result.rows if row["trajectory"] == 1]
    assert summary["mean_psnr_without_8_9_10"] == pytest.approx(np.mean(without), abs=1e-4)
    assert summary["published"][:-1] == list(published.KOHLER)
    ours = summary["published"][-1]
    assert (ours["method"], ours["psnr"]) == ("this run, blurry", summary["mean_psnr"])
    assert ours["psnr_without_8_9_10"] == summary["mean_psnr_without_8_9_10"]
    assert "| Kaufman and Fattal | 29.97 | 0.915 | 31.87 | 0.961 |" in result.table()
    json.dumps({**summary, "rows": result.rows}, allow_nan=False)
    again = read_csv(result.csv())
    assert PROTOCOLS["kohler"].result(again.rows, method="blurry", data="kohler").summary == summary


def test_one_frame_is_enough(folder):
    for path in folder.rglob("GroundTruth*.png"):
        if not path.stem.endswith("_3"):
            path.unlink()
    result = runner.run("kohler", data=folder, method="blurry", limit=1)
    assert (result.summary["least_frames"], result.rows[0]["frame"], result.summary["n"]) == (1, 3, 1)


def test_only_the_big_trajectories(folder):
    for path in folder.rglob("*_1.png"):
        path.unlink()
    assert runner.run("kohler", data=folder, method="blurry").summary["mean_psnr_without_8_9_10"] is None


def test_wrong_folders(folder, tmp_path):
    with pytest.raises(NoInputError, match=r"holds no Blurry1_1\.png"):
        runner.run("kohler", data=folder / "Image1")
    with pytest.raises(UsageError, match="true kernel is not measured"):
        runner.run("kohler", data=folder, method="true kernel")
    save(folder / "copy" / "Blurry1_1.png", np.zeros((20, 20)))
    with pytest.raises(UsageError, match="stand for the same picture"):
        runner.run("kohler", data=folder, method="blurry")
    (folder / "copy" / "Blurry1_1.png").rename(folder / "Blurry3_1.png")
    with pytest.raises(NoInputError, match=r"Blurry3_1\.png has no sharp frame .* unpack GroundTruth_pngs_Image3\.zip"):
        runner.run("kohler", data=folder, method="blurry")
