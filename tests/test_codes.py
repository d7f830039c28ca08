"""Does a blur go from one pair to another picture, is it found where `extract` fails, and can it be kept and shown?"""

from dataclasses import dataclass

import pytest
import torch
from torch.nn import functional

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import delta, line
from blurspace.codes import (
    PROBE_CELL,
    BlurBank,
    fit_code,
    pick,
    probes,
    read_bank,
    retrieve,
    show_code,
    transfer,
    write_bank,
)
from blurspace.errors import ModelError, UsageError
from blurspace.io.weights import write_tensors
from blurspace.losses import charbonnier
from blurspace.metrics import psnr
from blurspace.nets.encoder_space import EncoderSpace
from blurspace.nets.kernel_space import BasisSpace
from blurspace.types import Pair

KERNEL = line(5, 30, size=7)


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def random(*shape, seed=0):
    return 0.1 + 0.8 * torch.rand(shape, generator=seeded(seed))


def basis_space():
    """A space that knows three kernels, of which KERNEL is the first."""
    space = BasisSpace(count=3, side=7, stride=8)
    kernels = (KERNEL, line(4, 100, size=7), delta(7).roll((0, 2), (-2, -1)))
    space.basis.data = torch.cat([kernel[0] - delta(7)[0] for kernel in kernels])
    return space.requires_grad_(False)


def encoder_space():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        space = EncoderSpace(width=4, code_width=6, front_blocks=1, back_blocks=1, extractor_blocks=1)
        torch.nn.init.normal_(space.reconstruction[-1].weight, std=0.3)
    return space


def pair(count=1, size=(40, 45), seed=0):
    sharp = random(count, 3, *size, seed=seed)
    return Pair(sharp, blur(sharp, KERNEL))


@dataclass
class Spoiled:
    """Another space, whose `extract` is off by a constant."""

    space: BasisSpace | EncoderSpace
    error: float

    def extract(self, sharp, blurry):
        return self.space.extract(sharp, blurry) + self.error

    def reblur(self, sharp, code):
        return self.space.reblur(sharp, code)


every_space = pytest.mark.parametrize("space", [basis_space(), encoder_space()], ids=["basis", "encoder"])


@every_space
@pytest.mark.parametrize("shape", [(1, 3, 64, 50), (3, 3, 30, 31), (1, 1, 9, 80)])
def test_any_other_picture(space, shape):
    given, other = pair(), random(*shape, seed=4)
    found = transfer(space, given, other)
    assert found.shape == shape
    assert not found.requires_grad
    assert 0 <= float(found.min()) <= float(found.max()) <= 1
    wanted = space.reblur(other, space.extract(given.sharp, given.blurry)).clamp(0, 1)
    torch.testing.assert_close(found, wanted)
    assert torch.equal(other, random(*shape, seed=4))


def test_the_other_picture_gets_that_blur():
    """The kernel keeps its px, whatever the sizes."""
    other = random(1, 3, 90, 61, seed=4)
    found = transfer(basis_space(), pair(), other)
    assert psnr(found, blur(other, KERNEL)) > 50
    assert psnr(other, blur(other, KERNEL)) < 30


def test_the_result_is_in_range():
    """Sharpening filters overshoot; a picture file cannot."""
    space, sharp = basis_space(), (torch.rand(1, 3, 40, 45, generator=seeded()) > 0.5).float()
    given = pair()
    backwards = Pair(given.blurry, given.sharp)
    assert space.reblur(sharp, space.extract(backwards.sharp, backwards.blurry)).max() > 1.01
    assert transfer(space, backwards, sharp).max() <= 1


@every_space
@pytest.mark.parametrize("error", [0.0, 0.3])
def test_what_is_retrieved_is_never_worse_than_what_is_extracted(space, error):
    given, spoiled = pair(), Spoiled(space, error)
    start = spoiled.extract(given.sharp, given.blurry)
    found = retrieve(spoiled, given, steps=15)
    assert found.shape == start.shape
    assert not found.requires_grad
    before, after = (charbonnier(space.reblur(given.sharp, code), given.blurry) for code in (start, found))
    assert after <= before
    assert torch.equal(found, retrieve(spoiled, given, steps=15))


