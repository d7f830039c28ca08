"""Does protocol `levin` read the file rightly, and score what it should?"""

import json

import numpy as np
import pytest
import torch

from blurspace.bench import levin, runner
from blurspace.bench.methods import with_true_kernel
from blurspace.bench.protocols import PROTOCOLS
from blurspace.bench.result import read_csv
from blurspace.blur.convolve import blur
from blurspace.errors import NoInputError, PictureError, UsageError
from blurspace.metrics import aligned, psnr

CONTRACT = ["name", "protocol", "method", "n", "mean_psnr", "mean_ssim", "median_seconds", "min_gain_db"]


def test_kernel_is_the_convolution_kernel(levin_file):
    """f is turned by 180 degrees: only the turned one makes the blurry picture from the sharp one."""
    pair = levin.load(levin_file)[1]
    assert (pair.picture, pair.shake) == (1, 2)

    def agreement(kernel):
        found = aligned(blur(pair.sharp, kernel, border="circular"), pair.blurry)
        return float(psnr(found.restored, found.sharp))

    assert agreement(pair.kernel) > 50  # what 8 bits leave
    assert agreement(pair.kernel.flip(-2, -1)) < 46


def test_perfect_picture_scores_high(levin_file, fake):
    sharp = {float(pair.blurry.sum()): pair.sharp for pair in levin.load(levin_file)}
    fake.answer = lambda blurry: sharp[float(blurry.sum())]
    result = runner.run("levin", data=levin_file.parent, method="classical")
    assert all(row["psnr"] > 50 and row["error_ratio"] < 0.1 for row in result.rows)
    assert result.summary["error_ratio_under_2"] == result.summary["error_ratio_under_3"] == 1
    assert result.summary["min_gain_db"] > 0


def test_contract_fields(levin_file, fake):
    result = runner.run("levin", data=levin_file)
    assert list(result.summary)[: len(CONTRACT)] == CONTRACT
    assert result.summary["n"] == len(result.rows) == 4
    assert result.summary["mean_psnr"] == pytest.approx(np.mean([row["psnr"] for row in result.rows]), abs=1e-4)
    json.dumps({**result.summary, "rows": result.rows}, allow_nan=False)


def test_blurry_is_the_zero_of_the_scale(levin_file):
    result = runner.run("levin", data=levin_file, method="blurry")
    assert {row["gain_db"] for row in result.rows} == {0.0}
    assert all(row["error_ratio"] > 2 for row in result.rows)


@pytest.mark.parametrize("verdict", ["left alone", "refused"])
def test_what_is_not_restored_scores_as_its_input(levin_file, fake, verdict):
    fake.verdict, fake.answer = verdict, torch.zeros_like
    assert runner.run("levin", data=levin_file).summary["min_gain_db"] == 0


def test_true_kernel_is_told(levin_file, fake):
    assert runner.run("levin", data=levin_file, method="true-kernel", limit=1).summary["method"] == "true kernel"
    assert torch.equal(fake.built[-1]["kernel"], levin.load(levin_file)[0].kernel)


def test_true_kernel_for_real(levin_file):
    pair = levin.load(levin_file)[0]
    found = aligned(with_true_kernel(pair.blurry, pair.kernel), pair.sharp)
    before = aligned(pair.blurry, pair.sharp)
    assert float(psnr(found.restored, found.sharp) - psnr(before.restored, before.sharp)) > 2


def test_rows_survive_csv(levin_file, fake):
    result = runner.run("levin", data=levin_file)
    again = read_csv(result.csv())
    assert (again.rows, again.summary) == (result.rows, result.summary)
    assert PROTOCOLS["levin"].result(again.rows, method="classical", data="levin32.npz").summary == result.summary
    assert result.csv().splitlines()[1].startswith("picture,kernel,psnr,ssim,blurry_psnr,gain_db,error_ratio,seconds")
    assert "| picture | kernel | psnr |" in result.table()
    assert "| min_gain_db |" in result.table()


def test_missing_and_bad_data(tmp_path, levin_file):
    (tmp_path / "empty").mkdir()
    with pytest.raises(NoInputError, match=r"holds no levin32\.npz"):
        runner.run("levin", data=tmp_path / "empty")
    with pytest.raises(NoInputError, match="does not exist"):
        runner.run("levin", data=tmp_path / "nowhere")
    with pytest.raises(UsageError, match="give --data"):
        runner.run("levin")
    levin_file.write_text("words")
    with pytest.raises(PictureError, match="copy it again"):
        runner.run("levin", data=levin_file)
    np.savez(levin_file, other=np.zeros(3))
    with pytest.raises(PictureError, match="x_i_j"):
        runner.run("levin", data=levin_file)


def test_bad_names(levin_file):
    with pytest.raises(UsageError, match="no protocol named paint"):
        runner.run("paint", data=levin_file)
    with pytest.raises(UsageError, match="give one of blurry, auto, classical"):
        runner.run("levin", data=levin_file, method="paint")
    with pytest.raises(UsageError, match="limit"):
        runner.run("levin", data=levin_file, limit=0)
