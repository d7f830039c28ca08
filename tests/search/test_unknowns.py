"""Does every unknown give what it should, and can it be searched?"""

import pytest
import torch

from blurspace.blur.convolve import blur
from blurspace.blur.kernels import crop_or_pad, line
from blurspace.builders import build_space
from blurspace.chance import chance, seeded
from blurspace.errors import ModelError
from blurspace.nets.kernel_space import BasisSpace
from blurspace.search.blurs import CoordinateKernel, FreeCode, Held, NetworkCode, PriorCode, SimplexKernel
from blurspace.search.pictures import DeepDecoder, DeepImagePrior, Pixels
from blurspace.search.starts import AboutKernel, enlarged, first_code

SIZE = (40, 33)
SPACE = build_space()
CODE = SPACE.rest_code(SIZE)

PICTURES = {
    "pixels": lambda: Pixels(torch.rand(1, 3, *SIZE, generator=chance(1, 0))),
    "deep image prior": lambda: DeepImagePrior(SIZE, generator=chance(1, 1)),
    "deep decoder": lambda: DeepDecoder(SIZE, generator=chance(1, 2)),
    "deep decoder, all weights": lambda: DeepDecoder(SIZE, frozen=False, generator=chance(1, 2)),
}
CODES = {
    "free": lambda: FreeCode(CODE + 0.1),
    "network": lambda: NetworkCode(CODE.shape[1], SPACE.cells(SIZE), generator=chance(1, 3)),
    "prior": lambda: PriorCode(SPACE, SIZE, generator=chance(1, 4)),
    "prior from a start": lambda: PriorCode(SPACE, SIZE, start=CODE + 0.01),
}
KERNELS = {
    "simplex": lambda: SimplexKernel(9, generator=chance(1, 5)),
    "simplex from a start": lambda: SimplexKernel(9, start=line(9, 30.0, size=9)),
    "coordinates": lambda: CoordinateKernel(9),
}


def made(new):
    with seeded(3):
        return new()


def slopes(module, value):
    weights = torch.rand(value.shape, generator=chance(1, 6))
    return torch.autograd.grad((value * weights).sum(), [one for one in module.parameters() if one.requires_grad])


@pytest.mark.parametrize("name", PICTURES)
def test_pictures(name):
    module = made(PICTURES[name])
    picture = module()
    assert picture.shape == (1, 3, *SIZE)
    assert 0 <= picture.min() < picture.max() <= 1
    assert torch.equal(picture, made(PICTURES[name])())
    assert all(slope.isfinite().all() for slope in slopes(module, picture))
    assert any(slope.abs().max() > 1e-6 for slope in slopes(module, module()))


def test_pixels_begin_where_they_are_told():
    start = torch.rand(1, 1, 8, 9, generator=chance(1, 7)).clamp(0.01, 0.99)
    torch.testing.assert_close(Pixels(start)(), start)


def test_a_frozen_decoder_searches_few_numbers():
    def count(module):
        return sum(one.numel() for one in module.parameters() if one.requires_grad)

    assert 10 * count(DeepDecoder(SIZE)) < count(DeepDecoder(SIZE, frozen=False))


@pytest.mark.parametrize("name", CODES)
def test_codes(name):
    module = made(CODES[name])
    assert module().shape == CODE.shape
    assert torch.equal(module(), made(CODES[name])())
    assert all(slope.abs().max() > 0 for slope in slopes(module, module()))
    assert module.norm() >= 0
    assert module.norm().requires_grad


@pytest.mark.parametrize("name", KERNELS)
def test_kernels(name):
    module = made(KERNELS[name])
    kernel = module()
    assert kernel.shape == (1, 1, 9, 9)
    assert kernel.min() >= 0
    assert float(kernel.detach().sum()) == pytest.approx(1, abs=1e-5)
    assert any(slope.abs().max() > 0 for slope in slopes(module, kernel))
    assert module.norm() > 0


def test_starts_are_kept_exactly():
    start = CODE + 0.05 * torch.randn(CODE.shape, generator=chance(1, 8))
    torch.testing.assert_close(PriorCode(SPACE, SIZE, start=start)(), start)
    kernel = line(9, 30.0, size=9)
    torch.testing.assert_close(made(KERNELS["simplex from a start"])(), kernel, atol=5e-3, rtol=0)
    held = Held(kernel)
    assert torch.equal(held(), kernel)
    assert not list(held.parameters())


def test_a_space_without_prior_is_refused():
    with pytest.raises(ModelError, match=r"has no prior of codes: give one trained by task code prior$"):
        PriorCode(BasisSpace(count=3, side=5, stride=8), SIZE)


def test_a_space_about_a_kernel_begins_with_it():
    sharp = torch.rand(1, 1, 12, 12, generator=chance(1, 9)).repeat_interleave(8, -1).repeat_interleave(8, -2)
    kernel, state = line(7, 20.0), torch.get_rng_state()
    space = AboutKernel(SPACE, kernel)
    assert torch.equal(torch.get_rng_state(), state)
    code = first_code(space, (96, 96), response="linear")
    with torch.no_grad():
        torch.testing.assert_close(space.reblur(sharp, code), blur(sharp, kernel), atol=1e-5, rtol=0)
        changed = code.clone()
        changed[:, 0] = 0.3
        more = SPACE.reblur(sharp, changed) - sharp
        torch.testing.assert_close(space.reblur(sharp, changed) - blur(sharp, kernel), more, atol=1e-5, rtol=0)


@pytest.mark.parametrize("side", [9, 31, 61])
def test_a_kernel_that_begins_at_another_is_that(side):
    start = crop_or_pad(line(7, 20.0), side)
    kernel = SimplexKernel(side, start=start, generator=chance(1, 2))().detach()
    assert float((kernel - start).abs().sum()) < 3e-3


def code_of(kernel, size):
    sharp = torch.rand(1, 1, *size, generator=chance(1, 8))
    with torch.no_grad():
        return SPACE.extract(sharp, blur(sharp, kernel))


def test_an_enlarged_code_reaches_further():
    small = code_of(line(7, 0.0), (64, 64))
    small[:, -1] = 1.4
    code = enlarged(SPACE, small, 2, (128, 96))
    assert code.shape == SPACE.rest_code((128, 96)).shape
    torch.testing.assert_close(code[:, -1], torch.full_like(code[:, -1], 1.4))

    sharp = torch.rand(1, 1, 8, 6, generator=chance(1, 9)).repeat_interleave(16, -1).repeat_interleave(16, -2)
    plain, wanted = code.clone(), blur(sharp, line(14, 0.0))
    plain[:, -1] = 0
    with torch.no_grad():
        shorter = SPACE.reblur(sharp, code_of(line(7, 0.0), (128, 96)))
        reblurred = SPACE.reblur(sharp, plain)
    off, short, before = (float((one - wanted).square().mean()) for one in (reblurred, shorter, sharp))
    assert off < before / 4
    assert off < short