def test_retrieval_improves_a_spoiled_code():
    space, given = basis_space(), pair()
    spoiled = Spoiled(space, 0.3)
    start = spoiled.extract(given.sharp, given.blurry)
    found = retrieve(spoiled, given)
    before, after = (psnr(space.reblur(given.sharp, code), given.blurry) for code in (start, found))
    assert after > before + 10
    other = random(1, 3, 40, 45, seed=4)
    before, after = (psnr(space.reblur(other, code), blur(other, KERNEL)) for code in (start, found))
    assert after > before + 8


def test_retrieval_at_too_high_a_rate_keeps_the_start_and_needs_no_steps():
    space, given = basis_space(), pair()
    start = space.extract(given.sharp, given.blurry)
    assert torch.equal(retrieve(space, given, steps=5, rate=50.0), start)
    assert torch.equal(retrieve(space, given, steps=0), start)


@every_space
def test_retrieval_leaves_the_space_alone(space):
    before = {name: one.clone() for name, one in space.state_dict().items()}
    with torch.no_grad():  # it needs gradients, and asks for them itself
        retrieve(space, pair(), steps=2)
    assert all(torch.equal(one, before[name]) for name, one in space.state_dict().items())
    assert all(parameter.grad is None for parameter in space.parameters())


@pytest.mark.parametrize("size", [(64, 64), (130, 200), (64, 150), (30, 20)])
@every_space
def test_a_shown_code_is_a_picture(space, size):
    code = space.extract(random(1, 3, *size), random(1, 3, *size, seed=1))
    shown = show_code(space, code, size=size)
    assert shown.shape == (1, 1, size[0], 2 * size[1])
    assert shown.isfinite().all()
    assert 0 <= float(shown.min()) <= float(shown.max()) <= 1
    assert not shown.requires_grad


