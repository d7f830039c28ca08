"""Are sharp photos counted rightly, and is the real command what gets timed?"""

import sys
from pathlib import Path

import pytest
import torch

from blurspace.bench import runner, speed
from blurspace.bench.alone import Cost, alone
from blurspace.bench.protocols import PROTOCOLS
from blurspace.blur.exposure import photograph
from blurspace.errors import BlurspaceError, UsageError
from blurspace.io.images import read_photo
from blurspace.pixels import inner


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


def test_what_is_measured_of_a_method():
    found = speed.cases("auto")
    assert [case.megapixels for case in found if case.varied == "size"] == list(speed.SIZES)
    assert [case.pixels for case in found] == sorted(case.pixels for case in found)
    assert len(set(found)) == len(found)
    assert {case.varied for case in found} >= {"help", "kernel", "kernel given", "one core", "jobs", "photos"}
    mild = speed.cases("mild")
    assert not {"kernel", "kernel given", "photos", "runtime"} & {case.varied for case in mild}  # it knows no kernel
    assert max(case.megapixels for case in mild) == speed.OF_OTHERS


@pytest.fixture
def tiny(monkeypatch):
    """A block of 48 x 64 px, and no command that is run: `seen` has what would have been."""
    seen = []

    def alone(call, environment):
        words = call[3:]
        if words[0] == "deblur":
            files = sorted(Path(words[1]).iterdir())
            sizes = [tuple(read_photo(file).pixels.shape[-2:]) for file in files]
            seen.append((words, environment["OMP_NUM_THREADS"], sizes))
        lines = '{"verdict": "restored"}\n' * (len(files) if words[0] == "deblur" else 0)
        return Cost(2.5, 4.0, 700.4, 0.126, 0, lines, "")

    monkeypatch.setattr(speed, "alone", alone)
    monkeypatch.setattr(speed, "BLOCK", (48, 64))
    speed.sharp_block.cache_clear()
    yield seen
    speed.sharp_block.cache_clear()


def test_a_row_is_what_a_command_cost(tiny, photos):
    case = speed.Case("jobs", 0.01, threads=3, photos=2, jobs=2)
    row = speed.measure(case, "auto", photos / "0.png")
    ((words, threads, sizes),) = tiny
    assert (threads, sizes) == ("3", [(87, 115)] * 2)
    assert words[words.index("--jobs") + 1] == "2"
    assert "--kernel" not in words
    told = {"method": "auto", "seconds": 2.5, "core_seconds": 4.0, "seconds_per_mp": 125.0}
    assert row == {**vars(case), **told, "peak_mib": 700, "mib_per_mp": 70040.0, "verdict": "restored", "others": 0.13}
    speed.measure(speed.Case("kernel given", 0.01), "auto", None)
    assert "--kernel" in tiny[1][0]


def test_speed_by_its_name(tiny, monkeypatch):
    monkeypatch.setattr(speed, "SIZES", (0.01, 1.0))
    result = runner.run("speed", method="mild", limit=2)
    assert [row["varied"] for row in result.rows] == ["help", "size"]
    assert (result.summary["help_seconds"], result.summary["n"]) == (2.5, 2)
    assert result.rows[0]["peak_mib"] is None


def test_a_large_photo_is_blurred_exactly(monkeypatch):
    monkeypatch.setattr(speed, "SIGMA", 0.0)
    monkeypatch.setattr(speed, "BLOCK", (64, 80))
    block, kernel = torch.rand(1, 3, 128, 160, generator=torch.Generator().manual_seed(0)), speed.made_kernel(51)
    blurry = speed.tiled(speed.blurry_block(block, kernel)[0], 300, 400)
    away = photograph(speed.tiled(block[0], 300, 400)[None], kernel, response="linear")[0]
    assert torch.allclose(inner(blurry, 26), inner(away, 26), atol=1e-4)


def test_the_made_block_is_mirrored(tiny):
    block = speed.sharp_block()
    assert block.shape == (1, 3, 96, 128)
    assert torch.equal(block, block.flip(-1))
    assert torch.equal(block[..., :48, :64], speed.made_picture())
    assert float(block.std()) > 0.1


def test_a_command_alone_and_one_that_fails():
    cost = alone([sys.executable, "-c", "import os; print(os.environ['WORD']); bytearray(50 << 20)"], {"WORD": "x"})
    assert (cost.code, cost.stdout) == (0, "x\n")
    assert 0 < cost.core_seconds <= cost.seconds * 2
    assert 50 < cost.peak_mib < 150  # not what this process holds
    with pytest.raises(BlurspaceError, match="exit code 2"):
        speed.command("nonsense")


def told(varied, seconds, **columns):
    """A row of protocol speed."""
    case = vars(speed.Case(varied, **columns))
    pixels = case["photos"] * case["megapixels"]
    more = {"core_seconds": seconds, "peak_mib": 600, "verdict": "restored", "others": 0.04}
    return {**case, "method": "auto", "seconds": seconds, "seconds_per_mp": seconds / pixels, **more}


ROWS = [
    *(told("size", seconds, megapixels=size, threads=2) for size, seconds in ((1.0, 10), (12.0, 24), (100.0, 220))),
    *(told("kernel", seconds, kernel_px=side) for side, seconds in ((10, 10.0), (40, 20.0))),
    *(told("photos", 5.0, megapixels=0.1, photos=photos) for photos in (20, 200)),
    *(
        told("jobs", s, photos=12, jobs=jobs, threads=threads)
        for jobs, threads, s in ((1, 1, 90), (1, 2, 60), (2, 2, 50))
    ),
    *(told("one core", seconds, megapixels=12.0, kernel_px=side) for side, seconds in ((51, 36.0), (0, 9.0))),
]


def test_how_cost_grows():
    found = speed.summary(ROWS)
    assert (found["seconds_1_mp"], found["linear"], found["linear_given"]) == (10, 1.1, None)
    assert (found["kernel_growth"], found["grown_mib"]) == (0.5, 0)
    assert (found["jobs"], found["jobs_one_thread"]) == (1.2, 1.8)
    assert set(speed.summary([]).values()) == {None}


def test_tables_of_speed():
    results = [PROTOCOLS["speed"].result(ROWS, method="auto", data="made")]
    assert [line["megapixels"] for line in speed.table(results)] == ["1", "12", "100"]
    assert speed.table(results)[0] == {"megapixels": "1", "auto": "10.0 s, 600 MiB", "other work": "0.0"}
    assert [line["kernel, px"] for line in speed.VIEWS["kernels"](results)] == [10, 40, 51]
    (line,) = speed.VIEWS["linearity"](results)
    assert "1.10 (within 1.2)" in line.values()
    assert [line["jobs"] for line in speed.VIEWS["jobs"](results)] == [1, 1, 2]
    (line,) = speed.VIEWS["cost"](results)  # 36 s are a hundredth of an hour
    assert (line["core-hours, f = 0"], line["core-hours, f = 0.5"]) == ("10,000", "6,250")
    assert line["price at 0.04, f = 0"] == "400"
    assert speed.VIEWS["ways"](results) == []
