"""Are sharp photos counted rightly, and is the real command what gets timed?"""

import json

import pytest
import torch

from blurspace.bench import runner, speed
from blurspace.errors import BlurspaceError, UsageError


def test_left_alone_and_bit_exact_are_two_things(photos, fake):
    fake.verdict, fake.answer = "left alone", lambda blurry: blurry
    assert runner.run("sharp", data=photos).summary["bit_exact"] == 3
    fake.answer = lambda blurry: blurry + 1e-6
    summary = runner.run("sharp", data=photos).summary
    assert (summary["left_alone"], summary["bit_exact"], summary["mean_psnr"]) == (3, 0, None)
    fake.answer = lambda blurry: blurry.add_(1e-3)  # writes into its input
    assert runner.run("sharp", data=photos).summary["bit_exact"] == 0
    fake.verdict = "restored"
    assert runner.run("sharp", data=photos).summary["left_alone"] == 0


def test_only_what_makes_sense(photos):
    with pytest.raises(UsageError, match="give one of auto, classical"):
        runner.run("sharp", data=photos, method="blurry")


def test_speed_times_the_command(monkeypatch, photos):
    seen = []

    def timed(*arguments):
        seen.append(arguments)
        return 2.5, json.dumps({"peak_mib": 700.4, "verdict": "restored"})

    monkeypatch.setattr(speed, "timed", timed)
    result = runner.run("speed", data=photos / "0.png")
    assert [row["task"] for row in result.rows] == ["deblur 1024 x 768 RGB, 51 px shake, classical", "--help"]
    assert (result.summary["peak_mib"], result.summary["median_seconds"], result.summary["n"]) == (700, 2.5, 1)
    assert seen[0][0] == "deblur"
    assert seen[1:] == [("--help",)] * 5


def test_made_photo(monkeypatch):
    monkeypatch.setattr(speed, "SIZE", (96, 128))
    sharp = speed.made_picture()
    assert sharp.shape == (1, 3, 146, 178)
    assert speed.shaken(sharp).shape == (1, 3, 96, 128)
    assert torch.equal(sharp, speed.made_picture())
    assert float(sharp.std()) > 0.1


def test_a_failed_command_is_one_sentence():
    with pytest.raises(BlurspaceError, match="exit code 2"):
        speed.timed("nonsense")
    assert speed.timed("--help")[0] > 0
