"""Are the cases what they say: a photo, a kernel as found, a start, and the sharp picture where the start lies?"""

import subprocess
import sys
from dataclasses import replace

import pytest
import torch

from blurspace.blur.agreement import offset
from blurspace.blur.convolve import blur
from blurspace.blur.kernels import shake
from blurspace.chance import chance
from blurspace.data import highlights
from blurspace.data.crops import SharpPhotos, turned
from blurspace.errors import UsageError
from blurspace.metrics import psnr
from blurspace.train import cases

SIDE, COUNT = 64, 2


# Few, small and quickly searched cases of kernels up to 9 px; a search in 64 px of made shapes may be poor. No lamps:
# the start is without them.
SMALL = cases.Making(
    ranges=(cases.Range(5, 9, side=SIDE, crop=32, count=2),),
    shard=COUNT,
    widest=17,
    least_agreement=0.3,
    exposed_share=0,
)
# For what does not hang on searching.
AT_HAND = replace(
    SMALL, least_agreement=0.0, exposed_share=0.5, search=lambda _: shake(9, generator=torch.Generator().manual_seed(3))
)


def made(photos, folder, *, count=1, report=lambda _: None, making=AT_HAND):
    drawn = SharpPhotos(photos, limit=2)
    return cases.make_shards(drawn, folder, count=count, seed=0, report=report, making=making)


def test_a_shard_is_well_formed(photos, tmp_path):
    told = []
    (path,) = made(photos, tmp_path / "cases", report=told.append, making=SMALL)
    assert (path.name, told) == ("9px-0000.safetensors", ["1 of 1 shards of cases are made"])
    shard = cases.read_shard(path)
    kinds = {name: (tensor.dtype, tuple(tensor.shape)) for name, tensor in shard.items()}
    picture = (COUNT, 3, SIDE, SIDE)
    assert kinds == {
        "blurry": (torch.float16, picture),
        "sharp": (torch.float16, picture),
        "start": (torch.float16, picture),
        "kernel": (torch.float32, (COUNT, 1, 17, 17)),
        "sigma": (torch.float32, (COUNT,)),
        "gain": (torch.float32, (COUNT,)),
    }
    assert shard["kernel"].min() >= 0
    torch.testing.assert_close(shard["kernel"].sum((1, 2, 3)), torch.ones(COUNT))
    assert (shard["sigma"] > 0).all()
    for sharp, start in zip(shard["sharp"].float(), shard["start"].float(), strict=True):
        assert_lies_where(sharp[None], start[None])


def assert_lies_where(sharp, start):
    """No move by a whole px makes them more alike."""
    inner = (..., slice(12, -12), slice(12, -12))
    moves = [(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1)]
    alike = {move: float(psnr(torch.roll(sharp, move, (-2, -1))[inner], start[inner])) for move in moves}
    assert max(alike, key=alike.get) == (0, 0), alike


def test_the_sharp_picture_goes_where_an_off_centre_kernel_puts_the_start(photos):
    """Searching gives the true kernel 2 px lower and 3 px to the left: the start lies 2 px higher, 3 to the right."""

    kernel = shake(9, generator=torch.Generator().manual_seed(3), extent=9)
    moved = torch.roll(torch.nn.functional.pad(kernel, (4, 4, 4, 4)), (2, -3), (-2, -1))
    making = cases.Making(search=lambda _: moved, exposed_share=0)
    photo = SharpPhotos(photos).crop(chance(0, 0), side=SIDE + 2 * cases.MARGIN + 8)
    blurry, sharp, start, kept, *_ = cases.draw_case(photo, kernel, chance(0, 1), making)
    assert blurry.shape == sharp.shape == start.shape == (1, 3, SIDE, SIDE)
    assert kept.shape[-1] == making.widest
    edge = cases.MARGIN + 4
    plain = photo[..., edge:-edge, edge:-edge]
    inner = (..., slice(8, -8), slice(8, -8))
    assert psnr(torch.roll(plain, (-2, 3), (-2, -1))[inner], sharp[inner]) > 40
    assert_lies_where(sharp, start)


def test_lamps_go_where_an_off_centre_kernel_puts_them(photos):
    """As above, to half a px: no picture is shifted that holds a lamp, whose ringing would be learned."""
    kernel = shake(9, generator=torch.Generator().manual_seed(3), extent=9)
    moved = torch.roll(torch.nn.functional.pad(kernel, (4, 4, 4, 4)), (2, -3), (-2, -1))
    moved = (moved + torch.roll(moved, 1, -2)) / 2  # half a px lower
    making = cases.Making(search=lambda _: moved, exposed_share=1)
    photo = SharpPhotos(photos).crop(chance(0, 0), side=SIDE + 2 * cases.MARGIN + 8)
    down, right, _ = offset(moved, kernel)
    seen_lamps = 0
    for seed in range(6):
        _, sharp, *_ = cases.draw_case(photo, kernel, chance(0, seed), making)
        generator = chance(0, seed)
        torch.rand((), generator=generator)
        exposure = highlights.draw_exposure((photo.shape[-2], photo.shape[-1]), generator)
        lamps = exposure.lit(torch.zeros_like(photo), down=-down, right=-right)[..., 12:-12, 12:-12]
        beside = sharp - lamps
        assert -1e-4 <= beside.min() <= beside.max() <= exposure.gain + 1e-4
        seen_lamps += int((lamps > highlights.LIGHTS[0]).any())
    assert seen_lamps >= 3


