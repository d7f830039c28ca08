"""Does protocol `lai` score the luma at the best shift, by category, and keep the two published protocols apart?"""

import json

import numpy as np
import pytest
import torch
from PIL import Image as Pil

from blurspace.bench import lai, published, runner
from blurspace.bench.protocols import PROTOCOLS
from blurspace.bench.result import read_csv
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import shake
from blurspace.errors import NoInputError, PictureError, UsageError
from blurspace.io.images import read_photo

SIDE = 80


def save(path, picture):
    """(1 c h w) in [0, 1] as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = (picture[0].permute(1, 2, 0).clamp(0, 1) * 255).round().to(torch.uint8).numpy()
    Pil.fromarray(levels[..., 0] if levels.shape[-1] == 1 else levels).save(path)


def scene(seed, side=SIDE):
    generator = torch.Generator().manual_seed(seed)
    coarse = torch.rand(1, 3, side // 8, side // 8, generator=generator)
    return coarse.repeat_interleave(8, -1).repeat_interleave(8, -2) * 0.9


@pytest.fixture
def folder(tmp_path):
    """Two pictures x 2 kernels, in the layout of the data set; kernel 2 is stored turned by 180 degrees."""
    root = tmp_path / "lai"
    for number in (1, 2):
        kernel = shake(9, generator=torch.Generator().manual_seed(number), extent=9)
        stored = kernel if number == 1 else kernel.flip(-2, -1)
        save(root / "kernel" / f"kernel_{number:02d}.png", stored / stored.max())
        for seed, category in enumerate(("manmade", "text")):
            save(root / "ground_truth" / f"{category}_01.png", scene(seed))
            save(root / "uniform" / f"{category}_01_kernel_{number:02d}.png", blur(scene(seed), kernel))
    save(root / "nonuniform" / "manmade_01_gyro_01.png", scene(0))
    return root


def test_luma():
    """White, black and the primaries as Rec. BT.601 has them, of 255."""
    picture = torch.tensor([[1.0, 0, 1, 0, 0], [1, 0, 0, 1, 0], [1, 0, 0, 0, 1]])[None, :, None]
    assert (lai.luma(picture) * 255).round().flatten().tolist() == [235, 16, 81, 145, 41]
    assert lai.luma(torch.full((1, 1, 2, 2), 0.4)).flatten().tolist() == pytest.approx([0.4] * 4)


def test_known_psnr(folder, fake):
    """8 levels too bright, moved by 2 and 3 px: luma is off by 8 x 219 / 255, so 7 levels after rounding."""
    sharp = {}
    for made in lai.find(folder, kernels=False):
        sharp[float(read_photo(made.blurry).pixels.sum())] = read_photo(made.sharp).pixels
    fake.answer = lambda blurry: (sharp[float(blurry.sum())] + 8 / 255).roll((2, -3), (-2, -1))
    result = runner.run("lai", data=folder)
    for row in result.rows:
        assert row["psnr"] == pytest.approx(20 * np.log10(255 / (8 * 219 / 255)), abs=0.3)
        assert row["gain_db"] == pytest.approx(row["psnr"] - row["blurry_psnr"], abs=1e-3)


def test_summary_and_tables(folder):
    result = runner.run("lai", data=folder, method="blurry")
    summary = result.summary
    assert [(row["picture"], row["kernel"]) for row in result.rows] == [
        ("manmade_01", 1),
        ("manmade_01", 2),
        ("text_01", 1),
        ("text_01", 2),
    ]
    assert [(row["category"], row["n"]) for row in summary["categories"]] == [("manmade", 2), ("text", 2)]
    assert (summary["n"], summary["of"], summary["min_gain_db"]) == (4, 100, 0)
    assert summary["published"][-1]["psnr"] == summary["mean_psnr"]
    assert summary["published"][:-1] == list(published.LAI)
    assert "compare it neither" in summary["warning"]
    table = result.table()
    assert "| SelfDeblur | 20.97 | 0.752 |" in table
    assert "| Kaufman and Fattal | 20.67 | 0.799 | Kaufman and Fattal 2020, table 2 (another protocol) |" in table
    json.dumps({**summary, "rows": result.rows}, allow_nan=False)
    again = read_csv(result.csv())
    assert PROTOCOLS["lai"].result(again.rows, method="blurry", data="lai").summary == summary


def test_true_kernel_is_turned_the_right_way(folder, fake):
    runner.run("lai", data=folder, method="true-kernel")
    for number, told in ((1, fake.built[1]["kernel"]), (2, fake.built[2]["kernel"])):
        made = shake(9, generator=torch.Generator().manual_seed(number), extent=9)
        assert torch.allclose(told, made, atol=2e-3)


def test_wrong_folders(folder):
    with pytest.raises(NoInputError, match=r"holds no manmade_01_kernel_01\.png"):
        runner.run("lai", data=folder / "ground_truth")
    with pytest.raises(NoInputError, match=r"has no manmade_01\.png .* add the folder ground_truth"):
        runner.run("lai", data=folder / "uniform", method="blurry")
    with pytest.raises(UsageError, match="give one of blurry, auto, classical"):
        runner.run("lai", data=folder, method="paint")
    (folder / "kernel" / "kernel_02.png").unlink()
    with pytest.raises(NoInputError, match=r"has no kernel_02\.png"):
        runner.run("lai", data=folder, method="true kernel")
    save(folder / "ground_truth" / "manmade_01.png", scene(0)[:, :1])
    with pytest.raises(PictureError, match=r"shape \(1, 80, 80\) .* blurry one of \(3, 80, 80\)"):
        runner.run("lai", data=folder, method="blurry")
    save(folder / "copy" / "text_01.png", scene(0))
    with pytest.raises(UsageError, match="stand for the same picture"):
        runner.run("lai", data=folder, method="blurry")
