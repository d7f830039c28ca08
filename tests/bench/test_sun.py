"""Does protocol `sun` put cut sharp pictures in their place, and divide by the error with the true kernel?"""

import json

import pytest
import torch
from PIL import Image as Pil

from blurspace.bench import runner, sun
from blurspace.bench.fit import framed, true_kernels
from blurspace.bench.protocols import PROTOCOLS
from blurspace.bench.result import read_csv
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import shake
from blurspace.errors import NoInputError, PictureError
from blurspace.io.images import read_photo

SIDE, CUT = 96, 16


def save(path, picture):
    """(1 1 h w) in [0, 1] as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Pil.fromarray((picture[0, 0].clamp(0, 1) * 255).round().to(torch.uint8).numpy()).save(path)


def scene(seed):
    coarse = torch.rand(1, 1, SIDE // 8, SIDE // 8, generator=torch.Generator().manual_seed(seed))
    return coarse.repeat_interleave(8, -1).repeat_interleave(8, -2) * 0.8 + 0.1


def kernel_of(number):
    return shake(9, generator=torch.Generator().manual_seed(number), extent=9)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """2 pictures x 2 kernels with 1 % noise, in the layout of the downloads; small pictures need a small crop."""
    monkeypatch.setattr(sun, "CROP", 20)
    root = tmp_path / "sun"
    for shake_number in (1, 2):
        kernel = kernel_of(shake_number)
        save(root / "results" / f"kernel{shake_number}_groundtruth_kernel.png", kernel / kernel.max())
        for picture in (1, 2):
            noise = 0.01 * torch.randn(1, 1, SIDE, SIDE, generator=torch.Generator().manual_seed(picture))
            blurry = blur(scene(picture), kernel) + noise
            save(root / "input80imgs8kernels" / f"{picture}_{shake_number}_blurred.png", blurry)
            sharp = scene(picture)[..., CUT:-CUT, CUT:-CUT]
            save(root / "results" / f"img{picture}_groundtruth_img.png", sharp)
    return root


@pytest.mark.parametrize(("cut", "margin"), [(0, 0), (4, 4), (-6, 0)])
def test_centres_together(cut, margin):
    blurry = torch.rand(1, 1, 40, 44)
    sharp = blurry[..., cut : 40 - cut, cut : 44 - cut] if cut >= 0 else torch.nn.functional.pad(blurry, (-cut,) * 4)
    placed, found = framed(sharp, blurry)
    assert found == margin
    inner = (..., slice(margin, 40 - margin), slice(margin, 44 - margin))
    assert torch.equal(placed[inner], blurry[inner])


def test_odd_differences_are_cropped_whole():
    placed, margin = framed(torch.ones(1, 1, 31, 36), torch.zeros(1, 1, 40, 36))
    assert (placed.shape[-2:], margin) == ((40, 36), 5)
    assert bool((placed[..., 5:35, 5:31] == 1).all())


def test_blurry_fails_and_the_true_kernel_succeeds(folder):
    worse = runner.run("sun", data=folder, method="blurry")
    assert {row["gain_db"] for row in worse.rows} == {0.0}
    assert all(row["error_ratio"] > 1.5 for row in worse.rows)
    assert (worse.summary["n"], worse.summary["of"]) == (4, 640)
    better = runner.run("sun", data=folder, method="true kernel", limit=1)
    assert better.rows[0]["gain_db"] > 2
    assert better.summary["success_rate"] == 1


def test_perfect_answer(folder, fake):
    pictures = {float(read_photo(made.blurry).pixels.sum()): int(made.picture) for made in sun.find(folder)}
    fake.answer = lambda blurry: scene(pictures[float(blurry.sum())])
    result = runner.run("sun", data=folder)
    assert all(row["psnr"] > 50 and row["error_ratio"] < 0.1 for row in result.rows)
    assert [(row["kernel"], row["n"], row["success_rate"]) for row in result.summary["kernels"]] == [
        (1, 2, 1),
        (2, 2, 1),
    ]
    assert result.summary["published"] == []  # nothing was published in this protocol, and nothing is invented
    assert "no published number" in result.table()
    json.dumps({**result.summary, "rows": result.rows}, allow_nan=False)
    again = read_csv(result.csv())
    assert PROTOCOLS["sun"].result(again.rows, method="classical", data="sun").summary == result.summary


def test_success_is_up_to_five():
    row = {
        "kernel": 1,
        "psnr": 30.0,
        "ssim": 0.9,
        "blurry_psnr": 20.0,
        "gain_db": 10.0,
        "seconds": 1.0,
        "verdict": None,
    }
    rows = [{**row, "verdict": None, "error_ratio": ratio} for ratio in (1.0, 5.0, 5.1, 40.0)]
    assert PROTOCOLS["sun"].result(rows, method="blurry", data="sun").summary["success_rate"] == 0.5


def test_kernels_either_way_round(folder):
    for number in (1, 2):
        turned = kernel_of(number).flip(-2, -1)
        save(folder / "results" / f"kernel{number}_groundtruth_kernel.png", turned / turned.max())
    found = true_kernels(sun.find(folder), max_shift=5)
    assert all(torch.allclose(found[number], kernel_of(number), atol=2e-3) for number in (1, 2))


def test_wrong_folders(folder):
    with pytest.raises(NoInputError, match=r"holds no 1_1_blurred\.png"):
        runner.run("sun", data=folder / "results")
    with pytest.raises(NoInputError, match=r"1_1_blurred\.png has no img1_groundtruth_img\.png"):
        runner.run("sun", data=folder / "input80imgs8kernels")
    (folder / "results" / "kernel2_groundtruth_kernel.png").unlink()
    with pytest.raises(NoInputError, match=r"has no kernel2_groundtruth_kernel\.png"):
        runner.run("sun", data=folder)
    with pytest.raises(PictureError, match="as they were published"):
        framed(torch.zeros(1, 1, 300, 300), torch.zeros(1, 1, 40, 40))