def test_what_lamps_drew_is_asked_as_the_start_explains_it(photos):
    """As in use: around a lamp that was found, blurry is what the kernel makes of the start."""
    kernel = shake(9, generator=torch.Generator().manual_seed(3), extent=9)
    light = SharpPhotos(photos).crop(chance(0, 0), side=SIDE) * 0.2
    light[..., 30:33, 30:33] = 40
    seen = cases.observe(highlights.Exposure("srgb"), light, kernel, 0.001, chance(0, 0))
    blurry, start, sigma, gain = cases.asked(seen, kernel)
    assert float(sigma) == pytest.approx(seen.sigma)
    assert float(gain) > 1  # at night
    changed = (blurry != seen.light(seen.area)).any(1)
    assert seen.clipped(seen.area)[0].any()
    assert changed[seen.clipped(seen.area).all(1)].all()
    assert not changed[..., :16, :].any()
    torch.testing.assert_close(blurry[:, :, changed[0]], blur(start, kernel)[:, :, changed[0]])
    assert start.max() < 1


def test_a_search_that_failed_is_no_case(photos):
    kernel = shake(9, generator=torch.Generator().manual_seed(3), extent=9)
    photo = SharpPhotos(photos).crop(chance(0, 0), side=SIDE + 2 * cases.MARGIN + 8)
    far = torch.nn.functional.pad(kernel, (20, 0, 10, 10))
    assert cases.draw_case(photo, kernel, chance(0, 1), cases.Making(search=lambda _: far)) is None


def test_shards_that_are_there_are_not_made_again(photos, tmp_path):
    told = []
    (first,) = made(photos, tmp_path, report=told.append)
    before = first.read_bytes(), first.stat().st_mtime_ns
    (tmp_path / "9px-0001.part").write_bytes(b"cut off")
    paths = made(photos, tmp_path, count=2, report=told.append)
    assert (first.read_bytes(), first.stat().st_mtime_ns) == before
    assert told == ["1 of 1 shards of cases are made", "2 of 2 shards of cases are made"]
    whole = made(photos, tmp_path / "again", count=2)
    assert [one.read_bytes() for one in whole] == [one.read_bytes() for one in paths]
    assert sorted(tmp_path.glob("*.*")) == paths


def test_what_another_process_makes_is_waited_for_and_made_if_that_one_is_killed(photos, tmp_path, monkeypatch):
    alone, told = made(photos, tmp_path / "alone", count=3), []
    (tmp_path / "shared").mkdir()
    locked = tmp_path / "shared" / "9px-0001.lock"
    code = "import sys, filelock; lock = filelock.FileLock(sys.argv[1]); lock.acquire(); print(flush=True); input()"
    both = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}  # it ends with us
    with subprocess.Popen([sys.executable, "-c", code, locked], **both) as other:
        assert other.stdout.readline()
        waits = []

        def sleep(seconds):
            waits.append(list(told))
            other.kill()
            other.wait()

        monkeypatch.setattr(cases.time, "sleep", sleep)
        shared = made(photos, tmp_path / "shared", count=3, report=told.append)
    numbers = [sentence.split()[0] for sentence in told]
    assert numbers == ["1", "3", "2"]
    assert len(waits) == 1
    assert len(waits[0]) == 2
    assert [one.read_bytes() for one in shared] == [one.read_bytes() for one in alone]
    assert sorted((tmp_path / "shared").iterdir()) == shared


def test_a_lock_that_comes_too_late_leaves_nothing(photos, tmp_path):
    (path,) = made(photos, tmp_path)
    assert not cases._made_here(path, lambda: pytest.fail("it is there"), "any")
    assert list(tmp_path.iterdir()) == [path]


def test_shards_of_other_photos_or_seeds_are_refused(photos, tmp_path):
    made(photos, tmp_path)
    for other, seed in ((SharpPhotos(photos, limit=2), 1), (SharpPhotos(photos, limit=3), 0)):
        with pytest.raises(UsageError, match=r"9px-0000\.safetensors is of other photos, another seed"):
            cases.make_shards(other, tmp_path, count=2, seed=seed, report=lambda _: None, making=AT_HAND)
    assert len(list(tmp_path.iterdir())) == 1  # before any other is made


def test_searches_that_all_fail_end_in_a_sentence(photos, tmp_path):
    hopeless = replace(SMALL, least_agreement=1.1, most_tries=1, search=lambda _: shake(9))
    with pytest.raises(UsageError, match="of 2 kernels only 0 were found again"):
        made(photos, tmp_path, making=hopeless)


def test_a_batch_is_turned_all_alike(photos, tmp_path):
    shard = cases.read_shard(made(photos, tmp_path)[0])
    batch = cases.draw_cases(shard, chance(0, 0), count=6, side=32, widest=9)
    assert batch.blurry.shape == batch.sharp.shape == batch.start.shape == (6, 3, 32, 32)
    assert batch.kernel.shape[-1] % 2 == 1
    assert batch.kernel.shape[-1] <= 17
    assert batch.sigma.shape == (6,)
    assert torch.equal(batch.doubt, torch.ones(6))  # all of them were searched
    again = cases.draw_cases(shard, chance(0, 0), count=6, side=32, widest=9)
    assert torch.equal(batch.blurry, again.blurry)
    for turns in range(8):  # a kernel turns as its picture does
        kernel = torch.arange(9.0).view(1, 3, 3)
        picture = torch.zeros(1, 9, 9)
        picture[:, 4, 4] = 1
        spread = torch.nn.functional.conv2d(picture[None], kernel.flip(-2, -1)[None], padding=1)[0]
        turned_kernel = turned(kernel, turns)
        wanted = torch.nn.functional.conv2d(picture[None], turned_kernel.flip(-2, -1)[None], padding=1)[0]
        assert torch.equal(turned(spread, turns), wanted)
