"""Does a training set get the blur of a bank, with its code, and with nothing moved?"""

from dataclasses import replace

import pytest
import torch

from blurspace.augment import CameraBlur
from blurspace.blur.kernels import delta, line
from blurspace.codes import BlurBank, write_bank
from blurspace.errors import ModelError, UsageError
from blurspace.metrics import psnr
from blurspace.nets.kernel_space import BasisSpace


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*shape, seed=0):
    return 0.1 + 0.8 * torch.rand(shape, generator=seeded(seed))


MOVED = delta(9).roll((1, -2), (-2, -1))  # one down, two left


@pytest.fixture(scope="module")
def space():
    """Weights of 1 make a line, one that is moved as well, a move alone and a blot."""
    space = BasisSpace(count=4, side=9, stride=8)
    kernels = (line(5, 20, size=9), line(5, 70, size=9).roll((1, -2), (-2, -1)), MOVED, delta(9).roll((0, 1), (-2, -1)))
    space.basis.data = torch.cat([kernel[0] - delta(9)[0] for kernel in kernels])
    return space.requires_grad_(False)


def code(*weights, cells=(6, 7), exponent=1.0):
    return torch.tensor([*weights, exponent - 1]).view(1, -1, 1, 1).repeat(1, 1, *cells)


@pytest.fixture(scope="module")
def bank(space):
    codes = (code(1.0, 0, 0, 0), code(0, 1.0, 0, 0, cells=(2, 20)), code(0.5, 0.3, 0, 0, exponent=2.4))
    return BlurBank(codes, ("a", "b", "c"), space.fingerprint())


@pytest.mark.parametrize("shape", [(3, 40, 50), (1, 33, 21), (2, 3, 40, 50), (1, 1, 8, 90)])
def test_the_shape_stays_and_the_code_tells_what_was_done(space, bank, shape):
    picture, blur = random(*shape), CameraBlur(bank, space=space)
    blurry, found = blur(picture, generator=seeded())
    assert blurry.shape == shape
    assert found.shape == space.rest_code(shape[-2:]).shape
    again = space.reblur(picture.reshape(-1, *shape[-3:]), found).clamp(0, 1)
    torch.testing.assert_close(blurry, again.reshape(shape))
    assert (blurry - picture).abs().max() > 0.05
    assert 0 <= float(blurry.min()) <= float(blurry.max()) <= 1
    assert torch.equal(picture, random(*shape))


def test_the_generator_decides(space, bank):
    picture, blur = random(3, 40, 50), CameraBlur(bank, space=space, share=0.8)
    runs = [[blur(picture, generator=generator) for _ in range(6)] for generator in (seeded(1), seeded(1), seeded(2))]
    for one, same in zip(runs[0], runs[1], strict=True):
        assert torch.equal(one[0], same[0])
        assert torch.equal(one[1], same[1])
    assert any(not torch.equal(one[1], other[1]) for one, other in zip(runs[0], runs[2], strict=True))


def test_without_a_generator_it_is_torchs_own(space, bank):
    blur, picture = CameraBlur(bank, space=space), random(3, 40, 50)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        first = [blur(picture)[1] for _ in range(4)]
        torch.manual_seed(3)
        again = [blur(picture)[1] for _ in range(4)]
    assert all(torch.equal(one, other) for one, other in zip(first, again, strict=True))


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_is_blurred_and_the_rest_is_itself(space, bank, share):
    blur, picture, generator = CameraBlur(bank, space=space, share=share), random(1, 16, 16), seeded()
    kept = 0
    for _ in range(100):
        blurry, found = blur(picture, generator=generator)
        if blurry is picture:
            kept += 1
            assert torch.equal(found, space.rest_code((16, 16)))
    assert kept / 100 == pytest.approx(1 - share, abs=0 if share in (0, 1) else 0.1)


def test_nothing_moves(space):
    """The codes of this bank move what they blur, by up to two px."""
    picture = random(1, 1, 60, 60)
    for one in (code(0, 1.0, 0, 0), code(0.5, 0, 1.0, 0), code(0, 0, 1.0, -0.5, exponent=2.4)):
        moved = space.reblur(picture, one)
        still, _ = CameraBlur(BlurBank((one,), ("a",), space.fingerprint()), space=space)(picture, generator=seeded())
        assert offset(moved, picture) != (0, 0)
        assert offset(still, picture) == (0, 0)


def test_a_points_light_stays_around_it(space):
    point = torch.full((1, 1, 41, 41), 0.4)
    point[..., 20, 20] = 0.6
    trace, _ = CameraBlur(BlurBank((code(0.3, 1.0, 0.2, 0),), ("a",), space.fingerprint()), space=space)(
        point, generator=seeded()
    )
    light, place = (trace - 0.4)[0, 0], torch.arange(41.0) - 20
    assert abs(float((light.sum(1) * place).sum() / light.sum())) < 1e-3
    assert abs(float((light.sum(0) * place).sum() / light.sum())) < 1e-3


def offset(blurry, sharp):
    """By how many px (down, right) the sharp picture is to be moved to be most like the blurry one."""
    inner = (..., slice(8, -8), slice(8, -8))
    moves = [(down, right) for down in range(-3, 4) for right in range(-3, 4)]
    alike = [float(psnr(sharp.roll(move, (-2, -1))[inner], blurry[inner])) for move in moves]
    return moves[max(range(len(moves)), key=alike.__getitem__)]


def test_a_bank_may_be_a_file(space, bank, tmp_path):
    write_bank(tmp_path / "bank.safetensors", bank)
    for path in (tmp_path / "bank.safetensors", str(tmp_path / "bank.safetensors")):
        blurry, _ = CameraBlur(path, space=space)(random(3, 40, 50), generator=seeded())
        wanted, _ = CameraBlur(bank, space=space)(random(3, 40, 50), generator=seeded())
        torch.testing.assert_close(blurry, wanted, atol=1e-3, rtol=0)
    with pytest.raises(ModelError, match="does not exist"):
        CameraBlur(tmp_path / "none.safetensors", space=space)


def test_a_bank_of_another_space_is_refused(bank, space):
    with pytest.raises(ModelError, match="made with another kernel space"):
        CameraBlur(replace(bank, space="another hash"), space=space)
    with pytest.raises(ModelError, match="made with another kernel space"):
        CameraBlur(bank)  # ours


@pytest.mark.parametrize("share", [-0.1, 1.1, float("nan")])
def test_refused_shares(space, bank, share):
    with pytest.raises(UsageError, match="give 0 to 1"):
        CameraBlur(bank, space=space, share=share)


def test_an_empty_bank_is_refused(space):
    with pytest.raises(UsageError, match="at least one pair"):
        BlurBank((), (), space.fingerprint())