def test_the_code_at_rest_shows_white_points():
    space, size = basis_space(), (130, 200)
    shown = show_code(space, space.rest_code(size), size=size)
    points, squares = shown.split(size[1], 3)
    white = (points > 0.99)[0, 0].nonzero().tolist()
    middles = [PROBE_CELL * index + PROBE_CELL // 2 for index in range(3)]
    assert white == [[row, column] for row in middles[:2] for column in middles]
    inside = points[..., : 2 * PROBE_CELL, : 3 * PROBE_CELL]
    assert inside[inside < 0.99].max() < 1e-5
    torch.testing.assert_close(squares, probes(size)[1], atol=1e-5, rtol=0)


def test_a_line_shows_as_a_line():
    space, size = basis_space(), (64, 64)
    code = torch.zeros_like(space.rest_code(size))
    code[:, 0] = 1
    points = show_code(space, code, size=size)[..., :64]
    wanted = functional.pad(KERNEL / KERNEL.max(), (29, 28, 29, 28))
    torch.testing.assert_close(points, wanted, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [(64, 64), (100, 90), (200, 130)])
def test_each_probe_has_one_thing_in_each_whole_cell(size):
    points, squares = probes(size)
    assert points.shape == squares.shape == (1, 1, *size)
    for picture in (points, squares):
        cells = picture.unfold(2, PROBE_CELL, PROBE_CELL).unfold(3, PROBE_CELL, PROBE_CELL) > 0.5
        assert (cells.sum((-2, -1)) == (1 if picture is points else (PROBE_CELL // 2 + 1) ** 2)).all()


def bank(*shapes):
    codes = tuple(random(*shape, seed=index) for index, shape in enumerate(shapes))
    return BlurBank(codes, tuple(f"{index}.png" for index in range(len(shapes))), "0123abc")


def test_a_bank_is_read_as_it_was_written(tmp_path):
    """More than ten codes, so that their order is not that of unpadded numbers."""
    written = bank(*[(1, 4, 2 + index % 3, 5) for index in range(12)])
    write_bank(tmp_path / "bank.safetensors", written)
    read = read_bank(tmp_path / "bank.safetensors")
    assert (read.sources, read.space) == (written.sources, written.space)
    assert len(read.codes) == 12
    for one, other in zip(read.codes, written.codes, strict=True):
        assert one.dtype == torch.float32
        assert torch.equal(one, other.half().float())
    assert (tmp_path / "bank.safetensors").stat().st_size < 12 * 4 * 4 * 5 * 2 + 4000


def test_a_written_bank_blurs_as_the_code_did(tmp_path):
    space, given = basis_space(), pair()
    code = space.extract(given.sharp, given.blurry)
    write_bank(tmp_path / "bank.safetensors", BlurBank((code,), ("a",), ""))
    found = read_bank(tmp_path / "bank.safetensors").codes[0]
    assert psnr(space.reblur(given.sharp, found), space.reblur(given.sharp, code)) > 60


def test_what_is_no_bank_is_refused(tmp_path):
    write_tensors(tmp_path / "other.safetensors", {"code": torch.zeros(1)}, about={"kind": "other"}, half=False)
    with pytest.raises(ModelError, match=r"other\.safetensors is no blur bank"):
        read_bank(tmp_path / "other.safetensors")
    with pytest.raises(ModelError, match="does not exist"):
        read_bank(tmp_path / "none.safetensors")
    write_bank(tmp_path / "bank.safetensors", bank((1, 4, 2, 2)))
    data = (tmp_path / "bank.safetensors").read_bytes()
    (tmp_path / "bank.safetensors").write_bytes(data[:-3])
    with pytest.raises(ModelError):
        read_bank(tmp_path / "bank.safetensors")


def test_there_is_no_empty_bank():
    with pytest.raises(UsageError, match="at least one pair"):
        bank()


def test_every_code_is_picked():
    given = bank((1, 4, 1, 1), (1, 4, 2, 2), (1, 4, 3, 3))
    generator = seeded()
    assert {pick(given, generator).shape[-1] for _ in range(30)} == {1, 2, 3}
    assert [pick(given, seeded(3)).shape for _ in range(3)] == [pick(given, seeded(3)).shape] * 3


def test_a_bigger_code_is_cut_and_every_piece_may_come():
    code = torch.arange(5 * 4.0).view(1, 1, 5, 4)
    pieces = {tuple(fit_code(code, (3, 4), seeded(seed)).flatten().tolist()) for seed in range(20)}
    assert pieces == {tuple(code[..., top : top + 3, :].flatten().tolist()) for top in range(3)}
    assert torch.equal(fit_code(code, (5, 4), seeded()), code)
    both = fit_code(code, (2, 2), seeded())
    assert any(torch.equal(both, code[..., top : top + 2, left : left + 2]) for top in range(4) for left in range(3))


def test_a_smaller_code_is_stretched():
    code = torch.tensor([[0.0, 1.0]]).view(1, 1, 1, 2)
    wanted = torch.tensor([0, 0.25, 0.75, 1]).expand(1, 1, 3, 4)
    torch.testing.assert_close(fit_code(code, (3, 4)), wanted)
    mixed = fit_code(torch.arange(6.0).view(1, 1, 6, 1), (2, 3), seeded(1))  # cut down, stretched across
    assert mixed.shape == (1, 1, 2, 3)
    assert float(mixed[0, 0, 1, 0] - mixed[0, 0, 0, 0]) == 1
    assert (mixed == mixed[..., :1]).all()


def test_a_fitted_code_does_not_share_the_dice():
    code = random(1, 4, 9, 9)
    torch.manual_seed(5)
    expected = torch.rand(())
    torch.manual_seed(5)
    assert torch.equal(fit_code(code, (2, 2), seeded(1)), fit_code(code, (2, 2), seeded(1)))
    assert torch.equal(torch.rand(()), expected)
